package modelapi

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/b2brecs/b2brecs/shared/dataset"
	"github.com/b2brecs/b2brecs/shared/experiment"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/versioned"
)

// Services is what the function asks of its platform.
type Services struct {
	State *state.DB
}

// Register adds the routes.
func Register(a huma.API, s Services) {
	s.registerFeatures(a)
	s.registerModels(a)
	s.registerCode(a)
}

// Project is the path part every route shares.
type Project struct {
	Project string `path:"project" maxLength:"63"`
}

// Item names one config of a project.
type Item struct {
	Project
	ID string `path:"id" maxLength:"63"`
}

// version reads the pinned dataset version of a feature config, with its profile
// where there is one.
func (s Services) version(ctx context.Context, project, id string, number int) (dataset.Version, *dataset.Profile, error) {
	vid := versioned.VersionID(id, number)
	v, err := state.Of[dataset.Version](s.State, dataset.VersionsCollection(project)).Get(ctx, vid)
	if problem.Is(err, problem.NotFound) {
		return v, nil, problem.New(problem.NotFound, "there is no version %d of dataset %q in this project", number, id)
	}
	if err != nil {
		return v, nil, err
	}
	p, err := state.Of[dataset.Profile](s.State, dataset.ProfilesCollection(project)).Get(ctx, vid)
	if problem.Is(err, problem.NotFound) {
		return v, nil, nil
	}
	return v, &p, err
}

// latest resolves version 0 to the newest version of a dataset.
func (s Services) latest(ctx context.Context, project, id string, number int) (int, error) {
	if number > 0 {
		return number, nil
	}
	d, err := state.Of[dataset.Dataset](s.State, dataset.Collection(project)).Get(ctx, id)
	if problem.Is(err, problem.NotFound) {
		return 0, problem.New(problem.NotFound, "there is no dataset %q in this project", id)
	}
	return d.Version, err
}

// pinnedBy lists the experiments that pin a config.
func (s Services) pinnedBy(ctx context.Context, project, field, id string) ([]string, error) {
	page, err := state.Of[experiment.Experiment](s.State, experiment.Collection(project)).
		Query(ctx, state.Query{Where: []state.Where{{Field: field, Op: state.Eq, Value: id}}, Limit: 5})
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range page.Items {
		name := e.Name
		if name == "" {
			name = e.ID
		}
		out = append(out, "experiment "+name)
	}
	return out, nil
}

func refuse(what string, fields []problem.Field) error {
	if len(fields) == 0 {
		return nil
	}
	p := problem.New(problem.InvalidArgument, "the %s cannot be trained as it is", what).
		WithNext(problem.TurnYou, "Correct the fields named below.")
	p.Fields = fields
	return p
}
