package followprogress_test

import (
	"testing"
	"time"

	"github.com/b2brecs/b2brecs/functions/followprogress"
	"github.com/b2brecs/b2brecs/shared/experiment"
	"github.com/b2brecs/b2brecs/shared/experiment/experimenttest"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/problem"
)

func TestHandle(t *testing.T) {
	p := experimenttest.Open(t, "", "")
	s := followprogress.Services{State: p.State, Pipelines: p.Pipelines}
	const project = experimenttest.Project
	root := experiment.Root(project, "e1")
	started := experiment.Experiment{ID: "e1", Project: project, Status: experiment.Running, Root: root}
	for _, name := range experiment.Stages {
		started.Stages = append(started.Stages, experiment.Stage{Name: name})
	}
	if err := experiment.Of(p.State, project).Create(t.Context(), "e1", started); err != nil {
		t.Fatal(err)
	}
	handle := func(key, text string) error {
		t.Helper()
		if text != "" {
			if err := p.Pipelines.Write(t.Context(), key, []byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		return followprogress.Handle(t.Context(), s, objects.Finalized{Bucket: objects.Pipelines, Key: key, Generation: "1", Time: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)})
	}
	for _, text := range []string{`{"epoch":1,"epochs":3,"loss":4.5,"val_recall@10":0.1,"note":"first"}`, `{"epoch":2,"epochs":3,"loss":4.1,"val_recall@10":0.2}`} {
		for range 2 { // every event can come twice
			if err := handle(root+"progress.json", text); err != nil {
				t.Fatal(err)
			}
		}
	}
	e, err := experiment.Of(p.State, project).Get(t.Context(), "e1")
	if err != nil || e.Epoch != 2 {
		t.Errorf("epoch %d, %v", e.Epoch, err)
	}
	h, err := experiment.Histories(p.State, project).Get(t.Context(), "e1")
	if err != nil || len(h.Epochs) != 2 {
		t.Errorf("curves %+v, %v", h, err)
	}
	for name, c := range map[string]struct {
		key, text string
		code      problem.Code
	}{
		"another file":         {root + "evaluation.json", "{}", ""},
		"a file of that name":  {root + "tasks/trainer/progress.json", "{}", ""},
		"outside of a run":     {"progress.json", "{}", ""},
		"deleted meanwhile":    {experiment.Root(project, "e2") + "progress.json", "", ""},
		"no experiment":        {experiment.Root(project, "e3") + "progress.json", `{"epoch":1}`, ""},
		"cannot be understood": {root + "progress.json", "not JSON", problem.InvalidArgument},
	} {
		if err := handle(c.key, c.text); problem.CodeOf(err) != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
}
