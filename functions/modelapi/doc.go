// Package modelapi is the HTTP function of feature configs, model configs and
// generated code.
//
// It promises that nothing is stored which could not be generated: every write is
// checked against the pinned dataset version, and all findings come at once.
//
// It refuses to delete a config that an experiment pins.
package modelapi
