// Package statetest is the conformance suite of state drivers. A driver is one
// when Run passes unchanged. It promises nothing about speed, and asks for
// nothing that only one process or only SQLite can keep.
package statetest
