package dataset_test

import (
	"context"
	"strings"
	"testing"

	"github.com/b2brecs/b2brecs/shared/dataset"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/warehouse/duckdb"
	"github.com/b2brecs/b2brecs/shared/warehouse/warehousetest"
)

func record(t *testing.T) (*warehousetest.Recorder, *warehouse.Warehouse) {
	t.Helper()
	d, err := duckdb.Open("", duckdb.Options{})
	must(t, err)
	t.Cleanup(func() { d.Close() })
	rec := warehousetest.Record(d)
	return rec, warehouse.New(rec)
}

// view makes every table look like a view: its rows are not known.
type view struct{ warehouse.Driver }

func (v view) Table(ctx context.Context, r warehouse.Ref) (warehouse.Info, error) {
	info, err := v.Driver.Table(ctx, r)
	info.Rows, info.Bytes = -1, -1
	return info, err
}

// large makes a measured table look larger than it is.
type large struct{ warehouse.Driver }

func (l large) Query(ctx context.Context, s warehouse.Statement, maxRows int) (warehouse.Rows, error) {
	out, err := l.Driver.Query(ctx, s, maxRows)
	if err == nil && out.Columns[0].Name == "rows" {
		out.Values[0][0] = int64(2_000_000)
	}
	return out, err
}

// TestAsked keeps every statement that a walk from raw tables to a run's files asks.
func TestAsked(t *testing.T) {
	rec, wh := record(t)
	ctx := t.Context()
	cols := append([]warehouse.Column{{Name: "document", Type: warehouse.String}}, saleCols...)
	var rows [][]any
	for i := range 60 {
		rows = append(rows, []any{"d" + itoa(i/2), i % 7, "p" + itoa(i%5), at(1+i/6, 0), float64(i) - 1})
	}
	load(t, wh, sales, cols, rows)
	load(t, wh, products, []warehouse.Column{{Name: "item_no", Type: warehouse.String}, {Name: "name", Type: warehouse.String}, {Name: "price", Type: warehouse.Float64}},
		[][]any{{"p0", "a", 1.0}, {"p1", "b", 2.0}, {"p2", "c", 3.0}, {"p3", "d", 4.0}, {"p4", "d", 5.0}})

	p, err := dataset.Suggest(ctx, wh, nil, warehouse.Ref{}, nil, now)
	must(t, err)
	_, err = dataset.Facts(ctx, warehouse.New(large{rec}), sales)
	must(t, err)
	s, _ := serviceOn(t, wh)
	check, err := s.Check(ctx, p.Definition)
	must(t, err)
	if !check.Valid || len(p.Joins) != 1 {
		t.Fatalf("%+v %+v", check, p)
	}
	d, err := s.Create(ctx, "p1", "", dataset.Change{Name: ptr("x"), Definition: &p.Definition})
	must(t, err)
	_, err = s.Preview(ctx, "p1", d.ID, 5)
	must(t, err)
	for _, form := range []string{"plain", "training"} {
		_, err = s.SQL(ctx, "p1", d.ID, form)
		must(t, err)
	}
	_, err = dataset.Analyze(ctx, warehouse.New(view{rec}), "p1", version(p.Definition), now)
	must(t, err)
	for _, split := range []dataset.Split{{Strategy: dataset.Temporal}, {Strategy: dataset.Random, SamplePercent: 90}} {
		run := split.Strategy
		ex, err := dataset.MaterializeExamples(ctx, wh, "p1", run, version(p.Definition), split, now)
		must(t, err)
		for _, rows := range []int64{ex.Rows["train"], 100_000_000} {
			ex.Rows["train"] = rows
			must(t, dataset.ExportExamples(ctx, wh, ex, pipelines(t), "experiments/p1/"+run))
		}
	}
	rec.Compare(t, "testdata/asked/walk.bigquery.sql", *update)
}

