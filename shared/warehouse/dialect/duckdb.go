package dialect

import (
	"fmt"
	"strings"

	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// DuckDB writes DuckDB's SQL, version 1.4 (https://duckdb.org/docs/1.4/sql/introduction).
// It assumes the session's time zone to be UTC.
type DuckDB struct{}

var _ warehouse.Dialect = DuckDB{}

// Name is "duckdb".
func (DuckDB) Name() string { return "duckdb" }

// Ident quotes with double quotes, doubled inside.
func (DuckDB) Ident(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// Table quotes schema and name.
func (d DuckDB) Table(r warehouse.Ref) string { return d.Ident(r.Dataset) + "." + d.Ident(r.Name) }

// Type names the DuckDB type that keeps t. NUMERIC is DECIMAL(38,9) in both
// engines. BIGNUMERIC is DECIMAL(38,18): DuckDB has no wider decimal, so values
// of 10^20 and more are refused and digits after the 18th decimal are rounded.
// GEOGRAPHY is its text.
func (DuckDB) Type(t warehouse.Type) string {
	switch t {
	case warehouse.Int64:
		return "BIGINT"
	case warehouse.Float64:
		return "DOUBLE"
	case warehouse.Numeric:
		return "DECIMAL(38,9)"
	case warehouse.BigNumeric:
		return "DECIMAL(38,18)"
	case warehouse.Bool:
		return "BOOLEAN"
	case warehouse.Date, warehouse.Time, warehouse.JSON:
		return string(t)
	case warehouse.DateTime:
		return "TIMESTAMP"
	case warehouse.Timestamp:
		return "TIMESTAMPTZ"
	case warehouse.Bytes:
		return "BLOB"
	}
	return "VARCHAR"
}

// SafeCast is TRY_CAST.
func (d DuckDB) SafeCast(expr string, t warehouse.Type) string {
	return fmt.Sprintf("TRY_CAST(%s AS %s)", expr, d.Type(t))
}

// Hash is not hash(): that differs between versions.
func (DuckDB) Hash(expr string) string {
	return fmt.Sprintf("CAST('0x' || substr(md5(%s), 1, 15) AS BIGINT)", expr)
}

// UnixSeconds truncates to the second before dividing, so that times before 1970 round down as BigQuery's do.
func (DuckDB) UnixSeconds(expr string, t warehouse.Type) string {
	if t == warehouse.Date {
		return fmt.Sprintf("(epoch_us(CAST(%s AS TIMESTAMP)) // 1000000)", expr)
	}
	return fmt.Sprintf("(epoch_us(date_trunc('second', %s)) // 1000000)", expr)
}

// FromUnixSeconds goes by integer microseconds: to_timestamp takes a DOUBLE.
func (DuckDB) FromUnixSeconds(expr string) string {
	return fmt.Sprintf("CAST(make_timestamp(CAST(%s AS BIGINT) * 1000000) AS TIMESTAMPTZ)", expr)
}

// DateOf casts; the session's time zone is UTC.
func (DuckDB) DateOf(expr string, t warehouse.Type) string {
	if t == warehouse.Date {
		return expr
	}
	return "CAST(" + expr + " AS DATE)"
}

// ApproxQuantiles is approx_quantile (a t-digest) at n+1 equal steps.
func (DuckDB) ApproxQuantiles(expr string, n int) string {
	steps := make([]string, n+1)
	for i := range steps {
		steps[i] = fmt.Sprintf("%.6g", float64(i)/float64(n))
	}
	return fmt.Sprintf("approx_quantile(%s, [%s])", expr, strings.Join(steps, ", "))
}

// CountIf is a filtered count.
func (DuckDB) CountIf(cond string) string { return "COUNT(*) FILTER (WHERE " + cond + ")" }

// ApproxDistinct is approx_count_distinct (HyperLogLog).
func (DuckDB) ApproxDistinct(expr string) string { return "approx_count_distinct(" + expr + ")" }

// InArray is list_contains; nothing is in an empty array, not even perhaps NULL.
func (DuckDB) InArray(expr, param string) string {
	return fmt.Sprintf("(len(@%s) > 0 AND list_contains(@%s, %s))", param, param, expr)
}

// ArrayAgg is an ordered, filtered list, cut.
func (DuckDB) ArrayAgg(expr, orderBy string, limit int) string {
	return fmt.Sprintf("(list(%s ORDER BY %s) FILTER (WHERE (%s) IS NOT NULL))[1:%d]", expr, orderBy, expr, limit)
}

// IntDiv is //.
func (DuckDB) IntDiv(a, b string) string { return fmt.Sprintf("((%s) // (%s))", a, b) }
