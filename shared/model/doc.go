// Package model says how the two towers look and how they are trained: layers,
// loss, optimiser, stopping, index.
//
// It promises presets whose defaults were measured against popularity and
// item-kNN, and validation that reports every finding at once.
//
// It refuses model families other than two-tower retrieval.
package model
