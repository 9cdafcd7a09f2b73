package experiment_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/b2brecs/b2brecs/shared/dataset"
	"github.com/b2brecs/b2brecs/shared/experiment"
	"github.com/b2brecs/b2brecs/shared/experiment/experimenttest"
	"github.com/b2brecs/b2brecs/shared/feature"
	"github.com/b2brecs/b2brecs/shared/model"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/versioned"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/workflow"
)

func request(p experimenttest.Parts) experiment.Request {
	return experiment.Request{Project: experimenttest.Project, FeatureConfig: p.Features, ModelConfig: p.Model, By: "tester"}
}

func TestStartPinsEverything(t *testing.T) {
	p := experimenttest.Open(t, "", "")
	e := p.Start(t)
	if e.Status != experiment.Pending || e.Number != 1 || e.Root != "experiments/wholesale/"+e.ID+"/" || e.CreatedBy != "tester" || len(e.Stages) != len(experiment.Stages) {
		t.Errorf("experiment = %+v", e)
	}
	want := experiment.Settings{
		Split: dataset.Split{Strategy: "temporal", SamplePercent: 100}, Epochs: e.Snapshot.Model.Epochs,
		BatchSize: e.Snapshot.Model.BatchSize, LearningRate: e.Snapshot.Model.LearningRate,
	}
	if d := cmp.Diff(want, e.Settings); d != "" {
		t.Error(d)
	}
	run, err := p.Workflows.Get(t.Context(), experiment.Workflow, e.ID)
	if err != nil || run.Status != workflow.Active || !strings.Contains(string(run.Argument), `"run":"`+e.ID+`"`) {
		t.Errorf("workflow = %+v, %v", run, err)
	}
	// A config that changes afterwards changes no experiment.
	changed := e.Snapshot.Model
	changed.OutputDim *= 2
	if _, err := model.NewStore(p.State, e.Project).Update(t.Context(), p.Model, versioned.Change[model.Definition]{Definition: &changed}); err != nil {
		t.Fatal(err)
	}
	if got := p.Read(t, e.ID); got.Snapshot.Model.OutputDim != e.Snapshot.Model.OutputDim || got.Snapshot.ModelVersion != 1 {
		t.Errorf("snapshot follows the config: version %d", got.Snapshot.ModelVersion)
	}
}

func TestNumbersAndKeys(t *testing.T) {
	p := experimenttest.Open(t, "", "")
	s := p.Service()
	var mu sync.Mutex
	numbers, ids := map[int64]int{}, map[string]bool{}
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			r := request(p)
			if i%2 == 0 {
				r.Key = "one key"
			}
			e, err := s.Start(t.Context(), r)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			numbers[e.Number]++
			if r.Key != "" {
				ids[e.ID] = true
			}
		})
	}
	wg.Wait()
	if len(ids) != 1 {
		t.Errorf("one key started %d experiments", len(ids))
	}
	for n := int64(1); n <= 7; n++ {
		if numbers[n] == 0 {
			t.Errorf("number %d is missing: %v", n, numbers)
		}
	}
	if len(numbers) != 7 {
		t.Errorf("numbers = %v, want 1 to 7", numbers)
	}
}

