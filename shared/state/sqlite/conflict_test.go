package sqlite_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/state/sqlite"
)

// contended lets fn of every transaction run and then reports a conflict, the
// first n times, as a store with optimistic locking does.
type contended struct {
	*sqlite.Driver
	n atomic.Int32
}

func (c *contended) Transact(ctx context.Context, fn func(state.DriverTx) error) error {
	return c.Driver.Transact(ctx, func(tx state.DriverTx) error {
		if err := fn(tx); err != nil {
			return err
		}
		if c.n.Add(-1) >= 0 {
			return problem.New(problem.Unavailable, "another transaction came first")
		}
		return nil
	})
}

func TestConflictsAreRetried(t *testing.T) {
	for _, tc := range []struct {
		conflicts int32
		calls     int
		want      problem.Code
	}{{0, 1, ""}, {3, 4, ""}, {1000, 10, problem.Unavailable}} {
		drv, err := sqlite.Open(filepath.Join(t.TempDir(), "state.db"))
		if err != nil {
			t.Fatal(err)
		}
		c := &contended{Driver: drv}
		db := state.New(c)
		docs := state.Of[doc](db, "docs")
		if err := docs.Put(t.Context(), "a", doc{N: 1}); err != nil {
			t.Fatal(err)
		}
		c.n.Store(tc.conflicts)
		calls := 0
		got, err := docs.Update(t.Context(), "a", func(d *doc) error { calls++; d.N++; return nil })
		if problem.CodeOf(err) != tc.want || calls != tc.calls {
			t.Errorf("%d conflicts: %v after %d calls", tc.conflicts, err, calls)
		}
		if err == nil && got.N != 2 {
			t.Errorf("%d conflicts: the change was made %d times", tc.conflicts, got.N-1)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestErrorsOfFnAreNotRetried(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "state.db"))
	for _, stop := range []error{errors.New("plain"), problem.New(problem.FailedPrecondition, "no"), context.Canceled} {
		calls := 0
		err := db.Transact(t.Context(), func(*state.Tx) error { calls++; return stop })
		if !errors.Is(err, stop) || calls != 1 {
			t.Errorf("%v: %v after %d calls", stop, err, calls)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	err := db.Transact(ctx, func(*state.Tx) error {
		if calls++; calls == 2 {
			cancel()
		}
		return problem.New(problem.Unavailable, "again")
	})
	if !errors.Is(err, context.Canceled) || calls != 2 {
		t.Errorf("%v after %d calls; the end of the context ends the repetition", err, calls)
	}
}
