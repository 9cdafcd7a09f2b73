//go:build unix

package local

import (
	"sync"
	"time"
)

// workers keeps the warm processes. A worker belongs to one job at a time.
type workers struct {
	spawn *spawner
	opts  Options

	mu     sync.Mutex
	free   []*worker
	closed bool
}

func newWorkers(s *spawner, o Options) *workers { return &workers{spawn: s, opts: o} }

// take gives a worker for one job; it starts its process at the first call.
func (ws *workers) take() *worker {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if n := len(ws.free); n > 0 {
		w := ws.free[n-1]
		ws.free = ws.free[:n-1]
		w.idle.Stop()
		return w
	}
	return &worker{spawn: ws.spawn, opts: ws.opts}
}

// give takes a worker back after a job and ends its process when it has served
// enough, or nothing comes for a while.
func (ws *workers) give(w *worker) {
	w.jobs++
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.closed || w.jobs >= ws.opts.JobsPerWorker || w.proc == nil || len(ws.free) >= ws.opts.MaxJobs {
		w.kill()
		return
	}
	ws.keep(w)
}

// keep puts a worker with a process on the free list. ws.mu is held.
func (ws *workers) keep(w *worker) {
	ws.free = append(ws.free, w)
	w.idle = time.AfterFunc(ws.opts.IdleTimeout, func() {
		ws.mu.Lock()
		defer ws.mu.Unlock()
		for i, other := range ws.free {
			if other == w {
				ws.free = append(ws.free[:i], ws.free[i+1:]...)
				w.kill()
				return
			}
		}
	})
}

// prewarm starts a process if no worker waits. A failure shows at the first task.
func (ws *workers) prewarm() {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.closed || len(ws.free) > 0 {
		return
	}
	w := &worker{spawn: ws.spawn, opts: ws.opts}
	if w.ensure() == nil {
		ws.keep(w)
	}
}

func (ws *workers) close() {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.closed = true
	for _, w := range ws.free {
		w.idle.Stop()
		w.kill()
	}
	ws.free = nil
}