func TestCheckFindsEverything(t *testing.T) {
	p := experimenttest.Open(t, "", "")
	fdef := feature.Definition{Dataset: "ds1", DatasetVersion: 1,
		Query: feature.Tower{Features: []feature.Feature{
			{Column: "Customer", Type: warehouse.String, DataType: feature.Text, PrimaryID: true, Embedding: &feature.Embedding{Dim: 16}},
		}},
		Candidate: feature.Tower{Features: []feature.Feature{
			{Column: "product_id", Type: warehouse.String, DataType: feature.Text, PrimaryID: true, Embedding: &feature.Embedding{Dim: 16}},
		}},
	}
	name := "Wrong"
	fc, err := feature.NewStore(p.State, experimenttest.Project).Create(t.Context(), "", versioned.Change[feature.Definition]{Name: &name, Definition: &fdef})
	if err != nil {
		t.Fatal(err)
	}
	mdef := model.Defaults()
	mdef.Type = "ranking"
	mc, err := model.NewStore(p.State, experimenttest.Project).Create(t.Context(), "", versioned.Change[model.Definition]{Name: &name, Definition: &mdef})
	if err != nil {
		t.Fatal(err)
	}
	r := experiment.Request{Project: experimenttest.Project, FeatureConfig: fc.ID, ModelConfig: mc.ID, Settings: experiment.Settings{
		Epochs: 501, BatchSize: 1, LearningRate: 2, Split: dataset.Split{Strategy: "weekly", SamplePercent: 101},
	}}
	_, err = p.Service().Start(t.Context(), r)
	if !problem.Is(err, problem.InvalidArgument) {
		t.Fatalf("error = %v", err)
	}
	got := map[string]string{}
	for _, f := range problem.Of(err).Fields {
		if got[f.Location] != "" {
			t.Errorf("%s is reported twice", f.Location)
		}
		got[f.Location] = f.Message
	}
	for at, part := range map[string]string{
		"settings.epochs": "500", "settings.batch_size": "65536", "settings.learning_rate": "at most 1", "settings.split.sample_percent": "100",
		"settings.split.strategy": "weekly", "model.type": "retrieval",
		"features.query.features[0].column":     "its case differs: customer",
		"features.candidate.features[0].column": "it is named product there",
	} {
		if !strings.Contains(got[at], part) {
			t.Errorf("%s: %q lacks %q", at, got[at], part)
		}
	}
	for what, r := range map[string]experiment.Request{
		"feature config": {Project: experimenttest.Project, FeatureConfig: "gone", ModelConfig: p.Model},
		"model config":   {Project: experimenttest.Project, FeatureConfig: p.Features, ModelConfig: "gone"},
		"project":        {Project: "other", FeatureConfig: p.Features, ModelConfig: p.Model},
	} {
		if _, err := p.Service().Start(t.Context(), r); !problem.Is(err, problem.NotFound) {
			t.Errorf("unknown %s: %v", what, err)
		}
	}
}

func TestTemporalSplitNeedsTime(t *testing.T) {
	p := experimenttest.Open(t, "", "")
	versions := state.Of[dataset.Version](p.State, dataset.VersionsCollection(experimenttest.Project))
	if _, err := versions.Update(t.Context(), "ds1-v1", func(v *dataset.Version) error { delete(v.Definition.Roles, dataset.Time); return nil }); err != nil {
		t.Fatal(err)
	}
	if e := p.Start(t); e.Settings.Split.Strategy != "random" {
		t.Errorf("without a time column the split is %s", e.Settings.Split.Strategy)
	}
	r := request(p)
	r.Settings.Split.Strategy = "temporal"
	if _, err := p.Service().Start(t.Context(), r); !problem.Is(err, problem.InvalidArgument) {
		t.Errorf("error = %v", err)
	}
}

func TestCancelBeforeThePipeline(t *testing.T) {
	p := experimenttest.Open(t, "", "")
	e := p.Start(t)
	for range 2 {
		got, err := p.Service().Cancel(t.Context(), e.Project, e.ID)
		if err != nil || got.Status != experiment.Cancelled || got.EndedAt.IsZero() {
			t.Fatalf("status %s, %v", got.Status, err)
		}
	}
	if run, err := p.Workflows.Get(t.Context(), experiment.Workflow, e.ID); err != nil || run.Status != workflow.Cancelled {
		t.Errorf("workflow = %s, %v", run.Status, err)
	}
	if _, err := p.Service().Cancel(t.Context(), e.Project, "gone"); !problem.Is(err, problem.NotFound) {
		t.Errorf("unknown experiment: %v", err)
	}
}

func TestRerun(t *testing.T) {
	p := experimenttest.Open(t, "", "")
	s := p.Service()
	e := p.Start(t)
	if _, err := s.Rerun(t.Context(), e.Project, e.ID, "", "other"); !problem.Is(err, problem.FailedPrecondition) {
		t.Errorf("rerun of a running experiment: %v", err)
	}
	if _, err := s.Cancel(t.Context(), e.Project, e.ID); err != nil {
		t.Fatal(err)
	}
	again, err := s.Rerun(t.Context(), e.Project, e.ID, "k", "other")
	if err != nil {
		t.Fatal(err)
	}
	if again.Number != 2 || again.RerunOf != e.ID || again.CreatedBy != "other" || again.Status != experiment.Pending {
		t.Errorf("rerun = %+v", again)
	}
	if d := cmp.Diff(e.Snapshot, again.Snapshot); d != "" {
		t.Error(d)
	}
	if same, err := s.Rerun(t.Context(), e.Project, e.ID, "k", "other"); err != nil || same.ID != again.ID {
		t.Errorf("the same key gives %s, %v; want %s", same.ID, err, again.ID)
	}
}

