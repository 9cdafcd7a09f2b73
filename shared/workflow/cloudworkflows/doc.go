// Package cloudworkflows is the driver of workflows on Cloud Workflows. Terraform
// deploys the files of workflows-yaml, each under its own name; this driver starts,
// reads and cancels their executions.
//
// The service names executions itself, so an id of ours stands for an execution by a
// document of state, workflow_starts/<workflow>.<id>, and by the label b2brecs-id:
//
//  1. Start claims the id in a transaction: it creates the document, or takes it over
//     when a former claim has run out. Others wait for the claim's end.
//  2. A claim that is not the first looks for an execution with the label: a former one
//     may have made it and died, or lost the reply. So does one that got no clear
//     answer, before it creates again.
//  3. It creates the execution, with the label.
//  4. A second transaction writes the execution's name, unless there is one already.
//     The written one counts.
//
// So at most one execution counts, always. A second one can run beside it when a reply
// was lost and the list did not show the execution yet, or when a claim ran out before
// its owner was through. The product's functions tolerate it, since they are idempotent
// by run: plan-run plans once and keeps the first callback, submit-pipeline submits once
// and keeps the last; the execution that is called back finishes the run, whether it
// counts or not. The other one waits in vain until its timeout; commit-run and
// submit-pipeline then leave the run, which has ended, as it is. For the same reason it
// is not cancelled by this driver: its callback may be the one that is kept. Cancel,
// which ends the run, ends every execution with the label.
//
// Concurrency: everything is safe in any number of processes.
//
// Who retries: the client repeats what changes nothing when it is repeated, on
// UNAVAILABLE; Start creates up to three times as above. Both end with the caller's
// context.
//
// What is kept: the documents, for good. The service forgets an execution some time
// after its end (https://cloud.google.com/workflows/quotas): then Get is NotFound, and
// Start FailedPrecondition, since the id has been used.
//
// Transport gives callbacks the OAuth access token the service asks for.
package cloudworkflows
