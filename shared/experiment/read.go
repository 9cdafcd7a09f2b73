package experiment

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
)

// Filter selects experiments; the zero value selects all.
type Filter struct {
	// Status is one status, or "active" (pending, preparing, running) or "ended".
	Status        string
	Dataset       string // ids
	FeatureConfig string
	ModelConfig   string
	// Search is part of a name of the run or its configs, or the run's number.
	Search string
}

func (f Filter) matches(e Experiment) bool {
	switch f.Status {
	case "":
	case "active", "ended":
		if e.Status.Ended() != (f.Status == "ended") {
			return false
		}
	default:
		if string(e.Status) != f.Status {
			return false
		}
	}
	s := e.Snapshot
	if f.Dataset != "" && s.Dataset != f.Dataset || f.FeatureConfig != "" && s.FeatureConfig != f.FeatureConfig ||
		f.ModelConfig != "" && s.ModelConfig != f.ModelConfig {
		return false
	}
	search := strings.ToLower(strings.TrimSpace(f.Search))
	if search == "" {
		return true
	}
	number := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(strings.TrimPrefix(search, "exp")), "#"))
	if n, err := strconv.ParseInt(number, 10, 64); err == nil && n == e.Number {
		return true
	}
	return slices.ContainsFunc([]string{e.Name, s.FeatureName, s.ModelName, s.DatasetName}, func(name string) bool {
		return strings.Contains(strings.ToLower(name), search)
	})
}

// List reads a page of experiments, newest first. The cursor is the last id of
// the page before.
func (s Service) List(ctx context.Context, project string, f Filter, limit int, cursor string) ([]Experiment, string, error) {
	q := state.Query{OrderBy: "id", Desc: true, Limit: min(200, max(1, limit)+1)}
	if cursor != "" {
		q.Where = []state.Where{{Field: "id", Op: state.Lt, Value: cursor}}
	}
	items := []Experiment{}
	for e, err := range Of(s.State, project).All(ctx, q) {
		if err != nil {
			return nil, "", err
		}
		if !f.matches(e) {
			continue
		}
		if len(items) == limit {
			return items, items[limit-1].ID, nil
		}
		items = append(items, e)
	}
	return items, "", nil
}

// History reads the curves of a run; empty before the first epoch.
func (s Service) History(ctx context.Context, project, id string) (History, error) {
	if _, err := s.Get(ctx, project, id); err != nil {
		return History{}, err
	}
	h, err := Histories(s.State, project).Get(ctx, id)
	if problem.Is(err, problem.NotFound) {
		return History{Experiment: id, Epochs: []int{}, Series: map[string][]*float64{}}, nil
	}
	return h, err
}

// Code is what a run's Transform and Trainer execute.
type Code struct {
	Transform string          `json:"transform" doc:"transform_module.py"`
	Trainer   string          `json:"trainer" doc:"trainer_module.py"`
	Manifest  json.RawMessage `json:"manifest,omitempty"`
	Hash      string          `json:"hash"`
}

// Code reads the modules of a run. NotFound before they are generated.
func (s Service) Code(ctx context.Context, project, id string) (Code, error) {
	e, err := s.Get(ctx, project, id)
	if err != nil {
		return Code{}, err
	}
	c := Code{Hash: e.CodeHash}
	for _, f := range []struct {
		name string
		into func([]byte)
	}{
		{"transform_module.py", func(b []byte) { c.Transform = string(b) }},
		{"trainer_module.py", func(b []byte) { c.Trainer = string(b) }},
		{"manifest.json", func(b []byte) { c.Manifest = b }},
	} {
		b, err := s.Pipelines.Read(ctx, e.Root+"code/"+f.name)
		if problem.Is(err, problem.NotFound) {
			return c, problem.New(problem.NotFound, "the code of experiment #%d is not generated yet", e.Number)
		}
		if err != nil {
			return c, err
		}
		f.into(b)
	}
	return c, nil
}

// Logs gives the last lines a stage printed; none before it began, and none of
// the preparation, whose facts are in the experiment.
func (s Service) Logs(ctx context.Context, project, id, stage string, lines int) ([]string, error) {
	if _, err := s.Get(ctx, project, id); err != nil {
		return nil, err
	}
	if !slices.Contains(Stages, stage) {
		return nil, problem.New(problem.NotFound, "an experiment has no stage %q", stage)
	}
	if stage == Stages[0] {
		return []string{}, nil
	}
	out, err := s.Runner.Logs(ctx, id, stage, lines)
	if problem.Is(err, problem.NotFound) {
		return []string{}, nil
	}
	return out, err
}
