package submitpipeline_test

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/b2brecs/b2brecs/functions/submitpipeline"
	"github.com/b2brecs/b2brecs/shared/experiment"
	"github.com/b2brecs/b2brecs/shared/experiment/experimenttest"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/pipeline/kfp"
	"github.com/b2brecs/b2brecs/shared/pipeline/pipelinetest"
	"github.com/b2brecs/b2brecs/shared/problem"
)

func open(t *testing.T) (experimenttest.Parts, submitpipeline.Services) {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("SKIPPED: no python3 on this machine")
	}
	p := experimenttest.Open(t, python, filepath.Join("..", "..", "shared", "pipeline", "local", "testdata", "python"))
	return p, submitpipeline.Services{State: p.State, Pipelines: p.Pipelines, Runner: p.Runner}
}

func request(e experiment.Experiment) submitpipeline.Request {
	return submitpipeline.Request{Project: e.Project, Experiment: e.ID, CallbackURL: "http://127.0.0.1:1/callbacks/1"}
}

func TestSubmit(t *testing.T) {
	p, s := open(t)
	rec := pipelinetest.Record(t, p.Events, "submit")
	e := p.Prepare(t, p.Start(t))
	for range 2 {
		reply, err := submitpipeline.Handle(t.Context(), s, request(e))
		if err != nil || reply.Status != experiment.Running || reply.Job != e.ID {
			t.Fatalf("reply = %+v, %v", reply, err)
		}
	}
	es := rec.Ended(t, e.ID)
	if last := es[len(es)-1]; last.State != pipeline.Succeeded || last.Labels["experiment"] != e.ID || last.Labels["project"] != e.Project {
		t.Errorf("last event = %+v", last)
	}
	got := p.Read(t, e.ID)
	if got.CallbackURL == "" || got.Stages[0].State != pipeline.Succeeded || got.Stages[0].Fact != "24 rows" {
		t.Errorf("callback %q, prepare %+v", got.CallbackURL, got.Stages[0])
	}
	text, err := p.Pipelines.Read(t.Context(), e.Root+"spec.json")
	if err != nil {
		t.Fatal(err)
	}
	job, err := kfp.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	var raw string
	var config experiment.ComponentConfig
	if err := json.Unmarshal(job.RuntimeConfig.ParameterValues["config"], &raw); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(raw), &config); err != nil {
		t.Fatal(err)
	}
	if config.Customer != "customer" || config.Time != "sold_at" || len(config.Columns) != 5 || strings.Join(config.CandidateFeatures, ",") != "product,category" || config.TopK != 100 {
		t.Errorf("config = %+v", config)
	}
}

func TestSubmitTooEarly(t *testing.T) {
	p, s := open(t)
	if _, err := submitpipeline.Handle(t.Context(), s, request(p.Start(t))); !problem.Is(err, problem.FailedPrecondition) {
		t.Errorf("error = %v, want FailedPrecondition", err)
	}
}

func TestSubmitAfterCancel(t *testing.T) {
	p, s := open(t)
	e := p.Prepare(t, p.Start(t))
	if _, err := p.Service().Cancel(t.Context(), e.Project, e.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := submitpipeline.Handle(t.Context(), s, request(e)); !problem.Is(err, problem.FailedPrecondition) {
		t.Errorf("error = %v, want FailedPrecondition", err)
	}
	if _, err := p.Runner.Get(t.Context(), e.ID); !problem.Is(err, problem.NotFound) {
		t.Errorf("a job was submitted: %v", err)
	}
}

func TestFailurePath(t *testing.T) {
	p, s := open(t)
	why := problem.New(problem.FailedPrecondition, "the dataset has no rows").WithNext(problem.TurnYou, "Load some.")
	fail := func(e experiment.Experiment) experiment.Experiment {
		r := request(e)
		r.Outcome, r.Error = "failed", why
		for range 2 {
			if _, err := submitpipeline.Handle(t.Context(), s, r); err != nil {
				t.Fatal(err)
			}
		}
		return p.Read(t, e.ID)
	}
	t.Run("while preparing", func(t *testing.T) {
		e := p.Start(t)
		got := fail(e)
		if got.Status != experiment.Failed || got.Error == nil || got.Error.Next != "Load some." || got.Stages[0].State != pipeline.Failed {
			t.Errorf("status %s, error %+v, prepare %s", got.Status, got.Error, got.Stages[0].State)
		}
	})
	t.Run("while the pipeline runs", func(t *testing.T) {
		rec := pipelinetest.Record(t, p.Events, "running")
		e := p.Prepare(t, p.Start(t))
		if _, err := submitpipeline.Handle(t.Context(), s, request(e)); err != nil {
			t.Fatal(err)
		}
		got := fail(e)
		rec.Ended(t, e.ID)
		if got.Status != experiment.Failed || got.Stages[0].State != pipeline.Succeeded {
			t.Errorf("status %s, prepare %s", got.Status, got.Stages[0].State)
		}
	})
	t.Run("cancelled before", func(t *testing.T) {
		e := p.Start(t)
		if _, err := p.Service().Cancel(t.Context(), e.Project, e.ID); err != nil {
			t.Fatal(err)
		}
		if got := fail(e); got.Status != experiment.Cancelled || got.Error != nil {
			t.Errorf("status %s, error %+v", got.Status, got.Error)
		}
	})
	t.Run("recorded by a function", func(t *testing.T) {
		e := p.Start(t)
		why := problem.New(problem.InvalidArgument, "its own words").WithNext(problem.TurnYou, "Do.")
		if err := experiment.Unprepared(t.Context(), p.State, e, "generate-code", why); !problem.Is(err, problem.InvalidArgument) {
			t.Fatal(err)
		}
		if got := fail(e); got.Error.Message != "its own words" || got.Stages[0].State != pipeline.Failed {
			t.Errorf("error %+v, prepare %s", got.Error, got.Stages[0].State)
		}
	})
	t.Run("deleted", func(t *testing.T) {
		fail(experiment.Experiment{Project: experimenttest.Project, ID: "gone"})
	})
}
