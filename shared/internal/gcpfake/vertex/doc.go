// Package vertex is a fake of Vertex AI Pipelines and of the part of Cloud Logging
// that shows what its tasks print: gRPC on loopback, with the official protos. Jobs
// are really executed, by a runner of the caller's, e.g. package pipeline/local.
//
// It promises the documented names, states and errors: a job's id is taken once, an
// ended job cannot be cancelled, a failed container is told by its exit status and its
// reason stands in the log alone, tasks that never began are cancelled with their job,
// and the graph itself is among the task details.
//
// It is stricter than the service: output-only and unknown fields, fields of a spec
// that older services do not know, run folders that are not mounted, service accounts
// that are not named, and log filters of another form than the product's are
// InvalidArgument or PermissionDenied.
//
// Every transition makes an entry of the log pipeline_job_events, in the form a log
// sink publishes it. Its payload is one sentence; the service's own says more, and has
// no documented form.
//
// It has no cache, no retries of tasks, no list of jobs, and forgets its jobs when the
// process ends. Ids are as long as the runner takes them. A component that leaves no output fails, as the runner decides it.
package vertex
