// Package sqlite is the embedded driver of state: one SQLite file.
//
// What is kept: one row per document with its JSON as text, and a counter that
// gives every write of the store a version of its own. Queries read fields with
// SQLite's JSON functions; a field compared with == gets an index the first time.
//
// Concurrency: any number of readers, which never wait; transactions run one
// after the other, so a conflict inside the process cannot happen. A process
// that meets another one's write lock for longer than five seconds gets
// Unavailable, and the portable type tries again. The driver retries nothing.
//
// Durability: a committed transaction survives SIGKILL; see sqlitefile.
//
// Watch is in-process: it reports the writes made through this Driver.
//
// A transaction MUST NOT start another one: it would wait for itself.
package sqlite
