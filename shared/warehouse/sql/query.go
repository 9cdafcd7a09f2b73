package sql

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// Query is a SELECT or a UNION ALL.
type Query interface {
	query(w *writer, indent string) string
}

// Item is one column of a SELECT; an empty As keeps the expression's name.
type Item struct {
	Expr Expr
	As   string
}

// Order is one term of ORDER BY.
type Order struct {
	Expr Expr
	Desc bool
}

// Source is what FROM and JOIN read: exactly one of Table, CTE and Query.
type Source struct {
	Table warehouse.Ref
	CTE   string
	Query Query
	As    string // needed with Query
}

// Join adds a source.
type Join struct {
	Kind   word // "JOIN", "LEFT JOIN", "CROSS JOIN"
	Source Source
	On     Expr // nil for CROSS JOIN
}

// Select is one SELECT. Where is joined by AND. Limit 0 is none.
type Select struct {
	Distinct bool
	Columns  []Item
	From     *Source
	Joins    []Join
	Where    []Expr
	GroupBy  []Expr
	Having   Expr
	OrderBy  []Order
	Limit    int
}

// UnionAll joins the rows of queries with the same columns.
type UnionAll []Query

// Scalar is a query of one row and one column, as a value.
func Scalar(q Query) Expr {
	return exprFunc(func(w *writer) string { return "(\n" + q.query(w, "      ") + "\n    )" })
}

// CTE is one named step of a statement.
type CTE struct {
	Name  string
	Query Query
}

// Build writes a statement. InvalidArgument when a parameter has two values or a
// part is missing: a defect of the caller.
func Build(d warehouse.Dialect, with []CTE, body Query) (warehouse.Statement, error) {
	w := &writer{d: d, params: map[string]any{}}
	var b strings.Builder
	for i, c := range with {
		if i == 0 {
			b.WriteString("WITH\n")
		}
		fmt.Fprintf(&b, "  %s AS (\n%s\n  )", d.Ident(c.Name), c.Query.query(w, "    "))
		if i < len(with)-1 {
			b.WriteString(",")
		}
		b.WriteString("\n")
	}
	b.WriteString(body.query(w, ""))
	if w.err != nil {
		return warehouse.Statement{}, w.err
	}
	s := warehouse.Statement{SQL: b.String()}
	if len(w.params) > 0 {
		s.Params = w.params
	}
	return s, nil
}

type writer struct {
	d      warehouse.Dialect
	params map[string]any
	err    error
}

func (w *writer) fail(format string, args ...any) {
	if w.err == nil {
		w.err = problem.New(problem.InvalidArgument, format, args...)
	}
}

func (w *writer) param(name string, value any) string {
	if old, ok := w.params[name]; ok && !reflect.DeepEqual(old, value) {
		w.fail("the parameter @%s has two values", name)
	}
	w.params[name] = value
	return "@" + name
}

func (w *writer) list(list []Expr) string {
	parts := make([]string, len(list))
	for i, e := range list {
		parts[i] = e.sql(w)
	}
	return strings.Join(parts, ", ")
}

func (w *writer) orders(list []Order) string {
	parts := make([]string, len(list))
	for i, o := range list {
		parts[i] = o.Expr.sql(w)
		if o.Desc {
			parts[i] += " DESC"
		}
	}
	return strings.Join(parts, ", ")
}

func (w *writer) operand(e Expr) string {
	if _, ok := e.(operation); ok {
		return "(" + e.sql(w) + ")"
	}
	return w.condition(e)
}

// condition writes a member of AND or OR.
func (w *writer) condition(e Expr) string {
	if _, ok := e.(loose); ok {
		return "(" + e.sql(w) + ")"
	}
	return e.sql(w)
}

func (w *writer) source(s Source, indent string) string {
	var text string
	switch {
	case s.Query != nil:
		if s.As == "" {
			w.fail("a subquery needs a name")
		}
		text = "(\n" + s.Query.query(w, indent+"  ") + "\n" + indent + ")"
	case s.CTE != "":
		text = w.d.Ident(s.CTE)
	case s.Table != (warehouse.Ref{}):
		text = w.d.Table(s.Table)
	default:
		w.fail("a source names nothing")
	}
	if s.As != "" {
		text += " AS " + w.d.Ident(s.As)
	}
	return text
}

func (s Select) query(w *writer, indent string) string {
	if len(s.Columns) == 0 {
		w.fail("a select needs a column")
	}
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, "\n"+indent+format, args...) }
	b.WriteString(indent + "SELECT")
	if s.Distinct {
		b.WriteString(" DISTINCT")
	}
	for i, c := range s.Columns {
		text := c.Expr.sql(w)
		if c.As != "" && text != w.d.Ident(c.As) {
			text += " AS " + w.d.Ident(c.As)
		}
		if i < len(s.Columns)-1 {
			text += ","
		}
		if len(s.Columns) == 1 {
			b.WriteString(" " + text)
		} else {
			line("  %s", text)
		}
	}
	if s.From != nil {
		line("FROM %s", w.source(*s.From, indent))
	}
	for _, j := range s.Joins {
		text := string(j.Kind) + " " + w.source(j.Source, indent)
		if j.On != nil {
			text += " ON " + j.On.sql(w)
		}
		line("%s", text)
	}
	for i, e := range s.Where {
		word := "WHERE"
		if i > 0 {
			word = "  AND"
		}
		line("%s %s", word, w.condition(e))
	}
	if len(s.GroupBy) > 0 {
		line("GROUP BY %s", w.list(s.GroupBy))
	}
	if s.Having != nil {
		line("HAVING %s", s.Having.sql(w))
	}
	if len(s.OrderBy) > 0 {
		line("ORDER BY %s", w.orders(s.OrderBy))
	}
	if s.Limit > 0 {
		line("LIMIT %d", s.Limit)
	}
	return b.String()
}

func (u UnionAll) query(w *writer, indent string) string {
	if len(u) == 0 {
		w.fail("a union needs a query")
	}
	parts := make([]string, len(u))
	for i, q := range u {
		parts[i] = q.query(w, indent)
		// ORDER BY and LIMIT belong to the part, so it is a subquery of its own.
		if s, ok := q.(Select); ok && (len(s.OrderBy) > 0 || s.Limit > 0) {
			parts[i] = indent + "(\n" + q.query(w, indent+"  ") + "\n" + indent + ")"
		}
	}
	return strings.Join(parts, "\n"+indent+"UNION ALL\n")
}
