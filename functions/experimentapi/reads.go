package experimentapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/b2brecs/b2brecs/shared/api"
	"github.com/b2brecs/b2brecs/shared/experiment"
	"github.com/b2brecs/b2brecs/shared/identity"
)

type logs struct {
	Item
	Stage string `path:"stage" maxLength:"63"`
	Lines int    `query:"lines" minimum:"1" maximum:"5000" default:"200" doc:"The last so many lines."`
}

// Logs are the last lines a stage printed, oldest first.
type Logs struct {
	Lines []string `json:"lines" nullable:"false"`
}

func registerReads(a huma.API, x experiment.Service) {
	api.Handle(a, api.Op{ID: "getExperimentHistory", Method: http.MethodGet, Path: base + "/{id}/history", Tag: tag, Role: identity.Viewer, Summary: "Read an experiment's training curves and statistics"},
		func(ctx context.Context, in *Item) (*api.Body[experiment.History], error) {
			return api.Reply(x.History(ctx, in.Project.Project, in.ID))
		})
	api.Handle(a, api.Op{ID: "getExperimentCode", Method: http.MethodGet, Path: base + "/{id}/code", Tag: tag, Role: identity.Viewer, Summary: "Read the code an experiment runs"},
		func(ctx context.Context, in *Item) (*api.Body[experiment.Code], error) {
			return api.Reply(x.Code(ctx, in.Project.Project, in.ID))
		})
	api.Handle(a, api.Op{ID: "getExperimentLogs", Method: http.MethodGet, Path: base + "/{id}/logs/{stage}", Tag: tag, Role: identity.Viewer, Summary: "Read the last lines a stage printed"},
		func(ctx context.Context, in *logs) (*api.Body[Logs], error) {
			lines, err := x.Logs(ctx, in.Project.Project, in.ID, in.Stage, in.Lines)
			if lines == nil {
				lines = []string{}
			}
			return api.Reply(Logs{lines}, err)
		})
}
