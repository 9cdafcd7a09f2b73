// Package warehouse keeps tables and answers SQL.
//
// It promises atomic, idempotent commits of Parquet (append, upsert, replace),
// statements with bound parameters, atomic materialisation, Parquet export, and
// one Dialect so that the product's SQL is built once. Column types and names
// are BigQuery's everywhere. Where an engine charges for what it reads, a statement
// is estimated before it runs and refused above the installation's limit.
//
// It refuses row-by-row writes and SQL with a person's text pasted into it.
package warehouse
