package dataset

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/warehouse/sql"
)

// Form says what a definition is compiled for.
type Form struct {
	// Training converts the columns as the pipeline reads them: ids STRING, times
	// INT64 Unix seconds, BOOL INT64, decimals FLOAT64, no NULL; rows without
	// customer or product are dropped.
	Training bool
	// Split adds SplitColumn with train, eval and test; needs Training.
	Split *Split
	// Now decides which dates lie in the future; needed by rolling windows and
	// temporal splits.
	Now time.Time
	// Limit of rows; 0 is none.
	Limit int
}

// futureShare: dates after Now are mistakes while fewer than one row in this
// many has one; with more, the clock or the data are meant so, and they count.
const futureShare = 20

// Names of the statement's steps. The order of the steps is fixed: rows, the
// window, training form, split, sample.
const (
	stepScope  = "scope"  // joins and row rules, with raw types
	stepAnchor = "anchor" // the newest day that counts
	stepResult = "result" // scope within the window: what the plain form shows
	stepKept   = "kept"   // result in training form
	stepBounds = "bounds" // first and last day of kept

	stepAnchorDay = "anchor_day" // the newest day of kept that counts

	colDay = "_b2_day" // whole UTC days since 1970 of the time or date column
	colHi  = "_b2_hi"
	colLo  = "_b2_lo"
)

// Compile gives the statement of a definition and the columns of its result.
// InvalidArgument with every finding when the definition does not fit the schemas.
func Compile(def Definition, schemas Schemas, d warehouse.Dialect, f Form) (warehouse.Statement, []warehouse.Column, error) {
	p, err := newPlan(def, schemas, f, nil)
	if err != nil {
		return warehouse.Statement{}, nil, err
	}
	body, cols := p.body()
	s, err := sql.Build(d, p.steps, body)
	return s, cols, err
}

// plan is a definition on its way to SQL.
type plan struct {
	def     Definition
	schemas Schemas
	form    Form
	types   map[string]warehouse.Type // by output name
	steps   []sql.CTE
}

// newPlan makes the steps up to the result. extra, where given, adds columns to
// scope and result.
func newPlan(def Definition, schemas Schemas, f Form, extra func(*plan) []sql.Item) (*plan, error) {
	if err := Invalid(Validate(def, schemas)); err != nil {
		return nil, err
	}
	p := &plan{def: def.Normalize(), schemas: schemas, form: f, types: map[string]warehouse.Type{}}
	for _, c := range p.def.Columns {
		live, _ := warehouse.FindColumn(schemas[c.Table], c.Column)
		p.types[c.Name] = live.Type
	}
	rolling := p.rolling()
	temporal := f.Split != nil && f.Split.Strategy == Temporal
	if (rolling || temporal) && f.Now.IsZero() {
		return nil, problem.New(problem.InvalidArgument, "a rolling window needs the present time")
	}
	if err := p.checkSplit(); err != nil {
		return nil, err
	}
	var add []sql.Item
	if extra != nil {
		add = extra(p)
	}
	p.steps = append(p.steps, sql.CTE{Name: stepScope, Query: p.scope(add)})
	if rolling {
		p.steps = append(p.steps, sql.CTE{Name: stepAnchor, Query: anchor(stepScope, p.form.Now)})
	}
	p.steps = append(p.steps, sql.CTE{Name: stepResult, Query: p.result(add)})
	return p, nil
}

// roleName gives the output name of a role, as the definition writes it; "" when
// no column has it.
func (p *plan) roleName(r Role) string {
	c, _ := p.def.Output(p.def.Roles[r])
	return c.Name
}

func (p *plan) rolling() bool { return p.def.Dates != nil && p.def.Dates.RollingDays > 0 }

// dayColumn is the column whose day the window or the temporal split goes by.
func (p *plan) dayColumn() string {
	if p.def.Dates != nil {
		c, _ := p.def.Output(p.def.Dates.Column)
		return c.Name
	}
	return p.roleName(Time)
}

