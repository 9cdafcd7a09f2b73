package eventstest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
)

// patience is how long a check waits for a delivery that must come.
const patience = 30 * time.Second

// Run checks a driver. open gives a bus; subscriptions and topics of every check
// have names of their own, so one broker may serve them all.
func Run(t *testing.T, open func(t *testing.T) *events.Bus) {
	for _, c := range []struct {
		name string
		fn   func(*testing.T, *events.Bus)
	}{
		{"Delivers", delivers},
		{"PublishedBefore", publishedBefore},
		{"FanOut", fanOut},
		{"Retries", retries},
		{"RetryDoesNotBlock", retryDoesNotBlock},
		{"FinalErrorIsDead", finalErrorIsDead},
		{"LastAttemptIsDead", lastAttemptIsDead},
		{"Replay", replay},
		{"Panic", panics},
		{"Timeout", timeout},
		{"Concurrency", concurrency},
		{"OrderingKey", orderingKey},
		{"RepeatedID", repeatedID},
		{"Many", many},
		{"HandlerPublishes", handlerPublishes},
		{"TraceGoesOn", traceGoesOn},
		{"BadMessages", badMessages},
		{"BadSubscriptions", badSubscriptions},
		{"CloseWaits", closeWaits},
	} {
		t.Run(c.name, func(t *testing.T) {
			bus := open(t)
			t.Cleanup(func() {
				ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
				defer cancel()
				if err := bus.Close(ctx); err != nil {
					t.Errorf("close: %v", err)
				}
			})
			c.fn(t, bus)
		})
	}
}

type payload struct {
	N int `json:"n"`
}

// topic nobody else uses; its name serves for subscriptions too.
func topic() events.Topic[payload] {
	return events.Topic[payload]{Name: "test-" + state.NewID(), Type: "b2brecs.test.v1"}
}

func publish(t *testing.T, bus *events.Bus, tp events.Topic[payload], id, key string, n int) {
	t.Helper()
	if err := events.Publish(t.Context(), bus, tp, id, key, payload{n}); err != nil {
		t.Fatal(err)
	}
}

func subscribe(t *testing.T, bus *events.Bus, s events.Subscription) {
	t.Helper()
	if err := bus.Subscribe(s); err != nil {
		t.Fatal(err)
	}
}

// eventually waits until ok holds.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// log collects deliveries.
type log struct {
	mu sync.Mutex
	ms []events.Message
}

func (l *log) add(m events.Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ms = append(l.ms, m)
}

func (l *log) all() []events.Message {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]events.Message(nil), l.ms...)
}

func (l *log) len() int { return len(l.all()) }

func (l *log) ids() map[string]int {
	out := map[string]int{}
	for _, m := range l.all() {
		out[m.ID]++
	}
	return out
}

func (l *log) handler(_ context.Context, m events.Message) error { l.add(m); return nil }

func delivers(t *testing.T, bus *events.Bus) {
	tp := topic()
	var got log
	subscribe(t, bus, events.Subscription{Name: tp.Name, Topic: tp.Name, Handler: got.handler})
	before := time.Now()
	publish(t, bus, tp, "run/1 ä", "key", 42)
	eventually(t, "delivery", func() bool { return got.len() > 0 })
	m := got.all()[0]
	v, err := events.Decode(tp, m)
	if err != nil || v.N != 42 {
		t.Fatalf("payload %v, %v", v, err)
	}
	if m.ID != "run/1 ä" || m.Topic != tp.Name || m.Type != tp.Type || m.Key != "key" || m.Attempt != 1 {
		t.Fatalf("attributes changed on the way: %+v", m)
	}
	if m.Time.Before(before.Add(-time.Minute)) || m.Time.After(time.Now().Add(time.Minute)) || m.Time.Location() != time.UTC {
		t.Fatalf("time %v", m.Time)
	}
}

func publishedBefore(t *testing.T, bus *events.Bus) {
	tp := topic()
	for i := range 5 {
		publish(t, bus, tp, fmt.Sprint(i), "", i)
	}
	for _, name := range []string{tp.Name + "-a", tp.Name + "-b"} { // the second one comes after the first read all
		var got log
		subscribe(t, bus, events.Subscription{Name: name, Topic: tp.Name, Handler: got.handler})
		eventually(t, "messages from before the subscription", func() bool { return len(got.ids()) == 5 })
	}
}

