// Package dialect writes the parts of SQL in which BigQuery and DuckDB differ.
//
// It promises that the same expression means the same in both engines: safe
// casts, whole UTC days, seconds rounded down, a stable non-negative hash. It
// links no engine, so SQL can be built and tested anywhere.
//
// It refuses whole statements: package sql builds those.
package dialect
