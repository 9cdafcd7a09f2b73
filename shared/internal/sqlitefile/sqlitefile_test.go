package sqlitefile

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/b2brecs/b2brecs/shared/problem"
)

const table = `CREATE TABLE t (n INTEGER PRIMARY KEY, s TEXT)`

func openFile(t *testing.T, path string, schema ...string) *File {
	t.Helper()
	f, err := Open(path, schema...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func rows(t *testing.T, f *File) (n int) {
	t.Helper()
	if err := f.Rows(t.Context(), func(r *sql.Rows) error { return r.Scan(&n) }, `SELECT count(*) FROM t`); err != nil {
		t.Fatal(err)
	}
	return n
}

func insert(tx *Tx) error {
	_, err := tx.Exec(`INSERT INTO t (s) VALUES (?)`, "x")
	return err
}

func TestSchemaSteps(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.db")
	f := openFile(t, path, table)
	if err := f.Write(t.Context(), insert); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	f = openFile(t, path, table, `ALTER TABLE t ADD COLUMN u TEXT`)
	if n := rows(t, f); n != 1 {
		t.Errorf("%d rows after a schema step", n)
	}
	_, err := Open(path, table)
	if p := problem.Of(err); err == nil || p.Code != problem.FailedPrecondition || p.Next == "" {
		t.Errorf("a file of a newer version: %v", err)
	}
	broken := filepath.Join(t.TempDir(), "g.db")
	if _, err := Open(broken, table, `NOT SQL`); err == nil {
		t.Error("a broken step is not reported")
	}
	if f := openFile(t, broken, table); rows(t, f) != 0 { // the failed steps left nothing
		t.Error("rows from nowhere")
	}
}

func TestWriteUndoes(t *testing.T) {
	f := openFile(t, filepath.Join(t.TempDir(), "f.db"), table)
	stop := errors.New("stop")
	published := false
	err := f.Write(t.Context(), func(tx *Tx) error {
		tx.OnCommit(func() { published = true })
		if err := insert(tx); err != nil {
			return err
		}
		return stop
	})
	if !errors.Is(err, stop) || rows(t, f) != 0 || published {
		t.Errorf("%v, %d rows, published %v", err, rows(t, f), published)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_ = f.Write(t.Context(), func(tx *Tx) error { _ = insert(tx); panic("boom") })
	}()
	if err := f.Write(t.Context(), func(tx *Tx) error { tx.OnCommit(func() { published = true }); return insert(tx) }); err != nil {
		t.Fatal(err)
	}
	if n := rows(t, f); n != 1 || !published {
		t.Errorf("%d rows, published %v", n, published)
	}
}

func TestTurns(t *testing.T) {
	f := openFile(t, filepath.Join(t.TempDir(), "f.db"), table)
	inside, leave := make(chan struct{}), make(chan struct{})
	done := make(chan error, 1)
	go func() {
		done <- f.Write(t.Context(), func(tx *Tx) error { close(inside); <-leave; return insert(tx) })
	}()
	<-inside
	if ran, err := f.TryWrite(insert); ran || err != nil {
		t.Errorf("TryWrite beside a write: %v, %v", ran, err)
	}
	if n := rows(t, f); n != 0 { // readers do not wait
		t.Errorf("%d rows", n)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := f.Write(ctx, insert); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a write whose context ended: %v", err)
	}
	close(leave)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if ran, err := f.TryWrite(insert); !ran || err != nil {
		t.Errorf("TryWrite alone: %v, %v", ran, err)
	}
	if n := rows(t, f); n != 2 {
		t.Errorf("%d rows", n)
	}
}

func TestClose(t *testing.T) {
	f := openFile(t, filepath.Join(t.TempDir(), "f.db"), table)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				if err := f.Write(t.Context(), insert); err != nil {
					if !problem.Is(err, problem.Unavailable) {
						t.Errorf("a write while closing: %v", err)
					}
					return
				}
			}
		})
	}
	time.Sleep(20 * time.Millisecond)
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if _, err := f.TryWrite(insert); !problem.Is(err, problem.Unavailable) {
		t.Errorf("TryWrite of a closed file: %v", err)
	}
	err := f.Rows(t.Context(), func(*sql.Rows) error { return nil }, `SELECT 1`)
	if !problem.Is(err, problem.Unavailable) {
		t.Errorf("a read of a closed file: %v", err)
	}
}

func TestFullDisk(t *testing.T) {
	f := openFile(t, filepath.Join(t.TempDir(), "f.db"), table)
	if _, err := f.write.Exec(`PRAGMA max_page_count = 20`); err != nil {
		t.Fatal(err)
	}
	big := make([]byte, 200_000)
	err := f.Write(t.Context(), func(tx *Tx) error {
		_, err := tx.Exec(`INSERT INTO t (s) VALUES (?)`, big)
		return err
	})
	if p := problem.Of(err); err == nil || p.Code != problem.ResourceExhausted || p.Next == "" || p.Turn != problem.TurnYou {
		t.Errorf("got %v", err)
	}
	if err := f.Write(t.Context(), insert); err != nil { // a small one still fits
		t.Error(err)
	}
}

// TestLogStaysSmall: the log is folded in beside the writes, not left to Close.
func TestLogStaysSmall(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.db")
	f := openFile(t, path, table)
	for range 6 {
		err := f.Write(t.Context(), func(tx *Tx) error {
			for range checkpointAfter {
				if err := insert(tx); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	// The rows take some 100 kB; until the log is folded in, the file holds the empty table.
	deadline := time.Now().Add(10 * time.Second)
	for {
		fi, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if fi.Size() > 60_000 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the file still has %d bytes", fi.Size())
		}
		time.Sleep(5 * time.Millisecond)
	}
	if n := rows(t, f); n != 6*checkpointAfter {
		t.Errorf("%d rows", n)
	}
}
