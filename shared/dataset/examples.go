package dataset

import (
	"context"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/warehouse/sql"
)

// Splits in the order they are told.
var Splits = []string{"train", "eval", "test"}

// Parts of a run folder that ExportExamples writes.
const (
	CatalogueFolder = "data/catalogue/" // one row per product of training
	CustomersFolder = "data/customers/" // one row per customer of all splits
)

// SplitFolder is where a split's rows go.
func SplitFolder(split string) string { return "data/" + split + "/" }

var reRun = regexp.MustCompile(`^[A-Za-z0-9_-]{1,200}$`)

// ExamplesTable is the table of a run's examples.
func ExamplesTable(run string) warehouse.Ref {
	return warehouse.Ref{Dataset: warehouse.ML, Name: "examples_" + strings.ReplaceAll(run, "-", "_")}
}

// LiveSchemas reads the columns of a definition's tables; absent tables are left out.
func LiveSchemas(ctx context.Context, wh *warehouse.Warehouse, def Definition) (Schemas, error) {
	out := Schemas{}
	for _, r := range def.Normalize().Tables() {
		if r.Check() != nil {
			continue
		}
		info, err := wh.Table(ctx, r)
		if problem.Is(err, problem.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out[r] = info.Columns
	}
	return out, nil
}

// MaterializeExamples makes the labelled, NULL-free examples of a run as one
// table in one atomic step. A repeat replaces the table, so a run that was cut
// off can be made again; now decides which dates are in the future.
//
// FailedPrecondition when a join would multiply rows although it must not, when
// no row is left, or when a split is empty.
func MaterializeExamples(ctx context.Context, wh *warehouse.Warehouse, project, run string, v Version, split Split, now time.Time) (Examples, error) {
	var ex Examples
	if !reRun.MatchString(run) {
		return ex, problem.New(problem.InvalidArgument, "%q is not a run id", run)
	}
	schemas, err := LiveSchemas(ctx, wh, v.Definition)
	if err != nil {
		return ex, err
	}
	if err := CheckFanOut(ctx, wh, v.Definition, schemas); err != nil {
		return ex, err
	}
	labels := map[string]string{"project": project, "run": run}
	form := Form{Training: true, Split: &split, Now: now}
	p, err := newPlan(v.Definition, schemas, form, nil)
	if err != nil {
		return ex, err
	}
	s, cols, err := Compile(v.Definition, schemas, wh.Dialect(), form)
	if err != nil {
		return ex, err
	}
	s.Labels = labels
	ex = Examples{Table: ExamplesTable(run), Columns: cols, Roles: map[Role]string{}, SQL: s.SQL}
	for r := range p.def.Roles {
		ex.Roles[r] = p.roleName(r)
	}
	total, err := wh.Materialize(ctx, ex.Table, s)
	if err != nil {
		return ex, err
	}
	if err := ex.count(ctx, wh, p, labels); err != nil {
		return ex, err
	}
	return ex, ex.usable(total, split)
}

// count reads the facts of the table, and how many rows of the result it lacks.
func (ex *Examples) count(ctx context.Context, wh *warehouse.Warehouse, p *plan, labels map[string]string) error {
	customer, product := p.roleName(Customer), p.roleName(Product)
	from := &sql.Source{Table: ex.Table}
	bySplit, err := run(ctx, wh, labels, nil, sql.Select{
		Columns: []sql.Item{{Expr: sql.Name(SplitColumn)}, {Expr: sql.Count(), As: "n"}},
		From:    from, GroupBy: []sql.Expr{sql.Name(SplitColumn)},
	}, 10)
	if err != nil {
		return err
	}
	ex.Rows = map[string]int64{"train": 0, "eval": 0, "test": 0}
	for _, r := range bySplit {
		ex.Rows[text(r[0])] = integer(r[1])
	}
	entities, err := run(ctx, wh, labels, nil, sql.Select{
		Columns: []sql.Item{{Expr: sql.CountDistinct(sql.Name(customer)), As: "c"}, {Expr: sql.CountDistinct(sql.Name(product)), As: "p"}}, From: from,
	}, 1)
	if err != nil {
		return err
	}
	ex.Customers, ex.Products = integer(entities[0][0]), integer(entities[0][1])
	return ex.facts(ctx, wh, p, labels)
}

// facts counts the rows of the result that training leaves out, and tells the
// days of a temporal split. Both are of all rows, before sampling.
func (ex *Examples) facts(ctx context.Context, wh *warehouse.Warehouse, p *plan, labels map[string]string) error {
	var out, kept []sql.Expr
	for _, id := range p.ids() {
		out, kept = append(out, sql.IsNull(id)), append(kept, sql.NotNull(id))
	}
	steps := slices.Clone(p.steps)
	body := sql.Select{From: &sql.Source{CTE: stepResult}}
	temporal := p.form.Split.Strategy == Temporal
	if temporal {
		at := p.roleName(Time)
		day := dayOf(sql.Name(at), p.types[at])
		days := sql.Select{Columns: []sql.Item{{Expr: day, As: colDay}}, From: &sql.Source{CTE: stepResult}, Where: append(kept, sql.NotNull(day))}
		steps = append(steps, sql.CTE{Name: stepKept, Query: days}, sql.CTE{Name: stepAnchorDay, Query: anchor(stepKept, p.form.Now)}, sql.CTE{Name: stepBounds, Query: boundsStep()})
		body.Joins = []sql.Join{{Kind: "CROSS JOIN", Source: sql.Source{CTE: stepBounds, As: "b"}}}
		body.Columns = []sql.Item{{Expr: sql.Fn("MIN", sql.Col("b", colLo)), As: "lo"}, {Expr: sql.Fn("MAX", sql.Col("b", colHi)), As: "hi"}}
		out = append(out, sql.IsNull(day), sql.Gt(day, sql.Col("b", colHi)))
	}
	body.Columns = append([]sql.Item{{Expr: sql.CountIf(sql.Or(out...)), As: "n"}}, body.Columns...)
	rows, err := run(ctx, wh, labels, steps, body, 1)
	if err != nil {
		return err
	}
	ex.Dropped = integer(rows[0][0])
	if temporal && rows[0][1] != nil {
		lo, hi := integer(rows[0][1]), integer(rows[0][2])
		test, eval := splitDays(*p.form.Split, hi-lo+1)
		day := func(n int64) string { return formatDay(time.Unix(n*daySeconds, 0)) }
		ex.TrainFrom, ex.EvalFrom, ex.TestFrom, ex.To = day(lo), day(hi-test-eval+1), day(hi-test+1), day(hi)
	}
	return nil
}

// usable refuses what cannot be trained on.
func (ex *Examples) usable(total int64, split Split) error {
	if total == 0 {
		return problem.New(problem.FailedPrecondition, "no row is left for training").
			WithCause("%d rows lack a customer, a product or a usable time", ex.Dropped).
			WithNext(problem.TurnYou, "Check the roles and the date filter of the dataset.")
	}
	for _, s := range Splits {
		if ex.Rows[s] > 0 {
			continue
		}
		e := problem.New(problem.FailedPrecondition, "the split leaves no %s rows of %d", s, total)
		if split.Strategy == Temporal {
			return e.WithCause("the data span %s to %s", ex.TrainFrom, ex.To).
				WithNext(problem.TurnYou, "Give eval and test other numbers of days, or split at random.")
		}
		return e.WithNext(problem.TurnYou, "Use more rows, or a larger sample.")
	}
	return nil
}

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
	e := exporter{ex: ex}
	for _, c := range ex.Columns {
		if c.Name != SplitColumn {
			e.columns = append(e.columns, c.Name)
		}
	}
	for _, r := range []Role{Customer, Product} {
		if !slices.Contains(e.columns, ex.Roles[r]) {
			return problem.New(problem.InvalidArgument, "the examples have no column %q for the %s", ex.Roles[r], r)
		}
	}
	type part struct {
		folder string
		query  sql.Query
	}
	parts := []part{{CatalogueFolder, e.catalogue()}, {CustomersFolder, e.customers()}}
	for _, s := range Splits {
		parts = append(parts, part{SplitFolder(s), e.rows(s)})
	}
	for _, p := range parts {
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
		key := []sql.Expr{ofExamples(e.ex.Roles[Customer]), sql.Text("|"), ofExamples(e.ex.Roles[Product])}
		if at := e.ex.Roles[Time]; at != "" {
			key = append(key, sql.Text("|"), sql.Cast(ofExamples(at), warehouse.String))
		}
		s.OrderBy = append([]sql.Order{{Expr: sql.Hash(sql.Concat(key...))}}, e.byAll()...)
	}
	return s
}

