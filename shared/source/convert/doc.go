// Package convert turns text into typed column values under one set of rules,
// whatever the source.
//
// It promises that a value either becomes exactly what the text says or is
// refused with a reason; decimals never pass through floating point; times
// without a zone are UTC.
//
// It refuses to invent values: no zero, no NULL and no guess stands in for text
// that does not fit.
package convert
