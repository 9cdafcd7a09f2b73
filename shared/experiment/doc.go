// Package experiment runs one feature config and one model config on a dataset
// and keeps what came out.
//
// It promises that a run is pinned (every config is copied into it), that its
// number is unique within the project, that its document moves only forward
// (events that repeat, come late or out of order change nothing), that no metric
// is shown without the protocol it was measured by, and that a failure says
// what to do.
//
// The document's changes are functions in transitions.go; the Service stores
// them. It refuses to edit a run: a change of mind is another run.
package experiment
