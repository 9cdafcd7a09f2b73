// Package workflow runs the definitions in workflows-yaml, which are Google
// Cloud Workflows files used as they are on every platform.
//
// It promises idempotent start by execution id, cancellation, callbacks over
// HTTP, and executions that survive the death of the process at any step.
//
// It refuses syntax it does not run: at load, with the line.
package workflow
