// Package b2brecs is the deploy unit: it registers every function of the catalogue
// with the Functions Framework under its name. Google Cloud starts one process per
// function and names it in FUNCTION_TARGET.
//
// Nothing is dialled at start; the platform is opened at the first delivery.
package b2brecs

import (
	"context"
	"net/http"
	"sync"

	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
	cloudevents "github.com/cloudevents/sdk-go/v2"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
	"github.com/go-chi/chi/v5"

	catalog "github.com/b2brecs/b2brecs/functions"
	"github.com/b2brecs/b2brecs/shared/api"
	"github.com/b2brecs/b2brecs/shared/events/cloudevent"
	"github.com/b2brecs/b2brecs/shared/platform"
	"github.com/b2brecs/b2brecs/shared/platform/cloud"
	"github.com/b2brecs/b2brecs/shared/problem"
)

func init() {
	for _, f := range catalog.Catalog() {
		if f.Kind == platform.Event {
			functions.CloudEvent(f.Name, onEvent(f))
		} else {
			functions.HTTP(f.Name, onRequest(f))
		}
	}
}

// opener opens the platform once; an attempt that failed is made again by the next
// delivery.
type opener struct {
	mu sync.Mutex
	p  *platform.Platform
}

var shared opener

func (o *opener) open(ctx context.Context) (*platform.Platform, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.p != nil {
		return o.p, nil
	}
	p, err := cloud.Open(context.WithoutCancel(ctx))
	if err == nil {
		o.p = p
	}
	return p, err
}

// onEvent decodes a delivery and hands it to the function. An error that may pass
// answers 500, so that the sender delivers again; a final one answers 400.
func onEvent(f platform.Function) func(context.Context, cloudevents.Event) error {
	return func(ctx context.Context, e cloudevents.Event) error {
		m, err := cloudevent.FromEvent(e)
		if err != nil {
			return cehttp.NewResult(http.StatusBadRequest, "%s: %w", f.Name, err)
		}
		p, err := shared.open(ctx)
		if err != nil {
			return cehttp.NewResult(http.StatusServiceUnavailable, "%s: %w", f.Name, err)
		}
		if err := f.Event(p)(ctx, m); err != nil {
			status := http.StatusBadRequest
			if problem.Retryable(err) {
				status = http.StatusInternalServerError
			}
			return cehttp.NewResult(status, "%s: %w", f.Name, err)
		}
		return nil
	}
}

// onRequest serves the routes of an HTTP function, or the one call of a workflow's step.
func onRequest(f platform.Function) func(http.ResponseWriter, *http.Request) {
	var once sync.Mutex
	var handler http.Handler
	return func(w http.ResponseWriter, r *http.Request) {
		p, err := shared.open(r.Context())
		if err != nil {
			api.WriteProblem(w, r, err)
			return
		}
		once.Lock()
		if handler == nil {
			handler = build(f, p)
		}
		once.Unlock()
		handler.ServeHTTP(w, r)
	}
}

func build(f platform.Function, p *platform.Platform) http.Handler {
	r := chi.NewRouter()
	r.Use(api.Authenticate(p.Identity))
	if f.Kind == platform.HTTP {
		f.Register(api.New(r), p)
	} else {
		r.With(api.RequireService).Post("/*", f.Call(p).ServeHTTP)
	}
	return r
}
