package sqlite

import (
	"container/heap"
	"database/sql"
	"sync"
	"time"

	"github.com/b2brecs/b2brecs/shared/events"
)

// window bounds the messages a subscription holds in memory; more stay in the file.
const window = 1000

// delivery is one message on its way to one subscription.
type delivery struct {
	seq      int64
	attempts int // attempts that ended or are known to have begun
	msg      events.Message
	// again: the message may have been handled by a process that died, so the
	// attempt is counted in the file before it begins.
	again bool
}

// subscriber dispatches the messages of one subscription. The file is the truth;
// the fields are a window on it.
type subscriber struct {
	events.Subscription
	d *Driver

	mu      sync.Mutex
	stopped bool // not started yet, or closed
	closed  bool
	ready   []delivery            // in order of arrival
	freed   []delivery            // the next ones of keys that were busy; they hold their key
	keys    map[string][]delivery // keys being handled, with those that wait for them
	waiting int                   // total of keys' lists
	cursor  int64                 // highest seq taken from the stream
	backlog bool                  // the file holds never-tried deliveries beyond cursor
	known   int64                 // deliveries up to here are from before this process
	delayed delays
	timer   *time.Timer
	active  int
}

func newSubscriber(d *Driver, s events.Subscription) *subscriber {
	return &subscriber{Subscription: s, d: d, keys: map[string][]delivery{}, stopped: true}
}

// start begins dispatch; deliveries up to seq known are from before.
func (s *subscriber) start(known int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.stopped, s.known, s.backlog = false, known, true
	err := s.d.file.Rows(s.d.handlers, func(r *sql.Rows) error {
		var e delay
		if err := r.Scan(&e.seq, &e.due); err != nil {
			return err
		}
		e.again = true
		s.delayed = append(s.delayed, e)
		return nil
	}, `SELECT seq, due FROM deliveries WHERE subscription = ? AND due > 0`, s.Name)
	if err != nil {
		s.d.opt.Log.Error("retries cannot be read; they wait for the next start", "subscription", s.Name, "error", err)
	}
	heap.Init(&s.delayed)
	s.pump()
}

func (s *subscriber) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped, s.closed = true, true
	if s.timer != nil {
		s.timer.Stop()
	}
}

// offer takes a message that was just committed. Before start and with a full
// window it stays in the file.
func (s *subscriber) offer(v delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped || v.seq <= s.cursor {
		return
	}
	if s.backlog || len(s.ready)+s.waiting >= window {
		s.backlog = true
		return
	}
	s.cursor = v.seq
	s.ready = append(s.ready, v)
	s.pump()
}

// pump starts handlers while there are free places and messages. It holds mu.
func (s *subscriber) pump() {
	for !s.stopped && s.active < s.Concurrency {
		v, ok := s.next()
		if !ok {
			return
		}
		s.active++
		s.d.running.Add(1)
		go s.handle(v)
	}
}

// next gives a message whose ordering key is free. It holds mu.
func (s *subscriber) next() (delivery, bool) {
	for {
		if len(s.freed) > 0 { // they came before everything ready
			v := s.freed[0]
			s.freed = s.freed[1:]
			return v, true
		}
		v, ok := s.take()
		if !ok || v.msg.Key == "" {
			return v, ok
		}
		if list, busy := s.keys[v.msg.Key]; busy {
			s.keys[v.msg.Key] = append(list, v)
			s.waiting++
			continue
		}
		s.keys[v.msg.Key] = nil
		return v, true
	}
}

// take gives a retry that is due, else the next message in order. It holds mu.
func (s *subscriber) take() (delivery, bool) {
	for len(s.delayed) > 0 && s.delayed[0].due <= time.Now().UnixMilli() {
		e := heap.Pop(&s.delayed).(delay)
		v, found, err := s.load(e)
		if err != nil {
			e.due = time.Now().Add(time.Second).UnixMilli()
			heap.Push(&s.delayed, e)
			break
		}
		if found {
			return v, true
		}
	}
	if len(s.ready) == 0 && s.backlog && s.waiting < window {
		s.refill()
	}
	if len(s.ready) == 0 {
		s.arm()
		return delivery{}, false
	}
	v := s.ready[0]
	s.ready[0] = delivery{} // let go of the payload
	s.ready = s.ready[1:]
	return v, true
}

// arm sets the timer for the earliest retry. It holds mu.
func (s *subscriber) arm() {
	if s.stopped || len(s.delayed) == 0 {
		return
	}
	wait := max(0, time.Until(time.UnixMilli(s.delayed[0].due)))
	if s.timer != nil {
		s.timer.Stop()
	}
	s.timer = time.AfterFunc(wait, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.pump()
	})
}

// refill reads the next messages of a backlog. It holds mu, so that no offer
// slips between the page and the end of the backlog.
func (s *subscriber) refill() {
	n := 0
	err := s.d.file.Rows(s.d.handlers, func(r *sql.Rows) error {
		var attempts int
		v, err := scanMessage(r.Scan, &attempts)
		if err != nil {
			return err
		}
		v.attempts, v.again = attempts, v.seq <= s.known
		s.ready = append(s.ready, v)
		s.cursor = v.seq
		n++
		return nil
	}, `SELECT `+messageColumns+`, attempts FROM deliveries JOIN messages USING (seq)
WHERE subscription = ? AND seq > ? AND due = 0 ORDER BY seq LIMIT ?`, s.Name, s.cursor, window)
	if err != nil {
		if s.d.handlers.Err() == nil {
			s.d.opt.Log.Error("events cannot be read", "subscription", s.Name, "error", err)
			time.AfterFunc(time.Second, func() {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.pump()
			})
		}
		return
	}
	s.backlog = n == window
}

func (s *subscriber) load(e delay) (v delivery, found bool, err error) {
	err = s.d.file.Rows(s.d.handlers, func(r *sql.Rows) error {
		var attempts int
		if v, err = scanMessage(r.Scan, &attempts); err != nil {
			return err
		}
		v.attempts, v.again, found = attempts, e.again, true
		return nil
	}, `SELECT `+messageColumns+`, attempts FROM deliveries JOIN messages USING (seq)
WHERE subscription = ? AND seq = ?`, s.Name, e.seq)
	return v, found, err
}

// delay schedules the next attempt of a message.
func (s *subscriber) delay(e delay) {
	s.mu.Lock()
	defer s.mu.Unlock()
	heap.Push(&s.delayed, e)
	s.pump()
	s.arm()
}

// finished frees the place of a message.
func (s *subscriber) finished(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active--
	if key != "" {
		if list := s.keys[key]; len(list) > 0 {
			s.freed = append(s.freed, list[0])
			s.keys[key] = list[1:]
			s.waiting--
		} else {
			delete(s.keys, key)
		}
	}
	s.pump()
}

// delay is a message that waits for its next attempt, in a heap by due time.
type delay struct {
	due   int64 // unix milliseconds
	seq   int64
	again bool
}

type delays []delay

func (h delays) Len() int { return len(h) }
func (h delays) Less(i, j int) bool {
	return h[i].due < h[j].due || h[i].due == h[j].due && h[i].seq < h[j].seq
}
func (h delays) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *delays) Push(v any)   { *h = append(*h, v.(delay)) }
func (h *delays) Pop() any {
	old := *h
	v := old[len(old)-1]
	*h = old[:len(old)-1]
	return v
}
