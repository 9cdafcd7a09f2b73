package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/b2brecs/b2brecs/scripts/b2brecs/client"
	"github.com/b2brecs/b2brecs/shared/api"
	"github.com/b2brecs/b2brecs/shared/dataset"
	"github.com/b2brecs/b2brecs/shared/experiment"
	"github.com/b2brecs/b2brecs/shared/feature"
	"github.com/b2brecs/b2brecs/shared/model"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/versioned"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// flow takes loaded tables to a measured model through the API, the way a person
// does on the page. Every step is idempotent under its key: a flow that is run
// again finds what it did before.
type flow struct {
	c       *client.Client
	p       *progress
	project string
	name    string // of the dataset and the configs
	timings map[string]float64

	proposal   dataset.Proposal
	experiment experiment.Experiment
}

// choices are what a person may decide instead of the defaults.
type choices struct {
	roles  map[dataset.Role]string // warehouse column names of the primary table
	split  string                  // "temporal", "random", "" decides by the time column
	epochs int                     // 0 = the model config's
	batch  int                     // follows from the rows
}

func (f *flow) time(stage string, since time.Time) { f.timings[stage] += time.Since(since).Seconds() }

func (f *flow) path(format string, args ...any) string {
	return "/v1/projects/" + f.project + fmt.Sprintf(format, args...)
}

type newProject struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// ensureProject makes the project unless it is there.
func (f *flow) ensureProject(ctx context.Context, name string) error {
	_, err := client.Post[dataset.Project](ctx, f.c, "/v1/projects", newProject{f.project, name}, "")
	if problem.Is(err, problem.AlreadyExists) {
		return nil
	}
	return err
}

type suggestInput struct {
	Tables  []warehouse.Ref         `json:"tables"`
	Primary *warehouse.Ref          `json:"primary,omitempty"`
	Roles   map[dataset.Role]string `json:"roles,omitempty"`
}

// run goes the whole way.
func (f *flow) run(ctx context.Context, tables []warehouse.Ref, primary warehouse.Ref, ch choices) error {
	start := time.Now()
	f.p.Step("dataset: looking at the tables")
	var err error
	f.proposal, err = client.Post[dataset.Proposal](ctx, f.c, f.path("/datasets:suggest"), suggestInput{tables, &primary, ch.roles}, "")
	if err != nil {
		return err
	}
	if err := missingRole(f.proposal, primary); err != nil {
		return err
	}
	d, err := ensure[dataset.Dataset](ctx, f, "/datasets", f.proposal.Definition)
	if err != nil {
		return err
	}
	profile, err := client.Post[dataset.Profile](ctx, f.c, f.path("/datasets/%s/analyze", d.ID), struct{}{}, "")
	if err != nil {
		return err
	}
	f.time("dataset", start)
	f.p.Done("dataset: %s rows, %s customers, %s products, %s; readiness %d (%s)", thousands(profile.Rows), thousands(profile.Customers),
		thousands(profile.Products), span(profile), profile.Score, profile.Rating)

	start = time.Now()
	defaults, err := client.Post[feature.Defaults](ctx, f.c, f.path("/feature-configs:smart-defaults"), map[string]any{"dataset": d.ID, "version": d.Version}, "")
	if err != nil {
		return err
	}
	features, err := ensure[feature.Config](ctx, f, "/feature-configs", defaults.Definition)
	if err != nil {
		return err
	}
	preset, err := model.PresetNamed(model.DefaultPreset)
	if err != nil {
		return err
	}
	m, err := ensure[model.Config](ctx, f, "/model-configs", preset.Definition)
	if err != nil {
		return err
	}
	f.time("features", start)
	f.p.Done("features: query tower %d wide, candidate tower %d wide; model %s", features.QueryDim, features.CandidateDim, preset.Title)
	ch.batch = batchSize(profile.Rows)
	return f.train(ctx, d, features, m, ch)
}

// batchSize is the largest power of two, from 64 to 1024, that leaves an epoch
// about eighty steps: small data trained in large batches takes too few of them.
func batchSize(rows int64) int {
	b := 1024
	for b > 64 && int64(b)*80 > rows {
		b /= 2
	}
	return b
}

