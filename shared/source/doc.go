// Package source is what a load needs of a system it reads from: one small
// interface, a description of every connector, and the registry of them.
//
// It promises that a connector is described once: the form, the check of its
// inputs, the redaction of its secrets and its list of abilities follow from
// its Kind. A Source plans its reading as chunks that can be read in any order,
// by any process, as often as wanted, and gives the same rows each time.
//
// It refuses to write to a source, to keep rows, and to offer a kind that does
// not work end to end.
package source
