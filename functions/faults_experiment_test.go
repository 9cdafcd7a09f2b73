package functions_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/b2brecs/b2brecs/shared/experiment"
	"github.com/b2brecs/b2brecs/shared/fault"
	"github.com/b2brecs/b2brecs/shared/workflow"
)

// An experiment whose services fail on the way comes to the same metrics and lists as
// one that is left alone; what that means says TestKilledExperiment. Its pipeline's
// tasks read and write files of this machine, which do not fail here.
func TestExperimentUnderFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("trains for a minute")
	}
	python := os.Getenv("B2BRECS_PYTHON")
	if python == "" {
		t.Skip("SKIPPED: no Python with TensorFlow; set B2BRECS_PYTHON to what scripts/python-env prints")
	}
	dir := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(dir, "config"))
	plan := experimentPlan{Dir: filepath.Join(dir, "alone"), Python: python}
	configure(t, &plan)
	alone := plan.Dir
	plan.Dir = filepath.Join(dir, "faulty")
	// With the times of the files: an upload of another time would be loaded anew.
	if out, err := exec.Command("cp", "-pR", alone, plan.Dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	calm := plan
	calm.Dir = alone
	f := fault.New(1, fault.Each(0.02))
	t.Run("lives", func(t *testing.T) { // ends when both have
		t.Run("alone", func(t *testing.T) {
			t.Parallel()
			calm.experimentUnder(t, fault.New(1, nil))
		})
		t.Run("faulty", func(t *testing.T) {
			t.Parallel()
			plan.experimentUnder(t, f)
		})
	})
	if t.Failed() {
		return
	}
	t.Log(f)
	met(t, f)
	want, got := look(t, calm.Dir), look(t, plan.Dir)
	if want.Status != experiment.Completed || want.Rows == 0 || want.Dead != nil {
		t.Errorf("left alone: %+v", want)
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("left alone (-) and under faults (+):\n%s", diff)
	}
}

// experimentUnder runs the plan's experiment to its end.
func (p experimentPlan) experimentUnder(t *testing.T, f *fault.Faults) {
	t.Helper()
	ctx := context.Background()
	began := time.Now()
	in := faultyAt(t, p.Dir, p.Python, f)
	e, err := in.experiments().Start(ctx, experiment.Request{
		Project: killProject, FeatureConfig: p.Features, ModelConfig: p.Model, Key: "once", By: "tester",
		Settings: experiment.Settings{Epochs: 2, BatchSize: 64, Seed: 11},
	})
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(4 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		e, err = in.experiments().Get(ctx, killProject, e.ID)
		if err != nil {
			t.Fatal(err)
		}
		run, err := in.Workflows.Get(ctx, experiment.Workflow, e.ID)
		if err != nil {
			t.Fatal(err)
		}
		if e.Status.Ended() && run.Status != workflow.Active {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the experiment is %s, its workflow %s at %s; dead letters %v", e.Status, run.Status, run.Step, in.dead(t))
		}
	}
	t.Logf("%.1f s, %s", time.Since(began).Seconds(), e.Status)
	in.stop()
}
