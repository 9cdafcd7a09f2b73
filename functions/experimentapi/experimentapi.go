// Package experimentapi is the HTTP function of experiments: start, follow, stop,
// compare.
//
// It promises that reading changes nothing and that starting twice with one
// Idempotency-Key starts once.
package experimentapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/b2brecs/b2brecs/shared/api"
	"github.com/b2brecs/b2brecs/shared/dataset"
	"github.com/b2brecs/b2brecs/shared/experiment"
	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/workflow"
)

// Services is what the function asks of its platform.
type Services struct {
	State        *state.DB
	Workflows    *workflow.Engine
	Runner       *pipeline.Runner
	Pipelines    *objects.Bucket
	Warehouse    *warehouse.Warehouse
	FunctionsURL string
}

func (s Services) experiments() experiment.Service { return experiment.Service(s) }

// Settings of a run; what is left out comes from the model config and the dataset.
type Settings struct {
	Split        *Split  `json:"split,omitempty"`
	Epochs       int     `json:"epochs,omitempty" minimum:"0" maximum:"500" doc:"0: the model config's."`
	BatchSize    int     `json:"batch_size,omitempty" minimum:"0" maximum:"65536" doc:"0: the model config's."`
	LearningRate float64 `json:"learning_rate,omitempty" minimum:"0" maximum:"1" doc:"0: the model config's."`
	Seed         int64   `json:"seed,omitempty"`
	ExcludeSeen  bool    `json:"exclude_seen,omitempty" doc:"Evaluate without products bought in training."`
}

// Split of a run's rows.
type Split struct {
	Strategy      string `json:"strategy,omitempty" maxLength:"20" doc:"temporal or random; left out: temporal where the dataset has a time column."`
	TestDays      int    `json:"test_days,omitempty" minimum:"0" maximum:"3650" doc:"0: a tenth of the span."`
	EvalDays      int    `json:"eval_days,omitempty" minimum:"0" maximum:"3650" doc:"0: a tenth of the span."`
	Seed          int64  `json:"seed,omitempty"`
	SamplePercent int    `json:"sample_percent,omitempty" minimum:"0" maximum:"100" doc:"0: all rows."`
}

func (t *Settings) settings() experiment.Settings {
	if t == nil {
		return experiment.Settings{}
	}
	out := experiment.Settings{Epochs: t.Epochs, BatchSize: t.BatchSize, LearningRate: t.LearningRate, Seed: t.Seed, ExcludeSeen: t.ExcludeSeen}
	if t.Split != nil {
		out.Split = dataset.Split{
			Strategy: t.Split.Strategy, TestDays: t.Split.TestDays, EvalDays: t.Split.EvalDays,
			Seed: t.Split.Seed, SamplePercent: t.Split.SamplePercent,
		}
	}
	return out
}

// Input asks for a run.
type Input struct {
	FeatureConfig string    `json:"feature_config" minLength:"1" maxLength:"63"`
	ModelConfig   string    `json:"model_config" minLength:"1" maxLength:"63"`
	Name          string    `json:"name,omitempty" maxLength:"255"`
	Settings      *Settings `json:"settings,omitempty"`
}

// Project is the path part every route shares.
type Project struct {
	Project string `path:"project" maxLength:"63"`
}

// Item names one experiment of a project.
type Item struct {
	Project
	ID string `path:"id" maxLength:"63"`
}

type create struct {
	Project
	Key  string `header:"Idempotency-Key" maxLength:"255" doc:"A repeated key gives the run it started first."`
	Body Input
}

type check struct {
	Project
	Body Input
}

type rerun struct {
	Item
	Key string `header:"Idempotency-Key" maxLength:"255"`
}

type rename struct {
	Item
	Body struct {
		Name string `json:"name" maxLength:"255"`
	}
}

type list struct {
	Project
	api.Page
	Status        string `query:"status" enum:"pending,preparing,running,completed,failed,cancelled,active,ended" doc:"active: pending, preparing and running; ended: the others."`
	Dataset       string `query:"dataset" maxLength:"63"`
	FeatureConfig string `query:"feature_config" maxLength:"63"`
	ModelConfig   string `query:"model_config" maxLength:"63"`
	Search        string `query:"search" maxLength:"255" doc:"Part of a name of the run or its configs, or its number: 12, #12, exp 12."`
}

