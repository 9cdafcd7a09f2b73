package dataset

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/warehouse/sql"
)

// Parts of a run folder that ExportExamples writes.
const (
	CatalogueFolder = "data/catalogue/" // one row per product of training
	CustomersFolder = "data/customers/" // one row per customer of all splits
)

// SplitFolder is where a split's rows go.
func SplitFolder(split string) string { return "data/" + split + "/" }

// ExportExamples writes the run folder's data: the rows of every split in a
// stable random order, the catalogue and the customers. root is the folder's
// prefix in the bucket, with or without the last slash. Repeats replace.
//
// The catalogue has each product of training once, with the attributes of its
// latest row; customers have each customer once, with those of the latest row of
// training (a customer without one: of the earliest row) and the newest time of
// the data in the time role. Both have all columns; who reads them picks.
func ExportExamples(ctx context.Context, wh *warehouse.Warehouse, ex Examples, bucket *objects.Bucket, root string) error {
	root = strings.Trim(root, "/")
	for _, r := range []Role{Customer, Product} {
		if _, ok := warehouse.FindColumn(ex.Columns, ex.Roles[r]); !ok {
			return problem.New(problem.InvalidArgument, "the examples have no column %q for the %s", ex.Roles[r], r)
		}
	}
	for _, p := range exports(ex) {
		s, err := sql.Build(wh.Dialect(), nil, p.query)
		if err != nil {
			return err
		}
		if _, _, err := wh.Export(ctx, s, bucket.URI(path.Join(root, p.folder))+"/"); err != nil {
			return err
		}
	}
	return nil
}

// export is one folder of a run and the rows that go there.
type export struct {
	folder string
	query  sql.Query
}

func exports(ex Examples) []export {
	e := exporter{ex: ex}
	for _, c := range ex.Columns {
		if c.Name != SplitColumn {
			e.columns = append(e.columns, c.Name)
		}
	}
	out := []export{{CatalogueFolder, e.catalogue()}, {CustomersFolder, e.customers()}}
	for _, s := range Splits {
		out = append(out, export{SplitFolder(s), e.rows(s)})
	}
	return out
}

type exporter struct {
	ex      Examples
	columns []string
}

// The examples' table is "x" in every query.
func ofExamples(column string) sql.Expr { return sql.Col("x", column) }

func (e exporter) source() *sql.Source { return &sql.Source{Table: e.ex.Table, As: "x"} }

func (e exporter) items(of func(string) sql.Expr) []sql.Item {
	out := make([]sql.Item, len(e.columns))
	for i, c := range e.columns {
		out[i] = sql.Item{Expr: of(c), As: c}
	}
	return out
}

func (e exporter) split(name string) sql.Expr {
	return sql.Eq(ofExamples(SplitColumn), sql.Param("split", name))
}

// orderedRows is how many rows are put in order; above, an engine in the cloud
// would sort on one worker, and the trainer shuffles anyway.
const orderedRows = 20_000_000

// rows gives a split in the order of a hash: stable, and unlike file order it
// says nothing about popularity or time.
func (e exporter) rows(split string) sql.Query {
	s := sql.Select{Columns: e.items(ofExamples), From: e.source(), Where: []sql.Expr{e.split(split)}}
	if e.ex.Rows[split] <= orderedRows {
		s.OrderBy = e.order()
	}
	return s
}

// order is by a hash of the row, the same on every engine: no training column is NULL,
// and texts and integers read alike everywhere. The text of a FLOAT64 does not: such a
// column decides only between rows that are equal otherwise.
func (e exporter) order() []sql.Order {
	var parts []sql.Expr
	var numbers []sql.Order
	for _, c := range e.columns {
		col, _ := warehouse.FindColumn(e.ex.Columns, c)
		switch part := ofExamples(c); col.Type {
		case warehouse.Float64:
			numbers = append(numbers, sql.Order{Expr: part})
		case warehouse.String:
			parts = append(parts, part, sql.Text("|"))
		default:
			parts = append(parts, sql.Cast(part, warehouse.String), sql.Text("|"))
		}
	}
	return append([]sql.Order{{Expr: sql.Hash(sql.Concat(parts...))}}, numbers...)
}

