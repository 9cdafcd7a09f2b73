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
	"github.com/b2brecs/b2brecs/shared/warehouse/warehousetest"
)

var update = flag.Bool("update", false, "rewrite golden files")

// TestStatements keeps every statement that this package asks, as BigQuery gets it.
func TestStatements(t *testing.T) {
	f := open(t)
	e := f.complete(t)
	rec := warehousetest.Record(f.Parts.Warehouse.Driver)
	s := recommend.Service{State: f.Parts.State, Warehouse: warehouse.New(rec)}
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
	rec.Compare(t, "testdata/asked.bigquery.sql", *update, e.ID, "e1", strings.ReplaceAll(e.ID, "-", "_"), "e1")
}
