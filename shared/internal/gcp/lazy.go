package gcp

import (
	"context"
	"sync"
)

// Lazy is a value that is made at its first use. It is safe for concurrent use. Those
// who ask while it is being made wait for it, each until its own context ends.
// A failure is returned to them and not kept: the next use tries again.
type Lazy[T any] struct {
	make func(context.Context) (T, error)

	mu      sync.Mutex
	current *making[T] // nil before the first use
}

// making is one call of make; done is closed behind value and err.
type making[T any] struct {
	done  chan struct{}
	value T
	err   error
}

// NewLazy makes a Lazy. make gets a context that does not end with the call that
// happens to be the first.
func NewLazy[T any](make func(context.Context) (T, error)) *Lazy[T] { return &Lazy[T]{make: make} }

// Get gives the value. When ctx ends before it is there: Cancelled or Unavailable.
func (l *Lazy[T]) Get(ctx context.Context) (T, error) {
	l.mu.Lock()
	m := l.current
	if m == nil {
		m = &making[T]{done: make(chan struct{})}
		l.current = m
		go l.run(context.WithoutCancel(ctx), m)
	}
	l.mu.Unlock()
	select {
	case <-m.done:
		return m.value, m.err
	default:
	}
	select {
	case <-m.done:
		return m.value, m.err
	case <-ctx.Done():
		var zero T
		return zero, Problem(ctx, ctx.Err(), "connect to Google Cloud")
	}
}

func (l *Lazy[T]) run(ctx context.Context, m *making[T]) {
	m.value, m.err = l.make(ctx)
	if m.err != nil {
		l.mu.Lock()
		if l.current == m {
			l.current = nil
		}
		l.mu.Unlock()
	}
	close(m.done)
}

// Close closes the value if it was made. One that is still being made is closed when
// it is there, and nobody waits for that.
func (l *Lazy[T]) Close(closeValue func(T) error) error {
	l.mu.Lock()
	m := l.current
	l.current = nil
	l.mu.Unlock()
	if m == nil {
		return nil
	}
	select {
	case <-m.done:
		return m.close(closeValue)
	default:
	}
	go func() {
		<-m.done
		_ = m.close(closeValue) // its owner has left
	}()
	return nil
}

func (m *making[T]) close(closeValue func(T) error) error {
	if m.err != nil {
		return nil // there is nothing to close
	}
	return closeValue(m.value)
}
