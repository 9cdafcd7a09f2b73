package dataset

import (
	"slices"
	"strconv"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/warehouse/sql"
)

// Missing stands for a text that is absent. TensorFlow Transform drops empty
// texts from vocabularies, so ” would silently become out-of-vocabulary.
const Missing = "__MISSING__"

// Seconds of a day, and how numbers that stand for times are told apart: none of
// the ranges meet. 19000101 … 21001231 is YYYYMMDD; above 10^11 milliseconds
// (1973 on), above 10^14 microseconds (1973 on); the rest seconds.
const (
	daySeconds = 86400
	minYMD     = 19000101
	maxYMD     = 21001231
	minMillis  = 100_000_000_000
	minMicros  = 100_000_000_000_000
	// Years 1 to 9999, as far as a TIMESTAMP goes.
	minSeconds = -62_135_596_800
	maxMicros  = 253_402_300_799_999_999
)

// secondsOf gives INT64 Unix seconds of any type that may carry a time; NULL
// where the value is none.
func secondsOf(e sql.Expr, t warehouse.Type) sql.Expr {
	switch t {
	case warehouse.Int64:
		ymd := sql.Concat(
			sql.Cast(sql.IntDiv(e, sql.Int(10000)), warehouse.String), sql.Text("-"),
			sql.Cast(sql.Fn("MOD", sql.IntDiv(e, sql.Int(100)), sql.Int(100)), warehouse.String), sql.Text("-"),
			sql.Cast(sql.Fn("MOD", e, sql.Int(100)), warehouse.String))
		return sql.Case(e,
			sql.When{If: sql.Or(sql.Lt(e, sql.Int(minSeconds)), sql.Gt(e, sql.Int(maxMicros))), Then: sql.Null(warehouse.Int64)},
			sql.When{If: sql.Between(e, sql.Int(minYMD), sql.Int(maxYMD)), Then: sql.UnixSeconds(sql.SafeCast(ymd, warehouse.Date), warehouse.Date)},
			sql.When{If: sql.Ge(e, sql.Int(minMicros)), Then: sql.IntDiv(e, sql.Int(1_000_000))},
			sql.When{If: sql.Ge(e, sql.Int(minMillis)), Then: sql.IntDiv(e, sql.Int(1000))})
	case warehouse.String:
		return sql.UnixSeconds(sql.SafeCast(e, warehouse.Timestamp), warehouse.Timestamp)
	}
	return sql.UnixSeconds(e, t)
}

// dayOf gives whole UTC days since 1970.
func dayOf(e sql.Expr, t warehouse.Type) sql.Expr {
	if !t.Temporal() {
		e, t = sql.FromUnixSeconds(secondsOf(e, t)), warehouse.Timestamp
	}
	return sql.IntDiv(sql.UnixSeconds(sql.DateOf(e, t), warehouse.Date), sql.Int(daySeconds))
}

// idText gives the text of an id. Whole decimals lose their fraction, so that
// 17850.0 in one file and 17850 in another name the same customer.
func idText(e sql.Expr, t warehouse.Type) sql.Expr {
	switch t {
	case warehouse.String:
		return e
	case warehouse.Float64, warehouse.Numeric, warehouse.BigNumeric:
		whole := sql.SafeCast(e, warehouse.Int64)
		return sql.Case(sql.Cast(e, warehouse.String), sql.When{If: sql.Eq(sql.Cast(whole, warehouse.Float64), sql.Cast(e, warehouse.Float64)), Then: sql.Cast(whole, warehouse.String)})
	}
	return sql.Cast(e, warehouse.String)
}

// present is an id, or NULL when it is missing or empty.
func present(e sql.Expr, t warehouse.Type) sql.Expr {
	return sql.Fn("NULLIF", idText(e, t), sql.Text(""))
}

