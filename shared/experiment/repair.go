package experiment

import (
	"context"
	"time"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/workflow"
)

// Repair brings a project's active experiments back on their way where a step was
// missed: a workflow that was never started, one that gave up before it could say
// so, a pipeline whose events were lost. It changes nothing that is in order, and
// may run at any time, any number of times. It gives how many it touched.
func (s Service) Repair(ctx context.Context, bus *events.Bus, project string) (int, error) {
	touched := 0
	for _, status := range []Status{Pending, Preparing, Running} {
		q := state.Query{Where: []state.Where{{Field: "status", Op: state.Eq, Value: string(status)}}}
		for e, err := range Of(s.State, project).All(ctx, q) {
			if err != nil {
				return touched, err
			}
			did, err := s.repair(ctx, bus, e)
			if err != nil {
				return touched, err
			}
			if did {
				touched++
			}
		}
	}
	return touched, nil
}

func (s Service) repair(ctx context.Context, bus *events.Bus, e Experiment) (bool, error) {
	if e.Status == Running {
		job, err := s.Runner.Get(ctx, e.ID)
		if err == nil {
			return job.State.Ended(), s.replay(ctx, bus, e, job)
		}
		if !problem.Is(err, problem.NotFound) {
			return false, err
		}
	}
	run, err := s.Workflows.Get(ctx, Workflow, e.ID)
	if problem.Is(err, problem.NotFound) {
		return true, s.launch(ctx, e)
	}
	if err != nil || run.Status == workflow.Active {
		return false, err
	}
	at := run.Ended
	if at.IsZero() {
		at = time.Now().UTC()
	}
	_, err = Of(s.State, e.Project).Update(ctx, e.ID, func(e *Experiment) error {
		if run.Status == workflow.Cancelled {
			e.Stop(at)
			return nil
		}
		why := run.Error
		if why == nil {
			why = problem.New(problem.Internal, "the experiment's workflow ended before its pipeline began")
		}
		stage := Stages[0]
		if e.Status == Running {
			stage = ""
		}
		e.Fail(stage, why, at)
		return nil
	})
	return true, err
}

// replay publishes the transitions of a job that ended, the job's own last. Their
// consumers take repetitions.
func (s Service) replay(ctx context.Context, bus *events.Bus, e Experiment, job pipeline.Job) error {
	if !job.State.Ended() {
		return nil
	}
	publish := func(task string, st pipeline.State, at time.Time, fact string, cause *problem.Error) error {
		return events.Publish(ctx, bus, pipeline.TopicStateChanged, e.ID+"-repair-"+state.NewID(), e.ID, pipeline.StateChanged{
			Job: job.ID, Task: task, State: st, Time: at, Fact: fact, Error: cause, Labels: e.Labels(),
		})
	}
	for _, t := range job.Tasks {
		if !t.Started.IsZero() {
			if err := publish(t.Name, pipeline.Running, t.Started, "", nil); err != nil {
				return err
			}
		}
		if t.State.Ended() {
			if err := publish(t.Name, t.State, t.Ended, t.Fact, t.Error); err != nil {
				return err
			}
		}
	}
	return publish("", job.State, job.Ended, "", job.Error)
}
