package gcp

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/b2brecs/b2brecs/shared/problem"
)

func TestLazy(t *testing.T) {
	calls := 0
	l := NewLazy(func(context.Context) (int, error) {
		if calls++; calls == 1 {
			return 0, errors.New("no network yet")
		}
		return calls, nil
	})
	if err := l.Close(func(int) error { return errors.New("closed what was never made") }); err != nil {
		t.Error(err)
	}
	if _, err := l.Get(t.Context()); err == nil || calls != 1 {
		t.Error("the failure is hidden")
	}
	for range 2 {
		if v, err := l.Get(t.Context()); v != 2 || err != nil {
			t.Errorf("%d %v", v, err)
		}
	}
	closed := 0
	if err := l.Close(func(v int) error { closed = v; return nil }); err != nil || closed != 2 {
		t.Error(closed, err)
	}
}

// A client that hangs while it is made keeps nobody longer than they want to wait, is
// made once, and serves those who stayed.
func TestLazyThatHangs(t *testing.T) {
	var calls atomic.Int32
	release := make(chan struct{})
	l := NewLazy(func(ctx context.Context) (int32, error) {
		<-release
		return calls.Add(1), ctx.Err()
	})
	leaves, cancel := context.WithCancel(t.Context())
	got := make(chan error)
	go func() { _, err := l.Get(leaves); got <- err }()
	short, end := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer end()
	if _, err := l.Get(short); !problem.Is(err, problem.Unavailable) {
		t.Errorf("a deadline: %v", err)
	}
	cancel()
	if err := <-got; !problem.Is(err, problem.Cancelled) {
		t.Errorf("a caller who left: %v", err)
	}
	type answer struct {
		v   int32
		err error
	}
	stays := make(chan answer)
	go func() { v, err := l.Get(t.Context()); stays <- answer{v, err} }()
	close(release)
	if a := <-stays; a.v != 1 || a.err != nil {
		t.Errorf("%d, %v", a.v, a.err)
	}
	if v, err := l.Get(leaves); v != 1 || err != nil {
		t.Errorf("what is there is given at once: %d, %v", v, err)
	}
}

func TestLazyClosedWhileItIsMade(t *testing.T) {
	release, closed := make(chan struct{}), make(chan int)
	l := NewLazy(func(context.Context) (int, error) { <-release; return 7, nil })
	short, end := context.WithTimeout(t.Context(), time.Millisecond)
	defer end()
	if _, err := l.Get(short); err == nil {
		t.Fatal("it is made already")
	}
	if err := l.Close(func(v int) error { closed <- v; return nil }); err != nil {
		t.Error(err)
	}
	close(release)
	select {
	case v := <-closed:
		if v != 7 {
			t.Error(v)
		}
	case <-time.After(10 * time.Second):
		t.Error("the client stays open")
	}
}
