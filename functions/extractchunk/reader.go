package extractchunk

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// tend keeps a reader's lease and reports its rows. It ends the reading when the lease
// is another's, and when nobody waits for the chunk any more, however slowly its rows come.
func (s Services) tend(ctx context.Context, chunk etl.Chunk, rows *atomic.Int64, stop context.CancelCauseFunc) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	kept, told := time.Now(), int64(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if n := rows.Load(); n-told >= progressRows || time.Since(kept) >= etl.RenewEvery {
			switch err := s.ETL.Keep(ctx, chunk, n); {
			case err == nil:
				kept, told = time.Now(), n
			case errors.Is(err, etl.ErrHeld):
				stop(etl.ErrHeld)
				return
			case problem.Is(err, problem.NotFound):
				stop(errStale)
				return
			} // another error: the next look tells
		}
		r, err := s.ETL.Runs.Get(ctx, chunk.Run)
		switch {
		case err != nil: // the next look tells
		case r.CancelRequested:
			stop(errCancelled)
			return
		case r.Status.Ended() || r.Epoch != chunk.Epoch:
			stop(errStale)
			return
		}
	}
}

// await waits while another delivery reads the chunk. nil says to look at it anew, with
// most of this delivery's time left: the chunk is read, or its reader died. After
// another end, and after a long wait, the event comes again, with its back-off and with
// all of the function's time.
func (s Services) await(ctx context.Context, id string) error {
	began := time.Now()
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return problem.New(problem.Unavailable, "another delivery still reads the chunk")
		case <-tick.C:
		}
		c, err := s.ETL.Chunks.Get(ctx, id)
		switch {
		case problem.Is(err, problem.NotFound):
			return nil
		case err != nil:
			return err
		case c.State != etl.ChunkRunning:
			return nil
		case c.Held(time.Now(), s.only()):
		case c.Lease == nil || time.Since(began) > etl.LeaseFor+2*watchEvery:
			return problem.New(problem.Unavailable, "another delivery read the chunk and gave up")
		default:
			return nil
		}
	}
}
