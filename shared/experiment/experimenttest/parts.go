package experimenttest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/b2brecs/b2brecs/shared/dataset"
	"github.com/b2brecs/b2brecs/shared/events"
	eventsqlite "github.com/b2brecs/b2brecs/shared/events/sqlite"
	"github.com/b2brecs/b2brecs/shared/experiment"
	"github.com/b2brecs/b2brecs/shared/feature"
	"github.com/b2brecs/b2brecs/shared/model"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/objects/folder"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/pipeline/local"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	statesqlite "github.com/b2brecs/b2brecs/shared/state/sqlite"
	"github.com/b2brecs/b2brecs/shared/versioned"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/warehouse/duckdb"
	"github.com/b2brecs/b2brecs/shared/workflow"
	"github.com/b2brecs/b2brecs/shared/workflow/interpreter"
)

// Project holds the configs that Open stores.
const Project = "wholesale"

// Parts are the services experiments need, on a folder of the test's own.
type Parts struct {
	State     *state.DB
	Events    *events.Bus
	Pipelines *objects.Bucket
	Warehouse *warehouse.Warehouse
	Runner    *pipeline.Runner
	Workflows *workflow.Engine
	// Features and Model are the ids of the stored configs.
	Features, Model string
}

// waiting is a workflow that does nothing for an hour: tests move the experiment.
const waiting = `main:
  params: [args]
  steps:
    - wait:
        call: sys.sleep
        args:
          seconds: 3600
`

// Open makes the parts; python may be "" when no pipeline runs.
func Open(t testing.TB, python, runtimeDir string) Parts {
	t.Helper()
	dir := t.TempDir()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var p Parts
	sdrv, err := statesqlite.Open(filepath.Join(dir, "state.db"))
	must(err)
	p.State = state.New(sdrv)
	t.Cleanup(func() { _ = p.State.Close() })
	edrv, err := eventsqlite.Open(filepath.Join(dir, "events.db"))
	must(err)
	p.Events = events.New(edrv)
	t.Cleanup(func() { _ = p.Events.Close(context.WithoutCancel(ctx)) })
	bdrv, err := folder.Open(objects.Pipelines, filepath.Join(dir, "pipelines"), p.Events)
	must(err)
	p.Pipelines = objects.NewBucket(objects.Pipelines, bdrv)
	t.Cleanup(func() { _ = p.Pipelines.Close() })
	wdrv, err := duckdb.Open("", duckdb.Options{Threads: 1})
	must(err)
	p.Warehouse = warehouse.New(wdrv)
	t.Cleanup(func() { _ = p.Warehouse.Close() })
	if python == "" {
		python, runtimeDir = "/nonexistent/python", dir
	}
	rdrv, err := local.Open(ctx, local.Options{
		State: p.State, Events: p.Events, Python: python, RuntimeDir: runtimeDir, WorkDir: filepath.Join(dir, "work"),
	})
	must(err)
	p.Runner = pipeline.New(rdrv)
	t.Cleanup(func() { _ = p.Runner.Close() })
	fdrv, err := interpreter.Open(ctx, interpreter.Options{
		State: p.State, FS: fstest.MapFS{experiment.Workflow + ".yaml": {Data: []byte(waiting)}},
		Token:       func(context.Context, string) (string, error) { return "", os.ErrPermission },
		CallbackURL: "http://127.0.0.1:1/callbacks",
	})
	must(err)
	p.Workflows = workflow.New(fdrv)
	t.Cleanup(func() { _ = p.Workflows.Close() })
	p.seed(t)
	return p
}

// Service gives the domain service on the parts.
func (p Parts) Service() experiment.Service {
	return experiment.Service{
		State: p.State, Workflows: p.Workflows, Runner: p.Runner, Pipelines: p.Pipelines, Warehouse: p.Warehouse,
		FunctionsURL: "http://127.0.0.1:1",
	}
}