func TestDelete(t *testing.T) {
	p := experimenttest.Open(t, "", "")
	s := p.Service()
	keep := p.Prepare(t, p.Start(t))
	e := p.Prepare(t, p.Start(t))
	p.Results(t, keep)
	p.Results(t, e)
	if err := s.Delete(t.Context(), e.Project, e.ID); !problem.Is(err, problem.FailedPrecondition) {
		t.Errorf("delete of a running experiment: %v", err)
	}
	result, history, err := experiment.Harvest(t.Context(), p.Pipelines, p.Warehouse, e, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := experiment.Finish(t.Context(), p.State, e, result, history); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), e.Project, e.ID); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), e.Project, e.ID); !problem.Is(err, problem.NotFound) {
		t.Errorf("second delete: %v", err)
	}
	if list, err := p.Pipelines.List(t.Context(), e.Root); err != nil || len(list) != 0 {
		t.Errorf("%d objects are left, %v", len(list), err)
	}
	if list, err := p.Pipelines.List(t.Context(), keep.Root); err != nil || len(list) == 0 {
		t.Errorf("the other experiment's folder is empty, %v", err)
	}
	tables, err := p.Warehouse.Tables(t.Context(), warehouse.ML)
	if err != nil || len(tables) != 1 || tables[0].Ref != keep.Examples.Table {
		t.Errorf("tables = %v, %v", tables, err)
	}
	if next := p.Start(t); next.Number != 3 {
		t.Errorf("the number after a deletion is %d: numbers are not used again", next.Number)
	}
}

func TestList(t *testing.T) {
	p := experimenttest.Open(t, "", "")
	s := p.Service()
	var all []experiment.Experiment
	for range 5 {
		all = append(all, p.Start(t))
	}
	if _, err := s.Rename(t.Context(), experimenttest.Project, all[1].ID, "Wider towers"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Cancel(t.Context(), experimenttest.Project, all[3].ID); err != nil {
		t.Fatal(err)
	}
	numbers := func(f experiment.Filter, limit int) []int64 {
		var out []int64
		for cursor := ""; ; {
			items, next, err := s.List(t.Context(), experimenttest.Project, f, limit, cursor)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range items {
				out = append(out, e.Number)
			}
			if next == "" {
				return out
			}
			cursor = next
		}
	}
	for name, c := range map[string]struct {
		f    experiment.Filter
		want []int64
	}{
		"all":       {experiment.Filter{}, []int64{5, 4, 3, 2, 1}},
		"active":    {experiment.Filter{Status: "active"}, []int64{5, 3, 2, 1}},
		"ended":     {experiment.Filter{Status: "ended"}, []int64{4}},
		"cancelled": {experiment.Filter{Status: "cancelled"}, []int64{4}},
		"name":      {experiment.Filter{Search: "WIDER"}, []int64{2}},
		"number":    {experiment.Filter{Search: "Exp #3"}, []int64{3}},
		"config":    {experiment.Filter{Search: "basics", FeatureConfig: p.Features, Dataset: "ds1", ModelConfig: p.Model}, []int64{5, 4, 3, 2, 1}},
		"none":      {experiment.Filter{ModelConfig: "gone"}, nil},
	} {
		for _, limit := range []int{1, 2, 50} {
			if d := cmp.Diff(c.want, numbers(c.f, limit)); d != "" {
				t.Errorf("%s by %d: %s", name, limit, d)
			}
		}
	}
}

func TestReadsBeforeTheRun(t *testing.T) {
	p := experimenttest.Open(t, "", "")
	s, e := p.Service(), p.Start(t)
	if h, err := s.History(t.Context(), e.Project, e.ID); err != nil || h.Experiment != e.ID || len(h.Epochs) != 0 {
		t.Errorf("history = %+v, %v", h, err)
	}
	if _, err := s.Code(t.Context(), e.Project, e.ID); !problem.Is(err, problem.NotFound) {
		t.Errorf("code: %v", err)
	}
	if lines, err := s.Logs(t.Context(), e.Project, e.ID, "trainer", 10); err != nil || len(lines) != 0 {
		t.Errorf("log = %v, %v", lines, err)
	}
	if _, err := s.Logs(t.Context(), e.Project, e.ID, "pusher", 10); !problem.Is(err, problem.NotFound) {
		t.Errorf("log of an unknown stage: %v", err)
	}
	if _, err := e.Job(p.Pipelines.URI, ""); !problem.Is(err, problem.FailedPrecondition) {
		t.Errorf("job before preparation: %v", err)
	}
	if e.Stages[0].State != pipeline.Pending {
		t.Errorf("prepare is %s", e.Stages[0].State)
	}
}
