// Package planrun fixes what a run reads: the files or the window, the snapshot
// where there is one process to hold it, and the chunks.
//
// It MUST be safe to repeat: a plan that stands is not made again, its events are
// published again under the same ids. When the source's snapshot is lost, the
// plan is made anew as the next epoch, up to a bound; chunks of the old one count
// for nothing.
package planrun

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/source"
	"github.com/b2brecs/b2brecs/shared/source/file"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// maxEpochs bounds how often one run is planned: a table whose reading ends the
// process each time would otherwise be read from the start for ever.
const maxEpochs = 10

// Services is what the function asks of its platform.
type Services struct {
	ETL       *etl.Store
	Sources   *source.Registry
	Uploads   *objects.Bucket
	Events    *events.Bus
	Warehouse *warehouse.Warehouse
	// OneProcess says that a snapshot which this process holds stays until commit-run,
	// in the same process, releases it. Without it, plans have no snapshot.
	OneProcess bool
}

// Request names the run. Epoch is set to plan anew: the epoch whose snapshot was lost.
type Request struct {
	Run         string `json:"run"`
	CallbackURL string `json:"callback_url"`
	Epoch       int    `json:"epoch,omitempty"`
}

// Reply counts the chunks; State is "planned" or "empty".
type Reply struct {
	Chunks int    `json:"chunks"`
	State  string `json:"state"`
}

// Handle plans the run, or publishes again what is planned.
func Handle(ctx context.Context, s Services, in Request) (Reply, error) {
	run, job, err := s.ETL.RunAndJob(ctx, in.Run)
	if err != nil || run.Status.Ended() {
		return Reply{State: "empty"}, err
	}
	if run.Epoch == 0 || in.Epoch > 0 && in.Epoch == run.Epoch {
		if run, err = s.plan(ctx, run, job, in.CallbackURL); err != nil {
			return Reply{}, problem.Of(err).WithStep("plan-run")
		}
	}
	if err := s.publish(ctx, run); err != nil {
		return Reply{}, err
	}
	if run.Chunks == 0 {
		return Reply{State: "empty"}, nil
	}
	return Reply{run.Chunks, "planned"}, nil
}

func (s Services) plan(ctx context.Context, run etl.Run, job etl.Job, callback string) (etl.Run, error) {
	if run.Epoch >= maxEpochs {
		return run, problem.New(problem.FailedPrecondition, "the snapshot of %s was lost %d times while it was read", job.Table, run.Epoch).
			WithCause("a snapshot ends with the process or the connection that holds it").
			WithNext(problem.TurnYou, "Look in the log for what ended them, then run the job again.")
	}
	run, err := s.ETL.Runs.Update(ctx, run.ID, func(r *etl.Run) error { r.Begin("plan"); return nil })
	if err != nil {
		return run, err
	}
	conn, err := s.ETL.Connection(ctx, job.Connection)
	if err != nil {
		return run, err
	}
	src, err := s.Sources.Open(ctx, conn)
	if err != nil {
		return run, err
	}
	defer src.Close()
	request := source.PlanRequest{Object: source.ObjectOf(job), Columns: job.Columns, To: run.To, Lag: time.Duration(job.SafetyLag) * time.Second, Unheld: !s.OneProcess}
	if job.Files != nil {
		request.FileColumns = job.Load == etl.Transactional
		if request.Files, err = s.files(ctx, job); err != nil {
			return run, err
		}
	} else if job.Load == etl.Transactional {
		if request.From, err = s.from(ctx, job); err != nil {
			return run, err
		}
		if request.TimeColumn, err = timeColumn(job); err != nil {
			return run, err
		}
	}
	plan, err := src.Plan(ctx, request)
	if err != nil {
		return run, err
	}
	run, stands, err := s.save(ctx, run, job, request, plan, callback)
	switch {
	case plan.Hold == nil:
	case stands:
		s.Sources.Hold(run.ID, plan.Hold)
	default: // another delivery's plan stands, and its snapshot is held
		err = errors.Join(err, plan.Hold.Close())
	}
	return run, err
}

// from gives the exclusive lower bound: the watermark, else just before the start
// date. A watermark over an empty or missing table is stale: the table was made
// anew, and reading on from it would leave a hole.
func (s Services) from(ctx context.Context, job etl.Job) (string, error) {
	if job.Watermark != "" {
		t, err := s.Warehouse.Table(ctx, job.Destination)
		if err != nil && !problem.Is(err, problem.NotFound) {
			return "", err
		}
		if err == nil && t.Rows != 0 {
			return job.Watermark, nil
		}
	}
	if job.StartDate == "" {
		return "", nil
	}
	start, err := time.Parse(time.DateOnly, job.StartDate)
	if err != nil {
		return "", problem.Wrap(err, problem.FailedPrecondition, "the start date of %s", job.Name)
	}
	return start.Add(-time.Microsecond).Format("2006-01-02T15:04:05.000000Z"), nil
}

