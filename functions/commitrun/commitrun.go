// Package commitrun makes a run's rows visible in one atomic step and closes it.
//
// It MUST be safe to repeat: the warehouse commit carries the run's id, so a
// second call finds the first one's result; a run that has ended stays as it is.
// It alone gives a run its final status, whatever the outcome.
package commitrun

import (
	"context"
	"slices"
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
	if err := s.ETL.Fold(ctx, run); err != nil {
		return Reply{}, err
	}
	return Reply{run.Status}, s.again(ctx, run)
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

// commit decides and applies; a problem with a nil error is the run's verdict.
func (s Services) commit(ctx context.Context, run *etl.Run, job etl.Job) (etl.RunStatus, *problem.Error, error) {
	if off := run.Reconcile(); off != "" {
		return etl.Failed, problem.New(problem.Internal, "the counts of run #%d do not reconcile", run.Number).WithCause("%s", off).
			WithStep("commit-run").WithNext(problem.TurnSupport, "Nothing was changed in %s. Run it again; report it if it stays.", run.Destination), nil
	}
	if p := tooManyRejects(*run, job); p != nil {
		return etl.Failed, p, nil
	}
	if run.Chunks == 0 && len(run.FileProblems) > 0 {
		return etl.Failed, unreadable(*run), nil
	}
	green := etl.Completed
	if run.RowsRejected > 0 || len(run.FileProblems) > 0 {
		green = etl.Partial
	}
	if run.RowsStaged == 0 {
		if run.Chunks == 0 || run.Load != etl.Catalog && job.Files == nil {
			return green, nil, nil // nothing new
		}
		// A file without rows still takes the place of its earlier ones.
		if run.Load == etl.Catalog && !job.AcceptEmpty {
			run.Warn("the source is empty; %s keeps the rows it had", run.Destination)
			return etl.Partial, nil, nil
		}
	}
	if err := s.ensureTable(ctx, job); err != nil {
		return etl.Failed, nil, err
	}
	c, err := s.request(ctx, *run, job)
	if err != nil {
		return etl.Failed, nil, err
	}
	result, err := s.Warehouse.Commit(ctx, c)
	if err != nil {
		return etl.Failed, nil, err
	}
	run.Commit = &result
	if off := run.Reconcile(); off != "" {
		return etl.Failed, problem.New(problem.Internal, "the warehouse's count of run #%d does not reconcile", run.Number).WithCause("%s", off).
			WithStep("commit-run").WithNext(problem.TurnSupport, "Report it with the run's number."), nil
	}
	return green, nil, nil
}

func tooManyRejects(run etl.Run, job etl.Job) *problem.Error {
	if run.RowsRejected == 0 || float64(run.RowsRejected) <= job.MaxRejectShare*float64(run.RowsRead) {
		return nil
	}
	worst, n := "", int64(0)
	for reason, count := range run.RejectReasons {
		if count > n || count == n && reason < worst {
			worst, n = reason, count
		}
	}
	return problem.New(problem.FailedPrecondition, "%d of %d rows were rejected, more than the %.3g %% this job accepts", run.RowsRejected, run.RowsRead, 100*job.MaxRejectShare).
		WithCause("most often: %s (%d rows)", worst, n).WithStep("commit-run").
		WithNext(problem.TurnSource, "Look at the rejected rows and have the source corrected, or accept a larger share on the job. Nothing was changed in %s.", run.Destination)
}

func unreadable(run etl.Run) *problem.Error {
	p := problem.New(problem.InvalidArgument, "no file of run #%d can be read", run.Number).WithStep("plan-run").
		WithNext(problem.TurnSource, "Correct the files named below and upload them again.")
	for key, why := range run.FileProblems {
		p.WithField(key, "%s", why)
	}
	if len(p.Fields) == 1 {
		p.Cause = p.Fields[0].Message
	}
	return p
}

// columns of the destination: the contract's, and where a row came from.
func columns(job etl.Job) []warehouse.Column {
	out := make([]warehouse.Column, 0, len(job.Columns)+2)
	for _, c := range job.Columns {
		out = append(out, warehouse.Column{Name: c.Name, Type: c.Type, Description: c.SourceType})
	}
	if job.Files != nil && job.Load == etl.Transactional {
		out = append(out, warehouse.Column{Name: etl.FileColumn, Type: warehouse.String}, warehouse.Column{Name: etl.FileGenerationColumn, Type: warehouse.String})
	}
	return out
}

// ensureTable makes the destination where it is missing. Catalog tables are
// replaced with their commit and need the columns of today.
func (s Services) ensureTable(ctx context.Context, job etl.Job) error {
	_, err := s.Warehouse.Table(ctx, job.Destination)
	if !problem.Is(err, problem.NotFound) {
		return err
	}
	t := warehouse.Table{Ref: job.Destination, Columns: columns(job), Labels: map[string]string{"load": string(job.Load), "job": job.ID},
		Description: "Loaded by " + job.Name}
	if job.Load == etl.Transactional {
		for _, c := range job.Columns {
			if c.Name == job.TimestampColumn && (c.Type == warehouse.Timestamp || c.Type == warehouse.DateTime || c.Type == warehouse.Date) {
				t.PartitionBy = c.Name
			}
		}
		t.ClusterBy = job.Keys
	}
	return s.Warehouse.Create(ctx, t)
}

func (s Services) request(ctx context.Context, run etl.Run, job etl.Job) (warehouse.Commit, error) {
	c := warehouse.Commit{ID: run.ID, Target: job.Destination, Mode: warehouse.Append}
	table, err := s.Warehouse.Table(ctx, job.Destination)
	if err != nil {
		return c, err
	}
	for _, col := range columns(job) {
		if !slices.ContainsFunc(table.Columns, func(x warehouse.Column) bool { return x.Name == col.Name }) {
			c.AddColumns = append(c.AddColumns, col)
		}
	}
	chunks, err := s.ETL.Planned(ctx, run)
	if err != nil {
		return c, err
	}
	if len(chunks) != run.Chunks {
		return c, problem.New(problem.Internal, "%d of %d chunks of run #%d are there", len(chunks), run.Chunks, run.Number)
	}
	for _, chunk := range chunks {
		for _, key := range chunk.Objects {
			c.URIs = append(c.URIs, s.Staging.URI(key))
		}
	}
	switch {
	case job.Load == etl.Catalog:
		c.Mode = warehouse.Replace
	case len(job.Keys) > 0:
		c.Mode, c.Keys, c.OrderBy = warehouse.Upsert, job.Keys, job.TimestampColumn
	case job.Files != nil:
		c.Mode, c.FileColumn = warehouse.ReplaceFiles, etl.FileColumn
		for _, f := range run.Files {
			if _, bad := run.FileProblems[f.Key]; !bad {
				c.Files = append(c.Files, f.Key)
			}
		}
	}
	return c, nil
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
