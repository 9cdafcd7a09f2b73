package fault

import (
	"context"
	"net/http"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/platform"
	"github.com/b2brecs/b2brecs/shared/schedule"
	"github.com/b2brecs/b2brecs/shared/secret"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/workflow"
)

// Events, State and the others wrap a driver.
func Events(d events.Driver, f *Faults) events.Driver          { return &eventsDriver{d, f} }
func State(d state.Driver, f *Faults) state.Driver             { return &stateDriver{d, f} }
func Warehouse(d warehouse.Driver, f *Faults) warehouse.Driver { return &warehouseDriver{d, f} }
func Workflow(d workflow.Driver, f *Faults) workflow.Driver    { return &workflowDriver{d, f} }
func Pipeline(d pipeline.Driver, f *Faults) pipeline.Driver    { return &pipelineDriver{d, f} }
func Schedule(d schedule.Driver, f *Faults) schedule.Driver    { return &scheduleDriver{d, f} }
func Secret(d secret.Driver, f *Faults) secret.Driver          { return &secretDriver{d, f} }
func Identity(d identity.Driver, f *Faults) identity.Driver    { return &identityDriver{d, f} }

// Platform wraps the services of an open platform, before functions are mounted on it.
// It gives the services as they were, for a test that looks on. Calls between
// functions and of workflows, which go through p.HTTP, fail too.
func Platform(p *platform.Platform, f *Faults) (undisturbed *platform.Platform) {
	undisturbed = &platform.Platform{
		State: p.State, Events: p.Events, Uploads: p.Uploads, Staging: p.Staging, Pipelines: p.Pipelines, Warehouse: p.Warehouse,
		Workflows: p.Workflows, Runner: p.Runner, Schedules: p.Schedules, Secrets: p.Secrets, Identity: p.Identity,
		FunctionsURL: p.FunctionsURL, HTTP: &http.Client{Transport: p.HTTP.Transport}, Log: p.Log,
	}
	p.State = state.New(State(p.State.Driver(), f))
	p.Events = events.New(Events(p.Events.Driver(), f))
	p.Uploads, p.Staging, p.Pipelines = Bucket(p.Uploads, f), Bucket(p.Staging, f), Bucket(p.Pipelines, f)
	p.Warehouse = warehouse.New(Warehouse(p.Warehouse.Driver, f))
	p.Workflows = workflow.New(Workflow(p.Workflows.Driver, f))
	p.Runner = pipeline.New(Pipeline(p.Runner.Driver, f))
	p.Schedules = schedule.New(Schedule(p.Schedules.Driver, f))
	p.Secrets = secret.New(Secret(p.Secrets.Driver, f))
	p.Identity = identity.New(Identity(p.Identity.Driver, f))
	p.HTTP.Transport = &transport{p.HTTP.Transport, f}
	return undisturbed
}

// Subscribe implements events.Driver: the deliveries fail, not the subscription. An
// error comes back later, as do a message whose handling is not acknowledged in time
// and one that the broker sends twice.
func (w *eventsDriver) Subscribe(s events.Subscription) error {
	h := s.Handler
	s.Handler = func(ctx context.Context, m events.Message) error {
		return call(ctx, w.f, "events.Handler", func() error { return h(ctx, m) })
	}
	return w.Driver.Subscribe(s)
}

// Transact implements state.Driver. Of a lost reply a driver lets its caller know only
// that nothing was written, so the transaction is undone at its end, as after a
// conflict.
func (w *stateDriver) Transact(ctx context.Context, fn func(state.DriverTx) error) error {
	const method = "state.Transact"
	switch k := w.f.next(method); k {
	case Error:
		return injected(k, method)
	case Lost:
		return w.Driver.Transact(ctx, func(tx state.DriverTx) error {
			if err := fn(&stateTx{tx, ctx, w.f}); err != nil {
				return err
			}
			return injected(k, method)
		})
	case Delay:
		if err := wait(ctx); err != nil {
			return err
		}
	}
	return w.Driver.Transact(ctx, func(tx state.DriverTx) error { return fn(&stateTx{tx, ctx, w.f}) })
}

// Prewarm implements pipeline.Warmer where the driver does.
func (w *pipelineDriver) Prewarm(ctx context.Context) {
	if p, ok := w.Driver.(pipeline.Warmer); ok {
		p.Prewarm(ctx)
	}
}

// transport makes requests fail.
type transport struct {
	http.RoundTripper
	f *Faults
}

// RoundTrip implements http.RoundTripper. The body of a repeated request is read anew,
// so one that cannot be is not repeated.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	const method = "http.RoundTrip"
	k := t.f.next(method)
	switch k {
	case Error:
		return nil, injected(k, method)
	case Delay:
		if err := wait(r.Context()); err != nil {
			return nil, err
		}
	case Duplicate:
		if r.Body != nil && r.Body != http.NoBody && r.GetBody == nil {
			break
		}
		first := r.Clone(r.Context())
		if r.GetBody != nil {
			body, err := r.GetBody()
			if err != nil {
				return nil, err
			}
			first.Body = body
		}
		if resp, err := t.RoundTripper.RoundTrip(first); err == nil {
			_ = resp.Body.Close() // nobody hears the first reply
		}
	}
	resp, err := t.RoundTripper.RoundTrip(r)
	if err == nil && k == Lost {
		_ = resp.Body.Close() // nor this one
		return nil, injected(k, method)
	}
	return resp, err
}
