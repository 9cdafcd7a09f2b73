package main

import (
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/b2brecs/b2brecs/functions/modelapi"
	"github.com/b2brecs/b2brecs/scripts/b2brecs/client"
	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/experiment"
	"github.com/b2brecs/b2brecs/shared/platform/embedded"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/warehouse/duckdb"
)

// sampleResult is what the command line says of the sample company.
type sampleResult struct {
	Experiment string              `json:"experiment"`
	Metrics    *experiment.Metrics `json:"metrics"`
}

// sampleKeys order the rows of the sample's tables.
var sampleKeys = map[string]string{"sample_customers": "customer_no", "sample_products": "item_no", "sample_transactions": "transaction_id"}

// company is what a platform made of the sample company.
type company struct {
	result          sampleResult
	recommendations map[string]any
	tables          map[string]warehouse.Rows
}

func sampleCompany(t *testing.T, dir string) company {
	t.Helper()
	var out company
	command(t, &out.result, "sample", "--run", "--data", dir)
	command(t, &out.recommendations, "recommend", "C10000", "--project", "sample", "--data", dir)
	return out
}

// code generates the modules of an experiment's definitions.
func code(t *testing.T, c *client.Client, s experiment.Snapshot) modelapi.Code {
	t.Helper()
	out, err := client.Post[modelapi.Code](t.Context(), c, "/v1/projects/sample/code:generate", modelapi.CodeInput{Features: &s.Features, Model: &s.Model}, "")
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// contents reads the tables as they were loaded, without what differs by nature: the
// generation of an object.
func contents(t *testing.T, wh *warehouse.Warehouse) map[string]warehouse.Rows {
	t.Helper()
	out := map[string]warehouse.Rows{}
	for name, key := range sampleKeys {
		r := warehouse.Ref{Dataset: warehouse.Raw, Name: name}
		info, err := wh.Table(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		var columns []string
		for _, c := range info.Columns {
			if c.Name != etl.FileGenerationColumn {
				columns = append(columns, wh.Dialect().Ident(c.Name))
			}
		}
		slices.Sort(columns)
		rows, err := wh.Query(t.Context(), warehouse.Statement{SQL: "SELECT " + strings.Join(columns, ", ") + " FROM " + wh.Dialect().Table(r) +
			" ORDER BY " + wh.Dialect().Ident(key)}, 200_000)
		if err != nil {
			t.Fatal(err)
		}
		for i := range rows.Columns {
			rows.Columns[i].Description = ""
		}
		rows.Cost = nil // embedded has none
		out[name] = rows
	}
	return out
}

// onEmbedded takes the sample company through the embedded platform, undisturbed. It
// gives the definitions of its experiment, their code, and what the cloud's experiment
// comes to here.
func onEmbedded(t *testing.T, cloud experiment.Experiment) (company, experiment.Snapshot, modelapi.Code, *experiment.Metrics) {
	t.Helper()
	dir := t.TempDir()
	s := exec.CommandContext(t.Context(), program(t, "b2brecs"), "serve", "--data", dir, "--port", "0", "--json")
	s.Stderr = os.Stderr
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Wait() }()
	var p embedded.Process
	for deadline := time.Now().Add(time.Minute); p.URL == ""; time.Sleep(50 * time.Millisecond) {
		p, _ = embedded.ReadProcess(dir) // there is none until it answers
		if len(ended) > 0 || time.Now().After(deadline) {
			t.Fatal("the embedded platform does not start")
		}
	}
	out, c := sampleCompany(t, dir), client.New(p.URL, p.Token)
	e, err := client.Get[experiment.Experiment](t.Context(), c, "/v1/projects/sample/experiments/%s", out.result.Experiment)
	if err != nil {
		t.Fatal(err)
	}
	generated, metrics := code(t, c, e.Snapshot), again(t, c, cloud, e.Snapshot.Dataset)
	if err := s.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-ended // a server that was asked to end says 130
	db, err := duckdb.Open(filepath.Join(dir, "warehouse.duckdb"), duckdb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	wh := warehouse.New(db)
	defer wh.Close()
	out.tables = contents(t, wh)
	return out, e.Snapshot, generated, metrics
}

// again runs an experiment of another platform with the same definitions and settings.
func again(t *testing.T, c *client.Client, e experiment.Experiment, set string) *experiment.Metrics {
	t.Helper()
	post := func(what string, body map[string]any) string {
		made, err := client.Post[struct {
			ID string `json:"id"`
		}](t.Context(), c, "/v1/projects/sample/"+what, body, "")
		if err != nil {
			t.Fatal(err)
		}
		return made.ID
	}
	features := e.Snapshot.Features
	features.Dataset = set
	id := post("experiments", map[string]any{"settings": e.Settings,
		"feature_config": post("feature-configs", map[string]any{"name": "again", "definition": features}),
		"model_config":   post("model-configs", map[string]any{"name": "again", "definition": e.Snapshot.Model})})
	for deadline := time.Now().Add(3 * time.Minute); ; time.Sleep(200 * time.Millisecond) {
		got, err := client.Get[experiment.Experiment](t.Context(), c, "/v1/projects/sample/experiments/%s", id)
		if err != nil || got.Error != nil || time.Now().After(deadline) {
			t.Fatal(got.Status, err, got.Error)
		}
		if got.Status == experiment.Completed {
			return got.Metrics
		}
	}
}

// The sample company comes to the same on Google Cloud's services, with processes that
// die on the way, and on the embedded platform: tables row for row, the code of the
// same definitions byte for byte, the metrics of the same definitions and settings to
// the digit. The proposed definitions themselves differ: the sizes of their vocabularies
// come from approximate counts, and each engine has its own.
func TestSampleCompany(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped in short mode: it trains two models")
	}
	if _, err := os.Stat(embedded.DefaultPython()); err != nil {
		t.Skip("SKIPPED: there is no Python environment of the pipeline components; scripts/python-env makes it")
	}
	b := open(t, false)
	stop := b.killing(t, 2, 2*time.Second)
	cloud := sampleCompany(t, b.dir)
	killed := stop()
	t.Logf("killed: %v", killed)
	if len(killed) < 10 {
		t.Errorf("processes of %d functions were killed, want 10 at least", len(killed))
	}
	cloud.tables = contents(t, b.platform(t).Warehouse)
	b.noLetters(t)
	e, err := client.Get[experiment.Experiment](t.Context(), b.client(), "/v1/projects/sample/experiments/%s", cloud.result.Experiment)
	if err != nil {
		t.Fatal(err)
	}
	own, definitions, generated, metrics := onEmbedded(t, e)

	if diff := cmp.Diff(own.tables, cloud.tables); diff != "" {
		t.Errorf("the tables differ (-embedded +cloud): %s", diff[:min(len(diff), 3000)])
	}
	if diff := cmp.Diff(generated, code(t, b.client(), definitions)); diff != "" {
		t.Errorf("the code differs (-embedded +cloud): %s", diff[:min(len(diff), 3000)])
	}
	if diff := cmp.Diff(metrics.Protocol, cloud.result.Metrics.Protocol); diff != "" {
		t.Errorf("the protocol differs (-embedded +cloud): %s", diff)
	}
	for _, c := range []struct {
		what       string
		own, cloud experiment.Scores
	}{
		{"item-kNN", metrics.ItemKNN, cloud.result.Metrics.ItemKNN},
		{"popularity", metrics.Popularity, cloud.result.Metrics.Popularity},
		{"the model", metrics.Model, cloud.result.Metrics.Model},
	} {
		if len(c.own) == 0 || len(c.own) != len(c.cloud) {
			t.Errorf("%s has the scores %v, embedded %v", c.what, c.cloud, c.own)
		}
		for name, v := range c.own {
			if got, ok := c.cloud[name]; !ok || math.Abs(got-v) > 1e-9 {
				t.Errorf("%s: %s is %v, embedded %v", c.what, name, got, v)
			}
		}
	}
	for where, c := range map[string]company{"the cloud": cloud, "the embedded platform": own} {
		if items, _ := c.recommendations["items"].([]any); len(items) != 10 {
			t.Errorf("%s recommends %v", where, c.recommendations)
		}
	}
}
