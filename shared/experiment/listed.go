package experiment

import (
	"time"

	"github.com/b2brecs/b2brecs/shared/feature"
	"github.com/b2brecs/b2brecs/shared/model"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// Listed is an experiment as a list tells it: what runs are told apart and compared by.
//
// Every member is one of Experiment's, of the same name and value: who follows a list
// may put a whole experiment, as a watch brings it, in the place of a listed one. Left
// out is what is large and read one run at a time: the dataset's definition and schema,
// the transforms of features, the statement of the examples, the protocol's rules in
// words, the times and facts of stages, warnings, addresses.
type Listed struct {
	ID              string          `json:"id"`
	Number          int64           `json:"number"`
	Project         string          `json:"project"`
	Name            string          `json:"name,omitempty"`
	Status          Status          `json:"status"`
	Stages          []ListedStage   `json:"stages" nullable:"false"`
	Progress        float64         `json:"progress"`
	Epoch           int             `json:"epoch"`
	Settings        Settings        `json:"settings"`
	Snapshot        ListedSnapshot  `json:"snapshot"`
	Examples        *ListedExamples `json:"examples,omitempty"`
	CodeHash        string          `json:"code_hash,omitempty"`
	Metrics         *ListedMetrics  `json:"metrics,omitempty"`
	Loss            *float64        `json:"loss,omitempty"`
	BestEpoch       *int            `json:"best_epoch,omitempty"`
	Error           *problem.Error  `json:"error,omitempty"`
	RerunOf         string          `json:"rerun_of,omitempty"`
	Recommendations int64           `json:"recommendations,omitempty"`
	CreatedAt       time.Time       `json:"created_at"`
	StartedAt       time.Time       `json:"started_at,omitzero"`
	EndedAt         time.Time       `json:"ended_at,omitzero"`
	CreatedBy       string          `json:"created_by,omitempty"`
}

// ListedStage is a node of the graph and its state.
type ListedStage struct {
	Name  string         `json:"name"`
	State pipeline.State `json:"state"`
}

// ListedSnapshot names what a run depends on; the model is whole, its numbers are
// what runs are compared by.
type ListedSnapshot struct {
	Dataset        string           `json:"dataset"`
	DatasetName    string           `json:"dataset_name"`
	DatasetVersion ListedVersion    `json:"dataset_version"`
	FeatureConfig  string           `json:"feature_config"`
	FeatureName    string           `json:"feature_name"`
	FeatureVersion int              `json:"feature_version"`
	Features       ListedFeatures   `json:"features"`
	ModelConfig    string           `json:"model_config"`
	ModelName      string           `json:"model_name"`
	ModelVersion   int              `json:"model_version"`
	Model          model.Definition `json:"model"`
}

// ListedVersion is the number of a dataset's version.
type ListedVersion struct {
	Number int `json:"number"`
}

// ListedFeatures are the columns of both towers, without their transforms.
type ListedFeatures struct {
	Query     ListedTower `json:"query"`
	Candidate ListedTower `json:"candidate"`
}

// ListedTower is one side.
type ListedTower struct {
	Features []ListedColumn `json:"features" nullable:"false"`
	Crosses  []ListedCross  `json:"crosses" nullable:"false"`
}

// ListedColumn names a column.
type ListedColumn struct {
	Column string `json:"column"`
}

// ListedCross names the columns of a cross.
type ListedCross struct {
	Features []ListedColumn `json:"features" nullable:"false"`
}

// ListedExamples are the rows of a run by split, and their last day.
type ListedExamples struct {
	Rows map[string]int64 `json:"rows"`
	To   string           `json:"to,omitempty"`
}

// ListedMetrics are the whole metrics, stamped.
type ListedMetrics struct {
	Protocol   ListedProtocol `json:"protocol"`
	Model      Scores         `json:"model"`
	Popularity Scores         `json:"popularity"`
	ItemKNN    Scores         `json:"item_knn"`
	Verdict    string         `json:"verdict"`
}

// ListedProtocol is the stamp of a metric: two runs compare where these are equal.
type ListedProtocol struct {
	Split      string `json:"split"`
	Candidates string `json:"candidates"`
	SeenItems  string `json:"seen_items"`
	Customers  int64  `json:"customers"`
	Items      int64  `json:"items"`
	Seed       int64  `json:"seed"`
}

// Listed gives what a list tells of the experiment.
func (e Experiment) Listed() Listed {
	s := e.Snapshot
	l := Listed{
		ID: e.ID, Number: e.Number, Project: e.Project, Name: e.Name, Status: e.Status, Stages: make([]ListedStage, len(e.Stages)),
		Progress: e.Progress, Epoch: e.Epoch, Settings: e.Settings,
		Snapshot: ListedSnapshot{
			Dataset: s.Dataset, DatasetName: s.DatasetName, DatasetVersion: ListedVersion{s.DatasetVersion.Number},
			FeatureConfig: s.FeatureConfig, FeatureName: s.FeatureName, FeatureVersion: s.FeatureVersion,
			Features:    ListedFeatures{listedTower(s.Features.Query), listedTower(s.Features.Candidate)},
			ModelConfig: s.ModelConfig, ModelName: s.ModelName, ModelVersion: s.ModelVersion, Model: s.Model,
		},
		CodeHash: e.CodeHash, Loss: e.Loss, BestEpoch: e.BestEpoch, Error: e.Error, RerunOf: e.RerunOf, Recommendations: e.Recommendations,
		CreatedAt: e.CreatedAt, StartedAt: e.StartedAt, EndedAt: e.EndedAt, CreatedBy: e.CreatedBy,
	}
	for i, st := range e.Stages {
		l.Stages[i] = ListedStage{st.Name, st.State}
	}
	if x := e.Examples; x != nil {
		l.Examples = &ListedExamples{x.Rows, x.To}
	}
	if m := e.Metrics; m != nil {
		p := m.Protocol
		l.Metrics = &ListedMetrics{
			Protocol: ListedProtocol{p.Split, p.Candidates, p.SeenItems, p.Customers, p.Items, p.Seed},
			Model:    m.Model, Popularity: m.Popularity, ItemKNN: m.ItemKNN, Verdict: m.Verdict,
		}
	}
	return l
}

func listedTower(t feature.Tower) ListedTower {
	l := ListedTower{make([]ListedColumn, len(t.Features)), make([]ListedCross, len(t.Crosses))}
	for i, f := range t.Features {
		l.Features[i].Column = f.Column
	}
	for i, c := range t.Crosses {
		l.Crosses[i].Features = make([]ListedColumn, len(c.Features))
		for j, f := range c.Features {
			l.Crosses[i].Features[j].Column = f.Column
		}
	}
	return l
}
