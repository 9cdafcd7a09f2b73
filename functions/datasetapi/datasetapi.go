// Package datasetapi is the HTTP function of projects and datasets: what feeds
// training, proposed, checked, versioned, profiled and previewed.
//
// It promises that a definition is stored only when it compiles against the live
// tables, and that counts a person sees come from the compiler that training uses.
//
// It refuses to delete a dataset that feature configs use.
package datasetapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/b2brecs/b2brecs/shared/api"
	"github.com/b2brecs/b2brecs/shared/dataset"
	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// Services is what the function asks of its platform.
type Services struct {
	Datasets *dataset.Service
}

const tag = "Datasets"

// Project is the path part every dataset route shares.
type Project struct {
	Project string `path:"project" maxLength:"63"`
}

// Item names one dataset.
type Item struct {
	Project
	ID string `path:"id" maxLength:"63"`
}

// DatasetInput creates or changes a dataset; what is left out stays.
type DatasetInput struct {
	Name        *string             `json:"name,omitempty" minLength:"1" maxLength:"255"`
	Description *string             `json:"description,omitempty" maxLength:"2000"`
	Definition  *dataset.Definition `json:"definition,omitempty"`
}

// ProjectInput creates a project.
type ProjectInput struct {
	ID          string `json:"id,omitempty" maxLength:"40" doc:"Made from the name when left out."`
	Name        string `json:"name" minLength:"1" maxLength:"255"`
	Description string `json:"description,omitempty" maxLength:"2000"`
}

// SuggestInput asks for a definition.
type SuggestInput struct {
	Tables  []warehouse.Ref         `json:"tables,omitempty" doc:"All tables of raw_data when left out."`
	Primary warehouse.Ref           `json:"primary,omitempty" doc:"The table of transactions; guessed when left out."`
	Roles   map[dataset.Role]string `json:"roles,omitempty" doc:"Columns of the primary table whose role is known."`
}

// Preview is the first rows of a dataset.
type Preview struct {
	Columns   []warehouse.Column `json:"columns" nullable:"false"`
	Rows      [][]any            `json:"rows" nullable:"false" doc:"Values by row, column; NULL is null, dates are YYYY-MM-DD, NUMERIC is text."`
	Truncated bool               `json:"truncated"`
	Cost      *warehouse.Cost    `json:"cost,omitempty" doc:"Absent where reading is free."`
}

type (
	listProjects  struct{ api.Page }
	createProject struct{ Body ProjectInput }
	listDatasets  struct {
		Project
		api.Page
		Search string `query:"search" maxLength:"255"`
	}
	createDataset struct {
		Project
		Key  string `header:"Idempotency-Key" maxLength:"255"`
		Body DatasetInput
	}
	updateDataset struct {
		Item
		Body DatasetInput
	}
	versionOf struct {
		Item
		Number int `path:"number" minimum:"1"`
	}
	profileOf struct {
		Item
		Version int `query:"version" minimum:"0" doc:"0 means the newest."`
	}
	previewOf struct {
		Item
		Limit int `query:"limit" minimum:"1" maximum:"1000" default:"50"`
	}
	sqlOf struct {
		Item
		Form string `query:"form" enum:"plain,training" default:"plain"`
	}
	suggestFor struct {
		Project
		Body SuggestInput
	}
	checkOf struct {
		Project
		Body struct {
			Definition dataset.Definition `json:"definition"`
		}
	}
)

// Register adds the routes.
func Register(a huma.API, s Services) {
	s.registerProjects(a)
	s.registerDatasets(a)
	s.registerAnswers(a)
}

func (s Services) registerProjects(a huma.API) {
	const tag, base = "Projects", "/v1/projects"
	api.Handle(a, api.Op{ID: "listProjects", Method: http.MethodGet, Path: base, Tag: tag, Role: identity.Viewer, Summary: "List projects"},
		func(ctx context.Context, in *listProjects) (*api.ListOut[dataset.Project], error) {
			p, err := s.Datasets.Projects(ctx, in.Limit, in.Cursor)
			return api.Lists(p.Items, p.Next, err)
		})
	api.Handle(a, api.Op{ID: "createProject", Method: http.MethodPost, Path: base, Tag: tag, Role: identity.Manager, Status: http.StatusCreated, Summary: "Create a project"},
		func(ctx context.Context, in *createProject) (*api.Body[dataset.Project], error) {
			return api.Reply(s.Datasets.CreateProject(ctx, dataset.Project{ID: in.Body.ID, Name: in.Body.Name,
				Description: in.Body.Description, CreatedBy: identity.From(ctx).Subject}))
		})
	api.Handle(a, api.Op{ID: "getProject", Method: http.MethodGet, Path: base + "/{project}", Tag: tag, Role: identity.Viewer, Summary: "Read a project"},
		func(ctx context.Context, in *Project) (*api.Body[dataset.Project], error) {
			return api.Reply(s.Datasets.Project(ctx, in.Project))
		})
}

