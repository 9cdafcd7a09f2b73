// Package gcp is what the Google Cloud drivers share: where an installation lives,
// clients that are made at their first use, and one mapping of the clients' errors
// to problem codes.
//
// It promises that making a Lazy dials nothing, that a failure to make a client is
// not kept, and that no error of a client reaches a caller without a code.
//
// It refuses retries of its own: the official clients retry what their services
// document as safe, within the deadline of the caller's context.
package gcp
