// Package lifetime gives work that outlives the call which started it a context
// of its own: the time from a driver's Open to its Close. It promises that the
// context ends at End and carries no values. It refuses deadlines.
package lifetime

import (
	"context"
	"sync"
	"time"
)

// Lifetime is a context that ends when End is called. Use New.
type Lifetime struct {
	done chan struct{}
	once sync.Once
}

// New begins a lifetime.
func New() *Lifetime { return &Lifetime{done: make(chan struct{})} }

// End ends it; again is not an error.
func (l *Lifetime) End() { l.once.Do(func() { close(l.done) }) }

// Deadline implements context.Context: there is none.
func (l *Lifetime) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done implements context.Context.
func (l *Lifetime) Done() <-chan struct{} { return l.done }

// Err implements context.Context.
func (l *Lifetime) Err() error {
	select {
	case <-l.done:
		return context.Canceled
	default:
		return nil
	}
}

// Value implements context.Context: there are none.
func (l *Lifetime) Value(any) any { return nil }
