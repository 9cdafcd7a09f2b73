package sql

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// Expr is an SQL expression.
type Expr interface{ sql(w *writer) string }

// word is a constant of this program: only untyped constants convert to it
// outside this package.
type word string

type exprFunc func(w *writer) string

func (f exprFunc) sql(w *writer) string { return f(w) }

// Col is a column of a source; Name one that needs no source.
func Col(source, column string) Expr {
	return exprFunc(func(w *writer) string { return w.d.Ident(source) + "." + w.d.Ident(column) })
}

// Name is a column by its bare name.
func Name(column string) Expr {
	return exprFunc(func(w *writer) string { return w.d.Ident(column) })
}

// Param is a bound value; see warehouse.Statement for its types. The same name
// MUST have the same value throughout a statement.
func Param(name word, value any) Expr {
	return exprFunc(func(w *writer) string { return w.param(string(name), value) })
}

// Int, Float and Text are constants.
func Int(n int64) Expr {
	return exprFunc(func(*writer) string { return strconv.FormatInt(n, 10) })
}

// Float is a FLOAT64 constant.
func Float(f float64) Expr {
	return exprFunc(func(w *writer) string {
		return "CAST(" + strconv.FormatFloat(f, 'g', -1, 64) + " AS " + w.d.Type(warehouse.Float64) + ")"
	})
}

// Text is a text constant of this program. It holds no quote and no backslash.
func Text(s word) Expr {
	return exprFunc(func(w *writer) string {
		if strings.ContainsAny(string(s), "'\\\n@") {
			w.fail("the constant %q needs quoting", s)
		}
		return "'" + string(s) + "'"
	})
}

// Null is NULL of a type.
func Null(t warehouse.Type) Expr {
	return exprFunc(func(w *writer) string { return "CAST(NULL AS " + w.d.Type(t) + ")" })
}

// Fn calls a function that every engine has under this name.
func Fn(name word, args ...Expr) Expr {
	return exprFunc(func(w *writer) string { return string(name) + "(" + w.list(args) + ")" })
}

// Op is a binary operator: = <> < <= > >= + - * / ||.
func Op(a Expr, op word, b Expr) Expr {
	return operation{exprFunc(func(w *writer) string { return w.operand(a) + " " + string(op) + " " + w.operand(b) })}
}

// Eq, Lt, Le, Gt and Ge compare.
func Eq(a, b Expr) Expr { return Op(a, "=", b) }
func Lt(a, b Expr) Expr { return Op(a, "<", b) }
func Le(a, b Expr) Expr { return Op(a, "<=", b) }
func Gt(a, b Expr) Expr { return Op(a, ">", b) }
func Ge(a, b Expr) Expr { return Op(a, ">=", b) }

// Add, Sub, Mul and Div calculate; Div gives FLOAT64.
func Add(a, b Expr) Expr { return Op(a, "+", b) }
func Sub(a, b Expr) Expr { return Op(a, "-", b) }
func Mul(a, b Expr) Expr { return Op(a, "*", b) }
func Div(a, b Expr) Expr { return Op(a, "/", b) }

// Concat joins texts; NULL when one is NULL.
func Concat(parts ...Expr) Expr {
	e := parts[0]
	for _, p := range parts[1:] {
		e = Op(e, "||", p)
	}
	return e
}

// operation is an expression that needs parentheses inside another one; loose
// ones bind less than AND.
type operation struct{ Expr }
type loose struct{ Expr }

// And and Or join conditions; an empty list is TRUE or FALSE.
func And(list ...Expr) Expr { return junction(list, "AND", "TRUE") }
func Or(list ...Expr) Expr  { return junction(list, "OR", "FALSE") }

func junction(list []Expr, op, empty string) Expr {
	switch len(list) {
	case 0:
		return exprFunc(func(*writer) string { return empty })
	case 1:
		return list[0]
	}
	e := exprFunc(func(w *writer) string {
		parts := make([]string, len(list))
		for i, e := range list {
			parts[i] = w.condition(e)
		}
		return strings.Join(parts, " "+op+" ")
	})
	return loose{e}
}

// Not negates.
func Not(e Expr) Expr {
	return operation{exprFunc(func(w *writer) string { return "NOT " + w.operand(e) })}
}

// IsNull and NotNull test for NULL.
func IsNull(e Expr) Expr {
	return operation{exprFunc(func(w *writer) string { return w.operand(e) + " IS NULL" })}
}
func NotNull(e Expr) Expr {
	return operation{exprFunc(func(w *writer) string { return w.operand(e) + " IS NOT NULL" })}
}

