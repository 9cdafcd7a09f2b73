package generatecode_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/b2brecs/b2brecs/functions/generatecode"
	"github.com/b2brecs/b2brecs/shared/dataset"
	"github.com/b2brecs/b2brecs/shared/events"
	queue "github.com/b2brecs/b2brecs/shared/events/sqlite"
	"github.com/b2brecs/b2brecs/shared/experiment"
	"github.com/b2brecs/b2brecs/shared/feature"
	"github.com/b2brecs/b2brecs/shared/model"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/objects/folder"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/state/sqlite"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

const project = "p1"

func services(t *testing.T) generatecode.Services {
	t.Helper()
	dir := t.TempDir()
	drv, err := sqlite.Open(filepath.Join(dir, "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	db := state.New(drv)
	t.Cleanup(func() { _ = db.Close() })
	queue, err := queue.Open(filepath.Join(dir, "events.db"))
	if err != nil {
		t.Fatal(err)
	}
	bus := events.New(queue)
	t.Cleanup(func() { _ = bus.Close(context.WithoutCancel(t.Context())) })
	bucket, err := folder.Open(objects.Pipelines, filepath.Join(dir, "pipelines"), bus)
	if err != nil {
		t.Fatal(err)
	}
	return generatecode.Services{State: db, Pipelines: objects.NewBucket(objects.Pipelines, bucket)}
}

func start(t *testing.T, s generatecode.Services, change func(*experiment.Experiment)) experiment.Experiment {
	t.Helper()
	id := func(column string) feature.Feature {
		return feature.Feature{Column: column, Type: warehouse.String, DataType: feature.Text, PrimaryID: true, Embedding: &feature.Embedding{Dim: 32}}
	}
	e := experiment.Experiment{ID: "e1", Project: project, Status: experiment.Preparing, Root: "experiments/p1/e1/", Stages: []experiment.Stage{{Name: "prepare", State: pipeline.Running}}, Snapshot: experiment.Snapshot{
		FeatureConfig: "fc", FeatureVersion: 2, ModelConfig: "mc", ModelVersion: 1,
		Features: feature.Definition{
			Query:     feature.Tower{Features: []feature.Feature{id("customer")}},
			Candidate: feature.Tower{Features: []feature.Feature{id("product")}},
		},
		Model:          model.Defaults(),
		DatasetVersion: dataset.Version{Schema: []warehouse.Column{{Name: "customer", Type: warehouse.String}, {Name: "product", Type: warehouse.String}}},
	}}
	change(&e)
	if err := state.Of[experiment.Experiment](s.State, experiment.Collection(project)).Put(t.Context(), e.ID, e); err != nil {
		t.Fatal(err)
	}
	return e
}

func read(ctx context.Context, t *testing.T, s generatecode.Services) experiment.Experiment {
	t.Helper()
	e, err := state.Of[experiment.Experiment](s.State, experiment.Collection(project)).Get(ctx, "e1")
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestStoresTheCode(t *testing.T) {
	s := services(t)
	start(t, s, func(*experiment.Experiment) {})
	request := generatecode.Request{Project: project, Experiment: "e1"}
	first, err := generatecode.Handle(t.Context(), s, request)
	if err != nil {
		t.Fatal(err)
	}
	contents := func() map[string]string {
		out := map[string]string{}
		list, err := s.Pipelines.List(t.Context(), "experiments/p1/e1/")
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range list {
			data, err := s.Pipelines.Read(t.Context(), o.Key)
			if err != nil {
				t.Fatal(err)
			}
			out[o.Key] = string(data)
		}
		return out
	}
	stored := contents()
	for _, name := range []string{"transform_module.py", "trainer_module.py", "ir.json", "manifest.json"} {
		if stored["experiments/p1/e1/code/"+name] == "" {
			t.Errorf("%s is missing", name)
		}
	}
	if got := read(t.Context(), t, s).CodeHash; got != first.Hash || got == "" {
		t.Errorf("the experiment's hash is %q, the reply's %q", got, first.Hash)
	}
	again, err := generatecode.Handle(t.Context(), s, request)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(first, again); d != "" {
		t.Errorf("a repeat replies otherwise:\n%s", d)
	}
	if d := cmp.Diff(stored, contents()); d != "" {
		t.Errorf("a repeat stores something else:\n%s", d)
	}
}

func TestFailureEndsTheExperiment(t *testing.T) {
	s := services(t)
	start(t, s, func(e *experiment.Experiment) { e.Snapshot.Features.Query.Features[0].Column = "client" })
	_, err := generatecode.Handle(t.Context(), s, generatecode.Request{Project: project, Experiment: "e1"})
	if !problem.Is(err, problem.InvalidArgument) {
		t.Fatalf("got %v, want an invalid argument", err)
	}
	e := read(t.Context(), t, s)
	if e.Status != experiment.Failed || e.EndedAt.IsZero() || e.Error == nil || len(e.Error.Fields) != 1 {
		t.Fatalf("the experiment is %s with %+v", e.Status, e.Error)
	}
	if p := e.Stages[0]; p.State != pipeline.Failed || p.Error == nil || e.Error.Next == "" {
		t.Errorf("the stage is %+v; next: %q", p, e.Error.Next)
	}
	if !strings.Contains(e.Error.Fields[0].Message, `no column "client"`) || e.Error.Step != "generate-code" {
		t.Errorf("the error says %+v", e.Error)
	}
}

func TestEndedExperimentIsLeftAlone(t *testing.T) {
	s := services(t)
	start(t, s, func(e *experiment.Experiment) { e.Status = experiment.Cancelled })
	if _, err := generatecode.Handle(t.Context(), s, generatecode.Request{Project: project, Experiment: "e1"}); err != nil {
		t.Fatal(err)
	}
	if list, err := s.Pipelines.List(t.Context(), ""); err != nil || len(list) != 0 {
		t.Errorf("a cancelled experiment got files: %v %v", list, err)
	}
}

func TestFailureThatMayPassIsReturnedOnly(t *testing.T) {
	s := services(t)
	start(t, s, func(*experiment.Experiment) {})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := generatecode.Handle(ctx, s, generatecode.Request{Project: project, Experiment: "e1"}); err == nil {
		t.Fatal("a cancelled call succeeded")
	}
	if e := read(t.Context(), t, s); e.Status != experiment.Preparing {
		t.Errorf("the experiment is %s", e.Status)
	}
}