func fanOut(t *testing.T, bus *events.Bus) {
	tp, other := topic(), topic()
	var a, b, c log
	subscribe(t, bus, events.Subscription{Name: tp.Name + "-a", Topic: tp.Name, Handler: a.handler})
	subscribe(t, bus, events.Subscription{Name: tp.Name + "-b", Topic: tp.Name, Handler: b.handler})
	subscribe(t, bus, events.Subscription{Name: other.Name, Topic: other.Name, Handler: c.handler})
	publish(t, bus, tp, "x", "", 1)
	publish(t, bus, other, "x", "", 2) // ids are per topic
	eventually(t, "one delivery each", func() bool { return a.len() > 0 && b.len() > 0 && c.len() > 0 })
	if v, err := events.Decode(other, c.all()[0]); err != nil || v.N != 2 {
		t.Fatalf("%v %v", v, err)
	}
}

func concurrency(t *testing.T, bus *events.Bus) {
	tp := topic()
	const limit, total = 4, 40
	var active, peak, done atomic.Int32
	full := make(chan struct{})
	var once sync.Once
	subscribe(t, bus, events.Subscription{Name: tp.Name, Topic: tp.Name, Concurrency: limit, Handler: func(ctx context.Context, m events.Message) error {
		n := active.Add(1)
		defer active.Add(-1)
		defer done.Add(1)
		for p := peak.Load(); n > p && !peak.CompareAndSwap(p, n); p = peak.Load() {
		}
		if n == limit {
			once.Do(func() { close(full) })
		}
		select { // the first ones wait until all places are taken
		case <-full:
		case <-ctx.Done():
		}
		time.Sleep(time.Millisecond)
		return nil
	}})
	for i := range total {
		publish(t, bus, tp, fmt.Sprint(i), "", i)
	}
	eventually(t, "all handled", func() bool { return done.Load() >= total })
	if peak.Load() != limit {
		t.Fatalf("%d at once, want %d", peak.Load(), limit)
	}
}

// orderingKey: with a free bus and no failures, messages of one key come one at
// a time and in order, whatever the concurrency.
func orderingKey(t *testing.T, bus *events.Bus) {
	tp := topic()
	const keys, each = 5, 40
	var mu sync.Mutex
	last := map[string]int{}
	inside := map[string]bool{}
	var faults []string
	var done atomic.Int32
	subscribe(t, bus, events.Subscription{Name: tp.Name, Topic: tp.Name, Concurrency: 8, Handler: func(_ context.Context, m events.Message) error {
		v, err := events.Decode(tp, m)
		if err != nil {
			return err
		}
		mu.Lock()
		if inside[m.Key] {
			faults = append(faults, "two at once of "+m.Key)
		}
		if v.N != last[m.Key]+1 {
			faults = append(faults, fmt.Sprintf("%s: %d after %d", m.Key, v.N, last[m.Key]))
		}
		last[m.Key] = v.N
		inside[m.Key] = true
		mu.Unlock()
		time.Sleep(200 * time.Microsecond)
		mu.Lock()
		inside[m.Key] = false
		mu.Unlock()
		done.Add(1)
		return nil
	}})
	for n := 1; n <= each; n++ {
		for k := range keys {
			key := fmt.Sprint("key-", k)
			publish(t, bus, tp, fmt.Sprint(key, "-", n), key, n)
		}
	}
	eventually(t, "all handled", func() bool { return done.Load() >= keys*each })
	mu.Lock()
	defer mu.Unlock()
	if len(faults) > 0 {
		t.Fatalf("%d faults, first %s", len(faults), faults[0])
	}
}

func repeatedID(t *testing.T, bus *events.Bus) {
	tp := topic()
	var got log
	subscribe(t, bus, events.Subscription{Name: tp.Name, Topic: tp.Name, Handler: got.handler})
	for range 5 {
		publish(t, bus, tp, "same", "", 1)
	}
	publish(t, bus, tp, "end", "", 1)
	eventually(t, "the last one", func() bool { return got.ids()["end"] > 0 })
	time.Sleep(30 * time.Millisecond)
	if n := got.ids()["same"]; n < 1 {
		t.Fatalf("delivered %d times", n)
	}
}

