// Package folder is the embedded driver of objects: one folder per bucket, one
// plain file per object at the path its key says, nothing beside it. Engines and
// people read the files as they are; people may copy files in.
//
// What is kept: the content. Attributes a file has no place for (metadata, cache
// control, encodings) are refused rather than forgotten; the content type is
// derived from the name. The reserved folder ".b2brecs" holds writes in progress,
// intents, and the list of objects whose event was published.
//
// Writes: the content grows in the reserved folder of the same file system and
// is renamed into place, so a reader sees the old object or the new one. Around
// the rename stands an intent: written before it, removed after the event is in
// the bus. Open settles what a killed process left: an intent whose object is in
// place publishes its event, any other one is dropped with its temporary file.
// So an event is never lost and never early; it can come twice, with one id.
//
// Generations are the file's modification time in nanoseconds and its size. The
// driver sets that time itself, never the same twice in a process.
//
// Keys: 1 to 1024 bytes of UTF-8, parts of at most 255 bytes split by single
// slashes. "." and ".." parts, control characters, backslashes and the reserved
// name are refused, and no symbolic link leads out of the folder. A key cannot be
// both an object and the folder of others ("a" and "a/b").
//
// Concurrency: safe for any number of goroutines; the last of two concurrent
// writes of a key stays. Nothing is retried.
package folder
