// Package harvestmetrics follows an experiment's pipeline by its events and brings
// its results home: metrics, curves and statistics into state, recommendations
// into the warehouse.
//
// It MUST be safe to repeat and to run in any order. The experiment is marked
// completed only when everything it shows is stored; the workflow is called
// after that, and again with every repetition.
package harvestmetrics

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"

	"github.com/b2brecs/b2brecs/shared/experiment"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/warehouse"
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
	e, err := all.Update(ctx, id, func(e *experiment.Experiment) error { e.Apply(c); return nil })
	if problem.Is(err, problem.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if c.Task != "" || !c.State.Ended() {
		return nil
	}
	if c.State == pipeline.Succeeded && !e.Status.Ended() {
		e, err = s.harvest(ctx, e, c)
	} else if e.Status == experiment.Failed || e.Status == experiment.Cancelled {
		err = s.keepCurves(ctx, e)
	}
	if err != nil {
		return err
	}
	return s.callback(ctx, e)
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
	p.Step = "harvest-metrics"
	return experiment.Of(s.State, e.Project).Update(ctx, e.ID, func(e *experiment.Experiment) error {
		e.Fail("", p, c.Time)
		return nil
	})
}

// keepCurves stores how far a run without success came, if it had begun to train.
func (s Services) keepCurves(ctx context.Context, e experiment.Experiment) error {
	h, err := experiment.Curves(ctx, s.Pipelines, e)
	if err != nil {
		if problem.Retryable(err) {
			return err
		}
		return nil
	}
	return experiment.Histories(s.State, e.Project).Put(ctx, e.ID, h)
}

// callback tells the waiting workflow how the experiment ended. A workflow that
// does not wait any more has been told before.
func (s Services) callback(ctx context.Context, e experiment.Experiment) error {
	outcome := map[experiment.Status]string{
		experiment.Completed: "succeeded", experiment.Failed: "failed", experiment.Cancelled: "cancelled",
	}[e.Status]
	if e.CallbackURL == "" || outcome == "" {
		return nil
	}
	body, err := json.Marshal(map[string]string{"experiment": e.ID, "outcome": outcome})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.CallbackURL, bytes.NewReader(body))
	if err != nil {
		return problem.Wrap(err, problem.InvalidArgument, "the callback of experiment #%d", e.Number)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.HTTP.Do(req)
	if err != nil {
		return problem.Wrap(err, problem.Unavailable, "the workflow of experiment #%d cannot be called", e.Number)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16)) // so that the connection is used again
	switch resp.StatusCode {
	case http.StatusNotFound, http.StatusConflict, http.StatusGone:
		return nil
	}
	if resp.StatusCode >= 300 {
		return problem.New(problem.Unavailable, "the workflow of experiment #%d answered its callback with %s", e.Number, resp.Status)
	}
	return nil
}
