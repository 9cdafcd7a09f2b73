package experiment

import (
	"context"
	"time"

	"github.com/b2brecs/b2brecs/shared/problem"
)

// Cancel asks a run to stop. Before the pipeline has the job the experiment is
// cancelled at once; after that when the pipeline says so. Again is not an
// error; FailedPrecondition for a run that completed or failed.
func (s Service) Cancel(ctx context.Context, project, id string) (Experiment, error) {
	all := Of(s.State, project)
	e, err := s.Get(ctx, project, id)
	if err != nil {
		return e, err
	}
	if e.Status == Completed || e.Status == Failed {
		return e, problem.New(problem.FailedPrecondition, "experiment #%d has %s already", e.Number, e.Status)
	}
	// The job may be there before the experiment says so: ask the pipeline in any case.
	switch err := s.Runner.Cancel(ctx, id); {
	case err == nil:
		if e.Status == Running {
			return e, nil // the pipeline's event ends it, and the callback ends the workflow
		}
	case !problem.Is(err, problem.NotFound):
		return e, err
	}
	if e.Status != Cancelled {
		e, err = all.Update(ctx, id, func(e *Experiment) error { e.Stop(time.Now().UTC()); return nil })
		if err != nil {
			return e, err
		}
	}
	if err := s.Workflows.Cancel(ctx, Workflow, id); err != nil && !problem.Is(err, problem.NotFound) {
		return e, err
	}
	return e, nil
}

// Delete removes an ended run: its tables, its folder, its history, itself.
// FailedPrecondition while it runs; an absent one is NotFound.
func (s Service) Delete(ctx context.Context, project, id string) error {
	e, err := s.Get(ctx, project, id)
	if err != nil {
		return err
	}
	if !e.Status.Ended() {
		return problem.New(problem.FailedPrecondition, "experiment #%d is still %s", e.Number, e.Status).
			WithNext(problem.TurnYou, "Cancel it first.")
	}
	// The document goes last: what is left after a crash can be deleted again.
	if err := s.Warehouse.Drop(ctx, RecommendationTable(project, id)); err != nil {
		return err
	}
	if e.Examples != nil {
		if err := s.Warehouse.Drop(ctx, e.Examples.Table); err != nil {
			return err
		}
	}
	if err := s.Pipelines.DeletePrefix(ctx, e.Root); err != nil {
		return err
	}
	if err := Histories(s.State, project).Delete(ctx, id); err != nil {
		return err
	}
	return Of(s.State, project).Delete(ctx, id)
}

// Rename sets the name people see.
func (s Service) Rename(ctx context.Context, project, id, name string) (Experiment, error) {
	if len([]rune(name)) > 255 {
		return Experiment{}, problem.New(problem.InvalidArgument, "a name holds at most 255 characters").WithField("name", "is too long")
	}
	e, err := Of(s.State, project).Update(ctx, id, func(e *Experiment) error { e.Name = name; return nil })
	if problem.Is(err, problem.NotFound) {
		return e, absent(id)
	}
	return e, err
}
