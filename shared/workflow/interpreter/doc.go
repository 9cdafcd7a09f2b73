// Package interpreter is the embedded workflow driver: it runs Google Cloud
// Workflows files as they are, durably.
//
// It promises:
//   - the documented language: steps, assign, switch, for, parallel, call, try,
//     retry, except, raise, subworkflows, next, return, expressions and the
//     standard library, with the documented types and error tags
//     (https://cloud.google.com/workflows/docs/reference/syntax);
//   - a checkpoint after every step. A process that dies at any moment goes on at
//     the step it had reached. A blocking call is written down before it is made;
//     when it was in flight at the crash, it is made again with the same
//     X-B2brecs-Step header, and a sleep ends at the moment first computed;
//   - callbacks that are queued durably: a callback received before its await, or
//     while the process is restarting, is delivered by the await;
//   - an execution runs the source it was started with, also after the file changes.
//
// It refuses, when the file is loaded and with line and column: syntax it does not
// run, unknown functions and variables, wrong argument names, connectors
// (googleapis.*), experimental.* and OAuth2. It refuses jumps, returns and breaks
// that leave a parallel branch.
//
// Values are immutable: assigning a list or a map copies it. Functions with effects
// (http, sys.sleep, sys.log, events) are call steps, never part of an expression.
package interpreter
