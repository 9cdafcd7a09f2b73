// Package state keeps the product's documents: runs, chunks, datasets, configs.
//
// It promises create-if-absent, read-modify-write transactions that are
// serializable and retried on conflict, queries with cursors over one
// collection, and a watch that never misses the last version of a document.
//
// It refuses joins, aggregates and documents near 1 MiB: what is large is an
// object, what is counted is a warehouse query.
//
// Documents are JSON. Times are written as RFC 3339 in UTC; never order by
// them: ids made by NewID sort by creation time.
package state
