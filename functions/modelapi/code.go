package modelapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/b2brecs/b2brecs/shared/api"
	"github.com/b2brecs/b2brecs/shared/codegen"
	"github.com/b2brecs/b2brecs/shared/feature"
	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/model"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/versioned"
)

// CodeInput names a stored pair of configs, or holds the definitions themselves,
// which lets a page show the code of what is being edited.
type CodeInput struct {
	FeatureConfig  string              `json:"feature_config,omitempty"`
	FeatureVersion int                 `json:"feature_version,omitempty" doc:"0 means the newest."`
	ModelConfig    string              `json:"model_config,omitempty"`
	ModelVersion   int                 `json:"model_version,omitempty" doc:"0 means the newest."`
	Features       *feature.Definition `json:"features,omitempty"`
	Model          *model.Definition   `json:"model,omitempty"`
}

// Code is a pair of generated modules.
type Code struct {
	Transform      string          `json:"transform" doc:"transform_module.py"`
	Trainer        string          `json:"trainer" doc:"trainer_module.py"`
	Hash           string          `json:"hash"`
	Manifest       json.RawMessage `json:"manifest"`
	Warnings       []string        `json:"warnings" nullable:"false"`
	TransformLines int             `json:"transform_lines"`
	TrainerLines   int             `json:"trainer_lines"`
}

type generateCode struct {
	Project
	Body CodeInput
}

type getCode struct {
	Item
	ModelConfig string `query:"model_config" required:"true"`
	Version     int    `query:"version" doc:"Of the feature config; 0 means the newest."`
}

func (s Services) registerCode(a huma.API) {
	const tag = "Code"
	api.Handle(a, api.Op{ID: "generateCode", Method: http.MethodPost, Path: "/v1/projects/{project}/code:generate", Tag: tag, Role: identity.Viewer, Summary: "Generate the transform and trainer modules"},
		func(ctx context.Context, in *generateCode) (*api.Body[Code], error) {
			return api.Reply(s.code(ctx, in.Project.Project, in.Body))
		})
	api.Handle(a, api.Op{ID: "getFeatureConfigCode", Method: http.MethodGet, Path: "/v1/projects/{project}/feature-configs/{id}/code", Tag: tag, Role: identity.Viewer, Summary: "Read the code of a feature config and a model config"},
		func(ctx context.Context, in *getCode) (*api.Body[Code], error) {
			return api.Reply(s.code(ctx, in.Project.Project, CodeInput{FeatureConfig: in.ID, FeatureVersion: in.Version, ModelConfig: in.ModelConfig}))
		})
}

func (s Services) code(ctx context.Context, project string, c CodeInput) (Code, error) {
	in, err := s.codeInput(ctx, project, c)
	if err != nil {
		return Code{}, err
	}
	out, err := codegen.Generate(in)
	if err != nil {
		return Code{}, err
	}
	if out.Warnings == nil {
		out.Warnings = []string{}
	}
	return Code{Transform: out.Transform, Trainer: out.Trainer, Hash: out.Hash, Manifest: out.Manifest, Warnings: out.Warnings,
		TransformLines: strings.Count(out.Transform, "\n"), TrainerLines: strings.Count(out.Trainer, "\n")}, nil
}

func (s Services) codeInput(ctx context.Context, project string, c CodeInput) (codegen.Input, error) {
	var in codegen.Input
	features, err := resolve(ctx, feature.NewStore(s.State, project), "features", c.FeatureConfig, c.FeatureVersion, c.Features)
	if err != nil {
		return in, err
	}
	m, err := resolve(ctx, model.NewStore(s.State, project), "model", c.ModelConfig, c.ModelVersion, c.Model)
	if err != nil {
		return in, err
	}
	v, _, err := s.version(ctx, project, features.Definition.Dataset, features.Definition.DatasetVersion)
	if err != nil {
		return in, err
	}
	return codegen.Input{
		FeatureConfig: codegen.Pin{ID: features.Of, Version: features.Number}, ModelConfig: codegen.Pin{ID: m.Of, Version: m.Number},
		Features: features.Definition, Model: m.Definition, Columns: v.Schema,
	}, nil
}

// resolve gives a stored version, or wraps a definition that is not stored.
func resolve[D any](ctx context.Context, store *versioned.Store[D], what, id string, number int, inline *D) (versioned.Version[D], error) {
	if inline != nil {
		return versioned.Version[D]{Of: "draft", Definition: *inline}, nil
	}
	if id == "" {
		return versioned.Version[D]{}, problem.New(problem.InvalidArgument, "the request names no %s", what).WithField(what, "give a config's id or a definition")
	}
	if number == 0 {
		r, err := store.Get(ctx, id)
		if err != nil {
			return versioned.Version[D]{}, err
		}
		number = r.Version
	}
	return store.Version(ctx, id, number)
}
