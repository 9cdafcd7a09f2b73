// Package extractchunk reads one planned chunk from its source and writes it as
// Parquet with a manifest.
//
// It MUST be safe to repeat: a chunk whose manifest exists is acknowledged without
// touching the source. One delivery reads at a time: the chunk's lease is the reader's,
// and another delivery waits for its end. It is not acknowledged before: the broker
// takes one delivery's answer for all deliveries of an event, and a reader may die. A
// lease is no lock: a reader that stood still and goes on changes nothing of what the
// next one stages. The finalize event of the manifest, not the end of this function,
// counts the chunk as loaded.
package extractchunk

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/etl/stage"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/source"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/workflow/callback"
)

const step = "extract-chunk"

const (
	// maxAttempts of one chunk, those that a dying process began included. It is less
	// than the deliveries of an event (events.Subscription.MaxAttempts), so that the
	// last delivery finds them used up and can say so.
	maxAttempts = 7
	// progressRows is after how many rows a reader reports before its lease is due.
	progressRows = 50_000
	// watchEvery is how soon a chunk notices that its run was cancelled, and a waiting
	// delivery that the reader has ended.
	watchEvery = time.Second
	// leaveIn bounds what a reader still does when its time is over.
	leaveIn = 2 * time.Second
)

// process names this process in leases.
var process = state.NewID()

// Services is what the function asks of its platform.
type Services struct {
	ETL          *etl.Store
	Sources      *source.Registry
	Staging      *objects.Bucket
	HTTP         *http.Client
	FunctionsURL string
	// OneProcess says that chunks are read by this process alone: a lease of another one
	// is a dead one's.
	OneProcess bool
}

func (s Services) only() string {
	if s.OneProcess {
		return process
	}
	return ""
}

var (
	errCancelled = problem.New(problem.Cancelled, "the run was cancelled")
	// errStale ends a chunk that nobody waits for any more.
	errStale = problem.New(problem.FailedPrecondition, "the run has ended or was planned anew")
)

// Handle extracts the chunk named by the event, or waits until somebody has.
func Handle(ctx context.Context, s Services, e etl.ChunkPlanned) error {
	for {
		err := s.handle(ctx, e)
		if !errors.Is(err, etl.ErrHeld) {
			return err
		}
		if err := s.await(ctx, e.Chunk); err != nil {
			return err
		}
	}
}

func (s Services) handle(ctx context.Context, e etl.ChunkPlanned) error {
	chunk, err := s.ETL.Chunks.Get(ctx, e.Chunk)
	if problem.Is(err, problem.NotFound) {
		return nil // its run was cleaned up
	}
	if err != nil {
		return err
	}
	run, job, err := s.ETL.RunAndJob(ctx, e.Run)
	if err != nil {
		return err
	}
	switch {
	case run.Status.Ended() || chunk.State == etl.ChunkLoaded:
		return nil
	case run.Epoch != e.Epoch && !(chunk.SnapshotLost && run.Epoch == e.Epoch+1):
		return nil
	case chunk.State == etl.ChunkFailed:
		// The workflow may not have been told.
		return s.end(ctx, run, chunk, etl.ChunkFailed, chunk.Error)
	case chunk.SnapshotLost && !run.CancelRequested:
		// The next plan may stand without anybody having been told of it.
		return s.planAnew(ctx, run, chunk)
	case run.CancelRequested:
		return s.end(ctx, run, chunk, etl.ChunkCancelled, errCancelled)
	}
	if _, err := s.Staging.Generation(ctx, stage.ManifestKey(run.ID, chunk.ID)); err == nil {
		return nil
	} else if !problem.Is(err, problem.NotFound) {
		return err
	}
	taken, err := s.ETL.Take(ctx, chunk.ID, process, s.only(), maxAttempts)
	switch {
	case errors.Is(err, etl.ErrRead), problem.Is(err, problem.NotFound):
		return nil
	case errors.Is(err, etl.ErrExhausted):
		// An attempt that fails decides what follows. These did not come so far.
		return s.end(ctx, run, chunk, etl.ChunkFailed, exhausted(chunk))
	case err != nil:
		return err
	}
	if err := s.began(ctx, run); err != nil {
		return s.failed(ctx, run, taken, err)
	}
	manifest, err := s.extract(ctx, run, job, taken)
	if err != nil {
		return s.failed(ctx, run, taken, err)
	}
	return s.extracted(ctx, taken.ID, manifest)
}

// exhausted explains a chunk that was begun again and again and never ended.
func exhausted(c etl.Chunk) *problem.Error {
	return problem.New(problem.ResourceExhausted, "%s was begun %d times and never read to its end", c.Label, c.Attempts).
		WithCause("each attempt ended with its process, most often for lack of memory, or at the function's time limit").
		WithNext(problem.TurnYou, "Look in the log for what ended the process; free memory or leave out very wide columns, then run the job again.").
		WithStep(step)
}

