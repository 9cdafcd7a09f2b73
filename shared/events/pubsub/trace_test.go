package pubsub_test

import (
	"slices"
	"testing"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/telemetry"
	"github.com/b2brecs/b2brecs/shared/telemetry/telemetrytest"
)

// A publication within an invocation carries its trace, and the client's own span of the
// call is below it.
func TestPublicationIsASpan(t *testing.T) {
	r := telemetrytest.Listen(t)
	telemetrytest.Start(t, r.URL)
	d := on(start(t).Options()).driver(t)
	t.Cleanup(func() { closeDriver(t, d) })
	ensure(t, d, queue("traced", "tp-traced"))
	ctx, end := events.Begin(t.Context(), "f", message("tp-before", "1"))
	if err := events.New(d).PublishMessages(ctx, message("tp-traced", "2")); err != nil {
		t.Fatal(err)
	}
	end(nil)
	telemetry.Flush(t.Context())
	spans := r.Spans()
	call := slices.IndexFunc(spans, func(s telemetrytest.Span) bool { return s.Name == "google.pubsub.v1.Publisher/Publish" })
	own := slices.IndexFunc(spans, func(s telemetrytest.Span) bool { return s.Name == "process tp-before" })
	if call < 0 || own < 0 || spans[call].Parent != spans[own].ID {
		t.Fatalf("%+v", spans)
	}
	var in inbox
	in.subscribe(t, d, events.Subscription{Name: "traced", Topic: "tp-traced"}, nothing)
	eventually(t, "the delivery", func() bool { return len(in.all()) == 1 })
	if got := in.all()[0].Traceparent; got[3:35] != spans[own].Trace || got[36:52] != spans[own].ID {
		t.Errorf("the message carries %q", got)
	}
}