// TestAskedOfTypes keeps the statements about tables with columns of every type, and
// about joins of every two.
func TestAskedOfTypes(t *testing.T) {
	rec, wh := record(t)
	askOfTypes(t, wh, func(r warehouse.Ref, cols []warehouse.Column) {
		must(t, wh.Create(t.Context(), warehouse.Table{Ref: r, Columns: cols}))
	}, func(s warehouse.Statement) {
		_, err := wh.DryRun(t.Context(), s)
		must(t, err)
	})
	rec.Compare(t, "testdata/asked/types.bigquery.sql", *update)
}

// askOfTypes asks about tables with columns of every type, made by fill.
func askOfTypes(t *testing.T, wh *warehouse.Warehouse, fill func(r warehouse.Ref, cols []warehouse.Column), ask func(s warehouse.Statement)) {
	ctx := t.Context()
	raw := func(name string) warehouse.Ref { return warehouse.Ref{Dataset: warehouse.Raw, Name: name} }
	var cols []warehouse.Column
	for _, typ := range warehouse.Types {
		cols = append(cols, warehouse.Column{Name: "c_" + strings.ToLower(string(typ)), Type: typ})
	}
	fill(sales, cols)
	_, err := dataset.Facts(ctx, wh, sales)
	must(t, err)

	var usable []string
	schemas := dataset.Schemas{sales: cols}
	for _, c := range cols {
		def := dataset.Definition{Primary: sales, Columns: []dataset.Column{col(sales, c.Name)}}
		if f := dataset.Validate(def, schemas); !strings.Contains(f[0].Location, "columns") {
			usable = append(usable, c.Name)
		}
	}
	base := dataset.Definition{Primary: sales}
	for i, c := range usable {
		base.Columns = append(base.Columns, col(sales, c))
		schemas[raw("other_"+itoa(i))] = cols
		fill(raw("other_"+itoa(i)), cols)
	}
	compiles := func(d dataset.Definition, f dataset.Form) {
		t.Helper()
		s, _, err := dataset.Compile(d, schemas, wh.Dialect(), f)
		must(t, err)
		ask(s)
	}
	// Customers and times of every type that may be one.
	split := dataset.Split{Strategy: dataset.Temporal}
	for i, id := range []string{"c_string", "c_int64", "c_numeric", "c_bignumeric", "c_float64"} {
		d := base
		product := "c_string"
		if id == product {
			product = "c_int64"
		}
		d.Roles = map[dataset.Role]string{dataset.Customer: id, dataset.Product: product}
		d.Roles[dataset.Time] = []string{"c_date", "c_datetime", "c_timestamp", "c_date", "c_datetime"}[i]
		compiles(d, dataset.Form{Training: true, Split: &split, Now: now})
		if id == "c_float64" {
			d.Roles[dataset.Value] = "c_bignumeric"
			_, err := dataset.Analyze(ctx, wh, "p", version(d), now)
			must(t, err)
		}
	}
	for _, at := range []string{"c_int64", "c_string"} {
		d := base
		d.Roles = map[dataset.Role]string{dataset.Customer: "c_numeric", dataset.Product: "c_float64", dataset.Time: at}
		compiles(d, dataset.Form{Training: true, Split: &split, Now: now})
	}
	// Keys of every two types, and one row per key of every type.
	for _, right := range usable {
		d := base
		d.Roles = map[dataset.Role]string{dataset.Customer: "c_int64", dataset.Product: "c_string"}
		d.Columns = []dataset.Column{col(sales, "c_int64"), col(sales, "c_string")}
		for i, left := range usable {
			j := dataset.Join{Table: raw("other_" + itoa(i)), LeftColumn: left, RightColumn: right, FanOut: dataset.FanOutAccept}
			if left == right {
				j.FanOut = dataset.FanOutFirst
			}
			d.Joins = append(d.Joins, j)
		}
		compiles(d, dataset.Form{})
	}
}