func (f *flow) train(ctx context.Context, d dataset.Dataset, features feature.Config, m model.Config, ch choices) error {
	start := time.Now()
	settings := experiment.Settings{Epochs: m.Definition.Epochs, BatchSize: ch.batch}
	if ch.epochs > 0 {
		settings.Epochs = ch.epochs
	}
	settings.Split.Strategy = ch.split
	if ch.split == "" {
		settings.Split.Strategy = "random"
		if d.Definition.Roles[dataset.Time] != "" {
			settings.Split.Strategy = "temporal"
		}
	}
	// What the rows were when they were loaded is part of the key: new rows are a new experiment.
	key := fmt.Sprintf("%s-%d-%d-%d-%s-%d-%s", f.name, d.Version, features.Version, m.Version, settings.Split.Strategy, settings.Epochs, f.rowsKey(ctx, d))
	e, err := client.Post[experiment.Experiment](ctx, f.c, f.path("/experiments"),
		newExperiment{FeatureConfig: features.ID, ModelConfig: m.ID, Name: f.name, Settings: &settings}, key)
	if err != nil {
		return err
	}
	if !e.Status.Ended() {
		e, err = followExperiment(ctx, f.c, f.p, f.project, e.ID)
	} else {
		e, err = client.Get[experiment.Experiment](ctx, f.c, "%s", f.path("/experiments/%s", e.ID))
		if err == nil && e.Error != nil {
			err = e.Error
		}
	}
	f.experiment = e
	f.time("experiment", start)
	for _, s := range e.Stages {
		if !s.Ended.IsZero() {
			f.timings[s.Name] = s.Ended.Sub(s.Started).Seconds()
		}
	}
	return err
}

// rowsKey names the state of the dataset's tables.
func (f *flow) rowsKey(ctx context.Context, d dataset.Dataset) string {
	refs := []warehouse.Ref{d.Definition.Primary}
	for _, j := range d.Definition.Joins {
		refs = append(refs, j.Table)
	}
	var b strings.Builder
	for _, r := range refs {
		info, err := client.Get[warehouse.Info](ctx, f.c, "/v1/tables/%s/%s", r.Dataset, r.Name)
		if err != nil {
			return "" // the experiment itself will say what is wrong
		}
		fmt.Fprintf(&b, "%d.%d.", info.Rows, info.Modified.Unix())
	}
	return b.String()
}

type versionedInput struct {
	Name       string `json:"name"`
	Definition any    `json:"definition"`
}

// ensure creates a named document, or brings the one that is there to the
// definition; an equal definition makes no new version.
func ensure[T any](ctx context.Context, f *flow, kind string, definition any) (T, error) {
	var zero T
	body := versionedInput{f.name, definition}
	if _, err := client.Post[T](ctx, f.c, f.path("%s", kind), body, "flow-"+f.name); err != nil {
		return zero, err
	}
	list, err := client.Get[api.List[versioned.Record[any]]](ctx, f.c, "%s", f.path("%s?limit=200", kind))
	if err != nil {
		return zero, err
	}
	for _, r := range list.Items {
		if r.Name == f.name {
			return client.Do[T](ctx, f.c, "PATCH", f.path("%s/%s", kind, r.ID), body, "")
		}
	}
	return zero, problem.New(problem.Internal, "%s %q is not listed after it was created", kind, f.name)
}

func missingRole(p dataset.Proposal, primary warehouse.Ref) error {
	if len(p.Missing) == 0 {
		return nil
	}
	e := problem.New(problem.InvalidArgument, "no column of %s can be the %s", primary.Name, p.Missing[0])
	for _, r := range p.Missing {
		e.WithField(string(r), "no column identifies it well enough")
	}
	return e.WithCause("a usable column has text or whole numbers, few gaps, and values that come again").
		WithNext(problem.TurnYou, "Name the column with --%s, or give a file that has one.", p.Missing[0])
}

func span(p dataset.Profile) string {
	if p.From == "" {
		return "no dates"
	}
	return p.From + " to " + p.To
}
