package eventstest

import (
	"context"
	"testing"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/telemetry"
)

// The trace of who published goes on in every attempt, among the dead letters, and after
// a replay.
func traceGoesOn(t *testing.T, bus *events.Bus) {
	const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	tp := topic()
	var got log
	subscribe(t, bus, events.Subscription{Name: tp.Name, Topic: tp.Name, Handler: func(ctx context.Context, m events.Message) error {
		got.add(m)
		if here := telemetry.Traceparent(ctx); !telemetry.Valid(here) || here[3:35] != trace[3:35] {
			t.Errorf("attempt %d runs in trace %q", m.Attempt, here)
		}
		switch got.len() {
		case 1:
			return problem.New(problem.Unavailable, "again")
		case 2:
			return problem.New(problem.FailedPrecondition, "dead")
		}
		return nil
	}})
	m, err := events.Encode(tp, "x", "", payload{1})
	if err != nil {
		t.Fatal(err)
	}
	m.Traceparent = trace
	if err := bus.PublishMessages(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the dead letter", func() bool {
		dead, err := bus.DeadLetters(t.Context(), tp.Name, 10)
		return err == nil && len(dead) == 1 && dead[0].Message.Traceparent == trace
	})
	if err := bus.Replay(t.Context(), tp.Name, "x"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the replay", func() bool { return got.len() >= 3 })
	for _, m := range got.all() {
		if m.Traceparent != trace {
			t.Errorf("attempt %d came with %q", m.Attempt, m.Traceparent)
		}
	}
}
