package unit

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"sync"

	framework "github.com/GoogleCloudPlatform/functions-framework-go/functions"
	"github.com/go-chi/chi/v5"

	"github.com/b2brecs/b2brecs/shared/api"
	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/events/cloudevent"
	"github.com/b2brecs/b2brecs/shared/platform"
	"github.com/b2brecs/b2brecs/shared/platform/cloud"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/telemetry"
)

// Register makes the functions of a catalogue known to the Functions Framework, which
// looks them up by name: call it while packages are initialised.
func Register(catalog []platform.Function) {
	u := &unit{open: func(context.Context) (*cloud.Platform, error) { return cloud.Open() }, buckets: func() (map[string]string, error) { return cloud.Buckets(os.Getenv) }}
	for _, f := range catalog {
		switch f.Kind {
		case platform.HTTP, platform.Call:
			register(f.Name, u.serve(f))
		case platform.Event:
			// Not framework.CloudEvent: its reading of a push loses the attempt and the key.
			register(f.Name, u.deliver(f))
		}
	}
}

// register makes a function known by its name. Without FUNCTION_TARGET the framework
// serves each name at its own path alone, "/<name>", and http.ServeMux what is below a
// path with a slash at its end: there the function is "<name>/" too, and sees the paths
// it sees in a process of its own.
func register(name string, h http.HandlerFunc) {
	if os.Getenv("FUNCTION_TARGET") != "" {
		framework.HTTP(name, h)
		return
	}
	framework.HTTP(name, func(w http.ResponseWriter, r *http.Request) {
		r = r.Clone(r.Context())
		r.URL.Path = "/"
		h(w, r)
	})
	framework.HTTP(name+"/", http.StripPrefix("/"+name, h).ServeHTTP)
}

// unit is one running deploy unit.
type unit struct {
	open    func(context.Context) (*cloud.Platform, error)
	buckets func() (map[string]string, error) // the installation's names → the product's

	mu       sync.Mutex
	platform *cloud.Platform
}

// bundle opens the platform at the first call. A failure is not kept.
func (u *unit) bundle(ctx context.Context) (*cloud.Platform, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.platform != nil {
		return u.platform, nil
	}
	// The platform outlives the request that opens it.
	p, err := u.open(context.WithoutCancel(ctx))
	if err != nil {
		return nil, err
	}
	u.platform = p
	return p, nil
}

// lazily keeps what build makes of the platform, from the first success on.
func lazily[T any](u *unit, build func(*platform.Platform) T) func(context.Context) (T, error) {
	var mu sync.Mutex
	var built bool
	var value T
	return func(ctx context.Context) (T, error) {
		mu.Lock()
		defer mu.Unlock()
		if !built {
			p, err := u.bundle(ctx)
			if err != nil {
				return value, err
			}
			value, built = build(p.Platform), true
		}
		return value, nil
	}
}

// serve makes the handler of an HTTP or a call function, on a router of its own.
func (u *unit) serve(f platform.Function) http.HandlerFunc {
	router := lazily(u, func(p *platform.Platform) http.Handler { return route(f, p) })
	followed := telemetry.Request(f.Name)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f.Kind == platform.Call {
			telemetry.Route(r.Context(), r.Method, "/functions/"+f.Name, r.PathValue) // as it is embedded
		}
		h, err := router(r.Context())
		if err != nil {
			api.WriteProblem(w, r, err)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), f.Timeout)
		defer cancel()
		h.ServeHTTP(w, r.WithContext(ctx))
	}))
	return func(w http.ResponseWriter, r *http.Request) {
		defer telemetry.Flush(r.Context())
		followed.ServeHTTP(w, r)
	}
}

