// Package gcptest takes a real Google Cloud project into the tests of the drivers: which
// one, under which names, and how what they made goes away. Without one such a test is
// skipped, with the reason.
//
// It promises that every name begins with Prefix and the run, so that runs do not meet
// and what a killed one left can be found by name and age; that Cleanup says what it
// could not remove; and that with EmulatorsVar set the same tests run on fakes.
//
// It refuses to search for anything to delete: package verify does that, by Begun.
package gcptest