func (e exporter) byAll() []sql.Order {
	out := make([]sql.Order, len(e.columns))
	for i, c := range e.columns {
		out[i] = sql.Order{Expr: ofExamples(c)}
	}
	return out
}

const nthColumn = "_b2_nth"

// oncePer keeps the first row per entity in an order.
func (e exporter) oncePer(role Role, cols []sql.Item, order []sql.Order, where ...sql.Expr) sql.Query {
	id := e.ex.Roles[role]
	nth := sql.Over(sql.Fn("ROW_NUMBER"), sql.Window{PartitionBy: []sql.Expr{ofExamples(id)}, OrderBy: append(order, e.byAll()...)})
	inner := sql.Select{Columns: append(cols, sql.Item{Expr: nth, As: nthColumn}), From: e.source(), Where: where}
	return sql.Select{
		Columns: e.items(sql.Name), From: &sql.Source{Query: inner, As: "r"},
		Where: []sql.Expr{sql.Eq(sql.Name(nthColumn), sql.Int(1))}, OrderBy: []sql.Order{{Expr: sql.Name(id)}},
	}
}

func (e exporter) catalogue() sql.Query {
	var latest []sql.Order
	if at := e.ex.Roles[Time]; at != "" {
		latest = []sql.Order{{Expr: ofExamples(at), Desc: true}}
	}
	return e.oncePer(Product, e.items(ofExamples), latest, e.split("train"))
}

func (e exporter) customers() sql.Query {
	cols, order := e.items(ofExamples), []sql.Order{{Expr: sql.Case(sql.Int(1), sql.When{If: e.split("train"), Then: sql.Int(0)})}}
	if at := e.ex.Roles[Time]; at != "" {
		cols[slices.Index(e.columns, at)].Expr = sql.Over(sql.Fn("MAX", ofExamples(at)), sql.Window{})
		// Rows of training from the latest, others from the earliest.
		order = append(order, sql.Order{Expr: sql.Case(ofExamples(at), sql.When{If: e.split("train"), Then: sql.Sub(sql.Int(0), ofExamples(at))})})
	}
	return e.oncePer(Customer, cols, order)
}
