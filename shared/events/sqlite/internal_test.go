package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/internal/sqlitefile"
	"github.com/b2brecs/b2brecs/shared/problem"
)

func newDriver(t *testing.T, path string) *Driver {
	t.Helper()
	d, err := OpenWith(path, Options{MinBackoff: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeDriver(t, d) })
	return d
}

func closeDriver(t *testing.T, d *Driver) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 5*time.Second)
	defer cancel()
	if err := d.Close(ctx); err != nil {
		t.Error(err)
	}
}

func message(topic, id, key string) events.Message {
	return events.Message{ID: id, Topic: topic, Type: "t.v1", Key: key, Data: []byte(`{}`), Time: time.Now()}
}

func publish(t *testing.T, d *Driver, ms ...events.Message) {
	t.Helper()
	if err := d.Publish(t.Context(), ms...); err != nil {
		t.Fatal(err)
	}
}

func subscribe(t *testing.T, d *Driver, name, topic string, concurrency, attempts int, h events.Handler) {
	t.Helper()
	err := d.Subscribe(events.Subscription{Name: name, Topic: topic, Concurrency: concurrency, Timeout: time.Minute, MaxAttempts: attempts, Handler: h})
	if err != nil {
		t.Fatal(err)
	}
}

func count(t *testing.T, d *Driver, table string) (n int) {
	t.Helper()
	err := d.file.Rows(t.Context(), func(r *sql.Rows) error { return r.Scan(&n) }, "SELECT count(*) FROM "+table)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// TestBacklog: more messages than the window holds, published before, during and
// after a slow start, arrive once each and in order per key.
func TestBacklog(t *testing.T) {
	for _, keys := range []int{0, 1, 50} {
		t.Run(fmt.Sprint(keys, " keys"), func(t *testing.T) {
			d := newDriver(t, filepath.Join(t.TempDir(), "events.db"))
			const before, after = 2*window + 300, 2 * window
			batch := func(from, to int) (ms []events.Message) {
				for i := from; i < to; i++ {
					key := ""
					if keys > 0 {
						key = fmt.Sprint("k", i%keys)
					}
					ms = append(ms, message("topic", fmt.Sprintf("%06d", i), key))
				}
				return ms
			}
			publish(t, d, batch(0, before)...)
			release := make(chan struct{})
			var mu sync.Mutex
			seen := map[string][]string{}
			total := 0
			subscribe(t, d, "s", "topic", 8, 8, func(_ context.Context, m events.Message) error {
				<-release
				mu.Lock()
				defer mu.Unlock()
				seen[m.Key] = append(seen[m.Key], m.ID)
				total++
				return nil
			})
			for i := before; i < before+after; i += 100 {
				publish(t, d, batch(i, i+100)...)
				if i == before+1000 {
					close(release)
				}
			}
			eventually(t, "all handled", func() bool { mu.Lock(); defer mu.Unlock(); return total >= before+after })
			time.Sleep(20 * time.Millisecond)
			mu.Lock()
			defer mu.Unlock()
			if total != before+after {
				t.Errorf("%d deliveries of %d messages", total, before+after)
			}
			for key, ids := range seen {
				if key != "" && !slices.IsSorted(ids) {
					t.Errorf("key %s is out of order", key)
				}
			}
			eventually(t, "all acknowledged", func() bool { return count(t, d, "deliveries") == 0 })
		})
	}
}

func TestRepeatedIDIsOneDelivery(t *testing.T) {
	d := newDriver(t, filepath.Join(t.TempDir(), "events.db"))
	var mu sync.Mutex
	n := map[string]int{}
	subscribe(t, d, "s", "topic", 1, 8, func(_ context.Context, m events.Message) error {
		mu.Lock()
		defer mu.Unlock()
		n[m.ID]++
		return nil
	})
	publish(t, d, message("topic", "a", ""), message("topic", "a", ""))
	publish(t, d, message("topic", "a", ""))
	publish(t, d, message("topic", "b", ""))
	eventually(t, "the last", func() bool { mu.Lock(); defer mu.Unlock(); return n["b"] == 1 })
	if n["a"] != 1 {
		t.Errorf("delivered %d times", n["a"])
	}
}

func TestPurge(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.db")
	d := newDriver(t, path)
	var mu sync.Mutex
	handled := map[string]bool{}
	handler := func(_ context.Context, m events.Message) error {
		mu.Lock()
		defer mu.Unlock()
		if m.ID == "dead" && !handled["replay"] {
			return problem.New(problem.InvalidArgument, "no")
		}
		handled[m.ID] = true
		return nil
	}
	subscribe(t, d, "live", "topic", 1, 8, handler)
	block := make(chan struct{})
	defer close(block)
	subscribe(t, d, "busy", "topic", 1, 8, func(ctx context.Context, m events.Message) error {
		if m.ID != "unacknowledged" {
			return nil
		}
		select {
		case <-block:
		case <-ctx.Done():
		}
		return ctx.Err()
	})
	publish(t, d, message("topic", "done", ""), message("topic", "dead", ""))
	eventually(t, "first two settled", func() bool { return count(t, d, "deliveries") == 0 && count(t, d, "dead") == 1 })
	publish(t, d, message("topic", "unacknowledged", ""))
	eventually(t, "third handled by one", func() bool { return count(t, d, "deliveries") == 1 })

	if err := d.purge(time.Now().Add(-time.Hour)); err != nil || count(t, d, "messages") != 3 {
		t.Fatalf("%d messages, %v; within the retention all stay", count(t, d, "messages"), err)
	}
	if err := d.purge(time.Now().Add(time.Hour)); err != nil || count(t, d, "messages") != 1 {
		t.Fatalf("%d messages, %v; only the unacknowledged one stays", count(t, d, "messages"), err)
	}
	if n := count(t, d, "subscriptions"); n != 2 {
		t.Fatalf("%d subscriptions; those of this process stay", n)
	}
	mu.Lock()
	handled["replay"] = true
	mu.Unlock()
	if err := d.Replay(t.Context(), "live", "dead"); err != nil { // its message is gone, its copy is not
		t.Fatal(err)
	}
	eventually(t, "the replay", func() bool { mu.Lock(); defer mu.Unlock(); return handled["dead"] })

	// A subscription that no start names any more is forgotten with what it owes.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.Close(ctx); err != nil {
		t.Fatal(err)
	}
	d = newDriver(t, path)
	subscribe(t, d, "live", "topic", 1, 8, handler)
	if err := d.purge(time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if s, v, m := count(t, d, "subscriptions"), count(t, d, "deliveries"), count(t, d, "messages"); s != 1 || v != 0 || m > 1 {
		t.Errorf("%d subscriptions, %d deliveries, %d messages", s, v, m)
	}
}

// A subscription that changes its topic owes nothing of the old one and gets the
// new one's from before.
func TestSubscriptionChangesTopic(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.db")
	d := newDriver(t, path)
	fail := func(context.Context, events.Message) error { return problem.New(problem.Unavailable, "later") }
	subscribe(t, d, "s", "first", 1, 100, fail)
	publish(t, d, message("first", "1", ""), message("second", "2", ""))
	closeDriver(t, d)
	d = newDriver(t, path)
	got := make(chan string, 10)
	subscribe(t, d, "s", "second", 1, 100, func(_ context.Context, m events.Message) error { got <- m.ID; return nil })
	if id := <-got; id != "2" {
		t.Errorf("got %s", id)
	}
	select {
	case id := <-got:
		t.Errorf("got %s too", id)
	case <-time.After(50 * time.Millisecond):
	}
}

func TestBackoff(t *testing.T) {
	d := &Driver{opt: Options{MinBackoff: 200 * time.Millisecond, MaxBackoff: time.Minute}}
	for attempts, most := range map[int]time.Duration{1: 200 * time.Millisecond, 2: 400 * time.Millisecond, 5: 3200 * time.Millisecond, 9: 51200 * time.Millisecond, 10: time.Minute, 100: time.Minute} {
		low, high := time.Hour, time.Duration(0)
		for range 200 {
			w := d.backoff(attempts)
			low, high = min(low, w), max(high, w)
		}
		if low < most/2 || high > most || high-low < most/4 {
			t.Errorf("after %d attempts %v to %v, want spread between %v and %v", attempts, low, high, most/2, most)
		}
	}
}

// A handler that ignores its end is left behind: Close says so and its event stays.
func TestCloseGivesUpOnAHandler(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.db")
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	started, release := make(chan struct{}), make(chan struct{})
	subscribe(t, d, "s", "topic", 1, 8, func(context.Context, events.Message) error {
		close(started)
		<-release
		return nil
	})
	publish(t, d, message("topic", "1", ""))
	<-started
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.Close(ctx); !problem.Is(err, problem.Unavailable) {
		t.Errorf("got %v", err)
	}
	close(release)
	d.running.Wait() // it still has the folder of this test
	d = newDriver(t, path)
	if n := count(t, d, "deliveries"); n != 1 {
		t.Errorf("%d deliveries are kept", n)
	}
}

// One message that cannot be stored does not take those of other goroutines with it.
func TestBadOpInABatch(t *testing.T) {
	d := newDriver(t, filepath.Join(t.TempDir(), "events.db"))
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			m := message("topic", fmt.Sprint(i), "")
			ctx := t.Context()
			if i%10 == 3 {
				err, _ := d.do(ctx.Done(), &op{run: func(*sqlitefile.Tx) error { return problem.New(problem.Internal, "injected") }})
				if !problem.Is(err, problem.Internal) {
					t.Errorf("bad change: %v", err)
				}
				return
			}
			if err := d.Publish(ctx, m); err != nil {
				t.Errorf("good change: %v", err)
			}
		})
	}
	wg.Wait()
	if n := count(t, d, "messages"); n != 36 {
		t.Errorf("%d messages", n)
	}
}
