// Package unit serves functions as the Functions Framework starts them: requests, calls
// and pushed events on one bundle of Google Cloud's services.
//
// It promises that a start dials nothing: the platform is opened at the first
// request, once for all functions of the process, and an opening that failed is
// tried again at the next one. Deliveries of every shape are decoded by
// shared/events/cloudevent, so a function sees the message it sees embedded.
//
// What a delivery is answered:
//
//	handled, or kept as a dead letter   2xx
//	malformed, of another topic         400
//	a retryable error                   500
//	no platform                         503
//
// A final error, and the last of events.MaxAttempts, makes a dead letter with its
// reason. The broker repeats whatever is not 2xx; the dead-letter policy of the
// subscription ends what nobody could even keep.
//
// Each request and each delivery is one span (shared/telemetry), exported before the
// answer ends, for the CPU ends with it.
//
// It refuses to link the embedded drivers: a test reads the import graph of
// scripts/function, the main package of the deploy unit.
package unit
