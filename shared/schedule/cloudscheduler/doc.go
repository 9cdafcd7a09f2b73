// Package cloudscheduler is the driver of schedules on Cloud Scheduler: one job for
// each schedule, with an HTTP target that is the schedule's function and an OIDC token
// of one service account.
//
// A job's name is the prefix and the schedule's id. Jobs without the prefix, such as
// those Terraform makes for the catalogue's crons, are never read, changed or listed;
// they MUST NOT be named so. Everything else is read back from the job: function and
// path from its address, so a job whose address was changed outside of the product is
// FailedPrecondition until the next Put. A schedule without a body is sent, and read
// back, with the body {}.
//
// Concurrency: everything is safe in any number of processes; of two concurrent Puts
// one wins, possibly with the other's Paused.
//
// Who retries: the client repeats what changes nothing when it is repeated, on
// UNAVAILABLE, within the caller's deadline. A firing is repeated by the service: after
// 30 s, 1, 2, 4 and 8 minutes, or until the next planned time, on any answer that is
// not 2xx. It knows no final failure.
//
// What is kept: Put leaves what is unchanged out of the update, so the times owed stay
// with an unchanged expression. A schedule that is made with Paused is enabled for the
// moment between two calls; a Put that fails there is to be repeated.
//
// Where the service tells less than package schedule: Next is computed by
// schedule.Times, and the service may fire otherwise in the hour of a change of clocks.
// Last is the newest planned time between the job's last change and its last attempt,
// when that attempt worked; the zero time when it did not, or after a change. LastError
// is the code of the last attempt, RunNow's included; the answer's text is not kept.
//
// The service sends the planned time in a header of its own; Planned gives functions
// the one of package schedule.
package cloudscheduler
