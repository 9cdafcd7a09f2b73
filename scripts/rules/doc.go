// Package rules holds the rules of the whole tree as tests: what may import what, what
// the deploy unit links, and what no file does.
package rules
