package local_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/b2brecs/b2brecs/shared/events"
	eventsqlite "github.com/b2brecs/b2brecs/shared/events/sqlite"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/pipeline/kfp"
	"github.com/b2brecs/b2brecs/shared/pipeline/local"
	"github.com/b2brecs/b2brecs/shared/pipeline/pipelinetest"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	statesqlite "github.com/b2brecs/b2brecs/shared/state/sqlite"
)

// python is any Python 3: the test components need no packages.
func python(t testing.TB) string {
	t.Helper()
	p, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("SKIPPED: no python3 on this machine")
	}
	// A shim may stand for several versions; ask it for the real one, since the
	// driver kills the process it started.
	out, err := exec.Command(p, "-c", "import sys; print(sys.executable)").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

type machine struct {
	state  *state.DB
	bus    *events.Bus
	driver *local.Driver
	runner *pipeline.Runner
}

// start opens a data folder as a process would.
func start(t testing.TB, dir string, change func(*local.Options)) machine {
	t.Helper()
	sdrv, err := statesqlite.Open(filepath.Join(dir, "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	edrv, err := eventsqlite.Open(filepath.Join(dir, "events.db"))
	if err != nil {
		t.Fatal(err)
	}
	m := machine{state: state.New(sdrv), bus: events.New(edrv)}
	t.Cleanup(func() { _ = m.state.Close() })
	t.Cleanup(func() { _ = m.bus.Close(context.WithoutCancel(t.Context())) })
	o := local.Options{
		State: m.state, Events: m.bus, Python: python(t), RuntimeDir: filepath.Join("testdata", "python"),
		WorkDir: filepath.Join(dir, "work"), Warm: true,
	}
	if change != nil {
		change(&o)
	}
	if m.driver, err = local.Open(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.driver.Close() })
	m.runner = pipeline.New(m.driver)
	return m
}

func TestConformanceWarm(t *testing.T) { conformance(t, true) }

func TestConformanceProcesses(t *testing.T) { conformance(t, false) }

func conformance(t *testing.T, warm bool) {
	pipelinetest.Run(t, func(t *testing.T) pipelinetest.Setup {
		m := start(t, t.TempDir(), func(o *local.Options) { o.Warm = warm; o.MaxJobs = 2 })
		return pipelinetest.Setup{
			Runner: m.runner, Events: m.bus,
			Root: func(t testing.TB) string { return t.TempDir() },
		}
	})
}

// ran lists the components in the order they ran; none have in a fresh folder.
func ran(t testing.TB, root string) []string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, "ran.txt"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return strings.Fields(string(b))
}

func TestQueue(t *testing.T) {
	m := start(t, t.TempDir(), nil)
	rec := pipelinetest.Record(t, m.bus, "queue")
	gate := filepath.Join(t.TempDir(), "gate")
	first, second := t.TempDir(), t.TempDir()
	submit(t, m, "first", first, map[string]pipelinetest.Behave{"schema": {Hold: gate}})
	rec.Reached(t, "first", "schema", pipeline.Running)
	submit(t, m, "second", second, nil)
	if job, err := m.runner.Get(t.Context(), "second"); err != nil || job.State != pipeline.Pending {
		t.Errorf("the second job is %s (%v); one job runs at a time", job.State, err)
	}
	if err := os.WriteFile(gate, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	rec.Ended(t, "second")
	if d := cmp.Diff(kfp.Tasks, ran(t, second)); d != "" {
		t.Error(d)
	}
}

func TestTaskTimeout(t *testing.T) {
	m := start(t, t.TempDir(), func(o *local.Options) { o.TaskTimeout = 300 * time.Millisecond })
	rec := pipelinetest.Record(t, m.bus, "timeout")
	submit(t, m, "slow", t.TempDir(), map[string]pipelinetest.Behave{"examples": {Sleep: 600}})
	es := rec.Ended(t, "slow")
	last := es[len(es)-1]
	if last.State != pipeline.Failed || last.Error == nil || last.Error.Code != problem.ResourceExhausted || last.Error.Step != "examples" {
		t.Errorf("last event = %+v, error %+v", last, last.Error)
	}
}

func TestStaleOutputCountsForNothing(t *testing.T) {
	m := start(t, t.TempDir(), nil)
	rec := pipelinetest.Record(t, m.bus, "stale")
	root := t.TempDir()
	submit(t, m, "one", root, nil)
	rec.Ended(t, "one")
	submit(t, m, "two", root, nil)
	rec.Ended(t, "two")
	if d := cmp.Diff(append(append([]string{}, kfp.Tasks...), kfp.Tasks...), ran(t, root)); d != "" {
		t.Error(d)
	}
}

func TestWorkerIsReplaced(t *testing.T) {
	for name, change := range map[string]func(*local.Options){
		"after jobs": func(o *local.Options) { o.JobsPerWorker = 1 },
		"after idle": func(o *local.Options) { o.IdleTimeout = time.Millisecond },
	} {
		t.Run(name, func(t *testing.T) {
			m := start(t, t.TempDir(), change)
			rec := pipelinetest.Record(t, m.bus, "replaced")
			m.runner.Prewarm(t.Context())
			m.runner.Prewarm(t.Context())
			for _, id := range []string{"one", "two"} {
				submit(t, m, id, t.TempDir(), nil)
				if es := rec.Ended(t, id); es[len(es)-1].State != pipeline.Succeeded {
					t.Errorf("job %s: %+v", id, es[len(es)-1])
				}
			}
		})
	}
}

func TestBrokenPython(t *testing.T) {
	for name, change := range map[string]func(*local.Options){
		"no interpreter": func(o *local.Options) { o.Python = "/nonexistent/python" },
		"no package":     func(o *local.Options) { o.RuntimeDir = t.TempDir() },
	} {
		for _, warm := range []bool{true, false} {
			m := start(t, t.TempDir(), func(o *local.Options) { change(o); o.Warm = warm })
			rec := pipelinetest.Record(t, m.bus, "broken")
			m.runner.Prewarm(t.Context())
			submit(t, m, "job", t.TempDir(), nil)
			es := rec.Ended(t, "job")
			e := es[len(es)-1].Error
			if e == nil || !strings.Contains(e.Error(), "/nonexistent/python") && !strings.Contains(e.Error(), "b2brecs_runtime") {
				t.Errorf("%s, warm %t: error = %v", name, warm, e)
			}
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	_, err := local.Open(t.Context(), local.Options{})
	var names []string
	for _, f := range problem.Of(err).Fields {
		names = append(names, f.Location)
	}
	if d := cmp.Diff([]string{"State", "Events", "Python", "RuntimeDir", "WorkDir"}, names); d != "" {
		t.Error(d)
	}
}

func submit(t testing.TB, m machine, id, root string, behave map[string]pipelinetest.Behave) {
	t.Helper()
	if _, err := m.runner.Submit(t.Context(), id, pipelinetest.Spec(t, root, behave), map[string]string{"experiment": id}); err != nil {
		t.Fatal(err)
	}
}