func alias(i int) string { return fmt.Sprintf("t%d", i) }

// scope joins the tables and applies the row rules. extra adds columns by table alias.
func (p *plan) scope(extra []sql.Item) sql.Query {
	aliases := map[warehouse.Ref]string{}
	for i, r := range p.def.Tables() {
		aliases[r] = alias(i)
	}
	s := sql.Select{From: &sql.Source{Table: p.def.Primary, As: alias(0)}}
	source := map[string]sql.Expr{}
	for _, c := range p.def.Columns {
		source[c.Name] = sql.Col(aliases[c.Table], p.columnName(c.Table, c.Column))
		s.Columns = append(s.Columns, sql.Item{Expr: source[c.Name], As: c.Name})
	}
	if day := p.dayColumn(); day != "" && (p.rolling() || len(extra) > 0) {
		s.Columns = append(s.Columns, sql.Item{Expr: dayOf(source[day], p.types[day]), As: colDay})
	}
	s.Columns = append(s.Columns, extra...)
	for i, j := range p.def.Joins {
		kind := sql.Join{Kind: "LEFT JOIN", Source: sql.Source{Table: j.Table, As: alias(i + 1)}}
		if j.Type == InnerJoin {
			kind.Kind = "JOIN"
		}
		if j.FanOut == FanOutFirst {
			kind.Source = sql.Source{Query: p.firstPerKey(j), As: alias(i + 1)}
		}
		left, right := sql.Col(aliases[j.LeftTable], p.columnName(j.LeftTable, j.LeftColumn)), sql.Col(alias(i+1), p.columnName(j.Table, j.RightColumn))
		kind.On = p.equal(j, left, right)
		s.Joins = append(s.Joins, kind)
	}
	if p.def.PositiveOnly {
		v := source[p.roleName(Value)]
		s.Where = append(s.Where, sql.Or(sql.Gt(v, sql.Int(0)), sql.IsNull(v)))
	}
	if f := p.def.Dates; f != nil && f.Start != "" {
		start, _ := time.Parse(time.DateOnly, f.Start)
		day := p.dayColumn()
		s.Where = append(s.Where, sql.Ge(dayOf(source[day], p.types[day]), sql.Param("start_day", start.Unix()/86400)))
	}
	return s
}

// columnName is the live spelling of a column.
func (p *plan) columnName(r warehouse.Ref, name string) string {
	c, ok := warehouse.FindColumn(p.schemas[r], name)
	if !ok {
		return name
	}
	return c.Name
}

// equal compares keys; keys of different types are compared as text, decimals
// without their trailing zeros, days and times as points in time, UTC.
func (p *plan) equal(j Join, left, right sql.Expr) sql.Expr {
	lc, _ := warehouse.FindColumn(p.schemas[j.LeftTable], j.LeftColumn)
	rc, _ := warehouse.FindColumn(p.schemas[j.Table], j.RightColumn)
	switch {
	case lc.Type == rc.Type || lc.Type.Number() && rc.Type.Number():
		return sql.Eq(left, right)
	case lc.Type.Temporal() && rc.Type.Temporal(): // BigQuery compares no TIMESTAMP with a DATE or DATETIME
		return sql.Eq(sql.Cast(left, warehouse.Timestamp), sql.Cast(right, warehouse.Timestamp))
	}
	return sql.Eq(idText(left, lc.Type), idText(right, rc.Type))
}

