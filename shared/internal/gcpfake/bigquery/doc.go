// Package bigquery is a strict BigQuery for tests: datasets, tables, jobs and their
// results over REST on loopback, for the official client.
//
// It keeps what BigQuery's service keeps itself, as
// https://cloud.google.com/bigquery/docs/reference/rest documents it: job ids that are
// taken once (409 duplicate, also after a failure), jobs that end with an error, errors
// of statements in the reply of the insert, results by page, etags, locations, labels,
// expiration, limits. Unknown fields, names that are not allowed and whatever it does
// not imitate are errors. On demand it refuses a request, loses a reply after the
// effect, or lets a job fail.
//
// Statements run on an Engine. Emulator is one: PyPI's bqemulator, which runs GoogleSQL
// on DuckDB. Its own REST interface takes repeated job ids, answers wrong statements
// with success and loses digits of NUMERIC, so nothing but its SQL is used.
//
// It refuses concurrency: jobs run one after the other, so transactions never meet.
package bigquery
