package experiment_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/b2brecs/b2brecs/shared/dataset"
	"github.com/b2brecs/b2brecs/shared/experiment"
	"github.com/b2brecs/b2brecs/shared/feature"
	"github.com/b2brecs/b2brecs/shared/model"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// whole is a run with every member set and as many columns as a company has.
func whole() experiment.Experiment {
	def := dataset.Definition{Primary: warehouse.Ref{Dataset: warehouse.Raw, Name: "invoice_lines"}, Roles: map[dataset.Role]string{dataset.Customer: "column_0"}}
	var schema []warehouse.Column
	var tower feature.Tower
	for i := range 12 {
		name := fmt.Sprintf("column_%d", i)
		def.Columns = append(def.Columns, dataset.Column{Table: def.Primary, Column: name, Name: name})
		schema = append(schema, warehouse.Column{Name: name, Type: warehouse.String})
		tower.Features = append(tower.Features, feature.Feature{Column: name, Type: warehouse.String, DataType: feature.Text, Embedding: &feature.Embedding{Dim: 16, MaxSize: 1000, OOVBuckets: 10, MinFrequency: 2}, Cardinality: 700})
	}
	tower.Crosses = []feature.Cross{{Features: []feature.CrossMember{{Column: "column_1"}, {Column: "column_2", Buckets: 5}}, HashBuckets: 1000, Dim: 16}}
	scores := experiment.Scores{"coverage@10": 0.15333333333333332}
	for _, k := range []int{5, 10, 50, 100} {
		scores[fmt.Sprintf("recall@%d", k)], scores[fmt.Sprintf("ndcg@%d", k)] = 0.2680054513387847/float64(k), 0.157166671947744/float64(k)
	}
	at := time.Date(2026, 11, 23, 10, 0, 0, 123456789, time.UTC)
	loss, epoch := 4.25, 6
	layers := []model.Layer{{Type: "dense", Units: 64, Activation: "relu", L2: 0.02}, {Type: "dropout", Rate: 0.2}}
	e := experiment.Experiment{
		ID: "01jd", Number: 146, Project: "wholesale", Name: "Price history", Status: experiment.Completed, Progress: 1, Epoch: 8,
		Settings: experiment.Settings{Split: dataset.Split{Strategy: "temporal", TestDays: 28, SamplePercent: 100}, Epochs: 10, Seed: 42},
		Snapshot: experiment.Snapshot{
			Dataset: "d1", DatasetName: "Sales", DatasetVersion: dataset.Version{Dataset: "d1", Number: 7, Definition: def, Schema: schema, Hash: "f3a9", CreatedAt: at},
			FeatureConfig: "f1", FeatureName: "Two towers", FeatureVersion: 4, Features: feature.Definition{Dataset: "d1", DatasetVersion: 7, Query: tower, Candidate: tower},
			ModelConfig: "m1", ModelName: "compact", ModelVersion: 2, Model: model.Definition{Type: "retrieval", Query: layers, Candidate: layers, OutputDim: 64, Optimizer: "adam", LearningRate: 0.004, BatchSize: 1024, Epochs: 10, Temperature: 1, TopK: 100, Index: "brute_force"},
		},
		Examples: &dataset.Examples{Columns: schema, Rows: map[string]int64{"train": 75301, "eval": 9414, "test": 9412}, TestFrom: "2026-09-12", To: "2026-11-23", SQL: "CREATE TABLE ml.e146 AS SELECT 1"},
		CodeHash: "ab", Loss: &loss, BestEpoch: &epoch, Root: "experiments/wholesale/01jd/", JobSeq: 9, CallbackURL: "http://127.0.0.1/callbacks/x",
		Metrics: &experiment.Metrics{
			Protocol: experiment.Protocol{Split: "temporal: test 2026-09-12 to 2026-11-23", Candidates: "all 2,000 products of training", SeenItems: "kept", Cutoffs: []int{5, 10, 50, 100}, Customers: 1103, Items: 2000, Rows: 9412, Seed: 42, Rules: "relevant: the distinct products a customer bought"},
			Model:    scores, Popularity: scores, ItemKNN: scores, Verdict: experiment.BeatsItemKNN,
		},
		Warnings: []string{"few rows"}, Error: problem.New(problem.Internal, "no"), RerunOf: "01jc", Recommendations: 150_100, CreatedAt: at, StartedAt: at, EndedAt: at, CreatedBy: "tester",
	}
	for _, name := range experiment.Stages {
		e.Stages = append(e.Stages, experiment.Stage{Name: name, State: pipeline.Succeeded, Started: at, Ended: at, Fact: "90,000 rows"})
	}
	return e
}

// missing gives the members of part that whole lacks or has with another value.
func missing(part, whole any, at string) []string {
	switch p := part.(type) {
	case map[string]any:
		w, ok := whole.(map[string]any)
		if !ok {
			return []string{at}
		}
		var out []string
		for k, v := range p {
			out = append(out, missing(v, w[k], at+"."+k)...)
		}
		return out
	case []any:
		w, ok := whole.([]any)
		if !ok || len(w) != len(p) {
			return []string{at}
		}
		var out []string
		for i, v := range p {
			out = append(out, missing(v, w[i], fmt.Sprintf("%s[%d]", at, i))...)
		}
		return out
	}
	if part != whole {
		return []string{at}
	}
	return nil
}

func members(t *testing.T, v any) (map[string]any, int) {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out, len(raw)
}

func TestListedIsAPartOfTheExperiment(t *testing.T) {
	e := whole()
	all, size := members(t, e)
	listed, small := members(t, e.Listed())
	if diff := missing(listed, all, ""); len(diff) > 0 {
		t.Errorf("a list says otherwise than the experiment: %v", diff)
	}
	// Left out at the top, no more and no less; each is read with the experiment.
	var gone []string
	for k := range all {
		if _, ok := listed[k]; !ok {
			gone = append(gone, k)
		}
	}
	slices.Sort(gone)
	if want := []string{"callback_url", "job_seq", "root", "warnings"}; !slices.Equal(gone, want) {
		t.Errorf("left out: %v, want %v", gone, want)
	}
	t.Logf("%d bytes of %d", small, size)
	if small > 4000 || 2*small > size {
		t.Errorf("a listed run has %d bytes, a whole one %d", small, size)
	}
	empty, _ := members(t, experiment.Experiment{}.Listed())
	for _, k := range []string{"examples", "metrics", "loss", "error", "started_at"} {
		if v, ok := empty[k]; ok {
			t.Errorf("an experiment that has not begun has %s %v", k, v)
		}
	}
}