func (p *Parts) seed(t testing.TB) {
	t.Helper()
	sales, products := warehouse.Ref{Dataset: warehouse.Raw, Name: "sales"}, warehouse.Ref{Dataset: warehouse.Raw, Name: "products"}
	def := dataset.Definition{
		Primary: sales,
		Joins:   []dataset.Join{{Table: products, LeftTable: sales, LeftColumn: "product_id", RightColumn: "id", Type: "left"}},
		Columns: []dataset.Column{
			{Table: sales, Column: "customer_id", Name: "customer"}, {Table: sales, Column: "product_id", Name: "product"},
			{Table: sales, Column: "sold_at", Name: "sold_at"},
			{Table: products, Column: "category", Name: "category"}, {Table: products, Column: "brand", Name: "brand"},
		},
		Roles: map[dataset.Role]string{dataset.Customer: "customer", dataset.Product: "product", dataset.Time: "sold_at"},
	}
	version := dataset.Version{Dataset: "ds1", Number: 1, Definition: def, Schema: []warehouse.Column{
		{Name: "customer", Type: warehouse.String}, {Name: "product", Type: warehouse.String}, {Name: "sold_at", Type: warehouse.Timestamp},
		{Name: "category", Type: warehouse.String}, {Name: "brand", Type: warehouse.String},
	}}
	ctx := t.Context()
	text := func(column string, primary bool) feature.Feature {
		return feature.Feature{Column: column, Type: warehouse.String, DataType: feature.Text, PrimaryID: primary, Embedding: &feature.Embedding{Dim: 16}}
	}
	fdef := feature.Definition{Dataset: "ds1", DatasetVersion: 1,
		Query:     feature.Tower{Features: []feature.Feature{text("customer", true)}},
		Candidate: feature.Tower{Features: []feature.Feature{text("product", true), text("category", false)}},
	}
	mdef := model.Defaults()
	name := "Basics"
	fc, err := feature.NewStore(p.State, Project).Create(ctx, "", versioned.Change[feature.Definition]{Name: &name, Definition: &fdef})
	if err != nil {
		t.Fatal(err)
	}
	mc, err := model.NewStore(p.State, Project).Create(ctx, "", versioned.Change[model.Definition]{Name: &name, Definition: &mdef})
	if err != nil {
		t.Fatal(err)
	}
	p.Features, p.Model = fc.ID, mc.ID
	for _, err := range []error{
		state.Of[dataset.Version](p.State, dataset.VersionsCollection(Project)).Put(ctx, "ds1-v1", version),
		state.Of[dataset.Dataset](p.State, dataset.Collection(Project)).Put(ctx, "ds1", dataset.Dataset{ID: "ds1", Project: Project, Name: "Sales", Version: 1, Definition: def}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Start starts an experiment of the stored configs.
func (p Parts) Start(t testing.TB) experiment.Experiment {
	t.Helper()
	e, err := p.Service().Start(t.Context(), experiment.Request{Project: Project, FeatureConfig: p.Features, ModelConfig: p.Model, By: "tester"})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// Prepare does what analyze-dataset and generate-code leave behind: examples of
// 3 customers and 4 products in the warehouse, and their facts in the document.
func (p Parts) Prepare(t testing.TB, e experiment.Experiment) experiment.Experiment {
	t.Helper()
	ctx := t.Context()
	table := dataset.ExamplesTable(e.ID)
	day := time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC).Unix()
	rows, err := p.Warehouse.Materialize(ctx, table, warehouse.Statement{SQL: fmt.Sprintf(`
SELECT 'c' || (i %% 3) AS customer, 'p' || (i %% 4) AS product, CAST(%d + 86400 * i AS BIGINT) AS sold_at,
  CASE WHEN i %% 4 = 3 THEN '__MISSING__' ELSE 'category ' || (i %% 2) END AS category, 'brand' AS brand,
  CASE WHEN i < 20 THEN 'train' WHEN i < 22 THEN 'eval' ELSE 'test' END AS split
FROM range(24) AS r(i)`, day)})
	if err != nil {
		t.Fatal(err)
	}
	if rows != 24 {
		t.Fatalf("%d rows", rows)
	}
	e, err = experiment.Of(p.State, e.Project).Update(ctx, e.ID, func(e *experiment.Experiment) error {
		e.Prepare(time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC))
		e.CodeHash = "abc"
		e.Examples = &dataset.Examples{
			Roles: map[dataset.Role]string{dataset.Customer: "customer", dataset.Product: "product", dataset.Time: "sold_at"},
			Table: table, Rows: map[string]int64{"train": 20, "eval": 2, "test": 2}, Customers: 3, Products: 4,
			Columns: []warehouse.Column{
				{Name: "customer", Type: warehouse.String}, {Name: "product", Type: warehouse.String}, {Name: "sold_at", Type: warehouse.Int64},
				{Name: "category", Type: warehouse.String}, {Name: "brand", Type: warehouse.String},
			},
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// Results writes what a pipeline that succeeded leaves in the run folder: scores,
// curves of 2 epochs, statistics, and 2 products for each of 3 customers and for
// anybody.
func (p Parts) Results(t testing.TB, e experiment.Experiment) {
	t.Helper()
	for name, text := range map[string]string{
		"evaluation.json": `{"protocol": {"split": "temporal", "candidates": "all 4 products of training", "seen_items": "kept", "cutoffs": [5, 10, 50, 100], "customers": 3, "items": 4, "rows": 2, "rules": "ties by id"},
			"model": {"recall@10": 0.4, "ndcg@10": 0.2}, "popularity": {"recall@10": 0.1}, "item_knn": {"recall@10": 0.4}, "timings": {"load": 0.5}}`,
		"training_metrics.json": `{"epochs": [0, 1], "loss": {"loss": [5.5, 4.25], "val_recall@10": [null, 0.3], "odd": [1]}, "weight_norms": {"query": [1, 2]},
			"final_metrics": {"final_loss": 4.25}, "params": {"epochs": 2}, "best_epoch": 2, "timings": {"fit": 3}}`,
		"statistics.json": `{"available": true, "num_examples": 20}`,
		"schema.json":     `{"available": true, "num_features": 5}`,
	} {
		if err := p.Pipelines.Write(t.Context(), e.Root+name, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	_, _, err := p.Warehouse.Export(t.Context(), warehouse.Statement{SQL: `
SELECT customer, CAST(rank AS BIGINT) AS rank, product, CAST(1.0 / rank AS DOUBLE) AS score, rank = 1 AND customer <> '' AS seen
FROM (VALUES ('c0', 1, 'p0'), ('c0', 2, 'p3'), ('c1', 1, 'p1'), ('c1', 2, 'p2'), ('c2', 1, 'p2'), ('c2', 2, 'p1'), ('', 1, 'p0'), ('', 2, 'p1')) AS v(customer, rank, product)`},
		p.Pipelines.URI(e.Root+"recommendations")+"/")
	if err != nil {
		t.Fatal(err)
	}
}

// Read reads an experiment's document.
func (p Parts) Read(t testing.TB, id string) experiment.Experiment {
	t.Helper()
	e, err := experiment.Of(p.State, Project).Get(t.Context(), id)
	if err != nil && !problem.Is(err, problem.NotFound) {
		t.Fatal(err)
	}
	return e
}