const nthColumn = "_b2_nth"

// oncePer keeps one row per entity: of the rows that a condition leaves, the one
// that is first in order.
func (e exporter) oncePer(role Role, cols []sql.Item, times *sql.Select, keep ...sql.Expr) sql.Query {
	id := e.ex.Roles[role]
	nth := sql.Over(sql.Fn("ROW_NUMBER"), sql.Window{PartitionBy: []sql.Expr{ofExamples(id)}, OrderBy: e.order()})
	inner := sql.Select{Columns: append(cols, sql.Item{Expr: nth, As: nthColumn}), From: e.source(), Where: keep}
	if times != nil {
		inner.Joins = []sql.Join{{Kind: "JOIN", Source: sql.Source{Query: *times, As: "t"}, On: sql.Eq(sql.Col("t", id), ofExamples(id))}}
	}
	return sql.Select{
		Columns: e.items(sql.Name), From: &sql.Source{Query: inner, As: "r"},
		Where: []sql.Expr{sql.Eq(sql.Name(nthColumn), sql.Int(1))}, OrderBy: []sql.Order{{Expr: sql.Name(id)}},
	}
}

// perEntity finds times per entity first, so that only the rows of those times
// are compared with each other.
func (e exporter) perEntity(role Role, items []sql.Item, where ...sql.Expr) *sql.Select {
	id := ofExamples(e.ex.Roles[role])
	return &sql.Select{
		Columns: append([]sql.Item{{Expr: id, As: e.ex.Roles[role]}}, items...),
		From:    e.source(), Where: where, GroupBy: []sql.Expr{id},
	}
}

const (
	latestColumn   = "_b2_latest"
	earliestColumn = "_b2_earliest"
)

func (e exporter) catalogue() sql.Query {
	train := e.split("train")
	at := e.ex.Roles[Time]
	if at == "" {
		return e.oncePer(Product, e.items(ofExamples), nil, train)
	}
	times := e.perEntity(Product, []sql.Item{{Expr: sql.Fn("MAX", ofExamples(at)), As: latestColumn}}, train)
	return e.oncePer(Product, e.items(ofExamples), times, train, sql.Eq(ofExamples(at), sql.Col("t", latestColumn)))
}

func (e exporter) customers() sql.Query {
	train, at := e.split("train"), e.ex.Roles[Time]
	cols := e.items(ofExamples)
	trained := sql.Item{Expr: sql.Fn("MAX", sql.Case(nil, sql.When{If: train, Then: sql.Int(1)})), As: latestColumn}
	if at == "" {
		// Rows of training, or any of a customer who has none.
		return e.oncePer(Customer, cols, e.perEntity(Customer, []sql.Item{trained}), sql.Or(train, sql.IsNull(sql.Col("t", latestColumn))))
	}
	newest := sql.Select{Columns: []sql.Item{{Expr: sql.Fn("MAX", ofExamples(at)), As: "n"}}, From: e.source()}
	cols[slices.Index(e.columns, at)].Expr = sql.Scalar(newest)
	times := e.perEntity(Customer, []sql.Item{
		{Expr: sql.Fn("MAX", sql.Case(nil, sql.When{If: train, Then: ofExamples(at)})), As: latestColumn},
		{Expr: sql.Fn("MIN", ofExamples(at)), As: earliestColumn},
	})
	latest := sql.Col("t", latestColumn)
	return e.oncePer(Customer, cols, times, sql.Or(
		sql.And(train, sql.Eq(ofExamples(at), latest)),
		sql.And(sql.IsNull(latest), sql.Eq(ofExamples(at), sql.Col("t", earliestColumn)))))
}
