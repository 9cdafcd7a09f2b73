package extractchunk_test

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/b2brecs/b2brecs/functions/extractchunk"
	"github.com/b2brecs/b2brecs/functions/loadchunk"
	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/etl/stage"
	"github.com/b2brecs/b2brecs/shared/events"
	eventqueue "github.com/b2brecs/b2brecs/shared/events/sqlite"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/objects/folder"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/source"
	"github.com/b2brecs/b2brecs/shared/source/convert"
	"github.com/b2brecs/b2brecs/shared/source/sourcetest"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/state/sqlite"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// table is a source whose n-th reading gives what the test says, as it says.
type table struct {
	source.Source
	reads atomic.Int32
	read  func(ctx context.Context, n int32) (rows []int64, err error)
}

var columns = []etl.Column{{Source: "n", Name: "n", Type: warehouse.Int64}}

func (t *table) Close() error { return nil }

func (t *table) Read(ctx context.Context, r source.ReadRequest, to source.Sink) (source.Stats, error) {
	rows, err := t.read(ctx, t.reads.Add(1))
	if err != nil {
		return source.Stats{}, err
	}
	b := convert.NewBatch(to, r.Columns, nil)
	defer b.Release()
	for _, n := range rows {
		b.Text(0, strconv.AppendInt(nil, n, 10))
		if err := b.EndRow(); err != nil {
			return source.Stats{}, err
		}
	}
	return source.Stats{Rows: int64(len(rows))}, b.Flush()
}

type bench struct {
	extractchunk.Services
	*table
	chunk etl.ChunkPlanned
}

// prepare makes a run of one chunk of a table that is read as the test says.
func prepare(t *testing.T, read func(ctx context.Context, n int32) ([]int64, error)) *bench {
	t.Helper()
	ctx, dir := t.Context(), t.TempDir()
	drv, err := sqlite.Open(filepath.Join(dir, "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	queue, err := eventqueue.Open(filepath.Join(dir, "events.db"))
	if err != nil {
		t.Fatal(err)
	}
	bus := events.New(queue)
	bucket, err := folder.Open("staging", filepath.Join(dir, "staging"), bus)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{table: &table{read: read}, chunk: etl.ChunkPlanned{Run: "r", Chunk: etl.ChunkID("r", 1, 0), Epoch: 1}}
	b.ETL, b.Staging = etl.NewStore(state.New(drv)), objects.NewBucket("staging", bucket)
	b.Services.Sources = source.NewRegistry(nil, nil, &source.Kind{Name: "table", Open: func(context.Context, source.Config) (source.Source, error) { return b.table, nil }})
	t.Cleanup(func() {
		_ = b.Staging.Close() // the test looks at what is stored, not at the end
		_ = bus.Close(context.WithoutCancel(ctx))
		_ = b.ETL.DB.Close()
	})
	for _, err := range []error{
		b.ETL.Connections.Put(ctx, "c", etl.Connection{ID: "c", Type: "table"}),
		b.ETL.Jobs.Put(ctx, "j", etl.Job{ID: "j", Connection: "c", Table: "t", Columns: columns}),
		b.ETL.Runs.Put(ctx, "r", etl.Run{ID: "r", Job: "j", Status: etl.Running, Epoch: 1, Chunks: 2}), // the second never comes
		b.ETL.Chunks.Put(ctx, b.chunk.Chunk, etl.Chunk{ID: b.chunk.Chunk, Run: "r", Job: "j", Epoch: 1, State: etl.ChunkWaiting, Label: "t"}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func (b *bench) deliver(ctx context.Context) error {
	return extractchunk.Handle(ctx, b.Services, b.chunk)
}

func (b *bench) set(t *testing.T, change func(*etl.Chunk)) {
	t.Helper()
	if _, err := b.ETL.Chunks.Update(t.Context(), b.chunk.Chunk, func(c *etl.Chunk) error { change(c); return nil }); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) get(t *testing.T) etl.Chunk {
	t.Helper()
	c, err := b.ETL.Chunks.Get(t.Context(), b.chunk.Chunk)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// load counts the chunk as its manifest's event does, and holds the counts against the
// rows of the objects, which it gives.
func (b *bench) load(t *testing.T) []string {
	t.Helper()
	ctx, key := t.Context(), stage.ManifestKey("r", b.chunk.Chunk)
	if err := loadchunk.Handle(ctx, loadchunk.Services{ETL: b.ETL, Staging: b.Staging}, objects.Finalized{Key: key}); err != nil {
		t.Fatal(err)
	}
	c := b.get(t)
	run, err := b.ETL.Runs.Get(ctx, "r")
	if err != nil {
		t.Fatal(err)
	}
	var out sourcetest.Collector
	for _, key := range c.Objects {
		data, err := b.Staging.Read(ctx, key)
		if err != nil {
			t.Fatal(err)
		}
		pf, err := file.NewParquetReader(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		r, err := pqarrow.NewFileReader(pf, pqarrow.ArrowReadProperties{BatchSize: 1 << 16}, memory.DefaultAllocator)
		if err != nil {
			t.Fatal(err)
		}
		batches, err := r.GetRecordReader(ctx, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		for batches.Next() {
			if err := out.Batch(batches.RecordBatch()); err != nil {
				t.Fatal(err)
			}
		}
		batches.Release()
	}
	if c.State != etl.ChunkLoaded || c.Lease != nil || c.Staged != int64(len(out.Rows)) || c.Rows != c.Staged || run.RowsStaged != c.Staged || run.ChunksLoaded != 1 || run.ChunksExtracted != 1 {
		t.Errorf("%d rows are staged, the chunk says %+v, the run %d rows of %d chunks, %d extracted", len(out.Rows), c, run.RowsStaged, run.ChunksLoaded, run.ChunksExtracted)
	}
	var rows []string
	for _, r := range out.Rows {
		rows = append(rows, r[0])
	}
	slices.Sort(rows)
	return rows
}

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
