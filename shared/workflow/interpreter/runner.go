package interpreter

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/b2brecs/b2brecs/shared/problem"
)

// runner drives one execution: it advances the machine, writes a checkpoint after
// every step, performs what threads wait for and gives them the outcome. Only its
// own goroutine touches the machine.
type runner struct {
	d      *Driver
	key    string // "<workflow>.<execution>"
	source string
	m      *machine
	ctx    context.Context
	stop   context.CancelFunc

	events  chan event
	wake    chan struct{}  // a callback was received
	started map[int64]bool // waits whose operation is under way, by step counter
	made    map[string]endpoint
}

// event is the outcome of an operation.
type event struct {
	n     int64 // step counter of the wait
	value any
	err   error
}

func (d *Driver) newRunner(key, id string, def *definition) *runner {
	r := &runner{d: d, key: key, source: def.hash, events: make(chan event), wake: make(chan struct{}, 1),
		started: map[int64]bool{}, made: map[string]endpoint{}}
	r.ctx, r.stop = context.WithCancel(d.ctx)
	env := map[string]string{
		"GOOGLE_CLOUD_WORKFLOW_ID":                def.name,
		"GOOGLE_CLOUD_WORKFLOW_REVISION_ID":       def.hash[:min(len(def.hash), 12)],
		"GOOGLE_CLOUD_WORKFLOW_EXECUTION_ID":      id,
		"GOOGLE_CLOUD_WORKFLOW_EXECUTION_ATTEMPT": "1",
	}
	r.m = &machine{def: def, st: &snapshot{}, log: d.opts.Log.With("execution", id),
		sys: sysInfo{now: d.opts.Clock.Now, getenv: func(name string) (string, bool) {
			if v, ok := env[name]; ok {
				return v, true
			}
			v, ok := d.opts.Env[name]
			return v, ok
		}},
		newEndpoint: func(method string) (string, string) {
			var b [16]byte
			_, _ = rand.Read(b[:]) // never fails
			ep := hex.EncodeToString(b[:])
			r.made[key+"."+ep] = endpoint{Execution: key, Method: method}
			return ep, d.opts.CallbackURL + "/" + key + "/" + ep
		},
	}
	return r
}

func (d *Driver) launch(r *runner) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || d.runners[r.key] != nil {
		r.stop()
		return
	}
	d.runners[r.key] = r
	d.wg.Go(func() {
		defer func() {
			r.stop()
			d.mu.Lock()
			delete(d.runners, r.key)
			d.mu.Unlock()
		}()
		if err := r.run(); err != nil && r.ctx.Err() == nil && !errors.Is(err, errEnded) {
			d.opts.Log.Error("workflow execution stands still", "execution", r.key, "error", err)
		}
	})
}

// run loops until the execution has ended or the runner is stopped.
func (r *runner) run() error {
	if r.m.done { // resumed only to be failed
		return r.save(nil)
	}
	for {
		moved := false
		for _, t := range r.m.runnable() {
			if r.m.done || t.Wait != nil || len(t.Frames) == 0 {
				continue // an earlier thread of this round changed it
			}
			r.guard(func() { r.m.advance(t) })
			moved = true
			if err := r.save(nil); err != nil || r.m.done {
				return err
			}
		}
		if err := r.startWaits(); err != nil || r.m.done {
			return err
		}
		if err := r.receive(moved || len(r.m.runnable()) > 0); err != nil || r.m.done {
			return err
		}
	}
}

// guard fails the execution when the machine breaks: a defect met by one definition
// must not end the process, which would meet it again at the next start.
func (r *runner) guard(move func()) {
	defer func() {
		if p := recover(); p != nil {
			r.d.opts.Log.Error("workflow machine broke", "execution", r.key, "panic", p, "stack", string(debug.Stack()))
			r.m.end(nil, raise(TagSystem, "the interpreter broke after %d steps", r.m.st.Steps))
		}
	}()
	move()
}

// receive takes one outcome; it waits for it unless threads can go on anyway.
func (r *runner) receive(busy bool) error {
	if busy {
		select {
		case e := <-r.events:
			return r.outcome(e)
		case <-r.wake:
			return r.deliver()
		case <-r.ctx.Done():
			return r.ctx.Err()
		default:
			return nil
		}
	}
	select {
	case e := <-r.events:
		return r.outcome(e)
	case <-r.wake:
		return r.deliver()
	case <-r.ctx.Done():
		return r.ctx.Err()
	}
}

