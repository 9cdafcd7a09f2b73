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

// onEmbedded takes the sample company through the embedded platform, undisturbed, and
// gives the definitions of its experiment and their code.
func onEmbedded(t *testing.T) (company, experiment.Snapshot, modelapi.Code) {
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
	generated := code(t, c, e.Snapshot)
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
	return out, e.Snapshot, generated
}

// noise bounds how far the model's scores may be apart: the platforms order the rows
// of training by hashes of their own. The baselines know no order.
const noise = 0.03

// The sample company comes to the same on Google Cloud's services, with processes that
// die on the way, and on the embedded platform: tables row for row, the code of the
// same definitions byte for byte, baselines exactly, the model as near as another order
// of its rows lets it. The proposed definitions themselves differ: the sizes of their
// vocabularies come from approximate counts, and each engine has its own.
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
	own, definitions, generated := onEmbedded(t)

	if diff := cmp.Diff(own.tables, cloud.tables); diff != "" {
		t.Errorf("the tables differ (-embedded +cloud): %s", diff[:min(len(diff), 3000)])
	}
	if diff := cmp.Diff(generated, code(t, b.client(), definitions)); diff != "" {
		t.Errorf("the code differs (-embedded +cloud): %s", diff[:min(len(diff), 3000)])
	}
	if diff := cmp.Diff(own.result.Metrics.Protocol, cloud.result.Metrics.Protocol); diff != "" {
		t.Errorf("the protocol differs (-embedded +cloud): %s", diff)
	}
	for _, c := range []struct {
		what       string
		own, cloud experiment.Scores
		within     float64
	}{
		{"item-kNN", own.result.Metrics.ItemKNN, cloud.result.Metrics.ItemKNN, 1e-9},
		{"popularity", own.result.Metrics.Popularity, cloud.result.Metrics.Popularity, 1e-9},
		{"the model", own.result.Metrics.Model, cloud.result.Metrics.Model, noise},
	} {
		if len(c.own) == 0 || len(c.own) != len(c.cloud) {
			t.Errorf("%s has the scores %v, embedded %v", c.what, c.cloud, c.own)
		}
		for name, v := range c.own {
			if got, ok := c.cloud[name]; !ok || math.Abs(got-v) > c.within {
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
