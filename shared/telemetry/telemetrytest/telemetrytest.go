// Package telemetrytest has an OTLP receiver for tests: what a process exports, as it
// came over the wire.
package telemetrytest

import (
	"context"
	"encoding/hex"
	"net"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/prototext"

	"github.com/b2brecs/b2brecs/shared/telemetry"
)

// Span is what a test wants to know of one.
type Span struct {
	Name, Trace, ID, Parent string // hexadecimal ids
	Kind                    trace.Span_SpanKind
	Failed                  bool
	Links                   []string // spans' ids
	Attributes              map[string]string
}

// Receiver is an OTLP collector on loopback.
type Receiver struct {
	collector.UnimplementedTraceServiceServer
	URL string // e.g. http://127.0.0.1:4317

	mu    sync.Mutex
	spans []Span
	text  []string
}

// Listen starts a receiver that ends with the test.
func Listen(t testing.TB) *Receiver {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &Receiver{URL: "http://" + l.Addr().String()}
	s := grpc.NewServer()
	collector.RegisterTraceServiceServer(s, r)
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return r
}

// Start makes this process's traces go to endpoint until the test ends; "" is nowhere.
func Start(t testing.TB, endpoint string) {
	t.Helper()
	// t.Setenv keeps such tests from running side by side: the provider is the process's.
	for _, v := range []string{"OTEL_SDK_DISABLED", "OTEL_TRACES_EXPORTER", "OTEL_TRACES_SAMPLER", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_RESOURCE_ATTRIBUTES"} {
		t.Setenv(v, "")
	}
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
	stop, err := telemetry.Start(t.Context(), telemetry.Options{Service: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Second)
		defer cancel()
		if err := stop(ctx); err != nil {
			t.Log("stop:", err)
		}
	})
}

// Export implements the collector's service.
func (r *Receiver) Export(_ context.Context, in *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.text = append(r.text, prototext.Format(in))
	for _, rs := range in.ResourceSpans {
		for _, ss := range rs.ScopeSpans {
			for _, s := range ss.Spans {
				out := Span{Name: s.Name, Trace: hex.EncodeToString(s.TraceId), ID: hex.EncodeToString(s.SpanId), Parent: hex.EncodeToString(s.ParentSpanId),
					Kind: s.Kind, Failed: s.GetStatus().GetCode() == trace.Status_STATUS_CODE_ERROR, Attributes: map[string]string{}}
				for _, a := range s.Attributes {
					out.Attributes[a.Key] = a.Value.GetStringValue()
				}
				for _, l := range s.Links {
					out.Links = append(out.Links, hex.EncodeToString(l.SpanId))
				}
				r.spans = append(r.spans, out)
			}
		}
	}
	return &collector.ExportTraceServiceResponse{}, nil
}

// Spans gives what came so far, the earliest export first.
func (r *Receiver) Spans() []Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Span(nil), r.spans...)
}

// Text gives everything that came, as text.
func (r *Receiver) Text() (all string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range r.text {
		all += t
	}
	return all
}
