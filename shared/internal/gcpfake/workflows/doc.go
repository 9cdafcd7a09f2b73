// Package workflows is a fake of Cloud Workflows' Executions service: gRPC on
// loopback, with the official protos, that really executes definitions by an
// interpreter of the caller's.
//
// It promises names made by the server, the documented states, views, labels, paging
// and limits, callbacks over HTTP that can ask for a token, and executions that
// survive a restart on the same state.
//
// It is stricter than the service: output-only fields in a request, unknown fields,
// filters other than one label and any order_by are InvalidArgument. Deploying is done
// by Open: what the interpreter refuses, Start refuses.
//
// It has no revisions, no step history, no call logs, no quota of concurrent
// executions (and so no backlog), and forgets nothing after 90 days. The payload of an
// error is what the interpreter keeps of it: the whole payload up to 4 KiB without
// HTTP headers, and of an answer with a problem document its members alone.
package workflows
