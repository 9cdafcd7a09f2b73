// Package postgres reads tables and views of PostgreSQL 12 and later.
//
// It promises one consistent picture: all chunks of a plan read under one
// exported snapshot, which the planning session keeps alive. Where nobody can hold
// that session, each chunk is one statement with a picture of its own, and a large
// table is cut by its key: no row is lost or doubled, but the rows of two chunks may
// be of two moments. Rows travel as COPY BINARY straight into Arrow, one row at a
// time and never a table at a time. Sessions are read-only, have a statement timeout,
// and are encrypted unless the connection says otherwise. Values of a watermark are
// bound, never pasted.
//
// It refuses to guess: numeric values that do not fit are rejected rows, and
// values that the warehouse has no counterpart for (NaN, infinity) are NULL and
// counted.
package postgres
