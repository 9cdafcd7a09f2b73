// Package extractchunk reads one planned chunk from its source and writes it as
// Parquet with a manifest.
//
// It MUST be safe to repeat: object names derive from the chunk, and a chunk whose
// manifest exists is acknowledged without touching the source. The finalize event
// of the manifest, not the end of this function, counts the chunk as loaded.
package extractchunk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
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
	// A running chunk reports after so many rows or so long, whichever is first.
	progressRows  = 50_000
	progressEvery = 5 * time.Second
	// watchEvery is how soon a chunk notices that its run was cancelled.
	watchEvery = time.Second
)

// Services is what the function asks of its platform.
type Services struct {
	ETL          *etl.Store
	Sources      *source.Registry
	Staging      *objects.Bucket
	HTTP         *http.Client
	FunctionsURL string
}

var (
	errCancelled = problem.New(problem.Cancelled, "the run was cancelled")
	// errStale ends a chunk that nobody waits for any more.
	errStale = problem.New(problem.FailedPrecondition, "the run has ended or was planned anew")
)

// Handle extracts the chunk named by the event.
func Handle(ctx context.Context, s Services, e etl.ChunkPlanned) error {
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
	if chunk.Attempts >= maxAttempts {
		// An attempt that fails decides what follows. These did not come so far.
		return s.end(ctx, run, chunk, etl.ChunkFailed, exhausted(chunk))
	}
	if chunk, err = s.begin(ctx, chunk.ID); err != nil {
		return err
	}
	manifest, err := s.extract(ctx, run, job, chunk)
	if err != nil {
		return s.failed(ctx, run, chunk, err)
	}
	return s.extracted(ctx, chunk.ID, manifest)
}

// exhausted explains a chunk that was begun again and again and never ended.
func exhausted(c etl.Chunk) *problem.Error {
	return problem.New(problem.ResourceExhausted, "%s was begun %d times and never read to its end", c.Label, c.Attempts).
		WithCause("each attempt ended with its process, most often for lack of memory, or at the function's time limit").
		WithNext(problem.TurnYou, "Look in the log for what ended the process; free memory or leave out very wide columns, then run the job again.").
		WithStep(step)
}

func (s Services) begin(ctx context.Context, id string) (etl.Chunk, error) {
	chunk, err := s.ETL.Chunks.Update(ctx, id, func(c *etl.Chunk) error {
		c.State, c.Attempts, c.Rows, c.Staged, c.Rejected, c.Error = etl.ChunkRunning, c.Attempts+1, 0, 0, 0, nil
		c.StartedAt, c.EndedAt = time.Now().UTC(), time.Time{}
		return nil
	})
	if err != nil {
		return chunk, err
	}
	_, err = s.ETL.Runs.Update(ctx, chunk.Run, func(r *etl.Run) error { r.Begin("extract"); return nil })
	return chunk, err
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
	go func() { defer close(watched); s.watch(reading, run.ID, chunk.Epoch, stop) }()
	defer func() { stop(nil); <-watched }()
	fileColumns := job.Files != nil && job.Load == etl.Transactional
	w := stage.NewWriter(reading, s.Staging, chunk, source.Schema(job.Columns, fileColumns))
	w.Progress = s.progress(ctx, chunk.ID)
	stats, err := src.Read(reading, source.ReadRequest{Object: source.ObjectOf(job), Columns: job.Columns, Spec: chunk.Spec, Snapshot: run.Snapshot}, w)
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

// watch ends the reading of a chunk whose run was cancelled, has ended or was
// planned anew, however slowly its rows come.
func (s Services) watch(ctx context.Context, run string, epoch int, stop context.CancelCauseFunc) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		r, err := s.ETL.Runs.Get(ctx, run)
		switch {
		case err != nil: // the next look tells
		case r.CancelRequested:
			stop(errCancelled)
			return
		case r.Status.Ended() || r.Epoch != epoch:
			stop(errStale)
			return
		}
	}
}

// progress writes how far the chunk is, now and then.
func (s Services) progress(ctx context.Context, chunk string) func(int64) error {
	var last int64
	at := time.Now()
	return func(rows int64) error {
		if rows-last < progressRows && time.Since(at) < progressEvery || time.Since(at) < 200*time.Millisecond {
			return nil
		}
		last, at = rows, time.Now()
		_, err := s.ETL.Chunks.Update(ctx, chunk, func(c *etl.Chunk) error { c.Rows = rows; return nil })
		return err
	}
}

func (s Services) extracted(ctx context.Context, id string, m stage.Manifest) error {
	return s.ETL.DB.Transact(ctx, func(tx *state.Tx) error {
		return s.ETL.Extracted(tx, id, m.Rows, m.Staged, m.Rejected, m.Bytes, m.Objects)
	})
}

// failed decides what follows an error: another attempt, a new plan, or the end of the run.
func (s Services) failed(ctx context.Context, run etl.Run, chunk etl.Chunk, err error) error {
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

// planAnew asks plan-run for the epoch after the chunk's. When that cannot be planned,
// the run fails. The chunk keeps that it asked: plan-run may have planned and not
// published when its reply is lost, and publishes when it is asked again.
func (s Services) planAnew(ctx context.Context, run etl.Run, chunk etl.Chunk) error {
	if _, err := s.ETL.Chunks.Update(ctx, chunk.ID, func(c *etl.Chunk) error { c.SnapshotLost = true; return nil }); err != nil {
		return err
	}
	body, err := json.Marshal(map[string]any{"run": run.ID, "callback_url": run.CallbackURL, "epoch": chunk.Epoch})
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.FunctionsURL+"/plan-run", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := s.HTTP.Do(r)
	if err != nil {
		return problem.Wrap(err, problem.Unavailable, "plan-run cannot be reached")
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	switch {
	case err != nil || resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests:
		return problem.New(problem.Unavailable, "plan-run answered %s", resp.Status)
	case resp.StatusCode < 300:
		return nil
	}
	var doc struct {
		Detail, Cause, Next string
		Code                problem.Code
		Turn                problem.Turn
	}
	why := problem.New(problem.FailedPrecondition, "the table cannot be read again after its snapshot was lost").WithStep("plan-run")
	if json.Unmarshal(answer, &doc) == nil && doc.Detail != "" {
		why = &problem.Error{Code: doc.Code, Message: doc.Detail, Cause: doc.Cause, Next: doc.Next, Turn: doc.Turn, Step: "plan-run"}
	}
	return s.end(ctx, run, chunk, etl.ChunkFailed, why)
}

// end closes the chunk and tells the workflow, which closes the run.
func (s Services) end(ctx context.Context, run etl.Run, chunk etl.Chunk, state etl.ChunkState, why *problem.Error) error {
	_, err := s.ETL.Chunks.Update(ctx, chunk.ID, func(c *etl.Chunk) error {
		c.State, c.Error, c.EndedAt = state, why, time.Now().UTC()
		return nil
	})
	if err != nil {
		return err
	}
	outcome := "cancelled"
	if state == etl.ChunkFailed {
		outcome = "failed"
		_, err = s.ETL.Runs.Update(ctx, run.ID, func(r *etl.Run) error {
			if r.Error == nil {
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
