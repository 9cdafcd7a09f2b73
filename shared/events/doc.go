// Package events carries the product's events between functions.
//
// It promises at-least-once delivery of JSON payloads as CloudEvents, retry
// with back-off, dead letters with a reason, and replay. The trace of who publishes goes
// on in who handles. Messages with one
// ordering key arrive in order unless one is being retried.
//
// It refuses exactly-once and payloads that hold rows: events carry ids.
package events
