package dialect

import (
	"fmt"
	"strings"

	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// BigQuery writes GoogleSQL (https://cloud.google.com/bigquery/docs/reference/standard-sql).
type BigQuery struct{}

var _ warehouse.Dialect = BigQuery{}

var bqEscapes = strings.NewReplacer("\\", `\\`, "`", "\\`", "\n", `\n`, "\r", `\r`)

// Name is "bigquery".
func (BigQuery) Name() string { return "bigquery" }

// Ident quotes with backticks; backslash escapes inside (lexical structure, quoted identifiers).
func (BigQuery) Ident(name string) string { return "`" + bqEscapes.Replace(name) + "`" }

// Table quotes dataset and name.
func (d BigQuery) Table(r warehouse.Ref) string { return d.Ident(r.Dataset) + "." + d.Ident(r.Name) }

// Type is the name itself: the product's types are BigQuery's.
func (BigQuery) Type(t warehouse.Type) string { return string(t) }

// SafeCast is SAFE_CAST.
func (d BigQuery) SafeCast(expr string, t warehouse.Type) string {
	return fmt.Sprintf("SAFE_CAST(%s AS %s)", expr, d.Type(t))
}

// Hash is not FARM_FINGERPRINT: no other engine has it.
func (BigQuery) Hash(expr string) string {
	return fmt.Sprintf("CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5(%s)), 1, 15)) AS INT64)", expr)
}

// UnixSeconds reads DATE and DATETIME as UTC.
func (BigQuery) UnixSeconds(expr string, t warehouse.Type) string {
	if t != warehouse.Timestamp {
		expr = "TIMESTAMP(" + expr + ")"
	}
	return "UNIX_SECONDS(" + expr + ")"
}

// FromUnixSeconds is TIMESTAMP_SECONDS.
func (BigQuery) FromUnixSeconds(expr string) string { return "TIMESTAMP_SECONDS(" + expr + ")" }

// DateOf is DATE, which takes UTC for a TIMESTAMP.
func (BigQuery) DateOf(expr string, t warehouse.Type) string {
	if t == warehouse.Date {
		return expr
	}
	return "DATE(" + expr + ")"
}

// ApproxQuantiles is APPROX_QUANTILES.
func (BigQuery) ApproxQuantiles(expr string, n int) string {
	return fmt.Sprintf("APPROX_QUANTILES(%s, %d)", expr, n)
}

// CountIf is COUNTIF.
func (BigQuery) CountIf(cond string) string { return "COUNTIF(" + cond + ")" }

// ApproxDistinct is APPROX_COUNT_DISTINCT.
func (BigQuery) ApproxDistinct(expr string) string { return "APPROX_COUNT_DISTINCT(" + expr + ")" }

// InArray is IN UNNEST.
func (BigQuery) InArray(expr, param string) string {
	return fmt.Sprintf("%s IN UNNEST(@%s)", expr, param)
}

// ArrayAgg is ARRAY_AGG with IGNORE NULLS, ORDER BY and LIMIT.
func (BigQuery) ArrayAgg(expr, orderBy string, limit int) string {
	return fmt.Sprintf("ARRAY_AGG(%s IGNORE NULLS ORDER BY %s LIMIT %d)", expr, orderBy, limit)
}

// IntDiv is DIV.
func (BigQuery) IntDiv(a, b string) string { return fmt.Sprintf("DIV(%s, %s)", a, b) }
