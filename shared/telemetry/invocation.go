package telemetry

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/b2brecs/b2brecs/shared/problem"
)

// scope names who makes the spans.
const scope = "github.com/b2brecs/b2brecs"

// invocation is what is known of the request or event that a function handles. It is
// shared by the layers around the function: what the innermost learns, the outermost logs.
type invocation struct {
	mu    sync.Mutex
	span  trace.Span
	name  string // of the span, once the route is known
	attrs []slog.Attr
}

type key struct{}

func of(ctx context.Context) *invocation {
	inv, _ := ctx.Value(key{}).(*invocation)
	return inv
}

func (inv *invocation) list() []slog.Attr {
	if inv == nil {
		return nil
	}
	inv.mu.Lock()
	defer inv.mu.Unlock()
	return slices.Clone(inv.attrs)
}

// begin puts a new invocation of a function into the context; "" is not known yet.
func begin(ctx context.Context, function string) context.Context {
	ctx = context.WithValue(ctx, key{}, &invocation{span: noop.Span{}})
	if function != "" {
		Add(ctx, slog.String("function", function))
	}
	return ctx
}

func (inv *invocation) attach(s trace.Span) {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	inv.span = s
	for _, a := range inv.attrs {
		s.SetAttributes(attributeOf(a))
	}
}

func attributeOf(a slog.Attr) attribute.KeyValue {
	return attribute.String("b2brecs."+a.Key, a.Value.String())
}

// Add says what the invocation of ctx is about: its span gets the attributes, led by
// "b2brecs.", and so does every log line from now on, of the layers around it too. A
// later value of a key stands; an empty one says nothing. Without an invocation it does
// nothing.
func Add(ctx context.Context, attrs ...slog.Attr) {
	inv := of(ctx)
	if inv == nil {
		return
	}
	inv.mu.Lock()
	defer inv.mu.Unlock()
	for _, a := range attrs {
		if a.Value.String() == "" {
			continue
		}
		inv.attrs = slices.DeleteFunc(inv.attrs, func(b slog.Attr) bool { return a.Key == b.Key })
		inv.attrs = append(inv.attrs, a)
		inv.span.SetAttributes(attributeOf(a))
	}
}

// ids are the names by which a run is followed: members of events and calls, and the
// collections that lead an id in a path.
var ids = []struct{ name, collection string }{
	{"project", "projects"}, {"dataset", "datasets"}, {"experiment", "experiments"}, {"job", "jobs"}, {"run", "runs"}, {"chunk", ""}, {"task", ""},
}

// maxIDsBody bounds what is read for ids, in bytes: what is larger carries more than ids.
const maxIDsBody = 64 << 10

// AddIDs is Add with the ids that a call's or an event's JSON names, or its labels.
func AddIDs(ctx context.Context, body []byte) {
	if of(ctx) == nil || len(body) > maxIDsBody {
		return
	}
	var v map[string]json.RawMessage
	if json.Unmarshal(body, &v) != nil {
		return // who decodes it says what is wrong
	}
	var labels map[string]json.RawMessage
	_ = json.Unmarshal(v["labels"], &labels) // others have labels of another kind
	for _, k := range ids {
		for _, from := range []map[string]json.RawMessage{labels, v} {
			var id string
			if json.Unmarshal(from[k.name], &id) == nil {
				Add(ctx, slog.String(k.name, id))
			}
		}
	}
}

// Route names the span of a request by its operation, and adds the ids in its path: in
// /v1/projects/{project}/experiments/{id} those of a project and of an experiment.
func Route(ctx context.Context, method, pattern string, param func(string) string) {
	inv := of(ctx)
	if inv == nil {
		return
	}
	inv.mu.Lock()
	inv.name = method + " " + pattern
	inv.span.SetName(inv.name)
	inv.span.SetAttributes(semconv.HTTPRoute(pattern))
	inv.mu.Unlock()
	parts := strings.Split(pattern, "/")
	for i, part := range parts {
		name, ok := strings.CutPrefix(part, "{")
		if !ok || i == 0 {
			continue
		}
		name, _, _ = strings.Cut(name, "}")
		for _, k := range ids {
			if k.collection == parts[i-1] {
				Add(ctx, slog.String(k.name, param(name)))
			}
		}
	}
}

