// Package folder keeps a bucket's objects as plain files in a folder, so that
// people and engines can read them where they are.
//
// Concurrency: safe for any number of readers and writers of one process; the
// last completed write of a key wins. Retries: none. Kept: whole objects only; a
// write that does not end leaves nothing but a temporary file, removed at the
// next start.
//
// A finalize event is owed from the moment a note of it is written, just before
// the file takes its place; a crash in between is made good at the next start.
// Files that people copy into the folder by hand are noticed by WatchFolder.
package folder
