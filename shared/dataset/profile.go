package dataset

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/warehouse/sql"
)

// Analyze profiles a version: two statements over the same scope as training,
// one of one wide row, one of groups. now decides which dates lie in the future.
func Analyze(ctx context.Context, wh *warehouse.Warehouse, project string, v Version, now time.Time) (Profile, error) {
	start := time.Now()
	p := Profile{Dataset: v.Dataset, Version: v.Number, AnalyzedAt: now.UTC()}
	schemas, err := LiveSchemas(ctx, wh, v.Definition)
	if err != nil {
		return p, err
	}
	a, err := newAnalysis(v.Definition, schemas, now)
	if err != nil {
		return p, err
	}
	labels := map[string]string{"project": project, "dataset": v.Dataset}
	if err := a.columns(ctx, wh, labels, &p); err != nil {
		return p, err
	}
	if err := a.groups(ctx, wh, labels, &p); err != nil {
		return p, err
	}
	if err := a.tables(ctx, wh, &p); err != nil {
		return p, err
	}
	a.readiness(&p)
	p.Seconds = time.Since(start).Seconds()
	return p, nil
}

// analysis is a plan plus what only the profile needs of it.
type analysis struct {
	*plan
	now time.Time
	facts
}

// facts are counted for the readiness report alone.
type facts struct {
	noCustomer, noProduct, noTime int64
	future                        int64
	negativeShare                 float64 // of the absolute value, in rows <= 0
	duplicates                    int64
	singles                       int64 // customers with one row
	topProduct                    int64 // rows of the product with the most
	matched                       []int64
	fanOut                        []Uniqueness
	missing                       bool // no time role
}

const matchPrefix = "_b2_match_"

func newAnalysis(def Definition, schemas Schemas, now time.Time) (*analysis, error) {
	p, err := newPlan(def, schemas, Form{Now: now}, func(p *plan) []sql.Item {
		items := []sql.Item{{Expr: sql.Int(1), As: matchPrefix + "0"}}
		for i, j := range p.def.Joins {
			matched := sql.Case(sql.Int(0), sql.When{If: sql.NotNull(sql.Col(alias(i+1), p.columnName(j.Table, j.RightColumn))), Then: sql.Int(1)})
			items = append(items, sql.Item{Expr: matched, As: fmt.Sprint(matchPrefix, i+1)})
		}
		return items
	})
	if err != nil {
		return nil, err
	}
	return &analysis{plan: p, now: now, facts: facts{missing: p.roleName(Time) == ""}}, nil
}

// number gives a FLOAT64 of a numeric column, NULL where it is not finite.
func number(e sql.Expr, t warehouse.Type) sql.Expr {
	if t != warehouse.Float64 {
		return sql.Cast(e, warehouse.Float64)
	}
	return sql.Case(nil, sql.When{If: sql.Between(e, sql.Float(-1.7e308), sql.Float(1.7e308)), Then: e})
}

// wide collects the columns of the one-row statement and reads them back by name.
type wide struct {
	items []sql.Item
	index map[string]int
	row   []any
}

func (w *wide) add(e sql.Expr, format string, args ...any) {
	name := fmt.Sprintf(format, args...)
	w.index[name] = len(w.items)
	w.items = append(w.items, sql.Item{Expr: e, As: name})
}

func (w *wide) get(format string, args ...any) any {
	i, ok := w.index[fmt.Sprintf(format, args...)]
	if !ok {
		return nil
	}
	return w.row[i]
}

const quantileSteps = 10

