package warehousetest

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// relative is how far floating-point numbers may be apart: engines add in other orders.
const relative = 1e-9

// Differ tells how two results differ; "" when they do not. Columns have the same names
// and types. Rows are the same, in the same order where inOrder says so, and else in any.
// FLOAT64 and decimals are the same up to a relative 1e-9; an array that is NULL is empty.
// In the columns that are approximate, counts may be a quarter apart, or three; a
// quantile lies between the neighbours of the other engine's, the first and last are exact.
func Differ(want, got warehouse.Rows, inOrder bool, approximate ...string) string {
	if diff := cmp.Diff(shapes(want), shapes(got)); diff != "" {
		return diff
	}
	a, b := want.Values, got.Values
	if len(approximate) > 0 && len(a) == len(b) {
		a, b = slices.Clone(a), slices.Clone(b)
		for i := range a {
			a[i], b[i] = slices.Clone(a[i]), slices.Clone(b[i])
			for j, c := range want.Columns {
				if slices.Contains(approximate, c.Name) && near(a[i][j], b[i][j]) {
					b[i][j] = a[i][j]
				}
			}
		}
	}
	if !inOrder {
		a, b = sorted(a), sorted(b)
	}
	opts := cmp.Options{
		cmp.FilterValues(func(x, y any) bool { _, _, ok := numbers(x, y); return ok }, cmp.Comparer(func(x, y any) bool {
			f, g, _ := numbers(x, y)
			return f == g || math.IsNaN(f) && math.IsNaN(g) || math.Abs(f-g) <= relative*max(math.Abs(f), math.Abs(g))
		})),
		cmp.FilterValues(empty, cmp.Comparer(func(_, _ any) bool { return true })),
	}
	if diff := cmp.Diff(a, b, opts); diff != "" {
		return diff
	}
	if want.Truncated != got.Truncated {
		return fmt.Sprintf("truncated: %v and %v", want.Truncated, got.Truncated)
	}
	return ""
}

func shapes(r warehouse.Rows) []string {
	out := make([]string, len(r.Columns))
	for i, c := range r.Columns {
		out[i] = fmt.Sprint(c.Name, " ", c.Type, " ", c.Repeated)
	}
	return out
}

// near compares two estimates.
func near(x, y any) bool {
	if n, ok := x.(int64); ok {
		m, ok := y.(int64)
		return ok && max(n, m)-min(n, m) <= max(3, max(n, m)/4)
	}
	a, isA := x.([]any)
	b, isB := y.([]any)
	if !isA || !isB || len(a) != len(b) {
		return false
	}
	for i := range a {
		v, okA := number(a[i])
		lo, okB := number(b[max(0, i-1)])
		hi, okC := number(b[min(i+1, len(b)-1)])
		if !okA || !okB || !okC || v < lo || v > hi || (i == 0 || i == len(a)-1) && a[i] != b[i] {
			return false
		}
	}
	return true
}

func number(v any) (float64, bool) {
	if n, ok := v.(int64); ok {
		return float64(n), true
	}
	f, ok := v.(float64)
	return f, ok
}

// numbers gives two values as numbers, where either is one with a fraction.
func numbers(x, y any) (f, g float64, ok bool) {
	f, ok = fraction(x)
	if !ok {
		return 0, 0, false
	}
	g, ok = fraction(y)
	return f, g, ok
}

func fraction(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case string: // a decimal, or text that is alike: those are compared as numbers
		f, err := strconv.ParseFloat(v, 64)
		return f, err == nil && strings.ContainsRune(v, '.')
	}
	return 0, false
}

func empty(x, y any) bool {
	a, isA := x.([]any)
	b, isB := y.([]any)
	return (isA || isB) && len(a) == 0 && len(b) == 0 && (isA || x == nil) && (isB || y == nil)
}

// sorted gives the rows in an order of their values; numbers by their leading digits,
// so that rows which are the same up to rounding stand at the same place.
func sorted(rows [][]any) [][]any {
	keys := make(map[int]string, len(rows))
	order := make([]int, len(rows))
	for i, row := range rows {
		order[i] = i
		var b strings.Builder
		for _, v := range row {
			b.WriteString(sortText(v))
			b.WriteByte(0)
		}
		keys[i] = b.String()
	}
	slices.SortFunc(order, func(i, j int) int { return strings.Compare(keys[i], keys[j]) })
	out := make([][]any, len(rows))
	for i, from := range order {
		out[i] = rows[from]
	}
	return out
}

func sortText(v any) string {
	if f, ok := fraction(v); ok {
		return strconv.FormatFloat(f, 'e', 5, 64)
	}
	switch v := v.(type) {
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = sortText(v[i])
		}
		return strings.Join(parts, "\x01")
	}
	return fmt.Sprintf("%#v", v)
}

// ordered says whether the rows of a statement have an order that is the same in both
// engines: its last ORDER BY stands outside of every parenthesis.
func ordered(sql string) bool {
	depth := 0
	at := strings.LastIndex(sql, "ORDER BY")
	if at < 0 {
		return false
	}
	for _, c := range sql[:at] {
		switch c {
		case '(':
			depth++
		case ')':
			depth--
		}
	}
	return depth == 0
}
