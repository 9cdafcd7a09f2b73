// Package secretmanager is the Google Cloud driver of secrets: one secret of Secret
// Manager per id, whose alias "live" names the version that Get reads.
//
// The life of a Put: add a version, move the alias to it, destroy the versions below
// it. The alias moves under the secret's etag, and only forward. So what is live is
// said in one place, and never by accident: a version whose reply was lost, or that
// arrives after its caller gave up and a newer one is live, is not named, hence not
// read, and the next Put destroys it. Get is one call to a quota of its own
// (https://cloud.google.com/secret-manager/quotas: 90,000 accesses a minute against
// 600 of any other kind).
//
// Old versions are destroyed, not disabled: a disabled one can be read again by
// whoever may enable it, and is paid for.
//
// Payloads carry a CRC32C both ways. An empty payload, which the service refuses, is
// kept as a value of its own. No payload is in an error: what the service says about
// a refused version is replaced by its code. None is in a log either: the client's
// debug log, which prints requests, stays off whatever the environment asks.
//
// Concurrency: safe; of two writers of one id the later version stays. Calls are
// repeated while the service is away or asks to wait, until the caller's context
// ends, or for a minute. New dials nothing.
//
// Consistency is the service's (https://cloud.google.com/secret-manager/docs/reference/consistency):
// for some minutes after a Put, Get may resolve the alias to the version before. That
// one is destroyed, so Get says Unavailable and never gives the old payload.
//
// It refuses versions made by hand: they are not live until the alias says so.
package secretmanager