func route(f platform.Function, p *platform.Platform) http.Handler {
	r := chi.NewRouter()
	r.Use(cloud.Request, api.Authenticate(p.Identity))
	nothing := func(w http.ResponseWriter, r *http.Request) {
		api.WriteProblem(w, r, problem.New(problem.NotFound, "there is nothing at %s %s", r.Method, r.URL.Path))
	}
	r.NotFound(nothing)
	r.MethodNotAllowed(nothing)
	if f.Kind == platform.Call {
		// The address is the function's own: its host in one installation, a path of a gateway in another.
		r.With(api.RequireService).Post("/*", f.Call(p).ServeHTTP)
		return r
	}
	f.Register(api.New(r), p)
	return r
}

// deliver makes the handler of an event function.
func (u *unit) deliver(f platform.Function) http.HandlerFunc {
	handler := lazily(u, f.Event)
	return func(w http.ResponseWriter, r *http.Request) {
		defer telemetry.Flush(r.Context())
		m, ours, err := u.message(r)
		if err == nil && !ours {
			answer(r.Context(), w, nil)
			return
		}
		if err == nil && m.Topic != f.Topic {
			err = problem.New(problem.InvalidArgument, "event %s is of topic %s; %s takes %s", m.ID, m.Topic, f.Name, f.Topic)
		}
		m.Topic = f.Topic // also of what cannot be decoded
		ctx, end := events.Begin(telemetry.FromRequest(r), f.Name, m)
		outcome := errPanicked
		defer func() { end(outcome) }()
		if err != nil {
			outcome = err
			answer(ctx, w, err)
			return
		}
		h, err := handler(ctx)
		if err != nil {
			outcome = err
			write(ctx, w, http.StatusServiceUnavailable, err)
			return
		}
		err = handle(ctx, f, h, m)
		if outcome = err; err != nil && (!problem.Retryable(err) || m.Attempt >= events.MaxAttempts) {
			err = u.bury(ctx, f, m, err)
		}
		answer(ctx, w, err)
	}
}

// errPanicked is the outcome of a delivery that came to none.
var errPanicked error = problem.New(problem.Internal, "the handler panicked")

// message decodes a delivery. ours is false for what is to be acknowledged unseen.
func (u *unit) message(r *http.Request) (m events.Message, ours bool, err error) {
	buckets, err := u.buckets()
	if err != nil {
		return m, false, err
	}
	if m, err = (cloudevent.Decoder{Buckets: buckets}).FromRequest(r); err != nil {
		return m, false, err
	}
	return cloud.Native(m)
}

// bury keeps a message that nobody will handle as a dead letter. When that fails, the
// handler's own error stays the answer, and the broker comes again.
func (u *unit) bury(ctx context.Context, f platform.Function, m events.Message, reason error) error {
	p, err := u.bundle(ctx)
	if err == nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), f.Timeout)
		defer cancel()
		err = p.Bury(ctx, f.Name, m, reason)
	}
	if err != nil {
		slog.ErrorContext(ctx, "a dead letter cannot be kept", "reason", reason.Error(), "error", err.Error())
		return reason
	}
	slog.WarnContext(ctx, "an event is a dead letter", "reason", reason.Error())
	return nil
}

// handle runs a handler under the function's own time limit. A sender that hangs up
// stops nothing: what is half done would only come again.
func handle(ctx context.Context, f platform.Function, h events.Handler, m events.Message) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), f.Timeout)
	defer cancel()
	return h(ctx, m)
}

// answer says how a delivery ends: see the package comment.
func answer(ctx context.Context, w http.ResponseWriter, err error) {
	switch {
	case err == nil:
		w.WriteHeader(http.StatusNoContent)
	case problem.Retryable(err):
		write(ctx, w, http.StatusInternalServerError, err)
	default:
		write(ctx, w, http.StatusBadRequest, err)
	}
}

// write sends the problem as JSON.
func write(ctx context.Context, w http.ResponseWriter, status int, err error) {
	p := *problem.Of(err)
	if p.Message == "" {
		p.Message = err.Error()
	}
	slog.WarnContext(ctx, "a delivery failed", "status", status, "code", string(p.Code), "error", p.Error())
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(p) // the sender is gone otherwise
}
