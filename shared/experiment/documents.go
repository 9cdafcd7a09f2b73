package experiment

import (
	"time"

	"github.com/b2brecs/b2brecs/shared/dataset"
	"github.com/b2brecs/b2brecs/shared/feature"
	"github.com/b2brecs/b2brecs/shared/model"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// Collection gives the path of a project's experiments.
func Collection(project string) string { return "projects/" + project + "/experiments" }

// HistoryCollection holds per-epoch series and statistics, by experiment id, apart
// from the experiment so that lists stay small.
func HistoryCollection(project string) string { return "projects/" + project + "/experiment_history" }

// Status of an experiment.
type Status string

const (
	Pending   Status = "pending"
	Preparing Status = "preparing" // analysis, data, code
	Running   Status = "running"   // the pipeline runs
	Completed Status = "completed"
	Failed    Status = "failed"
	Cancelled Status = "cancelled"
)

// Ended reports whether the status is final.
func (s Status) Ended() bool { return s == Completed || s == Failed || s == Cancelled }

// Stages in order, as the page draws them.
var Stages = []string{"prepare", "examples", "statistics", "schema", "transform", "trainer", "evaluator"}

// Stage is one node of the graph.
type Stage struct {
	Name    string         `json:"name"`
	State   pipeline.State `json:"state"`
	Started time.Time      `json:"started,omitzero"`
	Ended   time.Time      `json:"ended,omitzero"`
	Fact    string         `json:"fact,omitempty"` // one fact for the node, e.g. "90,000 rows"
	Error   *problem.Error `json:"error,omitempty"`
}

// Settings are what a person chooses for a run.
type Settings struct {
	Split        dataset.Split `json:"split"`
	Epochs       int           `json:"epochs"`        // 1..500
	BatchSize    int           `json:"batch_size"`    // 0 = the model config's
	LearningRate float64       `json:"learning_rate"` // 0 = the model config's
	Seed         int64         `json:"seed"`
	// ExcludeSeen removes items a customer bought in training from the ranking in evaluation.
	ExcludeSeen bool `json:"exclude_seen"`
}

// Snapshot pins everything a run depends on.
type Snapshot struct {
	Dataset        string             `json:"dataset"`
	DatasetName    string             `json:"dataset_name"`
	DatasetVersion dataset.Version    `json:"dataset_version"`
	FeatureConfig  string             `json:"feature_config"`
	FeatureName    string             `json:"feature_name"`
	FeatureVersion int                `json:"feature_version"`
	Features       feature.Definition `json:"features"`
	ModelConfig    string             `json:"model_config"`
	ModelName      string             `json:"model_name"`
	ModelVersion   int                `json:"model_version"`
	Model          model.Definition   `json:"model"`
}

// Protocol stamps every metric: without it a number is not shown.
type Protocol struct {
	Split          string `json:"split"`            // e.g. "temporal: test 2026-09-12 to 2026-11-23"
	Candidates     string `json:"candidates"`       // e.g. "all 2,000 products of training"
	SeenItems      string `json:"seen_items"`       // "kept" or "removed"
	Cutoffs        []int  `json:"cutoffs"`          // 5, 10, 50, 100
	Customers      int64  `json:"customers"`        // evaluated
	ColdCustomers  int64  `json:"cold_customers"`   // test customers without training rows: counted, see Rules
	Items          int64  `json:"items"`            // candidates ranked
	Rows           int64  `json:"rows"`             // test rows
	UnseenItemRows int64  `json:"unseen_item_rows"` // test rows whose product is not a candidate
	Seed           int64  `json:"seed"`
	Rules          string `json:"rules"` // ties, denominators, cold customers, in words
}

// Scores by metric name: recall@5, recall@10, recall@50, recall@100, ndcg@5 … ndcg@100, coverage@10.
type Scores map[string]float64

// Metrics of one evaluated model beside its baselines.
type Metrics struct {
	Protocol   Protocol `json:"protocol"`
	Model      Scores   `json:"model"`
	Popularity Scores   `json:"popularity"`
	ItemKNN    Scores   `json:"item_knn"`
	// Verdict: "beats item-kNN", "between popularity and item-kNN", "below popularity".
	Verdict string `json:"verdict"`
}

// Experiment is one run of a feature config and a model config on a dataset.
type Experiment struct {
	ID              string            `json:"id"`
	Number          int64             `json:"number"` // #n within the project
	Project         string            `json:"project"`
	Name            string            `json:"name,omitempty"`
	Status          Status            `json:"status"`
	Stages          []Stage           `json:"stages"`
	Progress        float64           `json:"progress"` // 0..1
	Epoch           int               `json:"epoch"`    // epochs done
	Settings        Settings          `json:"settings"`
	Snapshot        Snapshot          `json:"snapshot"`
	Examples        *dataset.Examples `json:"examples,omitempty"`
	CodeHash        string            `json:"code_hash,omitempty"`
	Metrics         *Metrics          `json:"metrics,omitempty"`
	Loss            *float64          `json:"loss,omitempty"`       // training loss of the best epoch
	BestEpoch       *int              `json:"best_epoch,omitempty"` // counted from 1; 0 is the untrained model
	Error           *problem.Error    `json:"error,omitempty"`
	Warnings        []string          `json:"warnings,omitempty"`
	Root            string            `json:"root"`                // prefix in the pipelines bucket: experiments/<project>/<id>/
	JobSeq          int64             `json:"job_seq"`             // newest pipeline event applied
	JobError        *problem.Error    `json:"job_error,omitempty"` // the pipeline's own, before it is classified
	CallbackURL     string            `json:"callback_url,omitempty"`
	RerunOf         string            `json:"rerun_of,omitempty"`
	Recommendations int64             `json:"recommendations,omitempty"` // rows written
	CreatedAt       time.Time         `json:"created_at"`
	StartedAt       time.Time         `json:"started_at,omitzero"`
	EndedAt         time.Time         `json:"ended_at,omitzero"`
	CreatedBy       string            `json:"created_by,omitempty"`
}

// History holds what the training page draws.
type History struct {
	Experiment string `json:"experiment"`
	Epochs     []int  `json:"epochs"` // counted from 1
	// Series by name, one value per epoch, nil where it was not a finite number:
	// loss, val_loss, val_recall@10, learning_rate, weight_norm.query …
	Series     map[string][]*float64 `json:"series"`
	Final      map[string]*float64   `json:"final_metrics,omitempty"`
	Params     map[string]any        `json:"params,omitempty"`
	Statistics map[string]any        `json:"statistics,omitempty"` // parsed TFDV statistics
	Schema     map[string]any        `json:"schema,omitempty"`
	Timings    map[string]float64    `json:"timings,omitempty"` // seconds, by "<task>.<step>"
}
