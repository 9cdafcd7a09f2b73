package sqlite_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/state/sqlite"
)

// crashEnv names the folder of a child process.
const crashEnv = "B2BRECS_STATETEST_CRASH"

// TestCrash kills a process between commits: what it reported as committed is
// there, and the two documents of a transaction are never apart.
func TestCrash(t *testing.T) {
	if dir := os.Getenv(crashEnv); dir != "" {
		crashChild(t, filepath.Join(dir, "state.db"))
		return
	}
	dir := t.TempDir()
	reported := 0
	for round := range 5 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestCrash$", "-test.count=1")
		cmd.Env = append(os.Environ(), crashEnv+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Duration(60+40*round)*time.Millisecond, func() { _ = cmd.Process.Kill() })
		for lines := bufio.NewScanner(out); lines.Scan(); {
			n, err := strconv.Atoi(lines.Text())
			if err != nil {
				t.Fatalf("the child said %q", lines.Text())
			}
			reported = n
		}
		_ = cmd.Wait() // killed, as meant
		db := open(t, filepath.Join(dir, "state.db"))
		a, errA := state.Of[doc](db, "docs").Get(t.Context(), "a")
		b, errB := state.Of[doc](db, "docs").Get(t.Context(), "b")
		if reported > 0 && (errA != nil || errB != nil) || a.N != b.N || a.N < reported {
			t.Fatalf("round %d: a %d (%v), b %d (%v), reported %d", round, a.N, errA, b.N, errB, reported)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if reported == 0 {
		t.Fatal("no child committed anything")
	}
	t.Logf("%d transactions, all kept", reported)
}

// crashChild counts up in two documents at once until it is killed. Its output is
// a pipe: a line that is written survives it.
func crashChild(t *testing.T, path string) {
	drv, err := sqlite.Open(path)
	if err != nil {
		fmt.Println("cannot open:", err)
		return
	}
	db := state.New(drv)
	c := state.Of[doc](db, "docs")
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		var n int
		err := db.Transact(t.Context(), func(tx *state.Tx) error {
			v, _ := state.Get(tx, c, "a") // absent is 0
			n = v.N + 1
			if err := state.Put(tx, c, "a", doc{N: n}); err != nil {
				return err
			}
			return state.Put(tx, c, "b", doc{N: n})
		})
		if err != nil {
			fmt.Println("cannot commit:", err)
			return
		}
		fmt.Println(n)
	}
}
