package eventstest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// Restart checks what survives the end of the process that delivered. open opens
// the same queue every time it is called with one name.
func Restart(t *testing.T, open func(t *testing.T, name string) *events.Bus) {
	t.Run("Unacknowledged", func(t *testing.T) { unacknowledged(t, open) })
	t.Run("RetryWaits", func(t *testing.T) { retryWaits(t, open) })
	t.Run("BurnsOut", func(t *testing.T) { burnsOut(t, open) })
	t.Run("NoSubscriber", func(t *testing.T) { noSubscriber(t, open) })
}

func closeNow(t *testing.T, bus *events.Bus) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := bus.Close(ctx); err != nil {
		t.Fatal(err)
	}
}

// unacknowledged: a handler that is stopped half-way gets its message again.
func unacknowledged(t *testing.T, open func(*testing.T, string) *events.Bus) {
	tp := topic()
	bus := open(t, tp.Name)
	started := make(chan struct{})
	subscribe(t, bus, events.Subscription{Name: tp.Name, Topic: tp.Name, Handler: func(ctx context.Context, m events.Message) error {
		if m.ID == "2" {
			close(started)
			<-ctx.Done()
			return problem.New(problem.InvalidArgument, "whatever a stopped handler says")
		}
		return nil
	}})
	for i := range 5 {
		publish(t, bus, tp, fmt.Sprint(i), "", i)
	}
	<-started
	closeNow(t, bus)

	bus = open(t, tp.Name)
	var got log
	subscribe(t, bus, events.Subscription{Name: tp.Name, Topic: tp.Name, Handler: got.handler})
	eventually(t, "the stopped one and those behind it", func() bool {
		n := got.ids()
		return n["2"] > 0 && n["3"] > 0 && n["4"] > 0
	})
	if dead, err := bus.DeadLetters(t.Context(), tp.Name, 1); err != nil || len(dead) != 0 {
		t.Fatalf("%v %v", dead, err)
	}
	closeNow(t, bus)

	bus = open(t, tp.Name)
	defer closeNow(t, bus)
	var again log
	subscribe(t, bus, events.Subscription{Name: tp.Name, Topic: tp.Name, Handler: again.handler})
	publish(t, bus, tp, "end", "", 0)
	eventually(t, "the new one", func() bool { return again.ids()["end"] > 0 })
	for id := range again.ids() {
		if id != "end" {
			t.Errorf("acknowledged event %s came again after a clean stop", id)
		}
	}
}

// retryWaits: the count of attempts survives.
func retryWaits(t *testing.T, open func(*testing.T, string) *events.Bus) {
	tp := topic()
	bus := open(t, tp.Name)
	var first log
	subscribe(t, bus, events.Subscription{Name: tp.Name, Topic: tp.Name, Handler: func(_ context.Context, m events.Message) error {
		first.add(m)
		return problem.New(problem.Unavailable, "later")
	}})
	publish(t, bus, tp, "x", "", 1)
	eventually(t, "two failures", func() bool { return first.len() >= 2 })
	time.Sleep(20 * time.Millisecond)
	closeNow(t, bus)
	bus = open(t, tp.Name)
	defer closeNow(t, bus)
	var got log
	subscribe(t, bus, events.Subscription{Name: tp.Name, Topic: tp.Name, Handler: got.handler})
	eventually(t, "the retry", func() bool { return got.len() > 0 })
	if n := got.all()[0].Attempt; n < 3 {
		t.Fatalf("attempt %d after two failures", n)
	}
}

// burnsOut: an event whose handler never ends, start after start, is dead in the end.
func burnsOut(t *testing.T, open func(*testing.T, string) *events.Bus) {
	tp := topic()
	for start := range 6 {
		bus := open(t, tp.Name)
		started := make(chan struct{}, 1)
		subscribe(t, bus, events.Subscription{Name: tp.Name, Topic: tp.Name, MaxAttempts: 3, Handler: func(ctx context.Context, m events.Message) error {
			started <- struct{}{}
			<-ctx.Done()
			return ctx.Err()
		}})
		if start == 0 {
			publish(t, bus, tp, "x", "", 1)
		}
		dead := false
		eventually(t, "an attempt or the dead letter", func() bool {
			list, err := bus.DeadLetters(t.Context(), tp.Name, 1)
			dead = err == nil && len(list) == 1
			return dead || len(started) > 0
		})
		closeNow(t, bus)
		if dead {
			return
		}
	}
	t.Fatal("the event was tried in six starts with three attempts allowed")
}

func noSubscriber(t *testing.T, open func(*testing.T, string) *events.Bus) {
	tp := topic()
	bus := open(t, tp.Name)
	publish(t, bus, tp, "x", "", 1)
	closeNow(t, bus)
	bus = open(t, tp.Name)
	defer closeNow(t, bus)
	var got log
	subscribe(t, bus, events.Subscription{Name: tp.Name, Topic: tp.Name, Handler: got.handler})
	eventually(t, "the event of the former process", func() bool { return got.len() > 0 })
}
