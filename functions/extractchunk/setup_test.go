package extractchunk_test

import (
	"bytes"
	"context"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"

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
