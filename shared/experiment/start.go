package experiment

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/b2brecs/b2brecs/shared/codegen"
	"github.com/b2brecs/b2brecs/shared/dataset"
	"github.com/b2brecs/b2brecs/shared/feature"
	"github.com/b2brecs/b2brecs/shared/model"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/versioned"
)

// Request asks for a run.
type Request struct {
	Project       string
	FeatureConfig string // id; the newest version is pinned
	ModelConfig   string
	Settings      Settings
	Name          string
	By            string // who asks
	// Key makes Start idempotent; "" makes every call a run of its own.
	Key string
}

// Plan is what a request comes to: nothing in it is left open.
type Plan struct {
	Snapshot Snapshot        `json:"snapshot"`
	Settings Settings        `json:"settings"`
	Errors   []problem.Field `json:"errors"`
	Warnings []string        `json:"warnings"`
}

// Check resolves a request and reports every finding at once. NotFound when a
// config or its dataset version is absent.
func (s Service) Check(ctx context.Context, r Request) (Plan, error) {
	p := Plan{Errors: []problem.Field{}, Warnings: []string{}}
	features := feature.NewStore(s.State, r.Project)
	fc, err := features.Get(ctx, r.FeatureConfig)
	if err != nil {
		return p, err
	}
	mc, err := model.NewStore(s.State, r.Project).Get(ctx, r.ModelConfig)
	if err != nil {
		return p, err
	}
	id := fc.Definition.Dataset
	version, err := state.Of[dataset.Version](s.State, dataset.VersionsCollection(r.Project)).
		Get(ctx, versioned.VersionID(id, fc.Definition.DatasetVersion))
	if problem.Is(err, problem.NotFound) {
		return p, problem.New(problem.NotFound, "version %d of the dataset of feature config %q does not exist", fc.Definition.DatasetVersion, fc.Name).
			WithNext(problem.TurnYou, "Choose a dataset version in the feature config.")
	}
	if err != nil {
		return p, err
	}
	name := id
	if d, err := state.Of[dataset.Dataset](s.State, dataset.Collection(r.Project)).Get(ctx, id); err == nil {
		name = d.Name
	} else if !problem.Is(err, problem.NotFound) {
		return p, err
	}
	p.Snapshot = Snapshot{
		Dataset: id, DatasetName: name, DatasetVersion: version,
		FeatureConfig: fc.ID, FeatureName: fc.Name, FeatureVersion: fc.Version, Features: fc.Definition,
		ModelConfig: mc.ID, ModelName: mc.Name, ModelVersion: mc.Version, Model: mc.Definition,
	}
	p.Settings = r.Settings.resolved(p.Snapshot)
	for _, f := range p.Settings.check(p.Snapshot) {
		p.Errors = append(p.Errors, problem.Field{Location: "settings." + f.Location, Message: f.Message})
	}
	missing := missingColumns(fc.Definition, version)
	p.Errors = append(p.Errors, missing...)
	for _, f := range codegen.Check(fc.Definition, version.Schema) {
		at := "features." + f.Location
		if !slices.ContainsFunc(missing, func(m problem.Field) bool { return m.Location == at }) {
			p.Errors = append(p.Errors, problem.Field{Location: at, Message: f.Message})
		}
	}
	for _, f := range model.Check(mc.Definition) {
		p.Errors = append(p.Errors, problem.Field{Location: "model." + f.Location, Message: f.Message})
	}
	tried := mc.Definition
	tried.LearningRate = p.Settings.LearningRate // the warnings are about the rate that runs
	p.Warnings = append(append(p.Warnings, codegen.Warnings(fc.Definition)...), model.Warnings(tried)...)
	return p, nil
}

// resolved fills what a request leaves to the model config and the dataset.
func (t Settings) resolved(s Snapshot) Settings {
	if t.Epochs == 0 {
		t.Epochs = s.Model.Epochs
	}
	if t.BatchSize == 0 {
		t.BatchSize = s.Model.BatchSize
	}
	if t.LearningRate == 0 {
		t.LearningRate = s.Model.LearningRate
	}
	if t.Split.Strategy == "" {
		t.Split.Strategy = "random"
		if s.DatasetVersion.Definition.Roles[dataset.Time] != "" {
			t.Split.Strategy = "temporal"
		}
	}
	if t.Split.SamplePercent == 0 {
		t.Split.SamplePercent = 100
	}
	return t
}

