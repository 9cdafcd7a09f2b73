// Package duckdb is the embedded warehouse: one DuckDB file, opened by one process.
//
// It promises commits that survive kill -9 (DuckDB's write-ahead log; the
// commit's id is written in the same transaction as its rows), reads that see
// one consistent state while a commit runs, a memory limit, and types that read
// back as they were declared.
//
// Types: NUMERIC is DECIMAL(38,9), as BigQuery's. BIGNUMERIC is DECIMAL(38,18),
// because DuckDB has no wider decimal: a column of more than 38 digits is
// refused at commit. TIMESTAMP is TIMESTAMPTZ with the session in UTC, DATETIME
// is TIMESTAMP, JSON is JSON, GEOGRAPHY is its text.
//
// Partitioning and clustering are remembered, not used: DuckDB prunes by the
// value ranges of its row groups. A dry run costs nothing and estimates 0 bytes.
//
// It refuses a file that another process holds.
package duckdb