const (
	tag  = "Experiments"
	base = "/v1/projects/{project}/experiments"
)

// Register adds the routes.
func Register(a huma.API, s Services) {
	x := s.experiments()
	api.Handle(a, api.Op{ID: "listExperiments", Method: http.MethodGet, Path: base, Tag: tag, Role: identity.Viewer, Summary: "List experiments"},
		func(ctx context.Context, in *list) (*api.ListOut[experiment.Listed], error) {
			items, next, err := x.List(ctx, in.Project.Project, experiment.Filter{
				Status: in.Status, Dataset: in.Dataset, FeatureConfig: in.FeatureConfig, ModelConfig: in.ModelConfig, Search: in.Search,
			}, in.Limit, in.Cursor)
			listed := make([]experiment.Listed, len(items))
			for i, e := range items {
				listed[i] = e.Listed()
			}
			return api.Lists(listed, next, err)
		})
	api.Handle(a, api.Op{ID: "createExperiment", Method: http.MethodPost, Path: base, Tag: tag, Role: identity.Analyst, Status: http.StatusCreated, Summary: "Start an experiment"},
		func(ctx context.Context, in *create) (*api.Body[experiment.Experiment], error) {
			return api.Reply(x.Start(ctx, in.Body.request(ctx, in.Project.Project, in.Key)))
		})
	api.Handle(a, api.Op{ID: "checkExperiment", Method: http.MethodPost, Path: base + ":check", Tag: tag, Role: identity.Viewer, Summary: "Check an experiment without starting it"},
		func(ctx context.Context, in *check) (*api.Body[experiment.Plan], error) {
			return api.Reply(x.Check(ctx, in.Body.request(ctx, in.Project.Project, "")))
		})
	api.Handle(a, api.Op{ID: "getExperiment", Method: http.MethodGet, Path: base + "/{id}", Tag: tag, Role: identity.Viewer, Summary: "Read an experiment"},
		func(ctx context.Context, in *Item) (*api.Body[experiment.Experiment], error) {
			return api.Reply(x.Get(ctx, in.Project.Project, in.ID))
		})
	api.Handle(a, api.Op{ID: "renameExperiment", Method: http.MethodPatch, Path: base + "/{id}", Tag: tag, Role: identity.Manager, Summary: "Rename an experiment"},
		func(ctx context.Context, in *rename) (*api.Body[experiment.Experiment], error) {
			return api.Reply(x.Rename(ctx, in.Project.Project, in.ID, in.Body.Name))
		})
	api.Handle(a, api.Op{ID: "deleteExperiment", Method: http.MethodDelete, Path: base + "/{id}", Tag: tag, Role: identity.Manager, Status: http.StatusNoContent, Summary: "Delete an experiment with all it made"},
		func(ctx context.Context, in *Item) (*struct{}, error) {
			return nil, x.Delete(ctx, in.Project.Project, in.ID)
		})
	api.Handle(a, api.Op{ID: "cancelExperiment", Method: http.MethodPost, Path: base + "/{id}/cancel", Tag: tag, Role: identity.Analyst, Summary: "Cancel an experiment"},
		func(ctx context.Context, in *Item) (*api.Body[experiment.Experiment], error) {
			return api.Reply(x.Cancel(ctx, in.Project.Project, in.ID))
		})
	api.Handle(a, api.Op{ID: "rerunExperiment", Method: http.MethodPost, Path: base + "/{id}/rerun", Tag: tag, Role: identity.Analyst, Status: http.StatusCreated, Summary: "Run an experiment again as it was"},
		func(ctx context.Context, in *rerun) (*api.Body[experiment.Experiment], error) {
			return api.Reply(x.Rerun(ctx, in.Project.Project, in.ID, in.Key, identity.From(ctx).Subject))
		})
	registerReads(a, x)
}

func (in Input) request(ctx context.Context, project, key string) experiment.Request {
	return experiment.Request{
		Project: project, FeatureConfig: in.FeatureConfig, ModelConfig: in.ModelConfig, Name: in.Name,
		Settings: in.Settings.settings(), By: identity.From(ctx).Subject, Key: key,
	}
}
