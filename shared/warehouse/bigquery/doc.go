// Package bigquery is the warehouse on BigQuery.
//
// It promises commits that happen once: the objects of a commit go into a staging
// table by one load job, and one multi-statement transaction moves them to the
// target and writes the commit's record into a ledger. Job ids derive from the
// commit's id, so a repeat meets the same job, and a reply that was lost is
// answered by the ledger. Columns are bound by name: the footers of the Parquet
// objects are read first, so a column that the table lacks is an error by name and
// not a silent loss. Materialize and every load replace their table in one step.
//
// What BigQuery cannot do: a transaction holds no DDL, so added columns are made
// just before it, after everything that can be checked was checked. A commit that
// still fails then leaves an empty nullable column behind. Of rows with equal keys
// and equal order any one wins.
//
// Types: the product's are BigQuery's. JSON and GEOGRAPHY come in as text, because
// a load of Parquet fills neither
// (https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-parquet).
//
// It refuses records and intervals in results, more objects in one commit than one
// load job takes, and statements that would read more than their limit of bytes.
package bigquery
