package functions_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/b2brecs/b2brecs/functions"
	"github.com/b2brecs/b2brecs/scripts/sample"
	"github.com/b2brecs/b2brecs/shared/dataset"
	"github.com/b2brecs/b2brecs/shared/experiment"
	"github.com/b2brecs/b2brecs/shared/feature"
	"github.com/b2brecs/b2brecs/shared/model"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/pipeline/local"
	"github.com/b2brecs/b2brecs/shared/platform"
	"github.com/b2brecs/b2brecs/shared/state"
	statestore "github.com/b2brecs/b2brecs/shared/state/sqlite"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/workflow"
)

func (in *installation) experiments() experiment.Service {
	return experiment.Service{State: in.State, Workflows: in.Workflows, Runner: in.Runner, Pipelines: in.Pipelines,
		Warehouse: in.Warehouse, FunctionsURL: in.FunctionsURL}
}

// configure loads a small company into a new data folder and makes the dataset and
// the configs of the experiment there, as a person does on the page.
func configure(t *testing.T, plan *experimentPlan) {
	t.Helper()
	in, err := start(context.Background(), plan.Dir, setup{})
	if err != nil {
		t.Fatal(err)
	}
	defer in.stop()
	company := sample.New(sample.Options{Seed: 7, Customers: 200, Products: 100, Transactions: 3000, End: time.Date(2026, 10, 31, 0, 0, 0, 0, time.UTC)})
	var tables []warehouse.Ref
	for _, f := range []struct {
		name, key string
		write     func(io.Writer) error
	}{
		{"customers", "customers.csv", company.WriteCustomers},
		{"products", "products.csv", company.WriteProducts},
		{"transactions", "transactions.parquet", company.WriteTransactions},
	} {
		var b bytes.Buffer
		if err := f.write(&b); err != nil {
			t.Fatal(err)
		}
		in.upload(t, f.key, b.String())
		tables = append(tables, warehouse.Ref{Dataset: warehouse.Raw, Name: f.name})
	}
	in.settle(t, len(tables))

	c := in.caller(t)
	c.must("POST", "/v1/projects", map[string]any{"id": killProject, "name": "Kill"}, nil)
	base := "/v1/projects/" + killProject
	var proposal dataset.Proposal
	c.must("POST", base+"/datasets:suggest", map[string]any{"tables": tables, "primary": tables[2]}, &proposal)
	var d dataset.Dataset
	c.must("POST", base+"/datasets", map[string]any{"name": "sales", "definition": proposal.Definition}, &d)
	var defaults feature.Defaults
	c.must("POST", base+"/feature-configs:smart-defaults", map[string]any{"dataset": d.ID}, &defaults)
	var features feature.Config
	c.must("POST", base+"/feature-configs", map[string]any{"name": "sales", "definition": defaults.Definition}, &features)
	preset, err := model.PresetNamed(model.DefaultPreset)
	if err != nil {
		t.Fatal(err)
	}
	var m model.Config
	c.must("POST", base+"/model-configs", map[string]any{"name": "sales", "definition": preset.Definition}, &m)
	plan.Features, plan.Model = features.ID, m.ID
}

// running reads which task runs in the data folder of a process that is gone; "" for
// none, or no job yet.
func running(t *testing.T, dir string) string {
	t.Helper()
	drv, err := statestore.Open(filepath.Join(dir, "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	db := state.New(drv)
	defer db.Close()
	var out []string
	for job, err := range state.Of[pipeline.Job](db, local.Collection).All(context.Background(), state.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		for _, task := range job.Tasks {
			if task.State == pipeline.Running {
				out = append(out, task.Name)
			}
		}
	}
	return strings.Join(out, ", ")
}

// remains is what an experiment leaves behind, without what differs between two
// runs of the same: ids, times, speeds.
type remains struct {
	Status   experiment.Status
	Stages   []string
	CodeHash string
	Metrics  *experiment.Metrics
	Epoch    int
	Loss     *float64
	Series   map[string][]*float64
	// Recommendations as the experiment counts them; Rows of its table, distinct Places
	// in them, and a hash of all.
	Recommendations, Rows, Places int64
	Lists                         string
	// Experiments, pipeline jobs and workflow executions there are; tables of the
	// product, files in the run folder, dead letters.
	Experiments, Jobs, Executions int
	Tables                        int
	Files, Dead                   []string
}

func look(t *testing.T, dir string) remains {
	t.Helper()
	ctx := context.Background()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	in, err := start(ctx, dir, setup{})
	must(err)
	defer in.stop()
	list, _, err := in.experiments().List(ctx, killProject, experiment.Filter{}, 10, "")
	must(err)
	e := list[0]
	h, err := in.experiments().History(ctx, killProject, e.ID)
	must(err)
	out := remains{Status: e.Status, CodeHash: e.CodeHash, Metrics: e.Metrics, Epoch: e.Epoch, Loss: e.Loss, Series: h.Series,
		Recommendations: e.Recommendations, Experiments: len(list)}
	delete(out.Series, "seconds")
	delete(out.Series, "examples_per_second")
	for _, s := range e.Stages {
		out.Stages = append(out.Stages, fmt.Sprintf("%s %s: %s, %v", s.Name, s.State, s.Fact, s.Error))
	}
	r, err := in.Warehouse.Query(ctx, warehouse.Statement{SQL: `SELECT COUNT(*), COUNT(DISTINCT (customer, rank)),
		md5(string_agg(concat_ws('|', customer, rank, product, score, seen), ';' ORDER BY customer, rank)) FROM ` +
		experiment.RecommendationTable(killProject, e.ID).String()}, 1)
	must(err)
	out.Rows, out.Places, out.Lists = r.Values[0][0].(int64), r.Values[0][1].(int64), r.Values[0][2].(string)
	for _, err := range state.Of[pipeline.Job](in.State, local.Collection).All(ctx, state.Query{}) {
		must(err)
		out.Jobs++
	}
	for x, err := range state.Of[workflow.Execution](in.State, "workflow_executions").All(ctx, state.Query{}) {
		must(err)
		if x.Workflow == experiment.Workflow {
			out.Executions++
		}
	}
	tables, err := in.Warehouse.Tables(ctx, warehouse.ML)
	must(err)
	out.Tables = len(tables)
	files, err := in.Pipelines.List(ctx, e.Root)
	must(err)
	for _, f := range files {
		out.Files = append(out.Files, strings.TrimPrefix(f.Key, e.Root))
	}
	for _, f := range functions.Catalog() {
		if f.Kind != platform.Event {
			continue
		}
		dead, err := in.Events.DeadLetters(ctx, f.Name, 10)
		must(err)
		for _, d := range dead {
			out.Dead = append(out.Dead, d.Subscription+": "+d.Reason)
		}
	}
	return out
}
