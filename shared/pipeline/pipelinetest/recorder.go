package pipelinetest

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/pipeline"
)

// Recorder keeps the events of all jobs, each once.
type Recorder struct {
	mu       sync.Mutex
	seen     map[string]bool
	states   map[string][]pipeline.StateChanged
	progress map[string][]pipeline.Progress
	grew     chan struct{}
	patience time.Duration
}

// Record subscribes a recorder under a name.
func Record(t testing.TB, bus *events.Bus, name string) *Recorder {
	t.Helper()
	r := &Recorder{
		seen: map[string]bool{}, states: map[string][]pipeline.StateChanged{},
		progress: map[string][]pipeline.Progress{}, grew: make(chan struct{}), patience: time.Minute,
	}
	for _, err := range []error{
		bus.Subscribe(events.Subscription{Name: name + "-states", Topic: pipeline.TopicStateChanged.Name, Handler: func(_ context.Context, m events.Message) error {
			e, err := events.Decode(pipeline.TopicStateChanged, m)
			if err == nil {
				r.add(m.ID, func() { r.states[e.Job] = append(r.states[e.Job], e) })
			}
			return err
		}}),
		bus.Subscribe(events.Subscription{Name: name + "-progress", Topic: pipeline.TopicProgress.Name, Handler: func(_ context.Context, m events.Message) error {
			e, err := events.Decode(pipeline.TopicProgress, m)
			if err == nil {
				r.add(m.ID, func() { r.progress[e.Job] = append(r.progress[e.Job], e) })
			}
			return err
		}}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func (r *Recorder) add(id string, fn func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen[id] {
		return
	}
	r.seen[id] = true
	fn()
	close(r.grew)
	r.grew = make(chan struct{})
}

// States gives a job's transitions by sequence number.
func (r *Recorder) States(job string) []pipeline.StateChanged {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := slices.Clone(r.states[job])
	slices.SortFunc(out, func(a, b pipeline.StateChanged) int { return int(a.Seq - b.Seq) })
	return out
}

// Progress gives what a job's tasks reported, in order of arrival.
func (r *Recorder) Progress(job string) []pipeline.Progress {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.progress[job])
}

// Wait waits until ok holds, looking again after every event.
func (r *Recorder) Wait(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(r.patience)
	for {
		r.mu.Lock()
		grew := r.grew
		r.mu.Unlock()
		if ok() {
			return
		}
		select {
		case <-grew:
		case <-deadline:
			t.Fatalf("no %s within %s", what, r.patience)
		}
	}
}

// Ended waits for a job's last event and gives all of them.
func (r *Recorder) Ended(t testing.TB, job string) []pipeline.StateChanged {
	t.Helper()
	r.Wait(t, "end of job "+job, func() bool { return r.has(job, "", pipeline.State.Ended) })
	return r.States(job)
}

// Reached waits until a task has the state.
func (r *Recorder) Reached(t testing.TB, job, task string, s pipeline.State) {
	t.Helper()
	r.Wait(t, string(s)+" of "+task, func() bool {
		return r.has(job, task, func(got pipeline.State) bool { return got == s })
	})
}

func (r *Recorder) has(job, task string, ok func(pipeline.State) bool) bool {
	return slices.ContainsFunc(r.States(job), func(e pipeline.StateChanged) bool { return e.Task == task && ok(e.State) })
}