// trainingColumn gives an output column as the pipeline reads it. Absent numbers
// and times are 0; numbers that are not finite count as absent.
func (p *plan) trainingColumn(name string) (sql.Expr, warehouse.Type) {
	e, t := sql.Name(name), p.types[name]
	switch {
	case name == p.roleName(Customer) || name == p.roleName(Product):
		return present(e, t), warehouse.String
	case name == p.roleName(Time):
		return sql.Coalesce(secondsOf(e, t), sql.Int(0)), warehouse.Int64
	case t.Temporal():
		return sql.Coalesce(sql.UnixSeconds(e, t), sql.Int(0)), warehouse.Int64
	case t == warehouse.Int64:
		return sql.Coalesce(e, sql.Int(0)), warehouse.Int64
	case t == warehouse.Bool:
		return sql.Coalesce(sql.Cast(e, warehouse.Int64), sql.Int(0)), warehouse.Int64
	case t == warehouse.Float64:
		return sql.Case(sql.Float(0), sql.When{If: sql.Between(e, sql.Float(-1.7e308), sql.Float(1.7e308)), Then: e}), warehouse.Float64
	case t.Number():
		return sql.Coalesce(sql.Cast(e, warehouse.Float64), sql.Float(0)), warehouse.Float64
	case t == warehouse.String:
		return sql.Coalesce(sql.Fn("NULLIF", e, sql.Text("")), sql.Text(Missing)), warehouse.String
	}
	return sql.Coalesce(sql.Cast(e, warehouse.String), sql.Text(Missing)), warehouse.String
}

// ids are the customer and product of a row of the result: a row without one of
// them is left out of training.
func (p *plan) ids() []sql.Expr {
	var out []sql.Expr
	for _, r := range []Role{Customer, Product} {
		name := p.roleName(r)
		out = append(out, present(sql.Name(name), p.types[name]))
	}
	return out
}

func (p *plan) checkSplit() error {
	s := p.form.Split
	if s == nil {
		return nil
	}
	e := problem.New(problem.InvalidArgument, "the split is not usable")
	switch s.Strategy {
	case Random:
	case Temporal:
		if p.roleName(Time) == "" {
			e.WithField("split.strategy", "a temporal split needs a time column; give the dataset one, or split at random")
		}
	default:
		e.WithField("split.strategy", "%q is not a strategy; use temporal or random", s.Strategy)
	}
	if s.TestDays < 0 || s.TestDays > MaxRollingDays {
		e.WithField("split.test_days", "between 0 and %d, not %d", MaxRollingDays, s.TestDays)
	}
	if s.EvalDays < 0 || s.EvalDays > MaxRollingDays {
		e.WithField("split.eval_days", "between 0 and %d, not %d", MaxRollingDays, s.EvalDays)
	}
	if s.SamplePercent < 0 || s.SamplePercent > 100 {
		e.WithField("split.sample_percent", "between 1 and 100, or 0 for all, not %d", s.SamplePercent)
	}
	if len(e.Fields) > 0 {
		return e.WithNext(problem.TurnYou, "Correct the split.")
	}
	return nil
}

