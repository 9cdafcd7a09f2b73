package platform

import (
	"context"
	"log/slog"
	"net/http"
	"sync"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/schedule"
	"github.com/b2brecs/b2brecs/shared/secret"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/workflow"
)

// Platform is the bundle of services functions are built from. Each function
// takes from it what it names in its own Services struct, and nothing more.
type Platform struct {
	State     *state.DB
	Events    *events.Bus
	Uploads   *objects.Bucket
	Staging   *objects.Bucket
	Pipelines *objects.Bucket
	Warehouse *warehouse.Warehouse
	Workflows *workflow.Engine
	Runner    *pipeline.Runner
	Schedules *schedule.Scheduler
	Secrets   *secret.Store
	Identity  *identity.Verifier
	// FunctionsURL is the base under which HTTP functions answer: FunctionsURL + "/" + name.
	FunctionsURL string
	// HTTP calls other functions; it adds a service token to requests under FunctionsURL.
	HTTP *http.Client
	Log  *slog.Logger
	// PipelineImage is the container image of the pipeline's components; "" is the runtime's default.
	PipelineImage string
	// AllowPrivateHosts lets database sources be on loopback and private addresses.
	AllowPrivateHosts bool
	// OneProcess says that every function runs in this process and in no other, until it
	// ends: what one function keeps open, another finds, and what a former process kept is
	// gone. A process on Cloud Run may stand still or end once it has answered
	// (https://cloud.google.com/run/docs/container-contract#lifecycle-services).
	OneProcess bool
	close      []func(context.Context) error
	mu         sync.Mutex
	shared     map[string]any
}

// OnClose registers a closer; closers run in reverse order.
func (p *Platform) OnClose(fn func(context.Context) error) { p.close = append(p.close, fn) }

// Close releases everything, giving up when ctx ends. It reports the first error.
func (p *Platform) Close(ctx context.Context) error {
	var first error
	for i := len(p.close) - 1; i >= 0; i-- {
		if err := p.close[i](ctx); err != nil && first == nil {
			first = err
		}
	}
	p.close = nil
	return first
}

// Once gives the value that make builds at the first call with this name; later
// calls share it. Functions that run in one process share connections this way.
func Once[T any](p *Platform, name string, make func() T) T {
	p.mu.Lock()
	defer p.mu.Unlock()
	if v, ok := p.shared[name]; ok {
		return v.(T)
	}
	v := make()
	if p.shared == nil {
		p.shared = map[string]any{}
	}
	p.shared[name] = v
	return v
}
