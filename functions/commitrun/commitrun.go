// Package commitrun makes a run's rows visible in one atomic step and closes it.
//
// It MUST be safe to repeat: the warehouse commit carries the run's id, so a
// second call finds the first one's result; a run that has ended stays as it is.
// It alone gives a run its final status, whatever the outcome.
package commitrun

import (
	"context"
	"time"

	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/etl/stage"
	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/source"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/workflow"
)

// Services is what the function asks of its platform.
type Services struct {
	ETL          *etl.Store
	Sources      *source.Registry
	Staging      *objects.Bucket
	Warehouse    *warehouse.Warehouse
	Events       *events.Bus
	Workflows    *workflow.Engine
	FunctionsURL string
}

// Request names the run and how its chunks ended: "loaded", "failed" or
// "cancelled". Error says why a step before failed.
type Request struct {
	Run     string         `json:"run"`
	Outcome string         `json:"outcome"`
	Error   *problem.Error `json:"error,omitempty"`
}

// Reply is the run's final status.
type Reply struct {
	Status etl.RunStatus `json:"status"`
}

// Handle commits the run, or closes it without touching data.
func Handle(ctx context.Context, s Services, in Request) (Reply, error) {
	run, err := s.ETL.Runs.Get(ctx, in.Run)
	if err != nil {
		return Reply{}, err
	}
	if !run.Status.Ended() {
		if run, err = s.finish(ctx, run, in); err != nil {
			return Reply{}, err
		}
	}
	// What follows a final status is repeated until it is done.
	s.Sources.Release(run.ID)
	err = events.Publish(ctx, s.Events, etl.TopicRunEnded, run.ID+"-ended", run.Job,
		etl.RunEnded{Run: run.ID, Job: run.Job, Status: run.Status, Destination: run.Destination})
	if err != nil {
		return Reply{}, err
	}
	if err := s.Staging.DeletePrefix(ctx, stage.RunPrefix(run.ID)); err != nil {
		return Reply{}, err
	}
	if err := s.again(ctx, run); err != nil {
		return Reply{}, err
	}
	return Reply{run.Status}, s.ETL.Fold(ctx, run)
}

// again starts the run that a file asked for while this one was active. A run that is
// active by now may be that one, made by an attempt that could not start its workflow:
// Start sees to it. Should it end just here, one more run finds nothing new.
func (s Services) again(ctx context.Context, run etl.Run) error {
	job, err := s.ETL.Jobs.Get(ctx, run.Job)
	if problem.Is(err, problem.NotFound) || err == nil && !job.RunAgain && job.ActiveRun == "" {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = s.ETL.Start(ctx, s.Workflows, s.FunctionsURL, run.Job, "upload", "", "after-"+run.ID)
	if problem.Is(err, problem.FailedPrecondition) {
		return nil
	}
	return err
}

func (s Services) finish(ctx context.Context, run etl.Run, in Request) (etl.Run, error) {
	job, err := s.ETL.Jobs.Get(ctx, run.Job)
	if err != nil && !problem.Is(err, problem.NotFound) {
		return run, err
	}
	switch {
	case in.Outcome == "cancelled" || run.CancelRequested && in.Outcome != "loaded":
		return s.close(ctx, run, etl.Cancelled, nil)
	case in.Outcome != "loaded" || in.Error != nil:
		why := run.Error
		if why == nil {
			why = in.Error
		}
		if why == nil {
			why = problem.New(problem.Internal, "the run stopped without saying why")
		}
		return s.close(ctx, run, etl.Failed, why)
	}
	run, err = s.ETL.Runs.Update(ctx, run.ID, func(r *etl.Run) error { r.Begin("commit"); return nil })
	if err != nil {
		return run, err
	}
	status, why, err := s.commit(ctx, &run, job)
	if err != nil {
		if problem.Retryable(err) {
			return run, err
		}
		status, why = etl.Failed, problem.Of(err).WithStep("commit-run")
	}
	return s.close(ctx, run, status, why)
}

// close writes the final status, the watermark and the processed files in one step.
func (s Services) close(ctx context.Context, run etl.Run, status etl.RunStatus, why *problem.Error) (etl.Run, error) {
	now := time.Now().UTC()
	good := status == etl.Completed || status == etl.Partial
	err := s.ETL.DB.Transact(ctx, func(tx *state.Tx) error {
		current, err := state.Get(tx, s.ETL.Runs, run.ID)
		if err != nil {
			return err
		}
		if current.Status.Ended() {
			run = current
			return nil
		}
		job, err := state.Get(tx, s.ETL.Jobs, run.Job)
		gone := problem.Is(err, problem.NotFound)
		if err != nil && !gone {
			return err
		}
		current.Status, current.Error, current.Commit, current.Warnings = status, why, run.Commit, run.Warnings
		current.EndedAt = now
		current.RejectsKey = stage.RejectsPrefix(run.ID)
		if current.RowsRejected == 0 {
			current.RejectsKey = ""
		}
		current.End("commit")
		run = current
		if !gone {
			if job.ActiveRun == run.ID {
				job.ActiveRun = ""
			}
			job.LastStatus, job.LastRunAt, job.UpdatedAt = status, now, now
			if good && run.To != "" {
				job.Watermark = run.To
			}
			if err := state.Put(tx, s.ETL.Jobs, job.ID, job); err != nil {
				return err
			}
			if good {
				for _, f := range run.Files {
					if _, bad := run.FileProblems[f.Key]; bad {
						continue
					}
					err := state.Put(tx, s.ETL.Files, etl.FileID(job.ID, f.Key), etl.ProcessedFile{File: f, Job: job.ID, Run: run.ID, LoadedAt: now})
					if err != nil {
						return err
					}
				}
			}
		}
		return state.Put(tx, s.ETL.Runs, run.ID, current)
	})
	return run, err
}