func (s Services) registerDatasets(a huma.API) {
	const base = "/v1/projects/{project}/datasets"
	api.Handle(a, api.Op{ID: "listDatasets", Method: http.MethodGet, Path: base, Tag: tag, Role: identity.Viewer, Summary: "List datasets"},
		func(ctx context.Context, in *listDatasets) (*api.ListOut[dataset.Dataset], error) {
			p, err := s.Datasets.List(ctx, in.Project.Project, in.Search, in.Limit, in.Cursor)
			return api.Lists(p.Items, p.Next, err)
		})
	api.Handle(a, api.Op{ID: "createDataset", Method: http.MethodPost, Path: base, Tag: tag, Role: identity.Manager, Status: http.StatusCreated, Summary: "Create a dataset"},
		func(ctx context.Context, in *createDataset) (*api.Body[dataset.Dataset], error) {
			return api.Reply(s.Datasets.Create(ctx, in.Project.Project, in.Key, change(ctx, in.Body)))
		})
	api.Handle(a, api.Op{ID: "getDataset", Method: http.MethodGet, Path: base + "/{id}", Tag: tag, Role: identity.Viewer, Summary: "Read a dataset"},
		func(ctx context.Context, in *Item) (*api.Body[dataset.Dataset], error) {
			return api.Reply(s.Datasets.Get(ctx, in.Project.Project, in.ID))
		})
	api.Handle(a, api.Op{ID: "updateDataset", Method: http.MethodPatch, Path: base + "/{id}", Tag: tag, Role: identity.Manager, Summary: "Change a dataset"},
		func(ctx context.Context, in *updateDataset) (*api.Body[dataset.Dataset], error) {
			return api.Reply(s.Datasets.Update(ctx, in.Project.Project, in.ID, change(ctx, in.Body)))
		})
	api.Handle(a, api.Op{ID: "deleteDataset", Method: http.MethodDelete, Path: base + "/{id}", Tag: tag, Role: identity.Manager, Summary: "Delete a dataset that nothing uses"},
		func(ctx context.Context, in *Item) (*struct{}, error) {
			return nil, s.Datasets.Delete(ctx, in.Project.Project, in.ID)
		})
	api.Handle(a, api.Op{ID: "listDatasetVersions", Method: http.MethodGet, Path: base + "/{id}/versions", Tag: tag, Role: identity.Viewer, Summary: "List the versions of a dataset"},
		func(ctx context.Context, in *Item) (*api.ListOut[dataset.Version], error) {
			v, err := s.Datasets.Versions(ctx, in.Project.Project, in.ID)
			return api.Lists(v, "", err)
		})
	api.Handle(a, api.Op{ID: "getDatasetVersion", Method: http.MethodGet, Path: base + "/{id}/versions/{number}", Tag: tag, Role: identity.Viewer, Summary: "Read a version of a dataset"},
		func(ctx context.Context, in *versionOf) (*api.Body[dataset.Version], error) {
			return api.Reply(s.Datasets.Version(ctx, in.Project.Project, in.ID, in.Number))
		})
}

func (s Services) registerAnswers(a huma.API) {
	const base = "/v1/projects/{project}/datasets"
	api.Handle(a, api.Op{ID: "getProfile", Method: http.MethodGet, Path: base + "/{id}/profile", Tag: tag, Role: identity.Viewer, Summary: "Read the profile of a dataset version"},
		func(ctx context.Context, in *profileOf) (*api.Body[dataset.Profile], error) {
			return api.Reply(s.Datasets.Profile(ctx, in.Project.Project, in.ID, in.Version))
		})
	api.Handle(a, api.Op{ID: "analyzeDataset", Method: http.MethodPost, Path: base + "/{id}/analyze", Tag: tag, Role: identity.Analyst, Status: http.StatusOK, Summary: "Profile a dataset version"},
		func(ctx context.Context, in *profileOf) (*api.Body[dataset.Profile], error) {
			return api.Reply(s.Datasets.Analyze(ctx, in.Project.Project, in.ID, in.Version))
		})
	api.Handle(a, api.Op{ID: "previewDataset", Method: http.MethodGet, Path: base + "/{id}/preview", Tag: tag, Role: identity.Viewer, Summary: "Read the first rows of a dataset"},
		func(ctx context.Context, in *previewOf) (*api.Body[Preview], error) {
			rows, err := s.Datasets.Preview(ctx, in.Project.Project, in.ID, in.Limit)
			return api.Reply(Preview{rows.Columns, rows.JSON(), rows.Truncated, rows.Cost}, err)
		})
	api.Handle(a, api.Op{ID: "getDatasetSQL", Method: http.MethodGet, Path: base + "/{id}/sql", Tag: tag, Role: identity.Viewer, Summary: "Read the SQL of a dataset"},
		func(ctx context.Context, in *sqlOf) (*api.Body[dataset.Text], error) {
			return api.Reply(s.Datasets.SQL(ctx, in.Project.Project, in.ID, in.Form))
		})
	api.Handle(a, api.Op{ID: "suggestDataset", Method: http.MethodPost, Path: base + ":suggest", Tag: tag, Role: identity.Viewer, Summary: "Propose a definition for tables, with reasons"},
		func(ctx context.Context, in *suggestFor) (*api.Body[dataset.Proposal], error) {
			return api.Reply(s.Datasets.Suggest(ctx, in.Body.Tables, in.Body.Primary, in.Body.Roles))
		})
	api.Handle(a, api.Op{ID: "checkDataset", Method: http.MethodPost, Path: base + ":check", Tag: tag, Role: identity.Viewer, Summary: "Check a definition without storing it"},
		func(ctx context.Context, in *checkOf) (*api.Body[dataset.CheckReply], error) {
			return api.Reply(s.Datasets.Check(ctx, in.Body.Definition))
		})
}

func change(ctx context.Context, in DatasetInput) dataset.Change {
	return dataset.Change{Name: in.Name, Description: in.Description, Definition: in.Definition, By: identity.From(ctx).Subject}
}
