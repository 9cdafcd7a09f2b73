package dialect_test

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/warehouse/duckdb"
	"github.com/b2brecs/b2brecs/shared/warehouse/warehousetest"
)

var update = flag.Bool("update", false, "rewrite golden files")

// TestExpressions keeps every expression that a dialect writes, over columns of every
// type that it takes. DuckDB checks its own here; the conformance suite tests values.
func TestExpressions(t *testing.T) {
	drv, err := duckdb.Open("", duckdb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer drv.Close()
	rec := warehousetest.Record(drv)
	wh := warehouse.New(rec)
	table := warehouse.Table{Ref: warehouse.Ref{Dataset: warehouse.Raw, Name: "every"}}
	for _, typ := range warehouse.Types {
		table.Columns = append(table.Columns, warehouse.Column{Name: "c_" + strings.ToLower(string(typ)), Type: typ})
	}
	if err := wh.Create(t.Context(), table); err != nil {
		t.Fatal(err)
	}
	d := wh.Dialect()
	c := func(typ warehouse.Type) string { return d.Ident("c_" + strings.ToLower(string(typ))) }
	rows := []string{d.Hash(c(warehouse.String)), d.FromUnixSeconds(c(warehouse.Int64)), d.IntDiv(c(warehouse.Int64), "7"), d.InArray(c(warehouse.String), "texts"), d.InArray(c(warehouse.Int64), "numbers")}
	groups := []string{d.CountIf(c(warehouse.Bool))}
	for _, typ := range warehouse.Types {
		if typ == warehouse.JSON || typ == warehouse.Geography {
			continue // no casts, no order
		}
		rows = append(rows, d.SafeCast(c(warehouse.String), typ), d.SafeCast(c(typ), warehouse.String))
		groups = append(groups, d.ApproxDistinct(c(typ)), d.ArrayAgg(c(typ), c(typ)+" DESC", 3))
		if typ.Temporal() {
			rows = append(rows, d.UnixSeconds(c(typ), typ), d.DateOf(c(typ), typ))
		}
		if typ.Number() {
			groups = append(groups, d.ApproxQuantiles(c(typ), 10))
		}
	}
	params := map[string]any{"texts": []string{"a"}, "numbers": []int64{1}}
	for _, list := range [][]string{rows, groups} {
		for i := range list {
			list[i] += fmt.Sprint(" AS v", i)
		}
		if _, err := wh.DryRun(t.Context(), warehouse.Statement{SQL: "SELECT\n  " + strings.Join(list, ",\n  ") + "\nFROM " + d.Table(table.Ref), Params: params}); err != nil {
			t.Fatal(err)
		}
		params = nil
	}
	// A name of any text is one name, and nothing of it becomes SQL. (BigQuery keeps
	// names that begin with $ to itself.)
	var names, values []string
	for i, name := range []string{"select", "a b", "back`tick", `back\slash`, "`", `\`, "\\`", `"quoted"`, "it's", "a;b", "-- a", "/* a", "@p", "a${p}", "new\nline", "re\rturn", "tab\t", "\u2028", "Ærø", "a.b"} {
		names = append(names, fmt.Sprint(i, " AS ", d.Ident(name)))
		values = append(values, fmt.Sprintf("x.%s AS v%d", d.Ident(name), i))
	}
	if _, err := wh.DryRun(t.Context(), warehouse.Statement{SQL: "SELECT\n  " + strings.Join(values, ",\n  ") + "\nFROM (SELECT " + strings.Join(names, ", ") + ") AS x"}); err != nil {
		t.Fatal(err)
	}
	rec.Compare(t, "testdata/expressions.bigquery.sql", *update)
}
