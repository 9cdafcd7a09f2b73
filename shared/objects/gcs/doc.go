// Package gcs is the Google Cloud driver of objects: a Cloud Storage bucket behind
// gocloud.dev's driver interface, over the official client.
//
// It promises whole objects (an upload is visible when it is complete, and then as
// a whole), a generation per write, and gs:// addresses. Finalize events are not
// its work: the service announces every finalized object, whoever wrote it, and
// shared/events/cloudevent decodes the announcement. So no crash loses one.
//
// A repetition is safe: the client repeats every call that may pass, overwrites
// included, until the caller's context ends. A write whose reply was lost can make
// a second generation of the same content and a second event. A conditional write
// whose reply was lost can find its own object and say FailedPrecondition: re-read.
// A deletion whose reply was lost is a deletion.
//
// gocloud.dev's own driver is not used. It tells a forbidden object as an absent
// one, which here would mean "not done yet"; it writes some keys under other names;
// it fails on a range that starts at the object's end; and it wants its client at once.
//
// Keys are what Cloud Storage takes (https://cloud.google.com/storage/docs/objects#naming).
// Content is read as it is stored: a gzip encoding is not undone on the way.
//
// Concurrency: safe for any number of goroutines. New dials nothing. The bucket
// MUST exist; a missing one is FailedPrecondition where the service tells it apart.
package gcs
