// Package scheduler is a fake of Cloud Scheduler: gRPC on loopback, with the official
// protos, that really fires. A job's times are those of schedule.Times; its target gets
// a real HTTP request with the documented headers and an OIDC token of the caller's.
//
// It promises the documented states and limits, retries by the job's retry_config, no
// two planned firings of a job at a time, and the newest one of the times missed.
//
// It is stricter than the service: targets other than HTTP, output-only fields, unknown
// fields, headers that the service would replace, and an update without a mask are
// InvalidArgument. An update that names schedule or time_zone forgets what is owed.
//
// Jobs live in memory and end with the process.
package scheduler
