package extractchunk_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/b2brecs/b2brecs/functions/extractchunk"
	"github.com/b2brecs/b2brecs/functions/loadchunk"
	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/etl/stage"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/source"
	"github.com/b2brecs/b2brecs/shared/source/convert"
	"github.com/b2brecs/b2brecs/shared/state"
)

// Duplicates of one event wait for the one that reads: they fail nothing and cost no attempt,
// though it be the last one that the chunk has.
func TestDuplicates(t *testing.T) {
	b := prepare(t, func(context.Context, int32) ([]int64, error) {
		time.Sleep(1500 * time.Millisecond)
		return []int64{1, 2, 3}, nil
	})
	b.set(t, func(c *etl.Chunk) { c.Attempts = 6 })
	const duplicates = 10
	ended := make(chan error, duplicates)
	for range duplicates {
		go func() { ended <- b.deliver(t.Context()) }()
	}
	for range duplicates {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if c := b.get(t); b.reads.Load() != 1 || c.Attempts != 7 || c.State != etl.ChunkExtracted || c.Error != nil || c.Lease != nil {
		t.Errorf("read %d times: %+v", b.reads.Load(), c)
	}
	if rows := b.load(t); fmt.Sprint(rows) != "[1 2 3]" {
		t.Errorf("rows %v", rows)
	}
}

// What the death of a reader leaves is read again: after the lease where there are other
// processes, at once where there are none.
func TestReaderDied(t *testing.T) {
	for name, c := range map[string]struct {
		one      bool
		from, to time.Duration
	}{
		"one process of many": {false, 3 * time.Second, 8 * time.Second},
		"the only process":    {true, 0, 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := prepare(t, func(context.Context, int32) ([]int64, error) { return []int64{4, 5}, nil })
			b.OneProcess = c.one
			began := time.Now()
			b.set(t, func(c *etl.Chunk) {
				c.State, c.Attempts, c.Rows = etl.ChunkRunning, 1, 77
				c.Lease = &etl.Lease{Process: "dead", Reader: "dead", Until: began.Add(3 * time.Second)}
			})
			if err := b.deliver(t.Context()); err != nil {
				t.Fatal(err)
			}
			if d := time.Since(began); d < c.from || d > c.to {
				t.Errorf("it took %s", d)
			}
			if c := b.get(t); c.Attempts != 2 {
				t.Errorf("%d attempts", c.Attempts)
			}
			if rows := b.load(t); fmt.Sprint(rows) != "[4 5]" {
				t.Errorf("rows %v", rows)
			}
		})
	}
}

// A reader that fails in order gives its lease back, and a delivery that waited for it
// comes again with its back-off instead of hammering a source that is away.
func TestReaderFailed(t *testing.T) {
	away := problem.New(problem.Unavailable, "the source is away")
	reading := make(chan struct{})
	b := prepare(t, func(context.Context, int32) ([]int64, error) {
		close(reading)
		time.Sleep(1500 * time.Millisecond)
		return nil, away
	})
	first := make(chan error, 1)
	go func() { first <- b.deliver(t.Context()) }()
	<-reading
	if err := b.deliver(t.Context()); !problem.Is(err, problem.Unavailable) {
		t.Errorf("the waiting one: %v", err)
	}
	if err := <-first; !problem.Is(err, problem.Unavailable) {
		t.Errorf("the reader: %v", err)
	}
	if c := b.get(t); b.reads.Load() != 1 || c.Lease != nil || c.Attempts != 1 {
		t.Errorf("read %d times: %+v", b.reads.Load(), c)
	}
}

// A reader that stands still while another takes its chunk changes nothing when it goes
// on: neither when it finds its lease gone, nor when it had looked just before.
func TestZombie(t *testing.T) {
	frozen, thaw := make(chan struct{}), make(chan struct{})
	b := prepare(t, func(_ context.Context, n int32) ([]int64, error) {
		if n == 1 {
			close(frozen)
			<-thaw
			return []int64{100, 200, 300, 400}, nil // the table was another one then
		}
		return []int64{6, 7}, nil
	})
	zombie := make(chan error, 1)
	go func() { zombie <- b.deliver(t.Context()) }()
	<-frozen
	old := b.get(t)
	b.set(t, func(c *etl.Chunk) { c.Lease.Until = time.Now().Add(-time.Second) })
	if err := b.deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
	close(thaw)
	if err := <-zombie; err != nil {
		t.Error(err)
	}
	if c := b.get(t); c.State != etl.ChunkExtracted || c.Rows != 2 || c.Attempts != 2 || b.reads.Load() != 2 {
		t.Errorf("read %d times: %+v", b.reads.Load(), c)
	}
	// It had kept its lease just before, and ends what it began.
	w := stage.NewWriter(t.Context(), b.Staging, old, source.Schema(columns, false))
	batch := convert.NewBatch(w, columns, nil)
	defer batch.Release()
	batch.Text(0, []byte("999"))
	if err := batch.EndRow(); err != nil {
		t.Fatal(err)
	}
	if err := batch.Flush(); err != nil {
		t.Fatal(err)
	}
	if rows := b.load(t); fmt.Sprint(rows) != "[6 7]" {
		t.Errorf("rows %v", rows)
	}
	if _, err := w.Finish(source.Stats{Rows: 1}); err != nil {
		t.Fatal(err)
	}
	if rows := b.load(t); fmt.Sprint(rows) != "[6 7]" {
		t.Errorf("rows %v once its manifest is there", rows)
	}
}

