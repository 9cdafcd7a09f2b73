package eventstest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/problem"
)

func retries(t *testing.T, bus *events.Bus) {
	tp := topic()
	var got log
	subscribe(t, bus, events.Subscription{Name: tp.Name, Topic: tp.Name, Handler: func(_ context.Context, m events.Message) error {
		got.add(m)
		switch m.Attempt {
		case 1:
			return problem.New(problem.Unavailable, "the source is away")
		case 2:
			return errors.New("a plain error is retried")
		}
		return nil
	}})
	publish(t, bus, tp, "x", "", 1)
	eventually(t, "third attempt", func() bool { return got.len() >= 3 })
	time.Sleep(50 * time.Millisecond)
	for i, m := range got.all() {
		if m.Attempt != i+1 || i > 2 {
			t.Fatalf("delivery %d says attempt %d", i+1, m.Attempt)
		}
	}
	if dead, err := bus.DeadLetters(t.Context(), tp.Name, 10); err != nil || len(dead) != 0 {
		t.Fatalf("dead letters %v, %v", dead, err)
	}
}

func retryDoesNotBlock(t *testing.T, bus *events.Bus) {
	tp := topic()
	var good, bad log
	subscribe(t, bus, events.Subscription{Name: tp.Name, Topic: tp.Name, MaxAttempts: 100, Handler: func(_ context.Context, m events.Message) error {
		if m.ID == "bad" {
			bad.add(m)
			return problem.New(problem.Unavailable, "not yet")
		}
		return good.handler(t.Context(), m)
	}})
	publish(t, bus, tp, "bad", "", 0)
	for i := range 20 {
		publish(t, bus, tp, fmt.Sprint(i), "", i)
	}
	eventually(t, "the others", func() bool { return len(good.ids()) == 20 && bad.len() > 0 })
}

func finalErrorIsDead(t *testing.T, bus *events.Bus) {
	tp := topic()
	var got log
	subscribe(t, bus, events.Subscription{Name: tp.Name, Topic: tp.Name, Handler: func(_ context.Context, m events.Message) error {
		got.add(m)
		return problem.New(problem.InvalidArgument, "column %q is unknown", m.ID)
	}})
	for _, id := range []string{"a", "b", "c"} {
		publish(t, bus, tp, id, "k", 1)
	}
	var dead []events.DeadLetter
	eventually(t, "three dead letters", func() bool {
		var err error
		if dead, err = bus.DeadLetters(t.Context(), tp.Name, 10); err != nil {
			t.Fatal(err)
		}
		return len(dead) == 3
	})
	if n := got.ids(); n["a"] != 1 || n["b"] != 1 || n["c"] != 1 {
		t.Fatalf("deliveries %v; a final error MUST NOT be retried", n)
	}
	for _, d := range dead {
		if d.Subscription != tp.Name || d.Reason != fmt.Sprintf("column %q is unknown", d.Message.ID) || d.At.IsZero() || string(d.Message.Data) != `{"n":1}` {
			t.Fatalf("%+v", d)
		}
	}
	if dead, err := bus.DeadLetters(t.Context(), tp.Name, 2); err != nil || len(dead) != 2 {
		t.Fatalf("limit 2 gave %d, %v", len(dead), err)
	}
	if dead, err := bus.DeadLetters(t.Context(), "nobody", 2); err != nil || len(dead) != 0 {
		t.Fatalf("%v, %v", dead, err)
	}
}

func lastAttemptIsDead(t *testing.T, bus *events.Bus) {
	tp := topic()
	var got log
	subscribe(t, bus, events.Subscription{Name: tp.Name, Topic: tp.Name, MaxAttempts: 3, Handler: func(_ context.Context, m events.Message) error {
		got.add(m)
		return fmt.Errorf("failure %d", m.Attempt)
	}})
	publish(t, bus, tp, "x", "", 1)
	eventually(t, "dead letter", func() bool {
		dead, err := bus.DeadLetters(t.Context(), tp.Name, 10)
		return err == nil && len(dead) == 1 && dead[0].Reason == "failure 3"
	})
	if got.len() != 3 {
		t.Fatalf("%d attempts, want 3", got.len())
	}
}

func replay(t *testing.T, bus *events.Bus) {
	tp := topic()
	var repaired atomic.Bool
	var got log
	subscribe(t, bus, events.Subscription{Name: tp.Name, Topic: tp.Name, Handler: func(_ context.Context, m events.Message) error {
		got.add(m)
		if !repaired.Load() {
			return problem.New(problem.FailedPrecondition, "not repaired")
		}
		return nil
	}})
	publish(t, bus, tp, "x", "", 7)
	eventually(t, "dead letter", func() bool {
		dead, _ := bus.DeadLetters(t.Context(), tp.Name, 10)
		return len(dead) == 1
	})
	if err := bus.Replay(t.Context(), tp.Name, "other"); !problem.Is(err, problem.NotFound) {
		t.Fatalf("replay of nothing: %v", err)
	}
	repaired.Store(true)
	if err := bus.Replay(t.Context(), tp.Name, "x"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the replay", func() bool { return got.len() >= 2 })
	if m := got.all()[1]; m.Attempt != 1 || string(m.Data) != `{"n":7}` {
		t.Fatalf("%+v", m)
	}
	if dead, err := bus.DeadLetters(t.Context(), tp.Name, 10); err != nil || len(dead) != 0 {
		t.Fatalf("%v, %v", dead, err)
	}
	if err := bus.Replay(t.Context(), tp.Name, "x"); !problem.Is(err, problem.NotFound) {
		t.Fatalf("second replay: %v", err)
	}
}

func panics(t *testing.T, bus *events.Bus) {
	tp := topic()
	var got log
	subscribe(t, bus, events.Subscription{Name: tp.Name, Topic: tp.Name, MaxAttempts: 2, Handler: func(_ context.Context, m events.Message) error {
		got.add(m)
		if m.ID == "bad" {
			panic("index out of range")
		}
		return nil
	}})
	publish(t, bus, tp, "bad", "", 1)
	publish(t, bus, tp, "good", "", 1)
	eventually(t, "dead letter of the panic, delivery of the other", func() bool {
		dead, _ := bus.DeadLetters(t.Context(), tp.Name, 10)
		return len(dead) == 1 && dead[0].Message.ID == "bad" && dead[0].Reason != "" && got.ids()["good"] == 1
	})
}

func timeout(t *testing.T, bus *events.Bus) {
	tp := topic()
	var got log
	subscribe(t, bus, events.Subscription{Name: tp.Name, Topic: tp.Name, Timeout: 30 * time.Millisecond, MaxAttempts: 3, Handler: func(ctx context.Context, m events.Message) error {
		got.add(m)
		if m.Attempt > 1 {
			return nil
		}
		<-ctx.Done()
		return ctx.Err()
	}})
	publish(t, bus, tp, "x", "", 1)
	eventually(t, "second attempt", func() bool { return got.len() >= 2 })
}
