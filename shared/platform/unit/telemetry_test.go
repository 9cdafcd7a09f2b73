package unit

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"go.opentelemetry.io/otel/trace"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/b2brecs/b2brecs/shared/api"
	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/platform"
	"github.com/b2brecs/b2brecs/shared/platform/cloud"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/telemetry"
	"github.com/b2brecs/b2brecs/shared/telemetry/telemetrytest"
)

const (
	callers = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	writers = "00-1af7651916cd43dd8448eb211c80319c-c7ad6b7169203331-01"
)

// Each request and each delivery is one span, exported before the answer: the child of
// who called or published, named and failed by the conventions, with its run.
func TestSpans(t *testing.T) {
	r := telemetrytest.Listen(t)
	telemetrytest.Start(t, r.URL)
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(telemetry.JSON(&log, "p")))
	t.Cleanup(func() { slog.SetDefault(before) })

	u, users, _ := signedIn(t, func(context.Context, string, events.Message, error) error { return nil })
	if _, err := u.bundle(t.Context()); err == nil {
		t.Fatal("the first opening is to fail")
	}
	fails := error(problem.New(problem.Internal, "it broke"))
	read := u.serve(platform.Function{Name: "read", Kind: platform.HTTP, Timeout: time.Minute, Register: func(a huma.API, _ *platform.Platform) {
		api.Handle(a, api.Op{ID: "read", Method: http.MethodGet, Path: "/v1/projects/{project}/experiments/{id}", Role: identity.Viewer},
			func(context.Context, *struct {
				Project string `path:"project"`
				ID      string `path:"id"`
			}) (*api.Body[string], error) {
				return nil, fails
			})
	}})
	deliver := u.deliver(platform.Function{Name: "f", Kind: platform.Event, Topic: "things", Timeout: time.Minute,
		Event: func(*platform.Platform) events.Handler {
			return func(context.Context, events.Message) error { return fails }
		}})
	owner, _, err := users.EnsureOwner(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	token, err := users.Session(t.Context(), owner.Subject)
	if err != nil {
		t.Fatal(err)
	}
	q := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/projects/p1/experiments/e1?token=hunter2", http.NoBody)
	q.Header.Set("Authorization", "Bearer "+token)
	q.Header.Set("traceparent", callers)
	read(httptest.NewRecorder(), q)
	q.Header.Set("Authorization", "Bearer x")
	read(httptest.NewRecorder(), q)
	m := events.Message{ID: "1", Topic: "things", Type: "b2brecs.things.v1", Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Data: []byte(`{"run":"r1"}`), Traceparent: writers}
	attributes := map[string]string{"ce-id": m.ID, "ce-type": m.Type, "ce-source": "//b2brecs/topics/things", "ce-specversion": "1.0", "ce-traceparent": writers}
	push := func(message map[string]any) {
		t.Helper()
		body, err := json.Marshal(map[string]any{"message": message, "subscription": "projects/p/subscriptions/f", "deliveryAttempt": 2})
		if err != nil {
			t.Fatal(err)
		}
		p := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", bytes.NewReader(body))
		p.Header.Set("traceparent", callers)
		deliver(httptest.NewRecorder(), p)
	}
	push(map[string]any{"attributes": attributes, "data": []byte(m.Data), "messageId": "77"})
	push(map[string]any{"attributes": map[string]string{"ce-type": m.Type}, "messageId": "78"})

	got := r.Spans()
	if len(got) != 4 {
		t.Fatalf("%d spans: %+v", len(got), got)
	}
	for i, want := range []telemetrytest.Span{
		{Name: "GET /v1/projects/{project}/experiments/{id}", Trace: callers[3:35], Parent: callers[36:52], Kind: otlp.Span_SPAN_KIND_SERVER, Failed: true,
			Attributes: map[string]string{"b2brecs.function": "read", "b2brecs.project": "p1", "b2brecs.experiment": "e1", "http.route": "/v1/projects/{project}/experiments/{id}"}},
		{Name: "GET", Trace: callers[3:35], Parent: callers[36:52], Kind: otlp.Span_SPAN_KIND_SERVER, Attributes: map[string]string{"b2brecs.function": "read"}},
		{Name: "process things", Trace: writers[3:35], Parent: writers[36:52], Kind: otlp.Span_SPAN_KIND_CONSUMER, Failed: true, Links: []string{callers[36:52]},
			Attributes: map[string]string{"b2brecs.function": "f", "b2brecs.run": "r1", "b2brecs.event": "1", "error.type": "internal", "messaging.destination.name": "things"}},
		{Name: "process things", Trace: callers[3:35], Parent: callers[36:52], Kind: otlp.Span_SPAN_KIND_CONSUMER, Failed: true,
			Attributes: map[string]string{"b2brecs.function": "f", "error.type": "invalid_argument"}},
	} {
		s := got[i]
		if s.Name != want.Name || s.Trace != want.Trace || s.Parent != want.Parent || s.Kind != want.Kind || s.Failed != want.Failed || strings.Join(s.Links, " ") != strings.Join(want.Links, " ") {
			t.Errorf("%+v, want %+v", s, want)
		}
		for k, v := range want.Attributes {
			if s.Attributes[k] != v {
				t.Errorf("%s: %s is %q, want %q", s.Name, k, s.Attributes[k], v)
			}
		}
	}
	if text := r.Text() + log.String(); strings.Contains(text, "hunter2") || strings.Contains(text, token) || strings.Contains(r.Text(), "it broke") {
		t.Errorf("a secret, or an error's words, got out:\n%s", text)
	}
	for _, want := range []string{
		`"message":"request failed"`, `"severity":"ERROR"`, `"experiment":"e1"`, `"logging.googleapis.com/trace":"projects/p/traces/` + callers[3:35] + `"`,
		`"message":"a delivery failed"`, `"run":"r1"`, `"function":"f"`, `"logging.googleapis.com/trace":"projects/p/traces/` + writers[3:35] + `","logging.googleapis.com/spanId":"` + got[2].ID + `"`,
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %s in the log:\n%s", want, log.String())
		}
	}
}

// Observing a process dials nothing, and without an endpoint nothing is recorded.
func TestObserve(t *testing.T) {
	telemetrytest.Start(t, "")
	defer func() { // spans of the tests after this one go nowhere
		t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "")
		if err := cloud.Observe(t.Context(), io.Discard); err != nil {
			t.Error(err)
		}
	}()
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	t.Setenv("B2BRECS_PROJECT", "p")
	for _, endpoint := range []string{"", "https://telemetry.googleapis.com"} {
		t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
		var log bytes.Buffer
		if err := cloud.Observe(t.Context(), &log); err != nil {
			t.Fatal(err)
		}
		ctx, end := events.Begin(t.Context(), "f", events.Message{ID: "1", Topic: "things"})
		if s := trace.SpanFromContext(ctx); !s.SpanContext().IsValid() || s.IsRecording() != (endpoint != "") {
			t.Errorf("with endpoint %q a span is %v, recorded %v", endpoint, s.SpanContext(), s.IsRecording())
		}
		if endpoint == "" {
			end(nil) // with Google's, what ends would be sent
		}
		slog.InfoContext(ctx, "said")
		if !strings.Contains(log.String(), `"logging.googleapis.com/trace":"projects/p/traces/`) {
			t.Error(log.String())
		}
	}
}