// trainingBody converts, drops, labels and samples.
func (p *plan) trainingBody() (sql.Query, []warehouse.Column) {
	customer, product := p.roleName(Customer), p.roleName(Product)
	temporal := p.form.Split != nil && p.form.Split.Strategy == Temporal

	kept := sql.Select{From: &sql.Source{CTE: stepResult}}
	var cols []warehouse.Column
	for _, c := range p.def.Columns {
		e, t := p.trainingColumn(c.Name)
		kept.Columns = append(kept.Columns, sql.Item{Expr: e, As: c.Name})
		cols = append(cols, warehouse.Column{Name: c.Name, Type: t})
	}
	for _, id := range p.ids() {
		kept.Where = append(kept.Where, sql.NotNull(id))
	}
	if temporal {
		time := p.roleName(Time)
		day := dayOf(sql.Name(time), p.types[time])
		kept.Columns = append(kept.Columns, sql.Item{Expr: day, As: colDay})
		kept.Where = append(kept.Where, sql.NotNull(day))
	}
	p.steps = append(p.steps, sql.CTE{Name: stepKept, Query: kept})

	s := sql.Select{From: &sql.Source{CTE: stepKept}, Limit: p.form.Limit}
	for _, c := range p.def.Columns {
		s.Columns = append(s.Columns, sql.Item{Expr: sql.Name(c.Name)})
	}
	split := p.form.Split
	if split == nil {
		return s, cols
	}
	label := randomLabel(sql.Name(customer), sql.Name(product), split.Seed)
	if temporal {
		p.steps = append(p.steps,
			sql.CTE{Name: stepAnchorDay, Query: anchor(stepKept, p.form.Now)},
			sql.CTE{Name: stepBounds, Query: boundsStep()})
		s.Joins = []sql.Join{{Kind: "CROSS JOIN", Source: sql.Source{CTE: stepBounds}}}
		s.Where = []sql.Expr{sql.Le(sql.Name(colDay), sql.Name(colHi))} // later days are mistakes
		label = temporalLabel(*split)
	}
	if pct := split.SamplePercent; pct > 0 && pct < 100 {
		s.Where = append(s.Where, sql.Lt(sql.Fn("MOD", sql.Hash(sql.Concat(sql.Name(customer), sql.Text("|sample"))), sql.Int(100)), sql.Int(int64(pct))))
	}
	s.Columns = append(s.Columns, sql.Item{Expr: label, As: SplitColumn})
	return s, append(slices.Clone(cols), warehouse.Column{Name: SplitColumn, Type: warehouse.String})
}

// randomLabel gives 80/10/10 by customer and product, so that all purchases of a
// pair are on one side.
func randomLabel(customer, product sql.Expr, seed int64) sql.Expr {
	tenth := sql.Fn("MOD", sql.Hash(sql.Concat(customer, sql.Text("|"), product, sql.Text("|"), sql.Param("seed", strconv.FormatInt(seed, 10)))), sql.Int(10))
	return sql.Case(sql.Text("train"), sql.When{If: sql.Eq(tenth, sql.Int(9)), Then: sql.Text("test")}, sql.When{If: sql.Eq(tenth, sql.Int(8)), Then: sql.Text("eval")})
}

func boundsStep() sql.Query {
	return sql.Select{
		Columns: []sql.Item{{Expr: sql.Fn("MIN", sql.Name(colDay)), As: colLo}, {Expr: sql.Fn("MAX", sql.Name(colHi)), As: colHi}},
		From:    &sql.Source{CTE: stepKept},
		Joins:   []sql.Join{{Kind: "CROSS JOIN", Source: sql.Source{CTE: stepAnchorDay}}},
	}
}

// splitDays gives the days of test and eval for a span of days; see Split.
func splitDays(s Split, span int64) (test, eval int64) {
	tenth := max(1, span/10)
	test, eval = int64(s.TestDays), int64(s.EvalDays)
	if test == 0 {
		test = tenth
	}
	if eval == 0 {
		eval = tenth
	}
	return test, eval
}

// temporalLabel is splitDays in SQL.
func temporalLabel(s Split) sql.Expr {
	lo, hi, day := sql.Name(colLo), sql.Name(colHi), sql.Name(colDay)
	tenth := sql.Fn("GREATEST", sql.Int(1), sql.IntDiv(sql.Add(sql.Sub(hi, lo), sql.Int(1)), sql.Int(10)))
	days := func(n int) sql.Expr {
		if n == 0 {
			return tenth
		}
		return sql.Int(int64(n))
	}
	test, eval := days(s.TestDays), days(s.EvalDays)
	return sql.Case(sql.Text("train"),
		sql.When{If: sql.Gt(day, sql.Sub(hi, test)), Then: sql.Text("test")},
		sql.When{If: sql.Gt(day, sql.Sub(sql.Sub(hi, test), eval)), Then: sql.Text("eval")})
}
