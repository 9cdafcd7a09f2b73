// Package feature says how a dataset's columns become the inputs of the two
// towers: text to vocabularies and embeddings, numbers to scaled values and
// buckets, times to calendar cycles, and crosses of them.
//
// It promises smart defaults for any dataset with a customer and a product
// role, each with its reason, and versioned documents.
//
// It refuses outcome columns (revenue, quantity) as inputs unless a person
// confirms them: they are not known when a recommendation is asked for.
package feature