// Request makes an invocation of each request: a server span, the child of what its
// traceparent names. A request within an invocation stays part of it.
func Request(function string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		spanned := otelhttp.NewHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			of(r.Context()).attach(trace.SpanFromContext(r.Context()))
			next.ServeHTTP(w, r)
		}), function, otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string {
			inv := of(r.Context())
			inv.mu.Lock()
			defer inv.mu.Unlock()
			if inv.name != "" {
				return inv.name
			}
			return r.Method
		}))
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if of(r.Context()) != nil {
				next.ServeHTTP(w, r)
				return
			}
			spanned.ServeHTTP(w, r.WithContext(begin(r.Context(), function)))
		})
	}
}

// Delivery is an event on its way into a function.
type Delivery struct {
	Topic, ID   string
	Attempt     int
	Traceparent string // of who published it
	Data        []byte
}

// Process begins the invocation of a function by an event: a consumer span, the child of
// who published it. What ctx has of a trace already, e.g. that of the push's own request,
// is linked. end takes the outcome.
func Process(ctx context.Context, function string, d Delivery) (_ context.Context, end func(error)) {
	opts := []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(
		attribute.String("messaging.system", "b2brecs"), semconv.MessagingOperationTypeProcess, semconv.MessagingOperationName("process"),
		semconv.MessagingDestinationName(d.Topic), semconv.MessagingDestinationSubscriptionName(function), semconv.MessagingMessageID(d.ID),
		attribute.Int("b2brecs.attempt", d.Attempt))}
	if parent := remote(ctx, d.Traceparent); parent.IsValid() {
		if here := trace.SpanContextFromContext(ctx); here.IsValid() {
			opts = append(opts, trace.WithLinks(trace.Link{SpanContext: here}))
		}
		ctx = trace.ContextWithRemoteSpanContext(ctx, parent)
	}
	ctx = begin(ctx, function)
	ctx, span := otel.Tracer(scope).Start(ctx, "process "+d.Topic, opts...)
	of(ctx).attach(span)
	Add(ctx, slog.String("event", d.ID))
	AddIDs(ctx, d.Data)
	return ctx, func(err error) {
		if err != nil {
			// The log has the words: a span's reader may be somebody else's service.
			code := string(problem.CodeOf(err))
			span.SetAttributes(semconv.ErrorTypeKey.String(code))
			span.SetStatus(codes.Error, code)
		}
		span.End()
	}
}

// Traceparent gives the span of ctx as a W3C traceparent; "" when there is none
// (https://www.w3.org/TR/trace-context/#traceparent-header).
func Traceparent(ctx context.Context) string {
	c := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, c)
	return c.Get("traceparent")
}

var traceparent = regexp.MustCompile(`^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$`)

// Valid says whether s has the form of a traceparent.
func Valid(s string) bool { return traceparent.MatchString(s) }

func remote(ctx context.Context, traceparent string) trace.SpanContext {
	ctx = trace.ContextWithSpanContext(ctx, trace.SpanContext{})
	return trace.SpanContextFromContext(propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": traceparent}))
}

// FromRequest gives the request's context with the span that its traceparent names.
func FromRequest(r *http.Request) context.Context {
	return propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
}

// Transport makes a client span of each request and sends it along. A request that has a
// traceparent and no span of its own goes on with it: a workflow's steps carry one.
func Transport(next http.RoundTripper) http.RoundTripper {
	return transport{otelhttp.NewTransport(next), next}
}

type transport struct{ spanned, next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := FromRequest(r)
	if trace.SpanContextFromContext(r.Context()).IsValid() || !trace.SpanContextFromContext(ctx).IsValid() {
		return t.spanned.RoundTrip(r)
	}
	// Below a span of another process otelhttp makes none unless it is told of a provider.
	return otelhttp.NewTransport(t.next, otelhttp.WithTracerProvider(otel.GetTracerProvider())).RoundTrip(r.WithContext(ctx))
}