// columns runs the one-row statement.
func (a *analysis) columns(ctx context.Context, wh *warehouse.Warehouse, labels map[string]string, p *Profile) error {
	w := &wide{index: map[string]int{}}
	w.add(sql.Count(), "rows")
	for i, c := range a.def.Columns {
		e, t := sql.Name(c.Name), a.types[c.Name]
		w.add(sql.CountIf(sql.IsNull(e)), "nulls_%d", i)
		w.add(sql.ApproxDistinct(e), "distinct_%d", i)
		switch {
		case t.Number():
			n := number(e, t)
			w.add(sql.Fn("MIN", n), "min_%d", i)
			w.add(sql.Fn("MAX", n), "max_%d", i)
			w.add(sql.Fn("AVG", n), "mean_%d", i)
			w.add(sql.Fn("STDDEV_SAMP", n), "dev_%d", i)
			w.add(sql.Quantiles(n, quantileSteps), "quantiles_%d", i)
		case t.Temporal():
			w.add(sql.Fn("MIN", e), "min_%d", i)
			w.add(sql.Fn("MAX", e), "max_%d", i)
		}
	}
	for _, r := range []Role{Customer, Product} {
		name := a.roleName(r)
		w.add(sql.CountIf(sql.IsNull(present(sql.Name(name), a.types[name]))), "no_%s", r)
	}
	if name := a.roleName(Value); name != "" {
		v := number(sql.Name(name), a.types[name])
		w.add(sql.Fn("SUM", v), "value")
		w.add(sql.Fn("SUM", sql.Fn("ABS", v)), "value_abs")
		w.add(sql.Fn("SUM", sql.Case(nil, sql.When{If: sql.Le(v, sql.Int(0)), Then: sql.Fn("ABS", v)})), "value_negative")
	}
	if name := a.roleName(Time); name != "" {
		day := dayOf(sql.Name(name), a.types[name])
		w.add(sql.CountIf(sql.IsNull(day)), "no_time")
		w.add(sql.CountIf(sql.Gt(day, sql.Param("today", a.now.UTC().Unix()/daySeconds))), "future")
		w.add(sql.Fn("MIN", day), "first")
		w.add(sql.Fn("MAX", day), "last")
	}
	for i := range a.def.Joins {
		w.add(sql.Fn("SUM", sql.Name(fmt.Sprint(matchPrefix, i+1))), "matched_%d", i)
	}
	s, err := sql.Build(wh.Dialect(), a.steps, sql.Select{Columns: w.items, From: &sql.Source{CTE: stepResult}})
	if err != nil {
		return err
	}
	s.Labels = labels
	out, err := wh.Query(ctx, s, 1)
	if err != nil {
		return err
	}
	if out.Cost != nil {
		p.Estimate = out.Cost.Bytes
	}
	w.row = out.Values[0]
	a.read(w, p)
	return nil
}

func (a *analysis) read(w *wide, p *Profile) {
	p.Rows = integer(w.get("rows"))
	for i, c := range a.def.Columns {
		cp := ColumnProfile{Name: c.Name, Type: a.types[c.Name], Nulls: integer(w.get("nulls_%d", i)), Distinct: integer(w.get("distinct_%d", i))}
		cp.Distinct = min(cp.Distinct, p.Rows-cp.Nulls) // an estimate may overshoot
		cp.Min, cp.Max = text(w.get("min_%d", i)), text(w.get("max_%d", i))
		if f, ok := float(w.get("mean_%d", i)); ok {
			cp.Mean = &f
		}
		if f, ok := float(w.get("dev_%d", i)); ok {
			cp.StdDev = &f
		}
		if q, ok := w.get("quantiles_%d", i).([]any); ok {
			for _, v := range q {
				if f, ok := float(v); ok {
					cp.Quantiles = append(cp.Quantiles, f)
				}
			}
		}
		p.Columns = append(p.Columns, cp)
	}
	a.noCustomer, a.noProduct, a.noTime = integer(w.get("no_customer")), integer(w.get("no_product")), integer(w.get("no_time"))
	a.future = integer(w.get("future"))
	if v, ok := float(w.get("value")); ok {
		p.Value = &v
		all, _ := float(w.get("value_abs"))
		bad, _ := float(w.get("value_negative"))
		if all > 0 {
			a.negativeShare = bad / all
		}
	}
	if v := w.get("first"); v != nil {
		p.From = formatDay(time.Unix(integer(v)*daySeconds, 0))
		p.To = formatDay(time.Unix(integer(w.get("last"))*daySeconds, 0))
	}
	for i := range a.def.Joins {
		a.matched = append(a.matched, integer(w.get("matched_%d", i)))
	}
}

// tables counts the primary table and the keys of the joins.
func (a *analysis) tables(ctx context.Context, wh *warehouse.Warehouse, p *Profile) error {
	info, err := wh.Table(ctx, a.def.Primary)
	if err != nil {
		return err
	}
	p.RowsBefore = info.Rows
	if p.RowsBefore < 0 { // a view
		rows, err := run(ctx, wh, nil, nil, sql.Select{Columns: []sql.Item{{Expr: sql.Count(), As: "n"}}, From: &sql.Source{Table: a.def.Primary}}, 1)
		if err != nil {
			return err
		}
		p.RowsBefore = integer(rows[0][0])
	}
	for _, j := range a.def.Joins {
		u, err := KeyUniqueness(ctx, wh, j.Table, j.RightColumn)
		if err != nil {
			return err
		}
		a.fanOut = append(a.fanOut, u)
	}
	return nil
}

