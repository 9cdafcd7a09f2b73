package warehousetest

import (
	"regexp"

	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/warehouse/dialect"
)

// both writes each part in BigQuery's and in DuckDB's dialect, side by side between
// marks that no statement contains; side takes one of them.
type both struct{}

var rePair = regexp.MustCompile("\x01([^\x02]*)\x02([^\x03]*)\x03")

// side gives the text of one dialect: 1 is BigQuery's, 2 DuckDB's.
func side(text string, n int) string {
	return rePair.ReplaceAllStringFunc(text, func(pair string) string { return rePair.FindStringSubmatch(pair)[n] })
}

// write calls both dialects with their side of the arguments.
func write(fn func(d warehouse.Dialect, args []string) string, args ...string) string {
	var parts [2]string
	for i, d := range []warehouse.Dialect{dialect.BigQuery{}, dialect.DuckDB{}} {
		own := make([]string, len(args))
		for j, a := range args {
			own[j] = side(a, i+1)
		}
		parts[i] = fn(d, own)
	}
	return "\x01" + parts[0] + "\x02" + parts[1] + "\x03"
}

func (both) Name() string { return "both" }
func (both) Ident(name string) string {
	return write(func(d warehouse.Dialect, _ []string) string { return d.Ident(name) })
}
func (both) Table(r warehouse.Ref) string {
	return write(func(d warehouse.Dialect, _ []string) string { return d.Table(r) })
}
func (both) Type(t warehouse.Type) string {
	return write(func(d warehouse.Dialect, _ []string) string { return d.Type(t) })
}
func (both) SafeCast(expr string, t warehouse.Type) string {
	return write(func(d warehouse.Dialect, a []string) string { return d.SafeCast(a[0], t) }, expr)
}
func (both) Hash(expr string) string {
	return write(func(d warehouse.Dialect, a []string) string { return d.Hash(a[0]) }, expr)
}
func (both) UnixSeconds(expr string, t warehouse.Type) string {
	return write(func(d warehouse.Dialect, a []string) string { return d.UnixSeconds(a[0], t) }, expr)
}
func (both) FromUnixSeconds(expr string) string {
	return write(func(d warehouse.Dialect, a []string) string { return d.FromUnixSeconds(a[0]) }, expr)
}
func (both) DateOf(expr string, t warehouse.Type) string {
	return write(func(d warehouse.Dialect, a []string) string { return d.DateOf(a[0], t) }, expr)
}
func (both) ApproxQuantiles(expr string, n int) string {
	return write(func(d warehouse.Dialect, a []string) string { return d.ApproxQuantiles(a[0], n) }, expr)
}
func (both) CountIf(cond string) string {
	return write(func(d warehouse.Dialect, a []string) string { return d.CountIf(a[0]) }, cond)
}
func (both) ApproxDistinct(expr string) string {
	return write(func(d warehouse.Dialect, a []string) string { return d.ApproxDistinct(a[0]) }, expr)
}
func (both) InArray(expr, param string) string {
	return write(func(d warehouse.Dialect, a []string) string { return d.InArray(a[0], param) }, expr)
}
func (both) ArrayAgg(expr, orderBy string, limit int) string {
	return write(func(d warehouse.Dialect, a []string) string { return d.ArrayAgg(a[0], a[1], limit) }, expr, orderBy)
}
func (both) IntDiv(a, b string) string {
	return write(func(d warehouse.Dialect, args []string) string { return d.IntDiv(args[0], args[1]) }, a, b)
}
