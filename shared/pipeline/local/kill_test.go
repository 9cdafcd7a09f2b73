package local_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/pipeline/kfp"
	"github.com/b2brecs/b2brecs/shared/pipeline/local"
	"github.com/b2brecs/b2brecs/shared/pipeline/pipelinetest"
)

// TestVictim is the process that TestKill kills: it submits one job and waits.
func TestVictim(t *testing.T) {
	dir := os.Getenv("B2BRECS_TEST_VICTIM")
	if dir == "" {
		t.Skip("runs only as a child of TestKill")
	}
	task, warm := os.Getenv("B2BRECS_TEST_TASK"), os.Getenv("B2BRECS_TEST_WARM") == "true"
	m := start(t, dir, func(o *local.Options) { o.Warm = warm })
	rec := pipelinetest.Record(t, m.bus, "victim")
	submit(t, m, "victim", filepath.Join(dir, "run"), map[string]pipelinetest.Behave{task: {Hold: filepath.Join(dir, "gate")}})
	rec.Reached(t, "victim", task, pipeline.Running)
	for !slices.Contains(ran(t, filepath.Join(dir, "run")), task) {
		time.Sleep(time.Millisecond)
	}
	fmt.Println("REACHED")
	time.Sleep(time.Minute)
}

func TestKill(t *testing.T) {
	for _, task := range []string{"examples", "trainer", "evaluator"} {
		for _, warm := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s warm=%t", task, warm), func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				root := filepath.Join(dir, "run")
				if err := os.Mkdir(root, 0o755); err != nil {
					t.Fatal(err)
				}
				killed(t, dir, task, warm)
				// The components' processes die with the one that was killed.
				for deadline := time.Now().Add(10 * time.Second); children(dir) > 0; time.Sleep(10 * time.Millisecond) {
					if time.Now().After(deadline) {
						t.Fatal("a component's process outlives its parent")
					}
				}
				left := temporary(t, dir)
				if len(left) == 0 {
					t.Error("the components leave no temporary files: the case does not bite")
				}
				before := len(ran(t, root))
				if err := os.WriteFile(filepath.Join(dir, "gate"), nil, 0o644); err != nil {
					t.Fatal(err)
				}
				m := start(t, dir, func(o *local.Options) { o.Warm = warm })
				rec := pipelinetest.Record(t, m.bus, "heir")
				es := rec.Ended(t, "victim")
				var path []string
				for _, e := range es {
					path = append(path, strings.TrimSpace(e.Task+" "+string(e.State)))
				}
				want := []string{"RUNNING"}
				for _, name := range kfp.Tasks {
					want = append(want, name+" RUNNING", name+" SUCCEEDED")
				}
				if d := cmp.Diff(append(want, "SUCCEEDED"), path); d != "" {
					t.Errorf("events over both lives:\n%s", d)
				}
				// What was complete does not run again; the task that was killed does.
				i := slices.Index(kfp.Tasks, task)
				if d := cmp.Diff(kfp.Tasks[i:], ran(t, root)[before:]); d != "" {
					t.Errorf("components run after the kill:\n%s", d)
				}
				now := temporary(t, dir)
				for _, name := range left {
					if slices.Contains(now, name) {
						t.Errorf("%s outlives the process that made it", name)
					}
				}
				if !warm && len(now) > 0 {
					t.Errorf("processes that ended leave %v", now)
				}
			})
		}
	}
}

// killed runs TestVictim in a process of its own until the task runs, and kills it.
func killed(t *testing.T, dir, task string, warm bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestVictim$", "-test.v")
	cmd.Env = append(os.Environ(), "B2BRECS_TEST_VICTIM="+dir, "B2BRECS_TEST_TASK="+task, fmt.Sprint("B2BRECS_TEST_WARM=", warm))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	sc := bufio.NewScanner(out)
	reached := false
	for !reached && sc.Scan() {
		reached = sc.Text() == "REACHED"
	}
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if !reached {
		t.Fatalf("the victim did not reach %s", task)
	}
}

// temporary lists the files that components made for themselves.
func temporary(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "work", "tmp", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// children counts living processes that work in a data folder.
func children(dir string) int {
	n := 0
	procs, _ := filepath.Glob("/proc/[0-9]*/cwd")
	for _, p := range procs {
		if cwd, err := os.Readlink(p); err == nil && cwd == filepath.Join(dir, "work") {
			n++
		}
	}
	return n
}
