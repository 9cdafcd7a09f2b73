package dataset

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/warehouse/sql"
)

// Splits in the order they are told.
var Splits = []string{"train", "eval", "test"}

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
