package commitrun

import (
	"context"

	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/problem"
)

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
