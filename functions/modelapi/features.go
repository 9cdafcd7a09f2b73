package modelapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/b2brecs/b2brecs/shared/api"
	"github.com/b2brecs/b2brecs/shared/codegen"
	"github.com/b2brecs/b2brecs/shared/feature"
	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/versioned"
)

// FeatureInput creates or changes a feature config; what is left out stays.
type FeatureInput struct {
	Name        *string             `json:"name,omitempty" minLength:"1" maxLength:"255"`
	Description *string             `json:"description,omitempty" maxLength:"2000"`
	Definition  *feature.Definition `json:"definition,omitempty"`
}

// FeatureCheck is what is known of a definition without storing it.
type FeatureCheck struct {
	Errors    []problem.Field `json:"errors" nullable:"false"`
	Warnings  []string        `json:"warnings" nullable:"false"`
	Query     codegen.Width   `json:"query"`
	Candidate codegen.Width   `json:"candidate"`
}

// DefaultsInput asks for smart defaults.
type DefaultsInput struct {
	Dataset string `json:"dataset"`
	Version int    `json:"version,omitempty" minimum:"0" doc:"0 means the newest."`
}

// DefaultsReply proposes a definition with its reasons and widths.
type DefaultsReply struct {
	feature.Defaults
	FeatureCheck
}

type listFeatures struct {
	Project
	api.Page
	Search string `query:"search" maxLength:"255"`
}

type createFeatures struct {
	Project
	Key  string `header:"Idempotency-Key" maxLength:"255"`
	Body FeatureInput
}

type updateFeatures struct {
	Item
	Body FeatureInput
}

type checkFeatures struct {
	Project
	Body struct {
		Definition feature.Definition `json:"definition"`
	}
}

type defaultsFeatures struct {
	Project
	Body DefaultsInput
}

func (s Services) registerFeatures(a huma.API) {
	const tag, base = "Features", "/v1/projects/{project}/feature-configs"
	api.Handle(a, api.Op{ID: "listFeatureConfigs", Method: http.MethodGet, Path: base, Tag: tag, Role: identity.Viewer, Summary: "List feature configs"},
		func(ctx context.Context, in *listFeatures) (*api.ListOut[feature.Config], error) {
			page, err := feature.NewStore(s.State, in.Project.Project).List(ctx, in.Search, in.Limit, in.Cursor)
			items := make([]feature.Config, len(page.Items))
			for i, r := range page.Items {
				items[i] = withDims(r)
			}
			return api.Lists(items, page.Next, err)
		})
	api.Handle(a, api.Op{ID: "createFeatureConfig", Method: http.MethodPost, Path: base, Tag: tag, Role: identity.Manager, Status: http.StatusCreated, Summary: "Create a feature config"},
		func(ctx context.Context, in *createFeatures) (*api.Body[feature.Config], error) {
			if in.Body.Definition != nil {
				if err := s.checkFeatures(ctx, in.Project.Project, in.Body.Definition); err != nil {
					return nil, err
				}
			}
			r, err := feature.NewStore(s.State, in.Project.Project).Create(ctx, in.Key, change(ctx, in.Body))
			return api.Reply(withDims(r), err)
		})
	api.Handle(a, api.Op{ID: "getFeatureConfig", Method: http.MethodGet, Path: base + "/{id}", Tag: tag, Role: identity.Viewer, Summary: "Read a feature config"},
		func(ctx context.Context, in *Item) (*api.Body[feature.Config], error) {
			r, err := feature.NewStore(s.State, in.Project.Project).Get(ctx, in.ID)
			return api.Reply(withDims(r), err)
		})
	api.Handle(a, api.Op{ID: "updateFeatureConfig", Method: http.MethodPatch, Path: base + "/{id}", Tag: tag, Role: identity.Manager, Summary: "Change a feature config"},
		func(ctx context.Context, in *updateFeatures) (*api.Body[feature.Config], error) {
			if in.Body.Definition != nil {
				if err := s.checkFeatures(ctx, in.Project.Project, in.Body.Definition); err != nil {
					return nil, err
				}
			}
			r, err := feature.NewStore(s.State, in.Project.Project).Update(ctx, in.ID, change(ctx, in.Body))
			return api.Reply(withDims(r), err)
		})
	api.Handle(a, api.Op{ID: "deleteFeatureConfig", Method: http.MethodDelete, Path: base + "/{id}", Tag: tag, Role: identity.Manager, Summary: "Delete a feature config"},
		func(ctx context.Context, in *Item) (*struct{}, error) {
			used, err := s.pinnedBy(ctx, in.Project.Project, "snapshot.feature_config", in.ID)
			if err != nil {
				return nil, err
			}
			return nil, feature.NewStore(s.State, in.Project.Project).Delete(ctx, in.ID, used)
		})
	api.Handle(a, api.Op{ID: "listFeatureConfigVersions", Method: http.MethodGet, Path: base + "/{id}/versions", Tag: tag, Role: identity.Viewer, Summary: "List the versions of a feature config"},
		func(ctx context.Context, in *Item) (*api.ListOut[feature.Version], error) {
			v, err := feature.NewStore(s.State, in.Project.Project).Versions(ctx, in.ID)
			return api.Lists(v, "", err)
		})
	api.Handle(a, api.Op{ID: "checkFeatures", Method: http.MethodPost, Path: base + ":check", Tag: tag, Role: identity.Viewer, Summary: "Check features without storing them"},
		func(ctx context.Context, in *checkFeatures) (*api.Body[FeatureCheck], error) {
			return api.Reply(s.featureCheck(ctx, in.Project.Project, &in.Body.Definition))
		})
	api.Handle(a, api.Op{ID: "smartDefaults", Method: http.MethodPost, Path: base + ":smart-defaults", Tag: tag, Role: identity.Viewer, Summary: "Propose features for a dataset"},
		func(ctx context.Context, in *defaultsFeatures) (*api.Body[DefaultsReply], error) {
			return api.Reply(s.defaults(ctx, in.Project.Project, in.Body))
		})
}