// timeColumn gives the source name of the watermark column; a job without one
// reads everything each time, which only upsert makes right.
func timeColumn(job etl.Job) (string, error) {
	if job.TimestampColumn == "" {
		return "", problem.New(problem.FailedPrecondition, "%s loads incrementally but names no timestamp column", job.Name).
			WithNext(problem.TurnYou, "Set the timestamp column, or load the table as a catalog.")
	}
	i := slices.IndexFunc(job.Columns, func(c etl.Column) bool { return c.Name == job.TimestampColumn })
	if i < 0 {
		return "", problem.New(problem.FailedPrecondition, "the timestamp column %s of %s is not among its columns", job.TimestampColumn, job.Name).
			WithNext(problem.TurnYou, "Select the column, or name another.")
	}
	return job.Columns[i].Source, nil
}

// files lists what the run has to read: for a transactional job the files that
// are new or changed; for a catalog the newest file, or all, when anything changed.
func (s Services) files(ctx context.Context, job etl.Job) ([]etl.File, error) {
	all, err := file.Match(ctx, s.Uploads, *job.Files) // newest first
	if err != nil {
		return nil, err
	}
	if job.Load == etl.Catalog && job.Files.LatestOnly && len(all) > 1 {
		all = all[:1]
	}
	// Over a missing table the records are stale: everything is loaded again.
	_, err = s.Warehouse.Table(ctx, job.Destination)
	missing := problem.Is(err, problem.NotFound)
	if err != nil && !missing {
		return nil, err
	}
	var changed []etl.File
	known := 0
	for _, f := range all {
		// A list of processed files that cannot be read fails the run: to take it for
		// empty would load everything again.
		p, err := s.ETL.Files.Get(ctx, etl.FileID(job.ID, f.Key))
		if err != nil && !problem.Is(err, problem.NotFound) {
			return nil, err
		}
		if err == nil {
			known++
		}
		if err != nil || missing || p.Generation != f.Generation {
			changed = append(changed, f)
		}
	}
	if job.Load == etl.Transactional {
		return changed, nil
	}
	if len(changed) == 0 {
		if gone, err := s.disappeared(ctx, job, known); err != nil || !gone {
			return nil, err
		}
	}
	return all, nil
}

// disappeared reports whether a catalog of all files has lost one since its last load.
func (s Services) disappeared(ctx context.Context, job etl.Job, present int) (bool, error) {
	if job.Files.LatestOnly {
		return false, nil
	}
	loaded := 0
	for _, err := range s.ETL.Files.All(ctx, state.Query{Where: []state.Where{{Field: "job", Op: state.Eq, Value: job.ID}}, Limit: 1000}) {
		if err != nil {
			return false, err
		}
		if loaded++; loaded > present {
			return true, nil
		}
	}
	return false, nil
}

// save writes the plan as the next epoch, chunks and run in one step. It reports
// false when another delivery was first: two plans MUST NOT mix, since each has
// chunks and a snapshot of its own.
func (s Services) save(ctx context.Context, run etl.Run, job etl.Job, request source.PlanRequest, plan source.Plan, callback string) (etl.Run, bool, error) {
	epoch := run.Epoch + 1
	stands := false
	err := s.ETL.DB.Transact(ctx, func(tx *state.Tx) error {
		stands = false
		r, err := state.Get(tx, s.ETL.Runs, run.ID)
		if err != nil {
			return err
		}
		if run = r; r.Epoch >= epoch || r.Status.Ended() {
			return nil
		}
		stands = true
		for n, c := range plan.Chunks {
			id := etl.ChunkID(r.ID, epoch, n)
			err := state.Put(tx, s.ETL.Chunks, id, etl.Chunk{ID: id, Run: r.ID, Job: job.ID, Epoch: epoch, Number: n, State: etl.ChunkWaiting, Spec: c.Spec, Label: c.Label})
			if err != nil {
				return err
			}
		}
		r.Epoch, r.From, r.To, r.Snapshot, r.Files, r.Estimate, r.Chunks = epoch, request.From, plan.To, plan.Snapshot, request.Files, plan.Estimate, len(plan.Chunks)
		r.ChunksExtracted, r.ChunksLoaded, r.RowsRead, r.RowsStaged, r.RowsRejected, r.BytesRead, r.RejectReasons = 0, 0, 0, 0, 0, 0, nil
		r.FileProblems = map[string]string{}
		for key, err := range plan.FileProblems {
			r.FileProblems[key] = err.Error()
			r.Warn("%s cannot be read: %s", key, err.Error())
		}
		for _, w := range plan.Warnings {
			r.Warn("%s", w)
		}
		if epoch > 1 {
			r.Warn("the source's snapshot was lost and the table is read again from the start")
		}
		if callback != "" {
			r.CallbackURL = callback
		}
		r.End("plan")
		run = r
		return state.Put(tx, s.ETL.Runs, r.ID, r)
	})
	return run, stands && err == nil, err
}

// publish asks for every chunk that is not in yet.
func (s Services) publish(ctx context.Context, run etl.Run) error {
	chunks, err := s.ETL.Planned(ctx, run) // none when the run has ended meanwhile
	if err != nil {
		return err
	}
	var ms []events.Message
	for _, c := range chunks {
		if c.State == etl.ChunkLoaded {
			continue
		}
		m, err := events.Encode(etl.TopicChunkPlanned, c.ID, "", etl.ChunkPlanned{Run: run.ID, Chunk: c.ID, Epoch: c.Epoch})
		if err != nil {
			return err
		}
		ms = append(ms, m)
	}
	if len(ms) == 0 {
		return nil
	}
	return s.Events.PublishMessages(ctx, ms...)
}
