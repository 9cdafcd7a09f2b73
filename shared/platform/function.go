package platform

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/b2brecs/b2brecs/shared/api"
	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/telemetry"
)

// Kind is how a function is triggered.
type Kind string

const (
	HTTP  Kind = "http"  // people and programs, through the API
	Call  Kind = "call"  // POST by a workflow or schedule, service token required
	Event Kind = "event" // a topic, object finalize events included
)

// Role is a permission a function's identity needs.
type Role string

const (
	StateReader     Role = "state.reader"
	StateWriter     Role = "state.writer"
	EventPublisher  Role = "event.publisher"
	UploadsReader   Role = "objects.reader:uploads"
	UploadsWriter   Role = "objects.writer:uploads"
	StagingReader   Role = "objects.reader:staging"
	StagingWriter   Role = "objects.writer:staging"
	PipelinesReader Role = "objects.reader:pipelines"
	PipelinesWriter Role = "objects.writer:pipelines"
	WarehouseReader Role = "warehouse.reader"
	WarehouseWriter Role = "warehouse.writer"
	WorkflowStarter Role = "workflow.starter"
	PipelineReader  Role = "pipeline.reader"
	PipelineRunner  Role = "pipeline.runner"
	ScheduleAdmin   Role = "schedule.admin"
	SecretReader    Role = "secret.reader"
	SecretWriter    Role = "secret.writer"
	CallbackInvoker Role = "workflow.callback"
)

// Function is one entry of the catalogue.
type Function struct {
	Name        string        `json:"name"`
	Summary     string        `json:"summary"`
	Kind        Kind          `json:"kind"`
	Topic       string        `json:"topic,omitempty"`  // Event
	Bucket      string        `json:"bucket,omitempty"` // Event on finalized objects of this bucket
	MemoryMiB   int           `json:"memory_mib"`
	Timeout     time.Duration `json:"-"`
	Concurrency int           `json:"concurrency"`
	// Cron calls a Call function at these times, UTC, with an empty request; "" never.
	Cron  string `json:"cron,omitempty"`
	Roles []Role `json:"roles"`

	// Exactly one of these builds the handler from a platform.
	Register func(huma.API, *Platform)      `json:"-"` // HTTP
	Call     func(*Platform) http.Handler   `json:"-"` // Call
	Event    func(*Platform) events.Handler `json:"-"` // Event
}

// OnCall adapts a typed function to the HTTP call of a workflow: JSON in, JSON
// out, problems as problem documents.
func OnCall[S, I, O any](services func(*Platform) S, fn func(context.Context, S, I) (O, error)) func(*Platform) http.Handler {
	return func(p *Platform) http.Handler {
		s := services(p)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var in I
			body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
			if err == nil {
				telemetry.AddIDs(r.Context(), body)
				err = json.Unmarshal(body, &in)
			}
			if err != nil {
				api.WriteProblem(w, r, problem.Wrap(err, problem.InvalidArgument, "the call's body cannot be read"))
				return
			}
			out, err := fn(r.Context(), s, in)
			if err != nil {
				p.Log.WarnContext(r.Context(), "call failed", "path", r.URL.Path, "error", err.Error())
				api.WriteProblem(w, r, err)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			if err := json.NewEncoder(w).Encode(out); err != nil {
				p.Log.WarnContext(r.Context(), "reply not sent", "path", r.URL.Path, "error", err.Error())
			}
		})
	}
}

// OnEvent adapts a typed function to the messages of a topic.
func OnEvent[S, T any](t events.Topic[T], services func(*Platform) S, fn func(context.Context, S, T) error) func(*Platform) events.Handler {
	return func(p *Platform) events.Handler {
		s := services(p)
		return func(ctx context.Context, m events.Message) error {
			v, err := events.Decode(t, m)
			if err != nil {
				return err
			}
			return fn(ctx, s, v)
		}
	}
}

// OnRequest adapts an HTTP function's Register.
func OnRequest[S any](services func(*Platform) S, register func(huma.API, S)) func(huma.API, *Platform) {
	return func(a huma.API, p *Platform) { register(a, services(p)) }
}
