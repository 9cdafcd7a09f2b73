// Package verify runs the conformance suites of the Google Cloud drivers against a real
// project, or against fakes of it, and removes what they leave.
//
// It promises that nothing is removed whose name, or label where a name cannot tell, is
// not one that verification gave; that what it cannot list or remove is told; and that a
// suite that did not run never looks like one that passed.
//
// It refuses to decide what is checked: the suites do, in the tests of each driver
// (TestOnGoogleCloud, over package gcptest).
package verify
