// Package warehousetest is the conformance suite of warehouse drivers. A driver
// is right when Run passes unchanged. The suite builds its own Parquet and uses
// only SQL that the Dialect writes or that every engine shares.
//
// Record keeps the statements that a part of the product asks, in BigQuery's dialect,
// as golden files; scripts/googlesql gives those to BigQuery's own parser. Twin runs
// them on both engines and compares the answers; package enginestest starts the two.
package warehousetest
