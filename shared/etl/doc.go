// Package etl is the domain of loads: connections, jobs, runs, chunks, and the
// rules between them.
//
// It promises that a run is planned once per epoch, that every chunk can be
// repeated and is read by one delivery at a time, that one commit makes all rows
// visible together with the watermark, and that a run is green only when what the
// source gave equals what was staged plus what was rejected, and what was staged
// equals what was committed.
//
// It refuses to guess: a value that does not fit its column is a rejected row
// with a reason, never a NULL or a zero.
package etl
