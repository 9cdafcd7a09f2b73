// Package b2brecs registers the whole catalogue with the Functions Framework: it
// is what a cloud deploys, once per function, with FUNCTION_TARGET naming the
// function an instance runs.
//
// It promises that a start dials nothing: the platform is opened at the first
// request, once for all functions of the process, and an opening that failed is
// tried again at the next one. Deliveries of every shape are decoded by
// shared/events/cloudevent, so a function sees the message it sees embedded.
//
// What a delivery is answered:
//
//	handled                                      2xx
//	malformed, of another topic, a final error   400
//	a retryable error                            500
//	no platform                                  503
//
// The broker repeats whatever is not 2xx; a dead-letter policy on the subscription
// ends the repetition. The status tells logs and alerts which of them it is.
//
// It refuses to link the embedded drivers: a test reads the import graph of
// scripts/function, the main package of the deploy unit.
package b2brecs