func (s Services) defaults(ctx context.Context, project string, in DefaultsInput) (DefaultsReply, error) {
	n, err := s.latest(ctx, project, in.Dataset, in.Version)
	if err != nil {
		return DefaultsReply{}, err
	}
	v, profile, err := s.version(ctx, project, in.Dataset, n)
	if err != nil {
		return DefaultsReply{}, err
	}
	d, err := feature.SmartDefaults(v, profile)
	if err != nil {
		return DefaultsReply{}, err
	}
	check, err := s.featureCheck(ctx, project, &d.Definition)
	return DefaultsReply{d, check}, err
}

func (s Services) featureCheck(ctx context.Context, project string, d *feature.Definition) (FeatureCheck, error) {
	v, _, err := s.version(ctx, project, d.Dataset, d.DatasetVersion)
	if err != nil {
		return FeatureCheck{}, err
	}
	out := FeatureCheck{Errors: codegen.Check(*d, v.Schema), Warnings: codegen.Warnings(*d)}
	out.Query, out.Candidate = codegen.Dims(*d)
	if out.Errors == nil {
		out.Errors = []problem.Field{}
	}
	if out.Warnings == nil {
		out.Warnings = []string{}
	}
	return out, nil
}

func (s Services) checkFeatures(ctx context.Context, project string, d *feature.Definition) error {
	check, err := s.featureCheck(ctx, project, d)
	if err != nil {
		return err
	}
	return refuse("feature config", check.Errors)
}

func withDims(r versioned.Record[feature.Definition]) feature.Config {
	q, c := codegen.Dims(r.Definition)
	return feature.Config{Record: r, QueryDim: q.Total, CandidateDim: c.Total, Warnings: codegen.Warnings(r.Definition)}
}

func change(ctx context.Context, in FeatureInput) versioned.Change[feature.Definition] {
	return versioned.Change[feature.Definition]{Name: in.Name, Description: in.Description, Definition: in.Definition, By: identity.From(ctx).Subject}
}
