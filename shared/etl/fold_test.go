package etl_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/state/sqlite"
)

// dying ends with the n-th transaction, before or after its effect.
type dying struct {
	state.Driver
	left  int
	after bool
}

var errDead = problem.New(problem.Internal, "the process ended")

func (d *dying) Transact(ctx context.Context, fn func(state.DriverTx) error) error {
	if d.left--; d.left < 0 || d.left == 0 && !d.after {
		return errDead
	}
	err := d.Driver.Transact(ctx, fn)
	if d.left == 0 && err == nil {
		err = errDead
	}
	return err
}

// meanwhile does something once, after the first list that is not there yet.
type meanwhile struct {
	state.Driver
	do func()
}

func (m *meanwhile) Get(ctx context.Context, collection, id string) (state.Document, error) {
	doc, err := m.Driver.Get(ctx, collection, id)
	if do := m.do; do != nil && collection == etl.ChunkListsCollection {
		m.do = nil
		do()
	}
	return doc, err
}

// Chunks that are folded while they are asked for are told of.
func TestChunksOfARunThatIsBeingFolded(t *testing.T) {
	ctx := t.Context()
	drv, err := sqlite.Open(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	calm := etl.NewStore(state.New(drv))
	t.Cleanup(func() { _ = calm.DB.Close() }) // the test looks at the data
	run := etl.Run{ID: "k1", Epoch: 1, Chunks: 2, Status: etl.Completed}
	for n := range run.Chunks {
		c := etl.Chunk{ID: etl.ChunkID("k1", 1, n), Run: "k1", Epoch: 1, Number: n, State: etl.ChunkLoaded}
		if err := calm.Chunks.Put(ctx, c.ID, c); err != nil {
			t.Fatal(err)
		}
	}
	asked := etl.NewStore(state.New(&meanwhile{drv, func() {
		if err := calm.Fold(ctx, run); err != nil {
			t.Error(err)
		}
	}}))
	if got, err := asked.ChunksOf(ctx, run); err != nil || len(got) != run.Chunks {
		t.Errorf("%d chunks, %v", len(got), err)
	}
}

// A fold that is broken off at any write goes on where it stood: at no time a chunk is
// not told of, and in the end none has a document of its own.
func TestFold(t *testing.T) {
	ctx := t.Context()
	drv, err := sqlite.Open(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	calm := etl.NewStore(state.New(drv))
	t.Cleanup(func() { _ = calm.DB.Close() }) // the test looks at the data
	end := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	const chunks = 203
	run := etl.Run{ID: "k1", Number: 7, Epoch: 2, Chunks: chunks, Status: etl.Failed, EndedAt: end}
	put := func(c etl.Chunk) {
		t.Helper()
		if err := calm.Chunks.Put(ctx, c.ID, c); err != nil {
			t.Fatal(err)
		}
	}
	other := etl.Chunk{ID: etl.ChunkID("k10", 1, 0), Run: "k10", Epoch: 1, State: etl.ChunkRunning}
	put(other)
	for steps := 1; ; steps++ {
		var want []etl.Chunk
		for n := range chunks {
			c := etl.Chunk{ID: etl.ChunkID("k1", 2, n), Run: "k1", Job: "j", Epoch: 2, Number: n, State: etl.ChunkLoaded, Label: "t", Attempts: 1, Rows: int64(n), StartedAt: end.Add(-time.Minute), EndedAt: end.Add(-time.Second)}
			told := c
			switch n {
			case 3:
				c.State, c.StartedAt, c.EndedAt, told.StartedAt, told.EndedAt = etl.ChunkWaiting, time.Time{}, time.Time{}, time.Time{}, time.Time{}
				told.State = etl.ChunkCancelled
			case 900:
				c.State, c.EndedAt = etl.ChunkRunning, time.Time{}
				told.State, told.EndedAt = etl.ChunkCancelled, end
			case 1200:
				c.State, c.Error = etl.ChunkFailed, problem.New(problem.Unavailable, "away")
				told.State, told.Error = c.State, c.Error
			}
			c.Spec, c.Objects, c.Lease = map[string]any{"x": 1}, []string{"a"}, &etl.Lease{Reader: "r"}
			if n < 20 { // of a plan that was replaced
				put(etl.Chunk{ID: etl.ChunkID("k1", 1, n), Run: "k1", Epoch: 1, Number: n})
			}
			put(c)
			want = append(want, told)
		}
		told := func(when string) {
			t.Helper()
			got, err := calm.ChunksOf(ctx, run)
			if err != nil || len(got) != chunks {
				t.Fatalf("%s: %d chunks, %v", when, len(got), err)
			}
		}
		told("before")
		broken := false
		for _, after := range []bool{false, true} {
			dies := etl.NewStore(state.New(&dying{drv, steps, after}))
			if err := dies.Fold(ctx, run); err != nil {
				broken = true
				told("broken off")
			}
		}
		if err := calm.Fold(ctx, run); err != nil {
			t.Fatal(err)
		}
		got, err := calm.ChunksOf(ctx, run)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b *problem.Error) bool {
			return (a == nil) == (b == nil) && (a == nil || a.Message == b.Message)
		})); diff != "" {
			t.Fatalf("after %d steps: %s", steps, diff[:min(len(diff), 2000)])
		}
		left, err := calm.Chunks.Query(ctx, state.Query{})
		if err != nil || len(left.Items) != 1 || left.Items[0].ID != other.ID {
			t.Fatalf("%d chunks are left, %v", len(left.Items), err)
		}
		if !broken {
			if steps < 4 {
				t.Errorf("a fold takes %d steps", steps)
			}
			return
		}
		if err := calm.DB.Transact(ctx, func(tx *state.Tx) error { // the next round begins anew
			for _, part := range []string{"k1-000", "k1-001", "k1-002"} {
				if err := state.Delete(tx, state.Of[etl.ChunkList](calm.DB, etl.ChunkListsCollection), part); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
}
