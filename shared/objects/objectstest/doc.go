// Package objectstest is the conformance suite of object drivers. A driver is one
// when Run passes unchanged. Events may come more than once and in any order.
package objectstest
