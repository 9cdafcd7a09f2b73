// Package workflowtest proves a workflow driver: the conformance cases under
// testdata/cases, and the rules of Start, Get and Cancel.
//
// A case is a folder with a definition, workflow.yaml, and case.yaml, which names the
// argument, a real HTTP server's answers, and the expected result or error and calls,
// or what is refused where. A driver that passes runs files the documented way;
// nothing in here knows how it does so.
package workflowtest
