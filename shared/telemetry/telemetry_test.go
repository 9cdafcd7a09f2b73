package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/telemetry"
	"github.com/b2brecs/b2brecs/shared/telemetry/telemetrytest"
)

const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func process(t *testing.T, fn func(context.Context) error) {
	t.Helper()
	ctx, end := telemetry.Process(t.Context(), "f", telemetry.Delivery{Topic: "things", ID: "e1", Attempt: 2, Traceparent: parent, Data: []byte(`{"run":"r1","n":1,"labels":{"project":"p1"}}`)})
	end(fn(ctx))
}

func line(t *testing.T, project string, fn func(*slog.Logger)) map[string]any {
	t.Helper()
	var out bytes.Buffer
	fn(slog.New(telemetry.JSON(&out, project)))
	var v map[string]any
	if err := json.Unmarshal(out.Bytes(), &v); err != nil {
		t.Fatalf("%s: %v", out.String(), err)
	}
	return v
}

// A line has the ids of its invocation, and each key once, on either platform, whether
// spans are exported or not.
func TestLines(t *testing.T) {
	telemetrytest.Start(t, "")
	process(t, func(ctx context.Context) error {
		inner, span := otel.Tracer("t").Start(ctx, "inner")
		defer span.End()
		telemetry.Add(inner, slog.String("chunk", "c1"), slog.String("run", "r2"), slog.String("task", ""))
		own := span.SpanContext()
		if own.IsSampled() || span.IsRecording() {
			t.Error("a span is recorded and goes nowhere")
		}
		for project, want := range map[string]map[string]any{
			"":  {"level": "WARN", "msg": "said", "trace_id": own.TraceID().String(), "span_id": own.SpanID().String()},
			"p": {"severity": "WARNING", "message": "said", "logging.googleapis.com/trace": "projects/p/traces/" + own.TraceID().String(), "logging.googleapis.com/spanId": own.SpanID().String(), "logging.googleapis.com/trace_sampled": false},
		} {
			got := line(t, project, func(l *slog.Logger) { l.With("event", "mine").WarnContext(inner, "said", "n", 1) })
			for k, v := range map[string]any{"function": "f", "event": "mine", "run": "r2", "project": "p1", "chunk": "c1", "n": 1.0} {
				want[k] = v
			}
			delete(got, "time")
			if a, b := must(t, got), must(t, want); a != b {
				t.Errorf("%s\nwant %s", a, b)
			}
			if own.TraceID().String() != parent[3:35] {
				t.Errorf("the trace of the publisher does not go on: %s", own.TraceID())
			}
		}
		return nil
	})
	if got := line(t, "p", func(l *slog.Logger) { l.InfoContext(t.Context(), "alone") }); len(got) != 3 {
		t.Errorf("a line of no invocation: %v", got)
	}
}