// Between includes both ends.
func Between(e, lo, hi Expr) Expr {
	return operation{exprFunc(func(w *writer) string {
		return w.operand(e) + " BETWEEN " + w.operand(lo) + " AND " + w.operand(hi)
	})}
}

// When is one branch of a Case.
type When struct{ If, Then Expr }

// Case gives the first branch whose condition holds; a nil other is NULL.
func Case(other Expr, whens ...When) Expr {
	return exprFunc(func(w *writer) string {
		var b strings.Builder
		b.WriteString("CASE")
		for _, c := range whens {
			fmt.Fprintf(&b, " WHEN %s THEN %s", c.If.sql(w), c.Then.sql(w))
		}
		if other != nil {
			b.WriteString(" ELSE " + other.sql(w))
		}
		return b.String() + " END"
	})
}

// Coalesce gives the first value that is not NULL.
func Coalesce(list ...Expr) Expr { return Fn("COALESCE", list...) }

// Count counts rows; CountDistinct distinct values that are not NULL.
func Count() Expr { return exprFunc(func(*writer) string { return "COUNT(*)" }) }
func CountDistinct(e Expr) Expr {
	return exprFunc(func(w *writer) string { return "COUNT(DISTINCT " + e.sql(w) + ")" })
}

// Cast converts and fails where that is impossible.
func Cast(e Expr, t warehouse.Type) Expr {
	return exprFunc(func(w *writer) string { return "CAST(" + e.sql(w) + " AS " + w.d.Type(t) + ")" })
}

// Extract takes a part of a DATE: YEAR, MONTH or DAY, as INT64.
func Extract(part word, e Expr) Expr {
	return exprFunc(func(w *writer) string { return "EXTRACT(" + string(part) + " FROM " + e.sql(w) + ")" })
}

// Window is what a window function ranges over.
type Window struct {
	PartitionBy []Expr
	OrderBy     []Order
	// UpToHere limits the frame to the rows before and at this one, one by one;
	// without it an aggregate over an ordered window would take ties together.
	UpToHere bool
}

// Over applies a function to a window.
func Over(fn Expr, o Window) Expr {
	return exprFunc(func(w *writer) string {
		var parts []string
		if len(o.PartitionBy) > 0 {
			parts = append(parts, "PARTITION BY "+w.list(o.PartitionBy))
		}
		if len(o.OrderBy) > 0 {
			parts = append(parts, "ORDER BY "+w.orders(o.OrderBy))
		}
		if o.UpToHere {
			parts = append(parts, "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW")
		}
		return fn.sql(w) + " OVER (" + strings.Join(parts, " ") + ")"
	})
}

// The expressions in which the engines differ; see warehouse.Dialect.

// SafeCast converts, NULL where that is impossible.
func SafeCast(e Expr, t warehouse.Type) Expr {
	return exprFunc(func(w *writer) string { return w.d.SafeCast(e.sql(w), t) })
}

// Hash is a stable INT64 that is not negative.
func Hash(e Expr) Expr { return exprFunc(func(w *writer) string { return w.d.Hash(e.sql(w)) }) }

// UnixSeconds gives seconds of a DATE, DATETIME or TIMESTAMP.
func UnixSeconds(e Expr, t warehouse.Type) Expr {
	return exprFunc(func(w *writer) string { return w.d.UnixSeconds(e.sql(w), t) })
}

// FromUnixSeconds gives a TIMESTAMP.
func FromUnixSeconds(e Expr) Expr {
	return exprFunc(func(w *writer) string { return w.d.FromUnixSeconds(e.sql(w)) })
}

// DateOf gives the UTC date.
func DateOf(e Expr, t warehouse.Type) Expr {
	return exprFunc(func(w *writer) string { return w.d.DateOf(e.sql(w), t) })
}

// Quantiles gives n+1 values.
func Quantiles(e Expr, n int) Expr {
	return exprFunc(func(w *writer) string { return w.d.ApproxQuantiles(e.sql(w), n) })
}

// CountIf counts the rows where the condition holds.
func CountIf(cond Expr) Expr {
	return exprFunc(func(w *writer) string { return w.d.CountIf(cond.sql(w)) })
}

// ApproxDistinct counts distinct values, approximately.
func ApproxDistinct(e Expr) Expr {
	return exprFunc(func(w *writer) string { return w.d.ApproxDistinct(e.sql(w)) })
}

// IntDiv divides INT64 values, toward zero.
func IntDiv(a, b Expr) Expr {
	return exprFunc(func(w *writer) string { return w.d.IntDiv(a.sql(w), b.sql(w)) })
}