// began stamps the run's phase. One chunk of a thousand does: they share the document.
func (s Services) began(ctx context.Context, run etl.Run) error {
	if slices.ContainsFunc(run.Phases, func(p etl.Phase) bool { return p.Name == "extract" }) {
		return nil
	}
	_, err := s.ETL.Runs.Update(ctx, run.ID, func(r *etl.Run) error { r.Begin("extract"); return nil })
	return err
}

func (s Services) extract(ctx context.Context, run etl.Run, job etl.Job, chunk etl.Chunk) (stage.Manifest, error) {
	conn, err := s.ETL.Connection(ctx, job.Connection)
	if err != nil {
		return stage.Manifest{}, err
	}
	src, err := s.Sources.Open(ctx, conn)
	if err != nil {
		return stage.Manifest{}, err
	}
	defer src.Close()
	reading, stop := context.WithCancelCause(ctx)
	watched := make(chan struct{})
	var rows atomic.Int64
	go func() { defer close(watched); s.tend(reading, chunk, &rows, stop) }()
	defer func() { stop(nil); <-watched }()
	fileColumns := job.Files != nil && job.Load == etl.Transactional
	w := stage.NewWriter(reading, s.Staging, chunk, source.Schema(job.Columns, fileColumns))
	w.Progress = func(n int64) error { rows.Store(n); return nil }
	stats, err := src.Read(reading, source.ReadRequest{Object: source.ObjectOf(job), Columns: job.Columns, Spec: chunk.Spec, Snapshot: run.Snapshot}, w)
	if err == nil { // only the chunk's reader replaces its rejects
		err = s.ETL.Keep(reading, chunk, stats.Rows)
	}
	if err == nil {
		var m stage.Manifest
		if m, err = w.Finish(stats); err == nil {
			return m, nil
		}
	}
	w.Abort()
	if why := context.Cause(reading); why != nil && ctx.Err() == nil {
		return stage.Manifest{}, why
	}
	return stage.Manifest{}, err
}

func (s Services) extracted(ctx context.Context, id string, m stage.Manifest) error {
	err := s.ETL.DB.Transact(ctx, func(tx *state.Tx) error {
		return s.ETL.Extracted(tx, id, m.Rows, m.Staged, m.Rejected, m.Bytes, m.Objects)
	})
	if problem.Is(err, problem.NotFound) { // the run has ended, and its chunks are folded
		return nil
	}
	return err
}

// failed decides what follows an error of a reader: another attempt, a new plan, or the
// end of the run. Where the lease has gone to another, that one decides.
func (s Services) failed(ctx context.Context, run etl.Run, chunk etl.Chunk, err error) error {
	leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveIn)
	defer cancel()
	switch left := s.ETL.Leave(leaving, chunk); {
	case errors.Is(left, etl.ErrHeld):
		return left
	case problem.Is(left, problem.NotFound):
		return nil
	case left != nil:
		return left // it comes again, and the lease runs out
	}
	switch {
	case errors.Is(err, errStale):
		return nil
	case problem.Is(err, problem.Cancelled) && ctx.Err() == nil:
		return s.end(ctx, run, chunk, etl.ChunkCancelled, errCancelled)
	case errors.Is(err, source.ErrSnapshotLost):
		return s.planAnew(ctx, run, chunk)
	case ctx.Err() != nil, problem.Retryable(err) && chunk.Attempts < maxAttempts:
		return err // comes again after a while
	}
	return s.end(ctx, run, chunk, etl.ChunkFailed, problem.Of(err).WithStep(step))
}

// end closes the chunk and tells the workflow, which closes the run.
func (s Services) end(ctx context.Context, run etl.Run, chunk etl.Chunk, state etl.ChunkState, why *problem.Error) error {
	_, err := s.ETL.Chunks.Update(ctx, chunk.ID, func(c *etl.Chunk) error {
		if state == etl.ChunkFailed && (c.State == etl.ChunkExtracted || c.State == etl.ChunkLoaded) {
			return etl.ErrRead // by another delivery, while this one stood still
		}
		c.State, c.Error, c.EndedAt, c.Lease = state, why, time.Now().UTC(), nil
		return nil
	})
	if errors.Is(err, etl.ErrRead) || problem.Is(err, problem.NotFound) { // or the run has ended, and its chunks are folded
		return nil
	}
	if err != nil {
		return err
	}
	outcome := "cancelled"
	if state == etl.ChunkFailed {
		outcome = "failed"
		_, err = s.ETL.Runs.Update(ctx, run.ID, func(r *etl.Run) error {
			if r.Error == nil && !r.Status.Ended() {
				r.Error = why
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return callback.Post(ctx, s.HTTP, run.CallbackURL, map[string]string{"run": run.ID, "outcome": outcome})
}
