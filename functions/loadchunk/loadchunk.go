// Package loadchunk counts a chunk whose manifest is complete, and calls the
// run's workflow back after the last one.
//
// It MUST be safe to repeat: a chunk is counted once, in the transaction that
// marks it; the callback is made again each time the last manifest is announced.
package loadchunk

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/etl/stage"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/telemetry"
	"github.com/b2brecs/b2brecs/shared/workflow/callback"
)

// Services is what the function asks of its platform.
type Services struct {
	ETL     *etl.Store
	Staging *objects.Bucket
	HTTP    *http.Client
}

// Handle counts the chunk of a finalized manifest; other objects are not its business.
func Handle(ctx context.Context, s Services, e objects.Finalized) error {
	if !stage.IsManifest(e.Key) {
		return nil
	}
	m, err := stage.ReadManifest(ctx, s.Staging, e.Key)
	if problem.Is(err, problem.NotFound) {
		return nil // the run has ended and was cleaned up
	}
	if err != nil {
		return err
	}
	telemetry.Add(ctx, slog.String("run", m.Run), slog.String("chunk", m.Chunk))
	var run etl.Run
	err = s.ETL.DB.Transact(ctx, func(tx *state.Tx) error {
		run, err = s.ETL.Loaded(tx, m.Chunk, m.Rows, m.Staged, m.Rejected, m.Bytes, m.Objects, m.Reasons)
		return err
	})
	if problem.Is(err, problem.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := s.warn(ctx, run, m); err != nil {
		return err
	}
	if run.Status.Ended() || run.Epoch != m.Epoch || run.ChunksLoaded < run.Chunks {
		return nil
	}
	return callback.Post(ctx, s.HTTP, run.CallbackURL, map[string]string{"run": run.ID, "outcome": "loaded"})
}

func (s Services) warn(ctx context.Context, run etl.Run, m stage.Manifest) error {
	if len(m.Nulled) == 0 || run.Status.Ended() {
		return nil
	}
	_, err := s.ETL.Runs.Update(ctx, run.ID, func(r *etl.Run) error {
		for what := range m.Nulled {
			r.Warn("values without a counterpart in the warehouse became NULL: %s", what)
		}
		return nil
	})
	return err
}
