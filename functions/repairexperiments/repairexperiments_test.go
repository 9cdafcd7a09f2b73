package repairexperiments_test

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/b2brecs/b2brecs/functions/repairexperiments"
	"github.com/b2brecs/b2brecs/shared/dataset"
	"github.com/b2brecs/b2brecs/shared/experiment"
	"github.com/b2brecs/b2brecs/shared/experiment/experimenttest"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/pipeline/pipelinetest"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/workflow"
)

func TestRepair(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("SKIPPED: no python3 on this machine")
	}
	p := experimenttest.Open(t, python, filepath.Join("..", "..", "shared", "pipeline", "local", "testdata", "python"))
	s := repairexperiments.Services{State: p.State, Events: p.Events, Workflows: p.Workflows, Runner: p.Runner, FunctionsURL: "http://127.0.0.1:1"}
	err = state.Of[dataset.Project](p.State, dataset.ProjectsCollection).Put(t.Context(), experimenttest.Project, dataset.Project{ID: experimenttest.Project})
	if err != nil {
		t.Fatal(err)
	}
	all := experiment.Of(p.State, experimenttest.Project)
	repair := func(want int) {
		t.Helper()
		r, err := repairexperiments.Handle(t.Context(), s, repairexperiments.Request{})
		if err != nil || r.Repaired != want {
			t.Fatalf("repaired %d, %v; want %d", r.Repaired, err, want)
		}
	}

	healthy := p.Start(t)
	repair(0)

	// Stored, but the process died before the workflow was started.
	orphan := healthy
	orphan.ID = "orphan-" + state.NewID()
	if err := all.Put(t.Context(), orphan.ID, orphan); err != nil {
		t.Fatal(err)
	}
	repair(1)
	if run, err := p.Workflows.Get(t.Context(), experiment.Workflow, orphan.ID); err != nil || run.Status != workflow.Active {
		t.Errorf("workflow of the orphan = %s, %v", run.Status, err)
	}
	repair(0)

	// The workflow is gone, the experiment does not know.
	if err := p.Workflows.Cancel(t.Context(), experiment.Workflow, orphan.ID); err != nil {
		t.Fatal(err)
	}
	repair(1)
	if got := p.Read(t, orphan.ID); got.Status != experiment.Cancelled {
		t.Errorf("the orphan is %s", got.Status)
	}

	// The pipeline ended and nobody listened.
	e := p.Prepare(t, healthy)
	if _, err := all.Update(t.Context(), e.ID, func(e *experiment.Experiment) error { e.Submitted("", e.StartedAt); return nil }); err != nil {
		t.Fatal(err)
	}
	repair(0) // its submission is still to come: the workflow is active
	rec := pipelinetest.Record(t, p.Events, "repair")
	if _, err := p.Runner.Submit(t.Context(), e.ID, pipelinetest.Spec(t, t.TempDir(), map[string]pipelinetest.Behave{"schema": {Raise: "no"}}), e.Labels()); err != nil {
		t.Fatal(err)
	}
	before := len(rec.Ended(t, e.ID))
	repair(1)
	rec.Wait(t, "events again", func() bool { return len(rec.States(e.ID)) > before+6 })
	last := pipeline.StateChanged{}
	for _, c := range rec.States(e.ID) {
		if c.Seq == 0 && c.Task == "" {
			last = c
		}
	}
	if last.State != pipeline.Failed || last.Error == nil || last.Error.Step != "schema" {
		t.Errorf("replayed end = %+v", last)
	}
}
