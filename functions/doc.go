// Package functions is the catalogue: the one list of the product's functions,
// with what triggers each, what it may use, and how it is built from a platform.
//
// The Functions Framework registration, the embedded router and its subscriptions,
// functions.json for the infrastructure code, and the reference table of the
// documentation all come from it.
//
// A function is a folder below this one. It never imports another.
package functions
