// Package embedded builds the platform on one machine: a data folder, one
// process, no account, no network.
//
// It promises that everything acknowledged survives kill -9, that only one
// process uses a data folder at a time, and that the server listens on loopback
// unless told otherwise.
//
// It refuses to start where it cannot keep those promises, and says the remedy.
package embedded
