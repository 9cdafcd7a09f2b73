// Package fault makes the product's drivers fail on purpose, in tests and nowhere
// else: a rule in scripts/rules keeps it out of every program.
//
// It promises one wrapper per driver interface, written by ./scripts/generate from the
// interface itself (see the folder generate), and four kinds of fault: an error before
// the effect, a delay, a reply that is lost after the effect, a call that is made
// twice. Which method takes which kind follows from its contract, in rules.go: only
// what a network, a broker that delivers at least once, or a client that repeats an
// unanswered call can do. The n-th call of a method has the same fault in every run
// with one seed, whatever runs beside it.
//
// It refuses what no driver may do: torn effects, wrong answers, codes other than
// Unavailable. What the drivers of the embedded platform use among themselves, files
// of one disk, is not wrapped.
package fault