// The groups statement has rows (kind, label, a, b).
const (
	kindEntities = "entities"
	kindSingles  = "singles"
	kindTop      = "top product"
	kindTwice    = "twice"
	kindMonth    = "month"
	kindCustomer = "customer curve"
	kindProduct  = "product curve"
	maxTop       = 10
	maxCurve     = 98 // and the first and the last: 100 points
	maxTopColumn = 100
	maxText      = 100 // runes of a top value
)

// groups runs the statement of groups.
func (a *analysis) groups(ctx context.Context, wh *warehouse.Warehouse, labels map[string]string, p *Profile) error {
	steps, body, tops := a.groupsQuery()
	rows, err := run(ctx, wh, labels, steps, body, 100_000)
	if err != nil {
		return err
	}
	index := map[string]int{}
	for i, name := range tops {
		index["column "+fmt.Sprint(i)] = slices.IndexFunc(p.Columns, func(c ColumnProfile) bool { return c.Name == name })
	}
	for _, r := range rows {
		kind, label := text(r[0]), text(r[1])
		x, _ := float(r[2])
		y, _ := float(r[3])
		switch kind {
		case kindEntities:
			switch label {
			case "customers":
				p.Customers = int64(x)
			case "products":
				p.Products = int64(x)
			case "pairs":
				p.Pairs = int64(x)
			}
		case kindSingles:
			a.singles = int64(x)
		case kindTop:
			a.topProduct = int64(x)
		case kindTwice:
			a.duplicates = int64(x)
		case kindMonth:
			n, _ := float(r[1]) // YYYYMM; years before 1000 have fewer digits
			p.RowsPerMonth = append(p.RowsPerMonth, ValueCount{fmt.Sprintf("%04d-%02d", int(n)/100, int(n)%100), int64(x)})
		case kindCustomer, kindProduct:
			n, _ := float(r[1])
			point := ParetoPoint{Rank: int64(x), Share: round4(x / math.Max(n, 1)), ValueShare: round4(y)}
			if kind == kindCustomer {
				p.CustomerPareto = append(p.CustomerPareto, point)
			} else {
				p.ProductPareto = append(p.ProductPareto, point)
			}
		default:
			if i, ok := index[kind]; ok && i >= 0 {
				p.Columns[i].Top = append(p.Columns[i].Top, ValueCount{shorten(label), int64(x)})
			}
		}
	}
	for i := range p.Columns { // counted exactly
		switch p.Columns[i].Name {
		case a.roleName(Customer):
			p.Columns[i].Distinct = p.Customers
		case a.roleName(Product):
			p.Columns[i].Distinct = p.Products
		}
	}
	slices.SortFunc(p.RowsPerMonth, func(x, y ValueCount) int { return strings.Compare(x.Value, y.Value) })
	byRank := func(x, y ParetoPoint) int { return int(x.Rank - y.Rank) }
	slices.SortFunc(p.CustomerPareto, byRank)
	slices.SortFunc(p.ProductPareto, byRank)
	for i := range p.Columns {
		slices.SortStableFunc(p.Columns[i].Top, func(x, y ValueCount) int {
			if x.Count != y.Count {
				return int(y.Count - x.Count)
			}
			return strings.Compare(x.Value, y.Value)
		})
	}
	return nil
}

func round4(f float64) float64 { return math.Round(f*1e4) / 1e4 }

func shorten(s string) string {
	if r := []rune(s); len(r) > maxText {
		return string(r[:maxText-1]) + "…"
	}
	return s
}

// Analyze stores and returns the profile of a version of a dataset.
func (s *Service) Analyze(ctx context.Context, project, id string, number int) (Profile, error) {
	v, err := s.Version(ctx, project, id, number)
	if err != nil {
		return Profile{}, err
	}
	p, err := Analyze(ctx, s.wh, project, v, s.now())
	if err != nil {
		return p, err
	}
	return p, s.profiles(project).Put(ctx, VersionID(id, v.Number), p)
}

// Profile reads the stored profile of a version; number 0 means the newest.
// NotFound when it has not been analysed.
func (s *Service) Profile(ctx context.Context, project, id string, number int) (Profile, error) {
	v, err := s.Version(ctx, project, id, number)
	if err != nil {
		return Profile{}, err
	}
	p, err := s.profiles(project).Get(ctx, VersionID(id, v.Number))
	if problem.Is(err, problem.NotFound) {
		return p, problem.New(problem.NotFound, "version %d of the dataset has not been analysed", v.Number).
			WithNext(problem.TurnYou, "Analyse it first.")
	}
	return p, err
}