func must(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// What looks like a secret is cut out of lines and spans, wherever it stands.
func TestSecretsAreCutOut(t *testing.T) {
	secrets := []string{
		"get postgres://loader:hunter2-x@db.example/sales failed", "get postgres://loader:hu/nter2-x@p@db.example/sales failed",
		`Put "https://storage.googleapis.com/b/o?X-Goog-Signature=hunter2-x": EOF`, "open http://localhost/signin?code=hunter2-x",
		"Authorization: Bearer hunter2-x.y.z", "authorization: basic aHVudGVyMi14hunter2-x", "host=db password=hunter2-x user=u", "password='hunter2-x y'",
		`{"password": "hunter2-x", "user":"u"}`, "api_key: hunter2-x", "client_secret=hunter2-x",
		`{"idToken":"hunter2-x"}`, "accessToken: hunter2-x", `the answer is "{\"password\":\"hunter2-x\"}"`,
	}
	r := telemetrytest.Listen(t)
	telemetrytest.Start(t, r.URL)
	for _, s := range secrets {
		for name, got := range map[string]map[string]any{
			"message": line(t, "", func(l *slog.Logger) { l.Info(s) }), "text": line(t, "", func(l *slog.Logger) { l.Info("m", "a", s) }),
			"error": line(t, "", func(l *slog.Logger) { l.Info("m", "a", errors.New(s)) }), "with": line(t, "", func(l *slog.Logger) { l.With("a", s).Info("m") }),
			"group": line(t, "", func(l *slog.Logger) { l.Info("m", slog.Group("g", "a", s)) }), "key": line(t, "", func(l *slog.Logger) { l.Info("m", "refresh_token", "hunter2-x") }),
		} {
			if text := must(t, got); strings.Contains(text, "hunter2") {
				t.Errorf("%s: %s", name, text)
			}
		}
		process(t, func(ctx context.Context) error {
			_, span := otel.Tracer("t").Start(ctx, "inner")
			defer span.End()
			span.SetAttributes(attribute.String("url.full", s), attribute.StringSlice("list", []string{s}), attribute.String("db.password", "hunter2-x"))
			span.RecordError(errors.New(s))
			telemetry.Add(ctx, slog.String("run", s))
			return nil
		})
	}
	telemetry.Flush(t.Context())
	if n := len(r.Spans()); n != 2*len(secrets) {
		t.Fatalf("%d spans", n)
	}
	if strings.Contains(r.Text(), "hunter2") {
		t.Error(r.Text())
	}
	harmless := "load 3 of https://example.com/a/b: token expired, 2 rows, 3 tokens: fine"
	if got := line(t, "", func(l *slog.Logger) { l.Info(harmless) }); got["msg"] != harmless {
		t.Errorf("%v", got["msg"])
	}
}

// An event's span is a child of its publisher's and linked to the push; a failure is
// its code alone.
func TestProcess(t *testing.T) {
	r := telemetrytest.Listen(t)
	telemetrytest.Start(t, r.URL)
	push, span := otel.Tracer("t").Start(t.Context(), "push")
	ctx, end := telemetry.Process(push, "f", telemetry.Delivery{Topic: "things", ID: "e1", Traceparent: parent, Data: []byte("[]")})
	if tp := telemetry.Traceparent(ctx); !telemetry.Valid(tp) || tp[3:35] != parent[3:35] {
		t.Errorf("events of this handler would carry %q", tp)
	}
	end(problem.New(problem.Unavailable, "the words"))
	span.End()
	telemetry.Flush(t.Context())
	for _, s := range r.Spans() {
		if s.Name == "push" {
			continue
		}
		if s.Name != "process things" || s.Trace != parent[3:35] || s.Parent != parent[36:52] || !s.Failed || s.Attributes["error.type"] != "unavailable" ||
			len(s.Links) != 1 || s.Links[0] != span.SpanContext().SpanID().String() || s.Attributes["b2brecs.event"] != "e1" {
			t.Errorf("%+v", s)
		}
	}
	if strings.Contains(r.Text(), "the words") {
		t.Error("an error's words are in a span")
	}
}

// A request that carries a traceparent and has no span goes on with it.
func TestTransport(t *testing.T) {
	telemetrytest.Start(t, "")
	var got string
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header.Get("traceparent") }))
	defer s.Close()
	q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("traceparent", parent)
	resp, err := (&http.Client{Transport: telemetry.Transport(http.DefaultTransport)}).Do(q)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if !telemetry.Valid(got) || got[3:35] != parent[3:35] || got[36:52] == parent[36:52] {
		t.Errorf("sent %q", got)
	}
}

// A collector that takes no answer holds up one invocation, for a moment, and no other.
func TestCollectorAway(t *testing.T) {
	hole := httptest.NewUnstartedServer(nil) // it listens and never accepts
	defer hole.Listener.Close()
	telemetrytest.Start(t, "http://"+hole.Listener.Addr().String())
	var took [4]time.Duration
	for i := range took {
		process(t, func(context.Context) error { return nil })
		began := time.Now()
		telemetry.Flush(t.Context())
		took[i] = time.Since(began)
	}
	// The first may have had to connect; after the second nobody waits.
	if max(took[0], took[1]) > 2*time.Second || took[2]+took[3] > 200*time.Millisecond {
		t.Errorf("the flushes took %v", took)
	}
}

func TestVariables(t *testing.T) {
	for _, c := range []struct{ variable, value string }{
		{"OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4317"}, {"OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"}, {"OTEL_TRACES_EXPORTER", "zipkin"}, {"OTEL_RESOURCE_ATTRIBUTES", "novalue"},
	} {
		t.Run(c.variable, func(t *testing.T) {
			telemetrytest.Start(t, "")
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4317")
			t.Setenv(c.variable, c.value)
			if _, err := telemetry.Start(t.Context(), telemetry.Options{Service: "s"}); !problem.Is(err, problem.FailedPrecondition) || !strings.Contains(err.Error(), c.variable) {
				t.Error(err)
			}
		})
	}
}

// What an event costs when nothing is exported.
func BenchmarkProcess(b *testing.B) {
	telemetrytest.Start(b, "")
	d := telemetry.Delivery{Topic: "things", ID: "e1", Attempt: 1, Traceparent: parent, Data: []byte(`{"run":"r1","chunk":"c1","epoch":1}`)}
	for b.Loop() {
		_, end := telemetry.Process(b.Context(), "f", d)
		end(nil)
	}
}