// waiting gives the thread that waits with the given step counter.
func (r *runner) waiting(n int64) *thread {
	for _, t := range r.m.st.Threads {
		if t.Wait != nil && t.Wait.N == n && t.Wait.Kind != waitJoin {
			return t
		}
	}
	return nil
}

// outcome completes the wait an event belongs to.
func (r *runner) outcome(e event) error {
	t := r.waiting(e.n)
	if t == nil {
		return nil // a deadline that a callback was faster than
	}
	if t.Wait.Kind == waitCallback { // its deadline; a callback may have come with it
		if err := r.deliver(); err != nil || r.waiting(e.n) == nil {
			return err
		}
		e.err = raise(TagTimeout, "no callback was received in time")
	}
	delete(r.started, e.n)
	r.guard(func() { r.m.complete(t, e.value, e.err) })
	return r.save(nil)
}

// deliver gives received callbacks to the threads that await them.
func (r *runner) deliver() error {
	for {
		t, cb, err := r.nextCallback()
		if err != nil || t == nil {
			return err
		}
		cb.Consumed = true
		delete(r.started, t.Wait.N)
		r.m.complete(t, map[string]any{
			"http_request":  cb.Request.V,
			"received_time": cb.Received.UTC().Format(time.RFC3339Nano),
			"type":          "HTTP",
		}, nil)
		if err := r.save(cb); err != nil || r.m.done {
			return err
		}
	}
}

// nextCallback finds a thread that awaits and the oldest callback for it.
func (r *runner) nextCallback() (*thread, *callback, error) {
	for _, t := range r.m.st.Threads {
		if t.Wait == nil || t.Wait.Kind != waitCallback {
			continue
		}
		cbs, err := retried(r, func() ([]callback, error) { return r.d.store.received(r.ctx, r.key, t.Wait.Endpoint) })
		if err != nil {
			return nil, nil, err
		}
		for _, cb := range cbs {
			if !cb.Consumed {
				return t, &cb, nil
			}
		}
	}
	return nil, nil, nil
}

// startWaits begins the operations threads wait for and this process has not begun.
func (r *runner) startWaits() error {
	callbacks := false
	for _, t := range r.m.st.Threads {
		w := t.Wait
		if w == nil || w.Kind == waitJoin || r.started[w.N] {
			continue
		}
		r.started[w.N] = true
		callbacks = callbacks || w.Kind == waitCallback
		r.d.wg.Go(func() {
			e := event{n: w.N}
			if w.Kind == waitHTTP {
				e.value, e.err = r.d.do(r.ctx, w.Request, fmt.Sprintf("%s/%d", r.key, w.N))
			} else {
				e.err = r.d.opts.Clock.Sleep(r.ctx, w.Until)
			}
			if r.ctx.Err() != nil {
				return
			}
			select {
			case r.events <- e:
			case <-r.ctx.Done():
			}
		})
	}
	if callbacks {
		return r.deliver()
	}
	return nil
}

// save commits the step just made. It repeats while the store is unavailable.
func (r *runner) save(consumed *callback) error {
	c := change{machine: r.m, source: r.source, step: r.m.position(), endpoints: r.made, consumed: consumed, now: r.d.opts.Clock.Now()}
	if r.m.done {
		stale, err := retried(r, func() ([]string, error) { return r.d.store.stale(r.ctx, r.key, r.m.st) })
		if err != nil {
			return err
		}
		c.stale = stale
	}
	_, err := retried(r, func() (struct{}, error) { return struct{}{}, r.d.store.commit(r.ctx, r.key, c) })
	if problem.Is(err, problem.InvalidArgument) && !r.m.done { // the checkpoint is too large for a document
		r.m.end(nil, raise(TagResourceLimit, "the state of the execution is too large: %v", err))
		return r.save(nil)
	}
	clear(r.made)
	return err
}

// retried repeats an operation on the store until it works, fails for good, or the
// runner is stopped.
func retried[T any](r *runner, op func() (T, error)) (T, error) {
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		v, err := op()
		if err == nil || errors.Is(err, errEnded) || !problem.Retryable(err) || r.ctx.Err() != nil {
			return v, err
		}
		r.d.opts.Log.Warn("workflow state cannot be written; trying again", "execution", r.key, "error", err)
		select {
		case <-r.ctx.Done():
			return v, r.ctx.Err()
		case <-time.After(wait):
		}
	}
}
