package api

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
)

// Document is an RFC 9457 problem document with the product's members.
type Document struct {
	Type   string          `json:"type" doc:"about:blank#<code>"`
	Title  string          `json:"title"`
	Status int             `json:"status"`
	Detail string          `json:"detail,omitempty" doc:"What stopped and where."`
	Code   problem.Code    `json:"code"`
	Cause  string          `json:"cause,omitempty" doc:"Why."`
	Next   string          `json:"next,omitempty" doc:"What to do next."`
	Turn   problem.Turn    `json:"turn,omitempty" doc:"Whose turn it is." enum:"you,source,platform,support"`
	Step   string          `json:"step,omitempty"`
	Errors []problem.Field `json:"errors,omitempty" doc:"Findings about single inputs."`
	ID     string          `json:"id,omitempty" doc:"Names this failure in the logs."`
}

// Error implements error.
func (d *Document) Error() string { return d.Detail }

// GetStatus implements huma.StatusError.
func (d *Document) GetStatus() int { return d.Status }

// ContentType implements huma.ContentTypeFilter.
func (d *Document) ContentType(string) string { return "application/problem+json" }

// StatusOf maps a code to its HTTP status.
func StatusOf(c problem.Code) int {
	switch c {
	case problem.NotFound:
		return http.StatusNotFound
	case problem.AlreadyExists, problem.FailedPrecondition:
		return http.StatusConflict
	case problem.InvalidArgument:
		return http.StatusBadRequest
	case problem.PermissionDenied:
		return http.StatusForbidden
	case problem.Unauthenticated:
		return http.StatusUnauthorized
	case problem.ResourceExhausted:
		return http.StatusTooManyRequests
	case problem.Unavailable:
		return http.StatusServiceUnavailable
	case problem.Cancelled:
		return 499 // client closed request, as nginx has it
	}
	return http.StatusInternalServerError
}

// toDocument renders an error. An internal one gets an id, and its text goes to
// the log alone: it can name tables and hosts the caller must not learn about.
func toDocument(ctx context.Context, err error) *Document {
	p := problem.Of(err)
	d := &Document{
		Type: "about:blank#" + string(p.Code), Status: StatusOf(p.Code), Code: p.Code,
		Detail: p.Message, Cause: p.Cause, Next: p.Next, Turn: p.Turn, Step: p.Step, Errors: p.Fields,
	}
	d.Title = http.StatusText(d.Status)
	if d.Turn == "" {
		d.Turn = problem.TurnYou
		if p.Code == problem.Unavailable || p.Code == problem.ResourceExhausted {
			d.Turn = problem.TurnPlatform
		}
	}
	if p.Code == problem.Internal {
		d.ID = "req_" + state.NewID()[16:]
		slog.ErrorContext(ctx, "request failed", "id", d.ID, "error", err.Error(), "caller", identity.From(ctx).Subject)
		d.Detail, d.Cause, d.Turn = "something of ours broke", "", problem.TurnSupport
		d.Next = "Try again; if it stays, report the id."
	}
	return d
}

func writeProblem(c huma.Context, p *problem.Error) {
	d := toDocument(c.Context(), p)
	c.SetHeader("Content-Type", "application/problem+json")
	c.SetStatus(d.Status)
	_ = json.NewEncoder(c.BodyWriter()).Encode(d) // the client has gone: nobody is left to tell
}

// WriteProblem renders an error on a plain HTTP response.
func WriteProblem(w http.ResponseWriter, r *http.Request, err error) {
	d := toDocument(r.Context(), err)
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(d.Status)
	_ = json.NewEncoder(w).Encode(d) // the client has gone: nobody is left to tell
}

func init() {
	// huma makes its own validation errors through this hook: they become problem documents.
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
		d := &Document{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: msg, Turn: problem.TurnYou, Code: codeOf(status)}
		if status == http.StatusUnprocessableEntity {
			d.Status, d.Title = http.StatusBadRequest, http.StatusText(http.StatusBadRequest)
			d.Next = "Correct the fields named in errors and send the request again."
		}
		for _, err := range errs {
			if err == nil {
				continue
			}
			f := problem.Field{Message: err.Error()}
			if e, ok := err.(huma.ErrorDetailer); ok {
				f.Location, f.Message = e.ErrorDetail().Location, e.ErrorDetail().Message
			}
			d.Errors = append(d.Errors, f)
		}
		d.Type += "#" + string(d.Code)
		return d
	}
}

func codeOf(status int) problem.Code {
	switch status {
	case http.StatusNotFound:
		return problem.NotFound
	case http.StatusUnauthorized:
		return problem.Unauthenticated
	case http.StatusForbidden:
		return problem.PermissionDenied
	case http.StatusConflict:
		return problem.FailedPrecondition
	case http.StatusTooManyRequests:
		return problem.ResourceExhausted
	case http.StatusServiceUnavailable:
		return problem.Unavailable
	}
	if status >= 400 && status < 500 {
		return problem.InvalidArgument
	}
	return problem.Internal
}