func (t Settings) check(s Snapshot) []problem.Field {
	var out []problem.Field
	bad := func(at, format string, args ...any) {
		out = append(out, problem.Field{Location: at, Message: fmt.Sprintf(format, args...)})
	}
	if t.Epochs < 1 || t.Epochs > 500 {
		bad("epochs", "must be between 1 and 500, not %d", t.Epochs)
	}
	if t.BatchSize < 2 || t.BatchSize > 65536 {
		bad("batch_size", "must be between 2 and 65536, not %d", t.BatchSize)
	}
	if !(t.LearningRate > 0 && t.LearningRate <= 1) {
		bad("learning_rate", "must be above 0 and at most 1")
	}
	if t.Split.SamplePercent < 1 || t.Split.SamplePercent > 100 {
		bad("split.sample_percent", "must be between 1 and 100, not %d", t.Split.SamplePercent)
	}
	switch t.Split.Strategy {
	case "random":
	case "temporal":
		if s.DatasetVersion.Definition.Roles[dataset.Time] == "" {
			bad("split.strategy", "a temporal split needs a time column in the dataset; choose random, or give a column the time role")
		}
		if t.Split.TestDays < 0 || t.Split.TestDays > 3650 {
			bad("split.test_days", "must be between 0 and 3650, not %d; 0 is a tenth of the span", t.Split.TestDays)
		}
		if t.Split.EvalDays < 0 || t.Split.EvalDays > 3650 {
			bad("split.eval_days", "must be between 0 and 3650, not %d; 0 is a tenth of the span", t.Split.EvalDays)
		}
	default:
		bad("split.strategy", "must be temporal or random, not %q", t.Split.Strategy)
	}
	return out
}

// missingColumns reports features whose column the dataset does not put out,
// with the likely reason: another case, a rename, a table's prefix.
func missingColumns(d feature.Definition, v dataset.Version) []problem.Field {
	have := map[string]bool{}
	var names []string
	for _, c := range v.Schema {
		have[c.Name] = true
		names = append(names, c.Name)
	}
	var out []problem.Field
	for _, tower := range []struct {
		name string
		feature.Tower
	}{{"query", d.Query}, {"candidate", d.Candidate}} {
		for i, f := range tower.Features {
			if have[f.Column] || f.Column == "" {
				continue
			}
			message := fmt.Sprintf("the dataset has no column %q%s; it has %s", f.Column, hint(f.Column, v.Definition.Columns), strings.Join(names, ", "))
			out = append(out, problem.Field{Location: fmt.Sprintf("features.%s.features[%d].column", tower.name, i), Message: message})
		}
	}
	return out
}

func hint(column string, columns []dataset.Column) string {
	for _, c := range columns {
		switch {
		case strings.EqualFold(c.Name, column):
			return fmt.Sprintf(" (its case differs: %s)", c.Name)
		case c.Column == column:
			return fmt.Sprintf(" (it is named %s there)", c.Name)
		case strings.EqualFold(c.Name, c.Table.Name+"_"+column):
			return fmt.Sprintf(" (it carries its table's name there: %s)", c.Name)
		}
	}
	return ""
}

// Start pins everything a request names, stores the experiment and starts its
// workflow. InvalidArgument lists every finding of Check.
func (s Service) Start(ctx context.Context, r Request) (Experiment, error) {
	p, err := s.Check(ctx, r)
	if err != nil {
		return Experiment{}, err
	}
	if len(p.Errors) > 0 {
		bad := problem.New(problem.InvalidArgument, "the experiment cannot run as configured").
			WithCause("%s %s", p.Errors[0].Location, p.Errors[0].Message).
			WithNext(problem.TurnYou, "Correct the fields listed, then start it again.")
		bad.Fields = p.Errors
		return Experiment{}, bad
	}
	e := fresh(r.Project, r.Name, r.By, p.Settings, p.Snapshot)
	e.Warnings = p.Warnings
	if e, err = s.create(ctx, r.Key, e); err != nil {
		return e, err
	}
	return e, s.launch(ctx, e)
}

// Rerun starts a run with another one's snapshot and settings: the same
// experiment again, whatever its configs have become since. The caller owns it.
func (s Service) Rerun(ctx context.Context, project, id, key, by string) (Experiment, error) {
	old, err := s.Get(ctx, project, id)
	if err != nil {
		return old, err
	}
	if !old.Status.Ended() {
		return old, problem.New(problem.FailedPrecondition, "experiment #%d is still %s", old.Number, old.Status).
			WithNext(problem.TurnYou, "Wait for its end, or cancel it.")
	}
	e := fresh(project, old.Name, by, old.Settings, old.Snapshot)
	e.RerunOf, e.Warnings = old.ID, old.Warnings
	if e, err = s.create(ctx, key, e); err != nil {
		return e, err
	}
	return e, s.launch(ctx, e)
}
