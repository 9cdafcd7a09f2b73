package sqlite_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/state/sqlite"
	"github.com/b2brecs/b2brecs/shared/state/statetest"
)

type doc struct {
	Run string `json:"run"`
	N   int    `json:"n"`
}

func open(t testing.TB, path string) *state.DB {
	t.Helper()
	drv, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	db := state.New(drv)
	t.Cleanup(func() { db.Close() })
	return db
}

func TestConformance(t *testing.T) {
	statetest.Run(t, func(t *testing.T) *state.DB { return open(t, filepath.Join(t.TempDir(), "a folder", "sta%te?.db")) })
}

// Two drivers on one file stand for two processes: the portable promises hold.
func TestTwoDriversOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	dbs := []*state.DB{open(t, path), open(t, path)}
	errs := make(chan error, 4)
	if err := state.Of[doc](dbs[0], "docs").Put(t.Context(), "n", doc{}); err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		go func() {
			c := state.Of[doc](dbs[i%2], "docs")
			for range 25 {
				if _, err := c.Update(t.Context(), "n", func(d *doc) error { d.N++; return nil }); err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	for range 4 {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
	if d, err := state.Of[doc](dbs[1], "docs").Get(t.Context(), "n"); err != nil || d.N != 100 {
		t.Fatalf("%v %v", d, err)
	}
}

func TestReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	db := open(t, path)
	if err := state.Of[doc](db, "docs").Put(t.Context(), "a", doc{N: 7}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := state.Of[doc](db, "docs").Get(t.Context(), "a")
	if !problem.Is(err, problem.Unavailable) {
		t.Fatalf("read of a closed store: %v", err)
	}
	if d, err := state.Of[doc](open(t, path), "docs").Get(t.Context(), "a"); err != nil || d.N != 7 {
		t.Fatalf("%v %v", d, err)
	}
}

func TestNotADatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	if err := os.WriteFile(path, []byte("this is a letter, not a database, and long enough to be read as a header"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := sqlite.Open(path)
	if p := problem.Of(err); err == nil || p.Next == "" {
		t.Fatalf("got %v, want a problem that says what to do", err)
	}
}

// A query inside a transaction must not wait for the transaction it is in.
func TestQueryInsideTransaction(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "state.db"))
	c := state.Of[doc](db, "docs")
	err := db.Transact(t.Context(), func(tx *state.Tx) error {
		_, err := c.Query(t.Context(), state.Query{Where: []state.Where{{Field: "run", Op: state.Eq, Value: "r"}}})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func BenchmarkUpdate(b *testing.B) {
	c := state.Of[doc](open(b, filepath.Join(b.TempDir(), "state.db")), "docs")
	if err := c.Put(b.Context(), "n", doc{}); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := c.Update(b.Context(), "n", func(d *doc) error { d.N++; return nil }); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkQueryOneRunOf200(b *testing.B) {
	db := open(b, filepath.Join(b.TempDir(), "state.db"))
	c := state.Of[doc](db, "chunks")
	for i := range 200 {
		err := db.Transact(b.Context(), func(tx *state.Tx) error {
			for k := range 50 {
				if err := state.Put(tx, c, fmt.Sprintf("%d-%d", i, k), doc{Run: fmt.Sprint("run-", i), N: k}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		p, err := c.Query(b.Context(), state.Query{Where: []state.Where{{Field: "run", Op: state.Eq, Value: "run-77"}}})
		if err != nil || len(p.Items) != 50 {
			b.Fatal(len(p.Items), err)
		}
	}
}
