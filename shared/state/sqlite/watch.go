package sqlite

import (
	"context"
	"strings"
	"sync"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
)

// watches fans committed writes out. Its lock is held for map work only, so a
// slow reader never delays a commit.
type watches struct {
	mu     sync.Mutex
	all    map[*watch]bool
	closed bool
}

// watch is one reader: the latest change of each document it has not taken yet,
// in the order of their first mention.
type watch struct {
	prefix string
	mu     sync.Mutex
	latest map[string]state.Change
	order  []string
	wake   chan struct{} // one slot
	closed chan struct{}
}

// Watch implements state.Driver. Memory is bounded by the documents that changed
// and were not read: a newer version replaces the waiting one.
func (d *Driver) Watch(ctx context.Context, prefix string) (<-chan state.Change, error) {
	w := &watch{prefix: prefix, latest: map[string]state.Change{}, wake: make(chan struct{}, 1), closed: make(chan struct{})}
	d.watches.mu.Lock()
	defer d.watches.mu.Unlock()
	if d.watches.closed {
		return nil, problem.New(problem.Unavailable, "the store is closed")
	}
	d.watches.all[w] = true
	out := make(chan state.Change)
	go func() {
		defer close(out)
		defer d.watches.remove(w)
		w.run(ctx, out)
	}()
	return out, nil
}

func (w *watch) run(ctx context.Context, out chan<- state.Change) {
	for {
		c, ok := w.take()
		if !ok {
			select {
			case <-w.wake:
				continue
			case <-ctx.Done():
			case <-w.closed:
			}
			return
		}
		select {
		case out <- c:
		case <-ctx.Done():
			return
		case <-w.closed:
			return
		}
	}
}

func (w *watch) take() (state.Change, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.order) == 0 {
		return state.Change{}, false
	}
	k := w.order[0]
	w.order = w.order[1:]
	c := w.latest[k]
	delete(w.latest, k)
	return c, true
}

func (w *watch) put(c state.Change) {
	k := c.Collection + "/" + c.ID
	w.mu.Lock()
	if _, waiting := w.latest[k]; !waiting {
		w.order = append(w.order, k)
	}
	w.latest[k] = c
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// publish is called in commit order.
func (ws *watches) publish(changes []state.Change) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for w := range ws.all {
		for _, c := range changes {
			if strings.HasPrefix(c.Collection, w.prefix) {
				w.put(c)
			}
		}
	}
}

func (ws *watches) remove(w *watch) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	delete(ws.all, w)
}

func (ws *watches) close() {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.closed {
		return
	}
	ws.closed = true
	for w := range ws.all {
		close(w.closed)
	}
}
