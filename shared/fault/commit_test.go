package fault_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/b2brecs/b2brecs/shared/fault"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/warehouse/duckdb"
	"github.com/b2brecs/b2brecs/shared/warehouse/warehousetest"
)

// Commits whose replies are lost, or that are made twice, are repeated until one says
// that it is in: every row is there once. BigQuery's twin is beside its driver.
func TestLostReplyDoublesNothing(t *testing.T) {
	dir := t.TempDir()
	d, err := duckdb.Open(filepath.Join(dir, "warehouse.duckdb"), duckdb.Options{})
	must(t, err)
	t.Cleanup(func() { must(t, d.Close()) })
	r := warehouse.Ref{Dataset: warehouse.Raw, Name: "sales"}
	must(t, d.Create(t.Context(), warehouse.Table{Ref: r, Columns: []warehouse.Column{{Name: "id", Type: warehouse.Int64}}}))
	f := fault.New(1, fault.Each(0.2), "warehouse.Commit")
	w := warehouse.New(fault.Warehouse(d, f))
	const commits, rows = 40, 3
	for n := range int64(commits) {
		uri := filepath.Join(dir, state.NewID()+".parquet")
		schema := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}}, nil)
		must(t, os.WriteFile(uri, warehousetest.Parquet(t, schema, func(b *array.RecordBuilder) {
			for i := range int64(rows) {
				b.Field(0).(*array.Int64Builder).Append(n*rows + i)
			}
		}), 0o600))
		c := warehouse.Commit{ID: state.NewID(), Target: r, Mode: warehouse.Append, URIs: []string{uri}}
		result, err := w.Commit(t.Context(), c)
		for err != nil {
			if !problem.Is(err, problem.Unavailable) {
				t.Fatal(err)
			}
			result, err = w.Commit(t.Context(), c)
		}
		if result.Read != rows || result.Inserted != rows {
			t.Errorf("commit %d: %+v", n, result)
		}
	}
	got, err := d.Query(t.Context(), warehouse.Statement{SQL: "SELECT COUNT(*), COUNT(DISTINCT id) FROM raw_data.sales"}, 1)
	must(t, err)
	if n := got.Values[0]; n[0] != int64(commits*rows) || n[1] != int64(commits*rows) {
		t.Errorf("%v rows, %v different; want %d", n[0], n[1], commits*rows)
	}
	t.Log(f)
	for _, k := range fault.Kinds {
		if f.Count(k) == 0 {
			t.Errorf("nothing met %q", k)
		}
	}
}
