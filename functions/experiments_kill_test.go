package functions_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/b2brecs/b2brecs/shared/experiment"
	"github.com/b2brecs/b2brecs/shared/platform"
	"github.com/b2brecs/b2brecs/shared/workflow"
)

// experimentPlan tells the process that is killed what to run.
type experimentPlan struct {
	Dir, Python     string
	Features, Model string // ids of the configs
	Twice           bool   // deliver every event two times
	Hold            string // the gate that is closed in this life; "" none
}

const killProject = "kill"

// experimentVictim serves a platform, asks for its experiment once, and goes when
// everything of it has ended.
func experimentVictim(ctx context.Context, encoded json.RawMessage) error {
	var plan experimentPlan
	if err := json.Unmarshal(encoded, &plan); err != nil {
		return err
	}
	g := gate{plan.Dir, plan.Hold}
	in, err := start(ctx, plan.Dir, setup{python: plan.Python, services: g.gates, catalog: func(all []platform.Function) []platform.Function {
		if plan.Twice {
			all = twice(all)
		}
		return g.calls(all)
	}})
	if err != nil {
		return err
	}
	e, err := in.experiments().Start(ctx, experiment.Request{
		Project: killProject, FeatureConfig: plan.Features, ModelConfig: plan.Model, Key: "once", By: "tester",
		Settings: experiment.Settings{Epochs: 2, BatchSize: 64, Seed: 11},
	})
	if err != nil {
		return err
	}
	g.pass("created")
	for ; ; time.Sleep(20 * time.Millisecond) {
		if e, err = in.experiments().Get(ctx, killProject, e.ID); err != nil {
			return err
		}
		run, err := in.Workflows.Get(ctx, experiment.Workflow, e.ID)
		if err != nil {
			return err
		}
		if e.Status.Ended() && run.Status != workflow.Active {
			in.stop()
			return nil
		}
	}
}

// deaths are the steps at which the process is killed, in the order of an
// experiment's life: when a file is in the data folder, whose place tells the
// step. hold is the gate that is closed in that life, task the pipeline's task
// that runs when it ends.
var deaths = []struct{ step, file, hold, task string }{
	{"experiment stored, its workflow not started", "held-start", "start", ""},
	{"workflow started", "held-created", "created", ""},
	{"analyze-dataset: one of its files written", "held-export", "export", ""},
	{"generate-code: its reply lost", "held-generate-code", "generate-code", ""},
	// The first task begins while the worker still imports TensorFlow.
	{"submit-pipeline: its reply lost; examples", "worker/logs/*/examples.log", "submit-pipeline", "examples"},
	{"statistics: begun", "worker/logs/*/statistics.log", "", "statistics"}, // it writes for some milliseconds only
	{"schema: begun", "worker/logs/*/schema.log", "", "schema"},             // too short to be met later
	{"transform: writing", runFolder + "tasks/transform/transform_graph.new-*", "", "transform"},
	{"trainer: after an epoch", runFolder + "training_metrics.json", "", "trainer"},
	{"evaluator: writing", runFolder + "recommendations*", "", "evaluator"},
	{"harvest-metrics: lists in the warehouse", "held-commit", "commit", ""},
	{"harvest-metrics: all stored, the workflow not told", "held-callback", "callback", ""},
}

const runFolder = "objects/pipelines/experiments/*/*/"

// A process that is killed at every step of an experiment, and gets every event
// twice, comes to the same experiment as one that is left alone.
//
// The same to the last bit: the training library promises the same metrics for the
// same data and seed on one machine, and the tasks after the one that was killed
// read files that do not differ. What differs is left out by name: ids, times, and
// the speeds of the epochs.
func TestKilledExperiment(t *testing.T) {
	if testing.Short() {
		t.Skip("trains and kills processes for two minutes")
	}
	python := os.Getenv("B2BRECS_PYTHON")
	if python == "" {
		t.Skip("SKIPPED: no Python with TensorFlow; set B2BRECS_PYTHON to what scripts/python-env prints")
	}
	dir := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(dir, "config"))
	t.Setenv("TMPDIR", filepath.Join(dir, "tmp"))
	if err := os.Mkdir(os.TempDir(), 0o700); err != nil {
		t.Fatal(err)
	}
	alone := experimentPlan{Dir: filepath.Join(dir, "alone"), Python: python}
	configure(t, &alone)
	killed := alone
	killed.Dir, killed.Twice = filepath.Join(dir, "killed"), true
	// With the times of the files: an upload of another time would be loaded anew.
	if out, err := exec.Command("cp", "-pR", alone.Dir, killed.Dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Run("lives", func(t *testing.T) { // ends when both have
		t.Run("alone", func(t *testing.T) {
			t.Parallel()
			if !alone.liveUntil(t, "") {
				t.Fatal("the experiment does not end")
			}
		})
		t.Run("killed", func(t *testing.T) {
			t.Parallel()
			for _, d := range deaths {
				killed.Hold = d.hold
				if killed.liveUntil(t, d.file) {
					t.Fatalf("%s: the process came to its end", d.step)
				}
				if got := running(t, killed.Dir); got != d.task {
					t.Errorf("%s: the running task is %q, want %q", d.step, got, d.task)
				}
			}
			killed.Hold = ""
			if !killed.liveUntil(t, "") {
				t.Fatal("the experiment does not end")
			}
		})
	})
	if t.Failed() {
		return
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("outside of the data folders there are %v, %v", left, err)
	}
	want, got := look(t, alone.Dir), look(t, killed.Dir)
	if want.Status != experiment.Completed || want.Experiments != 1 || want.Jobs != 1 || want.Executions != 1 ||
		want.Rows == 0 || want.Rows != want.Recommendations || want.Rows != want.Places || want.Dead != nil {
		t.Errorf("left alone: %+v", want)
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("left alone (-) and killed %d times (+):\n%s", len(deaths), diff)
	}
}

// liveUntil runs the victim until a file is in its data folder, which kills it, or
// its end, which gives true.
func (p experimentPlan) liveUntil(t *testing.T, file string) (ended bool) {
	t.Helper()
	began := time.Now()
	ctx, kill := context.WithTimeout(context.Background(), 2*time.Minute)
	defer kill()
	go func() {
		for ctx.Err() == nil && file != "" {
			if found, err := filepath.Glob(filepath.Join(p.Dir, file)); err != nil || len(found) > 0 {
				kill()
			}
			time.Sleep(time.Millisecond)
		}
	}()
	ended = life(ctx, t, "experiment", p)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		t.Fatalf("the process lives on, but there is no %q", file)
	}
	t.Logf("%5.1f s to %s", time.Since(began).Seconds(), cmp.Or(file, "the end"))
	return ended
}
