// Package submitpipeline hands a prepared experiment to the pipeline runner, and
// closes one whose workflow failed.
//
// It MUST be safe to repeat: the job's id is the experiment's, so a second
// submission finds the first; an experiment that has ended stays as it is, and
// a job that was submitted while somebody cancelled is cancelled here.
package submitpipeline

import (
	"context"
	"time"

	"github.com/b2brecs/b2brecs/shared/experiment"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
)

// Services is what the function asks of its platform.
type Services struct {
	State     *state.DB
	Pipelines *objects.Bucket
	Runner    *pipeline.Runner
	// Image of the pipeline's components; "" means the runtime's default.
	Image string
}

// Request names the experiment. With Outcome "failed" the workflow has given up,
// for the reason in Error.
type Request struct {
	Project     string         `json:"project"`
	Experiment  string         `json:"experiment"`
	CallbackURL string         `json:"callback_url,omitempty"`
	Outcome     string         `json:"outcome,omitempty"`
	Error       *problem.Error `json:"error,omitempty"`
}

// Reply tells where the experiment stands.
type Reply struct {
	Status experiment.Status `json:"status"`
	Job    string            `json:"job,omitempty"`
}

// Handle submits the experiment's pipeline job, or records the failure.
func Handle(ctx context.Context, s Services, in Request) (Reply, error) {
	if in.Outcome == "failed" {
		return s.fail(ctx, in)
	}
	all := experiment.Of(s.State, in.Project)
	e, err := all.Get(ctx, in.Experiment)
	if err != nil {
		return Reply{}, err
	}
	if e.Status.Ended() {
		return Reply{Status: e.Status}, problem.New(problem.FailedPrecondition, "experiment #%d has %s already", e.Number, e.Status)
	}
	spec, err := e.Job(s.Pipelines.URI, s.Image)
	if err != nil {
		return Reply{}, err
	}
	if err := s.Pipelines.Write(ctx, e.Root+"spec.json", spec); err != nil {
		return Reply{}, err
	}
	// The callback is stored before the job can end.
	now := time.Now().UTC()
	e, err = all.Update(ctx, e.ID, func(e *experiment.Experiment) error { e.Submitted(in.CallbackURL, now); return nil })
	if err != nil {
		return Reply{}, err
	}
	if e.Status.Ended() { // cancelled since it was read
		return Reply{Status: e.Status}, problem.New(problem.FailedPrecondition, "experiment #%d has %s already", e.Number, e.Status)
	}
	job, err := s.Runner.Submit(ctx, e.ID, spec, e.Labels())
	if err != nil {
		return Reply{}, err
	}
	// Cancel asks the pipeline first and the experiment second: one of the two sees the other.
	if e, err = all.Get(ctx, e.ID); err != nil {
		return Reply{}, err
	}
	if e.Status == experiment.Cancelled {
		return Reply{Status: e.Status, Job: job.ID}, s.Runner.Cancel(ctx, job.ID)
	}
	return Reply{Status: e.Status, Job: job.ID}, nil
}

func (s Services) fail(ctx context.Context, in Request) (Reply, error) {
	why := in.Error
	if why == nil || why.Message == "" {
		why = problem.New(problem.Internal, "the experiment's workflow stopped without saying why")
	}
	if err := s.Runner.Cancel(ctx, in.Experiment); err != nil && !problem.Is(err, problem.NotFound) {
		return Reply{}, err
	}
	now := time.Now().UTC()
	e, err := experiment.Of(s.State, in.Project).Update(ctx, in.Experiment, func(e *experiment.Experiment) error {
		stage := "prepare"
		if e.Status == experiment.Running {
			stage = ""
		}
		e.Fail(stage, why, now)
		return nil
	})
	if problem.Is(err, problem.NotFound) {
		return Reply{}, nil // deleted meanwhile: nothing is left to mark
	}
	return Reply{Status: e.Status}, err
}
