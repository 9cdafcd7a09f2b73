// Package pipelinetest is the conformance suite of pipeline drivers.
//
// A driver passes when Run passes. The suite needs a back end that runs the
// test components (package local's testdata/python), which do what the
// parameter "config" says: sleep, wait for a file, fail, report epochs.
package pipelinetest