// firstPerKey keeps, of the rows with one key, the smallest by all columns; a value
// goes before its absence.
func (p *plan) firstPerKey(j Join) sql.Query {
	key := p.columnName(j.Table, j.RightColumn)
	var cols []sql.Item
	each := sql.Name(key)
	if c, _ := warehouse.FindColumn(p.schemas[j.Table], key); c.Type == warehouse.Float64 {
		each = idText(each, c.Type) // BigQuery has no partitions by FLOAT64
	}
	order := sql.Window{PartitionBy: []sql.Expr{each}}
	for _, c := range p.schemas[j.Table] {
		if c.Repeated || slices.Contains(noTraining, c.Type) {
			continue // neither selectable nor comparable
		}
		cols = append(cols, sql.Item{Expr: sql.Name(c.Name)})
		if !strings.EqualFold(c.Name, key) {
			if !c.Required {
				order.OrderBy = append(order.OrderBy, sql.Order{Expr: sql.IsNull(sql.Name(c.Name))})
			}
			order.OrderBy = append(order.OrderBy, sql.Order{Expr: sql.Name(c.Name)})
		}
	}
	if len(order.OrderBy) == 0 {
		order.OrderBy = []sql.Order{{Expr: sql.Name(key)}}
	}
	const nth = "_b2_nth"
	inner := sql.Select{
		Columns: append(slices.Clone(cols), sql.Item{Expr: sql.Over(sql.Fn("ROW_NUMBER"), order), As: nth}),
		From:    &sql.Source{Table: j.Table},
	}
	return sql.Select{Columns: cols, From: &sql.Source{Query: inner, As: "r"}, Where: []sql.Expr{sql.Eq(sql.Name(nth), sql.Int(1))}}
}

// anchor finds the newest day that counts in a step; see futureShare.
func anchor(step string, now time.Time) sql.Query {
	day, today := sql.Name(colDay), sql.Param("today", now.UTC().Unix()/86400)
	past := sql.Fn("MAX", sql.Case(nil, sql.When{If: sql.Le(day, today), Then: day}))
	newest := sql.Fn("MAX", day)
	return sql.Select{
		Columns: []sql.Item{{Expr: sql.Case(sql.Coalesce(past, newest),
			sql.When{If: sql.Ge(sql.Mul(sql.CountIf(sql.Gt(day, today)), sql.Int(futureShare)), sql.Count()), Then: newest}), As: colHi}},
		From: &sql.Source{CTE: step},
	}
}

// result keeps the window: exactly RollingDays whole days up to the anchor.
func (p *plan) result(extra []sql.Item) sql.Query {
	s := sql.Select{From: &sql.Source{CTE: stepScope}}
	for _, c := range p.def.Columns {
		s.Columns = append(s.Columns, sql.Item{Expr: sql.Name(c.Name)})
	}
	if p.rolling() {
		hi := sql.Name(colHi)
		s.Joins = []sql.Join{{Kind: "CROSS JOIN", Source: sql.Source{CTE: stepAnchor}}}
		s.Where = []sql.Expr{sql.Gt(sql.Name(colDay), sql.Sub(hi, sql.Param("rolling_days", int64(p.def.Dates.RollingDays)))), sql.Le(sql.Name(colDay), hi)}
	}
	for _, e := range extra {
		s.Columns = append(s.Columns, sql.Item{Expr: sql.Name(e.As)})
	}
	if len(extra) > 0 && p.dayColumn() != "" {
		s.Columns = append(s.Columns, sql.Item{Expr: sql.Name(colDay)})
	}
	return s
}

// schema lists the output columns with their warehouse types.
func (p *plan) schema() []warehouse.Column {
	out := make([]warehouse.Column, len(p.def.Columns))
	for i, c := range p.def.Columns {
		out[i] = warehouse.Column{Name: c.Name, Type: p.types[c.Name]}
		if live, ok := warehouse.FindColumn(p.schemas[c.Table], c.Column); ok {
			out[i].Description = live.Description
		}
	}
	return out
}

// body is the last SELECT and its columns.
func (p *plan) body() (sql.Query, []warehouse.Column) {
	if p.form.Training {
		return p.trainingBody()
	}
	s := sql.Select{From: &sql.Source{CTE: stepResult}, Limit: p.form.Limit}
	for _, c := range p.def.Columns {
		s.Columns = append(s.Columns, sql.Item{Expr: sql.Name(c.Name)})
	}
	return s, p.schema()
}
