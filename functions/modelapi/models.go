package modelapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/b2brecs/b2brecs/shared/api"
	"github.com/b2brecs/b2brecs/shared/codegen"
	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/model"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/versioned"
)

// ModelInput creates or changes a model config. Preset fills a definition that is
// left out; DefaultPreset does when both are.
type ModelInput struct {
	Name        *string           `json:"name,omitempty" minLength:"1" maxLength:"255"`
	Description *string           `json:"description,omitempty" maxLength:"2000"`
	Preset      string            `json:"preset,omitempty"`
	Definition  *model.Definition `json:"definition,omitempty"`
}

// ModelCheck is what is known of a definition without storing it.
type ModelCheck struct {
	Errors   []problem.Field `json:"errors" nullable:"false"`
	Warnings []string        `json:"warnings" nullable:"false"`
	// Layer and parameter tables for the given input widths.
	Query     codegen.TowerParams `json:"query"`
	Candidate codegen.TowerParams `json:"candidate"`
}

type listModels struct {
	Project
	api.Page
	Search string `query:"search" maxLength:"255"`
}

type createModel struct {
	Project
	Key  string `header:"Idempotency-Key" maxLength:"255"`
	Body ModelInput
}

type updateModel struct {
	Item
	Body ModelInput
}

type checkModel struct {
	Project
	Body struct {
		Definition   model.Definition `json:"definition"`
		QueryDim     int              `json:"query_dim,omitempty" minimum:"1" maximum:"100000" doc:"Width of the query tower's input; 100 is assumed when left out."`
		CandidateDim int              `json:"candidate_dim,omitempty" minimum:"1" maximum:"100000"`
	}
}

// assumedDim is the input width of a parameter count for which no feature config is chosen.
const assumedDim = 100

func (s Services) registerModels(a huma.API) {
	const tag, base = "Models", "/v1/projects/{project}/model-configs"
	api.Handle(a, api.Op{ID: "listModelPresets", Method: http.MethodGet, Path: "/v1/model-presets", Tag: tag, Role: identity.Viewer, Summary: "List model presets"},
		func(context.Context, *struct{}) (*api.ListOut[model.Preset], error) {
			return api.Lists(model.Presets(), "", nil)
		})
	api.Handle(a, api.Op{ID: "listModelConfigs", Method: http.MethodGet, Path: base, Tag: tag, Role: identity.Viewer, Summary: "List model configs"},
		func(ctx context.Context, in *listModels) (*api.ListOut[model.Config], error) {
			page, err := model.NewStore(s.State, in.Project.Project).List(ctx, in.Search, in.Limit, in.Cursor)
			return api.Lists(page.Items, page.Next, err)
		})
	api.Handle(a, api.Op{ID: "createModelConfig", Method: http.MethodPost, Path: base, Tag: tag, Role: identity.Manager, Status: http.StatusCreated, Summary: "Create a model config"},
		func(ctx context.Context, in *createModel) (*api.Body[model.Config], error) {
			if err := complete(&in.Body, true); err != nil {
				return nil, err
			}
			return api.Reply(model.NewStore(s.State, in.Project.Project).Create(ctx, in.Key, modelChange(ctx, in.Body)))
		})
	api.Handle(a, api.Op{ID: "getModelConfig", Method: http.MethodGet, Path: base + "/{id}", Tag: tag, Role: identity.Viewer, Summary: "Read a model config"},
		func(ctx context.Context, in *Item) (*api.Body[model.Config], error) {
			return api.Reply(model.NewStore(s.State, in.Project.Project).Get(ctx, in.ID))
		})
	api.Handle(a, api.Op{ID: "updateModelConfig", Method: http.MethodPatch, Path: base + "/{id}", Tag: tag, Role: identity.Manager, Summary: "Change a model config"},
		func(ctx context.Context, in *updateModel) (*api.Body[model.Config], error) {
			if err := complete(&in.Body, false); err != nil {
				return nil, err
			}
			return api.Reply(model.NewStore(s.State, in.Project.Project).Update(ctx, in.ID, modelChange(ctx, in.Body)))
		})
	api.Handle(a, api.Op{ID: "deleteModelConfig", Method: http.MethodDelete, Path: base + "/{id}", Tag: tag, Role: identity.Manager, Summary: "Delete a model config"},
		func(ctx context.Context, in *Item) (*struct{}, error) {
			used, err := s.pinnedBy(ctx, in.Project.Project, "snapshot.model_config", in.ID)
			if err != nil {
				return nil, err
			}
			return nil, model.NewStore(s.State, in.Project.Project).Delete(ctx, in.ID, used)
		})
	api.Handle(a, api.Op{ID: "listModelConfigVersions", Method: http.MethodGet, Path: base + "/{id}/versions", Tag: tag, Role: identity.Viewer, Summary: "List the versions of a model config"},
		func(ctx context.Context, in *Item) (*api.ListOut[model.Version], error) {
			v, err := model.NewStore(s.State, in.Project.Project).Versions(ctx, in.ID)
			return api.Lists(v, "", err)
		})
	api.Handle(a, api.Op{ID: "checkModel", Method: http.MethodPost, Path: base + ":check", Tag: tag, Role: identity.Viewer, Summary: "Check a model without storing it"},
		func(_ context.Context, in *checkModel) (*api.Body[ModelCheck], error) {
			d := in.Body.Definition
			out := ModelCheck{Errors: model.Check(d), Warnings: model.Warnings(d)}
			if out.Errors == nil {
				out.Errors = []problem.Field{}
			}
			if out.Warnings == nil {
				out.Warnings = []string{}
			}
			width := func(n int) int {
				if n == 0 {
					return assumedDim
				}
				return n
			}
			out.Query = codegen.LayersParams(d.Query, width(in.Body.QueryDim), d.OutputDim)
			out.Candidate = codegen.LayersParams(d.Candidate, width(in.Body.CandidateDim), d.OutputDim)
			return api.Reply(out, nil)
		})
}

// complete fills the definition from the preset and checks it.
func complete(in *ModelInput, create bool) error {
	if in.Definition == nil && (create || in.Preset != "") {
		name := in.Preset
		if name == "" {
			name = model.DefaultPreset
		}
		p, err := model.PresetNamed(name)
		if err != nil {
			return err
		}
		in.Definition = &p.Definition
	}
	if in.Definition == nil {
		return nil
	}
	return refuse("model config", model.Check(*in.Definition))
}

func modelChange(ctx context.Context, in ModelInput) versioned.Change[model.Definition] {
	return versioned.Change[model.Definition]{Name: in.Name, Description: in.Description, Definition: in.Definition, By: identity.From(ctx).Subject}
}
