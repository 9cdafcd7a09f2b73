// Package interpreter is the embedded workflow driver: it runs Google Cloud
// Workflows files as they are, durably.
//
// It promises:
//   - the documented language: steps, assign, switch, for, parallel, call, try,
//     retry, except, raise, subworkflows, next, return, expressions and the
//     standard library, with the documented types and error tags
//     (https://cloud.google.com/workflows/docs/reference/syntax);
//   - a checkpoint after every step. A process that dies at any moment goes on at
//     the step it had reached;
//   - callbacks that are queued durably: one received before its await, or just
//     before a restart, is delivered by the await;
//   - an execution runs the source it was started with, also after the file changes.
//
// It refuses, when the file is loaded and with line and column: syntax it does not
// run, unknown functions and variables, wrong argument names, connectors
// (googleapis.*), experimental.* and OAuth2; jumps, returns and breaks that leave a
// parallel branch; writes to variables of the parent that are not shared.
//
// The life of an execution:
//
//  1. Start writes workflow_executions/<workflow>.<id> and its first checkpoint in
//     one transaction, and a runner begins.
//  2. The machine makes one step: it changes the snapshot (stacks of frames with
//     their variables, one stack for main and one for each parallel branch) and
//     never blocks. The runner commits the snapshot.
//  3. A step that blocks (http, sys.sleep, events.await_callback, a retry's delay)
//     leaves a wait in the snapshot: the whole request, or the moment to wake. It is
//     committed before the operation begins, and the outcome with the next commit. A
//     request in flight at a crash is made again with the same StepHeader.
//  4. ServeCallback commits what it receives before it answers; the runner takes it
//     in the transaction that completes the await.
//  5. The last commit writes result or error and deletes what only an active
//     execution needs. Resume starts a runner for every execution still active.
//
// Values are immutable: assigning a list or a map copies it. Functions with effects
// are call steps, never part of an expression.
package interpreter
