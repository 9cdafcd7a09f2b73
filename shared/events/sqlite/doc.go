// Package sqlite is the embedded driver of events: a durable queue in one SQLite
// file and a dispatcher in the process that opened it.
//
// What is kept: every message for Retention, so that repeated ids are dropped
// and subscriptions made later get what came before; one row per subscription
// and message until it is acknowledged; dead letters until they are replayed.
//
// Concurrency: publishes, acknowledgements and retries of all goroutines share
// commits (one every time the disk is ready). A published message goes to its
// handlers in memory, without a read and without polling; the file is read only
// at the start, for retries, and when a backlog is larger than the memory window.
//
// Who retries: this driver, per message, with exponential jittered back-off, up
// to the subscription's MaxAttempts. Publish retries nothing.
//
// Death of the process: an unacknowledged message comes again at the next start.
// Such a delivery is counted before its handler runs, so a message that kills
// the process ends as a dead letter too.
//
// Messages with one ordering key are handled one at a time, in publish order; a
// message that waits for its retry does not hold up the ones after it.
//
// One process at a time: a second one would deliver everything twice.
package sqlite