// many: concurrent publishers, batches, several subscriptions: nothing is lost.
func many(t *testing.T, bus *events.Bus) {
	tp := topic()
	const publishers, batches, batch = 4, 10, 60
	var a, b log
	subscribe(t, bus, events.Subscription{Name: tp.Name + "-a", Topic: tp.Name, Concurrency: 4, Handler: a.handler})
	subscribe(t, bus, events.Subscription{Name: tp.Name + "-b", Topic: tp.Name, Handler: b.handler})
	var wg sync.WaitGroup
	for p := range publishers {
		wg.Go(func() {
			for i := range batches {
				var ms []events.Message
				for k := range batch {
					m, err := events.Encode(tp, fmt.Sprintf("%d-%d-%d", p, i, k), "", payload{k})
					if err != nil {
						t.Error(err)
					}
					ms = append(ms, m)
				}
				if err := bus.PublishMessages(t.Context(), ms...); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	const total = publishers * batches * batch
	eventually(t, "all of both", func() bool { return len(a.ids()) == total && len(b.ids()) == total })
}

// handlerPublishes: a chain of events, each published by the handler of the one before.
func handlerPublishes(t *testing.T, bus *events.Bus) {
	tp := topic()
	var got log
	subscribe(t, bus, events.Subscription{Name: tp.Name, Topic: tp.Name, Handler: func(ctx context.Context, m events.Message) error {
		v, err := events.Decode(tp, m)
		if err != nil {
			return err
		}
		got.add(m)
		if v.N == 30 {
			return nil
		}
		return events.Publish(ctx, bus, tp, fmt.Sprint(v.N+1), "chain", payload{v.N + 1})
	}})
	publish(t, bus, tp, "1", "chain", 1)
	eventually(t, "the end of the chain", func() bool { return got.ids()["30"] > 0 })
}

func badMessages(t *testing.T, bus *events.Bus) {
	good := events.Message{ID: "x", Topic: "a-topic", Type: "t.v1", Data: []byte(`{}`)}
	for name, change := range map[string]func(*events.Message){
		"no id":    func(m *events.Message) { m.ID = "" },
		"no topic": func(m *events.Message) { m.Topic = "" },
		"topic":    func(m *events.Message) { m.Topic = "a topic" },
		"no type":  func(m *events.Message) { m.Type = "" },
		"no data":  func(m *events.Message) { m.Data = nil },
		"not json": func(m *events.Message) { m.Data = []byte(`{`) },
		"spaces":   func(m *events.Message) { m.ID = "x " },
		"control":  func(m *events.Message) { m.Key = "a\nb" },
		"not text": func(m *events.Message) { m.ID = "\xff" },
		"too big":  func(m *events.Message) { m.Data = []byte(`"` + fill(events.MaxDataBytes) + `"`) },
	} {
		m := good
		change(&m)
		if err := bus.PublishMessages(t.Context(), good, m); !problem.Is(err, problem.InvalidArgument) {
			t.Errorf("%s: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := bus.PublishMessages(ctx, good); !problem.Is(err, problem.Cancelled) {
		t.Errorf("cancelled: %v", err)
	}
}

func fill(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'x'
	}
	return string(b)
}

func badSubscriptions(t *testing.T, bus *events.Bus) {
	tp := topic()
	nop := func(context.Context, events.Message) error { return nil }
	for _, s := range []events.Subscription{
		{}, {Name: "a", Topic: tp.Name}, {Name: "a", Handler: nop}, {Topic: tp.Name, Handler: nop},
		{Name: "a", Topic: tp.Name, Handler: nop, Concurrency: -1},
	} {
		if err := bus.Subscribe(s); !problem.Is(err, problem.InvalidArgument) {
			t.Errorf("%+v: %v", s, err)
		}
	}
	s := events.Subscription{Name: tp.Name, Topic: tp.Name, Handler: nop}
	subscribe(t, bus, s)
	if err := bus.Subscribe(s); !problem.Is(err, problem.AlreadyExists) {
		t.Errorf("second subscription of one name: %v", err)
	}
}

func closeWaits(t *testing.T, bus *events.Bus) {
	tp := topic()
	started, release := make(chan struct{}), make(chan struct{})
	var ended, cancelled atomic.Bool
	subscribe(t, bus, events.Subscription{Name: tp.Name, Topic: tp.Name, Handler: func(ctx context.Context, _ events.Message) error {
		close(started)
		<-release
		cancelled.Store(ctx.Err() != nil)
		ended.Store(true)
		return nil
	}})
	publish(t, bus, tp, "x", "", 1)
	<-started
	time.AfterFunc(50*time.Millisecond, func() { close(release) })
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := bus.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if !ended.Load() || cancelled.Load() {
		t.Fatalf("handler ended %v, was cancelled %v", ended.Load(), cancelled.Load())
	}
	if err := events.Publish(t.Context(), bus, tp, "y", "", payload{}); err == nil {
		t.Fatal("a closed bus took an event")
	}
}
