// Package googlesql holds the statements that the product writes for BigQuery to
// BigQuery's own grammar and types: the golden files of the repository are analysed by
// GoogleSQL's reference analyzer (https://github.com/google/googlesql), which is the
// parser and type checker of BigQuery.
//
// It promises that every statement of every golden file resolves against the tables
// that the file or its folder declares, that each parameter has the type under which
// the product binds it, and that a query gives the columns that the file says.
//
// It refuses to run anything: what a statement gives is tested on engines. BigQuery's
// quotas, its partition filters and what it forbids beyond the language are not here.
//
// It is a module of its own, because the analyzer takes minutes to build. It imports
// nothing of the product: it reads files.
//
// # Golden files
//
// A golden file is *.sql below a testdata folder, those of DuckDB (*.duckdb.sql) left
// out. Its statements are apart by blank lines. Comment lines before a statement are
//
//	-- @name TYPE       a parameter; what follows " = " is for the reader
//	-- gives a TYPE, …  the columns of the result
//
// CREATE TABLE declares a table for the statements after it. A file that begins with
// none is about the tables that tables.sql declares, in its folder or else the nearest
// above.
//
// Run it with go test -count=1: Go's cache of results does not see files of another module.
package googlesql
