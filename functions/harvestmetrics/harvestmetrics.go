// Package harvestmetrics follows an experiment's pipeline by its events and brings
// its results home: metrics, curves and statistics into state, recommendations
// into the warehouse.
//
// It MUST be safe to repeat and to run in any order. It marks an experiment as
// ended only when everything that is shown of it is stored; the workflow is called
// after that, and again with every repetition.
package harvestmetrics

import (
	"context"
	"net/http"

	"github.com/b2brecs/b2brecs/shared/experiment"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/workflow/callback"
)

// The topics of Handle and HandleProgress.
var (
	Topic         = pipeline.TopicStateChanged
	TopicProgress = pipeline.TopicProgress
)

// Services is what the function asks of its platform.
type Services struct {
	State     *state.DB
	Pipelines *objects.Bucket
	Warehouse *warehouse.Warehouse
	// HTTP calls the workflow back.
	HTTP *http.Client
}

// Handle takes a transition of a pipeline job. Jobs without an experiment's
// labels, and experiments that are gone, are no business of it.
func Handle(ctx context.Context, s Services, c pipeline.StateChanged) error {
	project, id := c.Labels["project"], c.Labels["experiment"]
	if project == "" || id == "" {
		return nil
	}
	all := experiment.Of(s.State, project)
	ended := c.Task == "" && c.State.Ended()
	if ended {
		e, err := all.Get(ctx, id)
		if problem.Is(err, problem.NotFound) {
			return nil
		}
		if err == nil && (c.State != pipeline.Succeeded || e.Status.Ended()) {
			err = s.keepCurves(ctx, e)
		}
		if err != nil {
			return err
		}
	}
	e, err := all.Update(ctx, id, func(e *experiment.Experiment) error { e.Apply(c); return nil })
	if problem.Is(err, problem.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if !ended {
		return nil
	}
	if c.State == pipeline.Succeeded && !e.Status.Ended() {
		if e, err = s.harvest(ctx, e, c); err != nil {
			return err
		}
	}
	return s.tell(ctx, e)
}

// HandleProgress takes what a running task reports.
func HandleProgress(ctx context.Context, s Services, p pipeline.Progress) error {
	project, id := p.Labels["project"], p.Labels["experiment"]
	if project == "" || id == "" {
		return nil
	}
	return experiment.Follow(ctx, s.State, project, id, p)
}

// harvest stores the results. Results that will never be readable fail the
// experiment; what may pass is tried again.
func (s Services) harvest(ctx context.Context, e experiment.Experiment, c pipeline.StateChanged) (experiment.Experiment, error) {
	result, history, err := experiment.Harvest(ctx, s.Pipelines, s.Warehouse, e, c.Time)
	if err == nil {
		return experiment.Finish(ctx, s.State, e, result, history)
	}
	p := problem.Of(err)
	if problem.Retryable(err) || p.Code == problem.Cancelled {
		return e, err
	}
	if err := s.keepCurves(ctx, e); err != nil {
		return e, err
	}
	p.Step = "harvest-metrics"
	return experiment.Of(s.State, e.Project).Update(ctx, e.ID, func(e *experiment.Experiment) error {
		e.Fail("", p, c.Time)
		return nil
	})
}

// keepCurves stores how far a run without success came, if it had begun to train. It
// comes before the status: a page that learns of the end reads the curves for the last
// time.
func (s Services) keepCurves(ctx context.Context, e experiment.Experiment) error {
	h, err := experiment.Curves(ctx, s.Pipelines, e)
	if err != nil {
		if problem.Retryable(err) {
			return err
		}
		return nil
	}
	return s.State.Transact(ctx, func(tx *state.Tx) error {
		now, err := state.Get(tx, experiment.Of(s.State, e.Project), e.ID)
		if problem.Is(err, problem.NotFound) || err == nil && now.Status == experiment.Completed { // Finish has stored them
			return nil
		}
		if err != nil {
			return err
		}
		return state.Put(tx, experiment.Histories(s.State, e.Project), e.ID, h)
	})
}

// tell says to the waiting workflow how the experiment ended.
func (s Services) tell(ctx context.Context, e experiment.Experiment) error {
	outcome := map[experiment.Status]string{
		experiment.Completed: "succeeded", experiment.Failed: "failed", experiment.Cancelled: "cancelled",
	}[e.Status]
	if e.CallbackURL == "" || outcome == "" {
		return nil
	}
	return callback.Post(ctx, s.HTTP, e.CallbackURL, map[string]string{"experiment": e.ID, "outcome": outcome})
}
