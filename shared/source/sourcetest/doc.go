// Package sourcetest is the suite every connector passes, and the sink that
// tests of connectors collect rows with.
package sourcetest
