package experiment

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/b2brecs/b2brecs/shared/dataset"
	"github.com/b2brecs/b2brecs/shared/feature"
	"github.com/b2brecs/b2brecs/shared/pipeline/kfp"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// Cutoffs of every metric at k.
var Cutoffs = []int{5, 10, 50, 100}

// ListLength is how many recommendations a run writes per customer.
const ListLength = 100

// ComponentConfig is the document that the parameter "config" of every component carries.
type ComponentConfig struct {
	Customer          string            `json:"customer"`
	Product           string            `json:"product"`
	Time              string            `json:"time"`  // "" without a time role
	Value             string            `json:"value"` // "" without a value role
	Columns           []ComponentColumn `json:"columns"`
	QueryFeatures     []string          `json:"query_features"`
	CandidateFeatures []string          `json:"candidate_features"`
	Cutoffs           []int             `json:"cutoffs"`
	ExcludeSeen       bool              `json:"exclude_seen"`
	Seed              int64             `json:"seed"`
	Split             ComponentSplit    `json:"split"`
	TopK              int               `json:"top_k"`
}

// ComponentColumn is a column of the rows files: STRING, INT64 or FLOAT64.
type ComponentColumn struct {
	Name string         `json:"name"`
	Type warehouse.Type `json:"type"`
}

// ComponentSplit says how the rows were divided, with the bounds of a temporal split.
type ComponentSplit struct {
	dataset.Split
	TrainFrom string `json:"train_from,omitempty"`
	EvalFrom  string `json:"eval_from,omitempty"`
	TestFrom  string `json:"test_from,omitempty"`
	To        string `json:"to,omitempty"`
}

// Config gives the components' document. FailedPrecondition before the examples
// are materialised.
func (e *Experiment) Config() (ComponentConfig, error) {
	if e.Examples == nil {
		return ComponentConfig{}, problem.New(problem.FailedPrecondition, "the rows of experiment #%d are not prepared", e.Number)
	}
	x := e.Examples
	roles := x.Roles
	c := ComponentConfig{
		Customer: roles[dataset.Customer], Product: roles[dataset.Product], Time: roles[dataset.Time], Value: roles[dataset.Value],
		Columns:           []ComponentColumn{},
		QueryFeatures:     columns(e.Snapshot.Features.Query),
		CandidateFeatures: columns(e.Snapshot.Features.Candidate),
		Cutoffs:           Cutoffs, ExcludeSeen: e.Settings.ExcludeSeen, Seed: e.Settings.Seed, TopK: ListLength,
		Split: ComponentSplit{e.Settings.Split, x.TrainFrom, x.EvalFrom, x.TestFrom, x.To},
	}
	for _, col := range x.Columns {
		if col.Name != "split" {
			c.Columns = append(c.Columns, ComponentColumn{col.Name, physical(col.Type)})
		}
	}
	return c, nil
}

func columns(t feature.Tower) []string {
	out := []string{}
	for _, f := range t.Features {
		out = append(out, f.Column)
	}
	return out
}

// physical is the type a warehouse column has in the rows files.
func physical(t warehouse.Type) warehouse.Type {
	switch t {
	case warehouse.Int64, warehouse.Bool, warehouse.Date, warehouse.DateTime, warehouse.Timestamp:
		return warehouse.Int64
	case warehouse.Float64, warehouse.Numeric, warehouse.BigNumeric:
		return warehouse.Float64
	}
	return warehouse.String
}

// Job builds the pipeline job of a prepared experiment. uri gives the address of
// a key in the pipelines bucket; image "" means the runtime's default.
func (e *Experiment) Job(uri func(key string) string, image string) ([]byte, error) {
	config, err := e.Config()
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(config)
	if err != nil {
		return nil, problem.Wrap(err, problem.Internal, "the components' config of experiment #%d", e.Number)
	}
	root := strings.TrimSuffix(e.Root, "/")
	return kfp.Build(kfp.Experiment{
		Name: strings.TrimSpace(fmt.Sprintf("Experiment #%d %s", e.Number, e.Name)), Image: image,
		Root: strings.TrimSuffix(uri(root), "/"), Config: raw,
		TransformModule: uri(root + "/code/transform_module.py"),
		TrainerModule:   uri(root + "/code/trainer_module.py"),
		Epochs:          e.Settings.Epochs, BatchSize: e.Settings.BatchSize,
		LearningRate: e.Settings.LearningRate, Seed: e.Settings.Seed,
		Labels: e.Labels(),
	})
}

// Labels mark the pipeline's job and events, so that a consumer finds the experiment.
func (e *Experiment) Labels() map[string]string {
	return map[string]string{"project": e.Project, "experiment": e.ID}
}
