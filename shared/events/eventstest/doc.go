// Package eventstest is the conformance suite of event drivers. A driver is one
// when Run, and Restart where the queue outlives its process, pass unchanged.
//
// It asks for at-least-once delivery, so its handlers count with sets; it asks
// for no order besides that of ordering keys. Back-off between attempts may take
// up to a second in the first rounds.
package eventstest
