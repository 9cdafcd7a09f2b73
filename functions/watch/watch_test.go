package watch

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2/sse"

	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/state/sqlite"
)

func TestWatchable(t *testing.T) {
	for name, want := range map[string]bool{
		"etl_runs": true, "etl_chunks": true, "etl_jobs": true, "projects/main/experiments": true, "projects/main/datasets": true,
		"projects/main/dataset_profiles": true, "projects/main/feature_configs": true, "projects/main/model_configs": true,
		"etl_chunk_lists": false, "etl_connections": false, "users": false, "": false, "projects": false, "projects/": false, "projects//experiments": false,
		// A prefix of it would bring the curves along.
		"projects/main/experiment_history": false, "projects/main/experiment": false, "projects/main/": false, "projects/main/experiments_names": false,
	} {
		if got := watchable(name); got != want {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
	}
}

// The end of a run's chunk documents is no news to a page that shows the chunks.
func TestFoldedChunks(t *testing.T) {
	drv, err := sqlite.Open(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	db := state.New(drv)
	t.Cleanup(func() { _ = db.Close() }) // the test looks at the stream
	store := etl.NewStore(db)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	said := make(chan any)
	go Services{db}.stream(ctx, []string{etl.ChunksCollection, etl.JobsCollection}, func(m sse.Message) error {
		select {
		case said <- m.Data:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	next := func() any {
		t.Helper()
		select {
		case v := <-said:
			return v
		case <-ctx.Done():
			t.Fatal("nothing is said")
			return nil
		}
	}
	if _, ok := next().(Ready); !ok {
		t.Fatal("not ready")
	}
	write := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	write(store.Chunks.Put(ctx, "k-1-00000", etl.Chunk{ID: "k-1-00000", State: etl.ChunkLoaded}))
	if c, _ := next().(Change); c.ID != "k-1-00000" || string(c.Data) == "null" {
		t.Errorf("%+v", c)
	}
	write(store.Chunks.Delete(ctx, "k-1-00000"))
	time.Sleep(50 * time.Millisecond) // two collections have no common order
	write(store.Jobs.Put(ctx, "j", etl.Job{ID: "j"}))
	write(store.Jobs.Delete(ctx, "j"))
	for {
		c, _ := next().(Change)
		if c.Collection != etl.JobsCollection {
			t.Fatalf("%+v", c)
		}
		if string(c.Data) == "null" { // other documents' end is told
			return
		}
	}
}
