package telemetry

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/trace"
)

// Handler adds to each record what its context knows: trace and span, the function, the
// ids of Add; and cuts out what looks like a secret. With a project of Google Cloud,
// trace and span have the names by which Cloud Logging joins lines and spans
// (https://cloud.google.com/logging/docs/structured-logging#structured_logging_special_fields).
// A logger with an open group has them inside of it.
func Handler(next slog.Handler, project string) slog.Handler {
	return handler{Handler: next, project: project}
}

type handler struct {
	slog.Handler
	project string
	said    []string // keys that the logger has of its own
}

// Handle implements slog.Handler.
func (h handler) Handle(ctx context.Context, r slog.Record) error {
	out := slog.NewRecord(r.Time, r.Level, scrub(r.Message), r.PC)
	said := slices.Clip(h.said)
	r.Attrs(func(a slog.Attr) bool {
		said = append(said, a.Key)
		out.AddAttrs(scrubAttr(a))
		return true
	})
	for _, a := range of(ctx).list() {
		if !slices.Contains(said, a.Key) { // the line knows better
			out.AddAttrs(scrubAttr(a))
		}
	}
	if sc := trace.SpanContextFromContext(ctx); sc.IsValid() {
		if h.project == "" {
			out.AddAttrs(slog.String("trace_id", sc.TraceID().String()), slog.String("span_id", sc.SpanID().String()))
		} else {
			out.AddAttrs(slog.String("logging.googleapis.com/trace", "projects/"+h.project+"/traces/"+sc.TraceID().String()),
				slog.String("logging.googleapis.com/spanId", sc.SpanID().String()), slog.Bool("logging.googleapis.com/trace_sampled", sc.IsSampled()))
		}
	}
	return h.Handler.Handle(ctx, out)
}

// WithAttrs implements slog.Handler.
func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	out := make([]slog.Attr, len(attrs))
	said := slices.Clip(h.said)
	for i, a := range attrs {
		out[i] = scrubAttr(a)
		said = append(said, a.Key)
	}
	return handler{h.Handler.WithAttrs(out), h.project, said}
}

// WithGroup implements slog.Handler.
func (h handler) WithGroup(name string) slog.Handler {
	return handler{h.Handler.WithGroup(name), h.project, nil}
}

func scrubAttr(a slog.Attr) slog.Attr {
	if secretKey.MatchString(a.Key) {
		return slog.String(a.Key, "***")
	}
	switch v := a.Value.Resolve(); v.Kind() {
	case slog.KindString:
		return slog.String(a.Key, scrub(v.String()))
	case slog.KindGroup:
		var list []slog.Attr
		for _, inner := range v.Group() {
			list = append(list, scrubAttr(inner))
		}
		return slog.Attr{Key: a.Key, Value: slog.GroupValue(list...)}
	case slog.KindAny:
		switch e := v.Any().(type) {
		case error:
			return slog.String(a.Key, scrub(e.Error()))
		case interface{ String() string }:
			return slog.String(a.Key, scrub(e.String()))
		}
	}
	return a
}

// JSON writes lines as Cloud Logging reads them from standard error: severity and
// message in the place of level and msg. Without a project they are plain JSON.
func JSON(w io.Writer, project string) slog.Handler {
	if project == "" {
		return Handler(slog.NewJSONHandler(w, nil), "")
	}
	return Handler(slog.NewJSONHandler(w, &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		switch {
		case len(groups) > 0:
		case a.Key == slog.MessageKey:
			a.Key = "message"
		case a.Key == slog.LevelKey:
			// Its names are those of slog, but for this one
			// (https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry#LogSeverity).
			a = slog.String("severity", strings.Replace(a.Value.String(), "WARN", "WARNING", 1))
		}
		return a
	}}), project)
}