// standing does something after each transaction.
type standing struct {
	state.Driver
	then func()
}

func (s *standing) Transact(ctx context.Context, fn func(state.DriverTx) error) error {
	err := s.Driver.Transact(ctx, fn)
	s.then()
	return err
}

// A reader that fails, gives its lease back and stands still does not fail the chunk when
// another one has read it meanwhile.
func TestZombieThatFails(t *testing.T) {
	ctx := t.Context()
	b := prepare(t, func(_ context.Context, n int32) ([]int64, error) {
		if n == 1 {
			return nil, problem.New(problem.InvalidArgument, "a column is gone")
		}
		return []int64{6, 7}, nil
	})
	zombie := b.Services
	zombie.ETL = etl.NewStore(state.New(&standing{b.ETL.DB.Driver(), func() {
		if c := b.get(t); b.reads.Load() == 1 && c.State == etl.ChunkRunning && c.Lease == nil {
			if err := b.deliver(ctx); err != nil {
				t.Error(err)
			}
		}
	}}))
	if err := extractchunk.Handle(ctx, zombie, b.chunk); err != nil {
		t.Error(err)
	}
	run, err := b.ETL.Runs.Get(ctx, "r")
	if err != nil || run.Error != nil || b.reads.Load() != 2 {
		t.Errorf("read %d times: %+v, %v", b.reads.Load(), run.Error, err)
	}
	if rows := b.load(t); fmt.Sprint(rows) != "[6 7]" {
		t.Errorf("rows %v", rows)
	}
}

// Whichever of two manifests is counted, what it names is what it says.
func TestZombieIsCounted(t *testing.T) {
	b := prepare(t, func(context.Context, int32) ([]int64, error) { return []int64{8, 9}, nil })
	old := b.get(t)
	old.Attempts = 0 // of another reader
	if err := b.deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := stage.NewWriter(t.Context(), b.Staging, old, source.Schema(columns, false))
	if _, err := w.Finish(source.Stats{}); err != nil {
		t.Fatal(err)
	}
	if rows := b.load(t); len(rows) != 0 {
		t.Errorf("rows %v", rows)
	}
}

// Events that come after a run's end find its chunks folded and do nothing.
func TestAfterTheFold(t *testing.T) {
	ctx := t.Context()
	var b *bench
	b = prepare(t, func(context.Context, int32) ([]int64, error) { // the run ends while the chunk is read
		run, err := b.ETL.Runs.Update(ctx, "r", func(r *etl.Run) error { r.Status, r.Chunks = etl.Failed, 1; return nil })
		if err == nil {
			err = b.ETL.Fold(ctx, run)
		}
		return []int64{1}, err
	})
	for range 2 { // the reader, and an event that comes later
		if err := b.deliver(ctx); err != nil {
			t.Error(err)
		}
	}
	if _, err := stage.NewWriter(ctx, b.Staging, etl.Chunk{ID: b.chunk.Chunk, Run: "r", Epoch: 1}, source.Schema(columns, false)).Finish(source.Stats{}); err != nil {
		t.Fatal(err)
	}
	if err := loadchunk.Handle(ctx, loadchunk.Services{ETL: b.ETL, Staging: b.Staging}, objects.Finalized{Key: stage.ManifestKey("r", b.chunk.Chunk)}); err != nil {
		t.Errorf("a late manifest: %v", err)
	}
	if _, err := b.ETL.Chunks.Get(ctx, b.chunk.Chunk); !problem.Is(err, problem.NotFound) {
		t.Errorf("the chunk is back: %v", err)
	}
	run, err := b.ETL.Runs.Get(ctx, "r")
	if err != nil || b.reads.Load() != 1 || run.ChunksLoaded != 0 || run.Error != nil {
		t.Errorf("%+v, %v", run, err)
	}
	chunks, err := b.ETL.ChunksOf(ctx, run)
	if err != nil || len(chunks) != 1 || chunks[0].State != etl.ChunkCancelled || chunks[0].Label != "t" {
		t.Errorf("%+v, %v", chunks, err)
	}
}
