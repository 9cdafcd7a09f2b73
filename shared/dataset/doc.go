// Package dataset says which rows and columns feed training, and turns that into
// SQL, profiles and split examples.
//
// It promises one compiler: preview, statistics, readiness and training read the
// same scope, so the row count a person sees is the one training gets. Names of
// output columns come from one function. All findings about a definition are
// given at once, against the live schema. A definition stores rules, not ids:
// windows are resolved when the statement runs, anchored on the newest date of
// the data that is not in the future.
//
// It refuses tables outside raw_data, joins that would multiply rows without
// being asked to, and types that training cannot read.
package dataset
