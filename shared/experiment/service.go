package experiment

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"strings"
	"time"

	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/telemetry"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/workflow"
)

// Workflow is the definition that runs an experiment; its argument is Argument.
const Workflow = "experiment-run"

// Argument of the workflow. The execution's id is the experiment's.
type Argument struct {
	Project      string `json:"project"`
	Run          string `json:"run"` // the experiment's id
	FunctionsURL string `json:"functions_url"`
	Traceparent  string `json:"traceparent"` // the calls go on with it
}

// Service starts, stops and reads experiments. All fields are required.
type Service struct {
	State     *state.DB
	Workflows *workflow.Engine
	Runner    *pipeline.Runner
	Pipelines *objects.Bucket
	Warehouse *warehouse.Warehouse
	// FunctionsURL is the base under which the workflow finds its functions.
	FunctionsURL string
}

// Of gives a project's experiments.
func Of(db *state.DB, project string) *state.Collection[Experiment] {
	return state.Of[Experiment](db, Collection(project))
}

// Histories gives a project's per-epoch series.
func Histories(db *state.DB, project string) *state.Collection[History] {
	return state.Of[History](db, HistoryCollection(project))
}

// Get reads an experiment. NotFound when absent.
func (s Service) Get(ctx context.Context, project, id string) (Experiment, error) {
	e, err := Of(s.State, project).Get(ctx, id)
	if problem.Is(err, problem.NotFound) {
		return e, absent(id)
	}
	return e, err
}

func absent(id string) error {
	return problem.New(problem.NotFound, "there is no experiment %q in this project", id)
}

type counter struct {
	Last int64 `json:"last"`
}

type startKey struct {
	Experiment string `json:"experiment"`
}

// create writes an experiment with the project's next number. A key that was
// used before gives the experiment it made then.
func (s Service) create(ctx context.Context, key string, e Experiment) (Experiment, error) {
	all := Of(s.State, e.Project)
	counters := state.Of[counter](s.State, "projects/"+e.Project+"/counters")
	keys := state.Of[startKey](s.State, "projects/"+e.Project+"/experiment_keys")
	sum := sha256.Sum256([]byte(key))
	keyID := hex.EncodeToString(sum[:])
	var out Experiment
	err := s.State.Transact(ctx, func(tx *state.Tx) error {
		if key != "" {
			used, err := state.Get(tx, keys, keyID)
			if err == nil {
				if out, err = state.Get(tx, all, used.Experiment); problem.Is(err, problem.NotFound) {
					return problem.New(problem.FailedPrecondition, "the experiment that this idempotency key started has been deleted").
						WithNext(problem.TurnYou, "Send the request with a new key.")
				}
				return err
			}
			if !problem.Is(err, problem.NotFound) {
				return err
			}
		}
		n, err := state.Get(tx, counters, "experiments")
		if err != nil && !problem.Is(err, problem.NotFound) {
			return err
		}
		n.Last++
		out = e
		out.Number = n.Last
		if err := state.Put(tx, counters, "experiments", n); err != nil {
			return err
		}
		if key != "" {
			if err := state.Put(tx, keys, keyID, startKey{e.ID}); err != nil {
				return err
			}
		}
		return state.Put(tx, all, e.ID, out)
	})
	return out, err
}

// launch starts the workflow of a stored experiment; again changes nothing.
func (s Service) launch(ctx context.Context, e Experiment) error {
	if e.Status != Pending {
		return nil
	}
	s.Runner.Prewarm(ctx)
	telemetry.Add(ctx, slog.String("project", e.Project), slog.String("experiment", e.ID))
	_, err := s.Workflows.Start(ctx, Workflow, e.ID, Argument{e.Project, e.ID, s.FunctionsURL, telemetry.Traceparent(ctx)})
	return err
}

// fresh makes the document of a run that has not begun.
func fresh(project, name, by string, settings Settings, snapshot Snapshot) Experiment {
	id := state.NewID()
	e := Experiment{
		ID: id, Project: project, Name: strings.TrimSpace(name), Status: Pending, Settings: settings, Snapshot: snapshot,
		Root: Root(project, id), CreatedAt: time.Now().UTC(), CreatedBy: by,
	}
	for _, name := range Stages {
		e.Stages = append(e.Stages, Stage{Name: name, State: pipeline.Pending})
	}
	return e
}

// RecommendationTable names the warehouse table of a run's lists.
func RecommendationTable(project, id string) warehouse.Ref {
	clean := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
				return r
			}
			return '_'
		}, s)
	}
	// The experiment's id is unique by itself: folding characters cannot make two tables one.
	return warehouse.Ref{Dataset: warehouse.ML, Name: "recommendations_" + clean(project) + "_" + clean(id)}
}
