// Package cron is the embedded driver of schedules: an in-process clock over
// documents in state.
//
// Concurrency: schedules fire independently of one another; one schedule fires
// one planned time at a time. One process fires: a second one on the same state
// would fire everything twice.
//
// Who retries: this driver. A firing that fails for a passing reason is tried
// again after 1 s, 2 s, … up to a minute, until it works or the next planned time
// comes; a final failure is not tried again. The newest failure can be read.
//
// What is kept: the schedules, the planned time up to which nothing is owed, the
// last one that ran. A firing that worked is written down after it, so a process
// killed between the two fires the same planned time again; fire MUST be
// idempotent for the pair of schedule and time. After a stop, a suspended machine
// or a changed system clock the newest missed time fires, once.
package cron
