package telemetry

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	sdk "go.opentelemetry.io/otel/sdk/trace"
)

const (
	// flushBound is how long the end of an invocation waits for its spans to be exported:
	// some 10 ms are usual.
	flushBound = 500 * time.Millisecond
	// flushPause is how long nobody waits any more after two exports in a row failed. One
	// alone may have been the first of the process, which connects.
	flushPause = 30 * time.Second
)

// Flush exports the spans that have ended, within flushBound. It is for processes whose
// CPU stops with the answer, as Cloud Run's does
// (https://cloud.google.com/run/docs/configuring/billing-settings): what is not exported
// by then waits for the next request and dies with the instance. The batches stay: a
// processor that exports span by span would hold up every call below the invocation.
func Flush(ctx context.Context) {
	p, ok := otel.GetTracerProvider().(interface{ ForceFlush(context.Context) error })
	if !ok {
		return
	}
	// An answer whose sender has hung up is exported as well.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushBound)
	defer cancel()
	if err := p.ForceFlush(ctx); err != nil {
		otel.Handle(err)
	}
}

// bounded flushes, except for a while after two flushes in a row have failed: an exporter
// that is away is waited for once in flushPause.
type bounded struct {
	sdk.SpanProcessor
	failed atomic.Bool  // the last flush
	pause  atomic.Int64 // unix nanoseconds until which nobody waits
}

// ForceFlush implements sdk.SpanProcessor.
func (b *bounded) ForceFlush(ctx context.Context) error {
	if time.Now().UnixNano() < b.pause.Load() {
		return nil
	}
	err := b.SpanProcessor.ForceFlush(ctx)
	if b.failed.Swap(err != nil) && err != nil {
		b.pause.Store(time.Now().Add(flushPause).UnixNano())
	}
	return err
}

// complaints logs what the SDK has to say, at most once in flushPause: an exporter that
// is away fails with every batch.
type complaints struct{ last atomic.Int64 }

// Handle implements otel.ErrorHandler.
func (c *complaints) Handle(err error) {
	now, last := time.Now().UnixNano(), c.last.Load()
	if now-last < int64(flushPause) || !c.last.CompareAndSwap(last, now) {
		return
	}
	slog.Warn("spans are lost", "error", scrub(err.Error()))
}

// clean cuts secrets out of what it exports.
type clean struct{ sdk.SpanExporter }

// ExportSpans implements sdk.SpanExporter.
func (c clean) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	out := make([]sdk.ReadOnlySpan, len(spans))
	for i, s := range spans {
		out[i] = cleanSpan{s}
	}
	return c.SpanExporter.ExportSpans(ctx, out)
}

type cleanSpan struct{ sdk.ReadOnlySpan }

func (s cleanSpan) Attributes() []attribute.KeyValue { return scrubbed(s.ReadOnlySpan.Attributes()) }

func (s cleanSpan) Events() []sdk.Event {
	var out []sdk.Event
	for _, e := range s.ReadOnlySpan.Events() {
		e.Attributes = scrubbed(e.Attributes)
		out = append(out, e)
	}
	return out
}

func (s cleanSpan) Status() sdk.Status {
	st := s.ReadOnlySpan.Status()
	st.Description = scrub(st.Description)
	return st
}

func scrubbed(kvs []attribute.KeyValue) []attribute.KeyValue {
	out := make([]attribute.KeyValue, len(kvs))
	for i, kv := range kvs {
		switch {
		case secretKey.MatchString(string(kv.Key)):
			kv = kv.Key.String("***")
		case kv.Value.Type() == attribute.STRING:
			kv = kv.Key.String(scrub(kv.Value.AsString()))
		case kv.Value.Type() == attribute.STRINGSLICE:
			list := kv.Value.AsStringSlice()
			for j := range list {
				list[j] = scrub(list[j])
			}
			kv = kv.Key.StringSlice(list)
		}
		out[i] = kv
	}
	return out
}
