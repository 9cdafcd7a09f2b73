package recommend_test

import (
	"flag"
	"strings"
	"testing"

	"github.com/b2brecs/b2brecs/shared/dataset"
	"github.com/b2brecs/b2brecs/shared/experiment"
	"github.com/b2brecs/b2brecs/shared/experiment/experimenttest"
	"github.com/b2brecs/b2brecs/shared/recommend"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/warehouse/enginestest"
	"github.com/b2brecs/b2brecs/shared/warehouse/warehousetest"
)

var update = flag.Bool("update", false, "rewrite golden files")

// TestStatements keeps every statement that this package asks, as BigQuery gets it.
func TestStatements(t *testing.T) {
	f := open(t)
	e := f.complete(t)
	rec := warehousetest.Record(f.Parts.Warehouse.Driver)
	ask(t, f, e, warehouse.New(rec))
	rec.Compare(t, "testdata/asked.bigquery.sql", *update, e.ID, "e1", strings.ReplaceAll(e.ID, "-", "_"), "e1")
}

// TestEngines runs the same statements on DuckDB and on what stands for BigQuery.
func TestEngines(t *testing.T) {
	pair := enginestest.Open(t)
	f := open(t)
	e := f.complete(t)
	tw := pair.Twin(t)
	wh := warehouse.New(tw)
	for _, r := range []warehouse.Ref{e.Examples.Table, experiment.RecommendationTable(e.Project, e.ID)} {
		info, err := f.Parts.Warehouse.Table(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		uris, _, err := f.Parts.Warehouse.Export(t.Context(), warehouse.Statement{SQL: "SELECT * FROM " + f.Parts.Warehouse.Dialect().Table(r)}, t.TempDir()+"/")
		if err != nil {
			t.Fatal(err)
		}
		if err := wh.Create(t.Context(), warehouse.Table{Ref: r, Columns: info.Columns}); err != nil {
			t.Fatal(err)
		}
		if _, err := wh.Commit(t.Context(), warehouse.Commit{ID: r.Name, Target: r, Mode: warehouse.Append, URIs: uris}); err != nil {
			t.Fatal(err)
		}
	}
	ask(t, f, e, wh)
	if n := tw.Statements(); n < 8 {
		t.Errorf("only %d statements were compared", n)
	}
}

// ask walks through everything that the package asks.
func ask(t *testing.T, f fixture, e experiment.Experiment, wh *warehouse.Warehouse) {
	t.Helper()
	s := recommend.Service{State: f.Parts.State, Warehouse: wh}
	for _, customer := range []string{"c0", "nobody"} {
		for _, excludeSeen := range []bool{false, true} {
			q := query(customer)
			q.Bought, q.ExcludeSeen = 3, excludeSeen
			if _, err := s.For(t.Context(), q); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, search := range []string{"", "c1"} {
		if _, err := s.Customers(t.Context(), experimenttest.Project, "", search, 50); err != nil {
			t.Fatal(err)
		}
	}
	// Without a time column no row is newer than another.
	if _, err := experiment.Of(f.Parts.State, e.Project).Update(t.Context(), e.ID, func(e *experiment.Experiment) error {
		delete(e.Examples.Roles, dataset.Time)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	q := query("c0")
	q.Bought = 3
	if _, err := s.For(t.Context(), q); err != nil {
		t.Fatal(err)
	}
}
