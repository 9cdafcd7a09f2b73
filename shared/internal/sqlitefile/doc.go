// Package sqlitefile opens the SQLite files of the embedded platform, one way
// for all drivers that keep their data in one.
//
// It promises: a committed write survives the death of the process at any
// moment; one writer at a time, readers never wait for it; schema steps run
// once, in order; SQLite's errors become problems.
//
// Durability: write-ahead log with synchronous=NORMAL. What is committed is in
// the operating system's hands, so SIGKILL loses nothing. A power cut may lose
// the commits of the last moments, always as a suffix, and never corrupts.
//
// It refuses files written by a newer schema, and files on which another
// process holds the write lock for longer than BusyTimeout.
package sqlitefile
