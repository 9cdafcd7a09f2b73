package pipelinetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/pipeline/kfp"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
)

// Setup is a driver under test. Several checks share one setup.
type Setup struct {
	Runner *pipeline.Runner
	Events *events.Bus
	// Root gives the URI of an empty run folder.
	Root func(t testing.TB) string
	// Patience is how long a job's next step may take; 0 means a minute.
	Patience time.Duration
}

type suite struct {
	Setup
	rec *Recorder
}

// Run checks a driver.
func Run(t *testing.T, open func(t *testing.T) Setup) {
	s := suite{Setup: open(t)}
	s.rec = Record(t, s.Events, "conformance")
	if s.Patience > 0 {
		s.rec.patience = s.Patience
	}
	for _, c := range []struct {
		name string
		fn   func(*testing.T, suite)
	}{
		{"Success", success},
		{"DuplicateSubmit", duplicateSubmit},
		{"Failure", failure},
		{"Crash", crash},
		{"NoOutput", noOutput},
		{"Cancel", cancel},
		{"CancelQueued", cancelQueued},
		{"Progress", progress},
		{"Logs", logs},
		{"Refusals", refusals},
	} {
		t.Run(c.name, func(t *testing.T) { c.fn(t, s) })
	}
}

func (s suite) submit(t *testing.T, behave map[string]Behave) string {
	t.Helper()
	id := "job-" + state.NewID()
	job, err := s.Runner.Submit(t.Context(), id, Spec(t, s.Root(t), behave), map[string]string{"experiment": id})
	if err != nil {
		t.Fatal(err)
	}
	if job.ID != id || job.State.Ended() || len(job.Tasks) != len(kfp.Tasks) {
		t.Fatalf("submitted job = %+v", job)
	}
	return id
}

func (s suite) job(t *testing.T, id string) pipeline.Job {
	t.Helper()
	job, err := s.Runner.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return job
}

// path writes transitions as "task STATE", the job's own without a task.
func path(es []pipeline.StateChanged) []string {
	out := []string{}
	for _, e := range es {
		out = append(out, strings.TrimSpace(e.Task+" "+string(e.State)))
	}
	return out
}

// straight is the path of a job up to a task's start; the rest is up to the caller.
func straight(upTo string, rest ...string) []string {
	out := []string{"RUNNING"}
	for _, task := range kfp.Tasks {
		out = append(out, task+" RUNNING")
		if task == upTo {
			break
		}
		out = append(out, task+" SUCCEEDED")
	}
	return append(out, rest...)
}

func success(t *testing.T, s suite) {
	id := s.submit(t, nil)
	es := s.rec.Ended(t, id)
	if d := cmp.Diff(straight("", "SUCCEEDED"), path(es)); d != "" {
		t.Error(d)
	}
	for i, e := range es {
		if e.Labels["experiment"] != id {
			t.Errorf("event %s carries labels %v", path(es[i : i+1])[0], e.Labels)
		}
		if i > 0 && (e.Seq <= es[i-1].Seq || e.Time.Before(es[i-1].Time)) {
			t.Errorf("event %d: seq %d at %s does not follow seq %d at %s", i, e.Seq, e.Time, es[i-1].Seq, es[i-1].Time)
		}
	}
	job := s.job(t, id)
	if job.State != pipeline.Succeeded || job.Error != nil || job.Ended.Before(job.Started) || job.Started.IsZero() {
		t.Errorf("job = %+v", job)
	}
	for _, task := range job.Tasks {
		if task.State != pipeline.Succeeded || task.Started.IsZero() || task.Ended.Before(task.Started) {
			t.Errorf("task = %+v", task)
		}
	}
}

func duplicateSubmit(t *testing.T, s suite) {
	id, root := "job-"+state.NewID(), s.Root(t)
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if _, err := s.Runner.Submit(t.Context(), id, Spec(t, root, nil), nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if d := cmp.Diff(straight("", "SUCCEEDED"), path(s.rec.Ended(t, id))); d != "" {
		t.Error(d)
	}
	job, err := s.Runner.Submit(t.Context(), id, Spec(t, s.Root(t), nil), nil)
	if err != nil || job.State != pipeline.Succeeded {
		t.Errorf("a submit after the end gives %s, %v; want the first job", job.State, err)
	}
}

func failure(t *testing.T, s suite) {
	id := s.submit(t, map[string]Behave{"transform": {Raise: "column 'Ärger' not found"}})
	es := s.rec.Ended(t, id)
	if d := cmp.Diff(straight("transform", "transform FAILED", "FAILED"), path(es)); d != "" {
		t.Error(d)
	}
	job := s.job(t, id)
	i := slices.Index(kfp.Tasks, "transform")
	for what, e := range map[string]*problem.Error{"event": es[len(es)-1].Error, "job": job.Error, "task": job.Tasks[i].Error} {
		if e == nil || e.Step != "transform" || !strings.Contains(e.Cause, "ValueError: column 'Ärger' not found") {
			t.Errorf("error of the %s = %+v", what, e)
		}
	}
	if got := job.Tasks[i+1].State; got != pipeline.Pending {
		t.Errorf("the task after the failed one is %s", got)
	}
	lines, err := s.Runner.Logs(t.Context(), id, "transform", 100)
	if text := strings.Join(lines, "\n"); err != nil || !strings.Contains(text, "Traceback") || !strings.Contains(text, "ValueError") {
		t.Errorf("the log lacks the traceback (%v):\n%s", err, text)
	}
}

func crash(t *testing.T, s suite) {
	id := s.submit(t, map[string]Behave{"schema": {Exit: 3}})
	if d := cmp.Diff(straight("schema", "schema FAILED", "FAILED"), path(s.rec.Ended(t, id))); d != "" {
		t.Error(d)
	}
	if e := s.job(t, id).Error; e == nil || !strings.Contains(e.Error(), "exit status 3") {
		t.Errorf("error = %+v", e)
	}
	after := s.submit(t, nil)
	if es := s.rec.Ended(t, after); es[len(es)-1].State != pipeline.Succeeded {
		t.Errorf("the job after a crash ended with %v", path(es))
	}
}

func noOutput(t *testing.T, s suite) {
	id := s.submit(t, map[string]Behave{"examples": {Silent: true}})
	if d := cmp.Diff(straight("examples", "examples FAILED", "FAILED"), path(s.rec.Ended(t, id))); d != "" {
		t.Error(d)
	}
}

func cancel(t *testing.T, s suite) {
	id := s.submit(t, map[string]Behave{"trainer": {Sleep: 600}})
	s.rec.Reached(t, id, "trainer", pipeline.Running)
	for range 2 {
		if err := s.Runner.Cancel(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff(straight("trainer", "trainer CANCELLED", "CANCELLED"), path(s.rec.Ended(t, id))); d != "" {
		t.Error(d)
	}
	if err := s.Runner.Cancel(t.Context(), id); err != nil {
		t.Errorf("cancelling an ended job: %v", err)
	}
	after := s.submit(t, nil)
	if es := s.rec.Ended(t, after); es[len(es)-1].State != pipeline.Succeeded {
		t.Errorf("the job after a cancelled one ended with %v", path(es))
	}
	if err := s.Runner.Cancel(t.Context(), after); err != nil || s.job(t, after).State != pipeline.Succeeded {
		t.Errorf("cancelling a job that succeeded: %v, %s", err, s.job(t, after).State)
	}
}

func cancelQueued(t *testing.T, s suite) {
	id := s.submit(t, map[string]Behave{"examples": {Sleep: 600}})
	if err := s.Runner.Cancel(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	es := s.rec.Ended(t, id)
	if es[len(es)-1].State != pipeline.Cancelled || s.job(t, id).State != pipeline.Cancelled {
		t.Errorf("events = %v", path(es))
	}
}

func progress(t *testing.T, s suite) {
	id := s.submit(t, map[string]Behave{"trainer": {Epochs: 3}})
	s.rec.Ended(t, id)
	s.rec.Wait(t, "progress of three epochs", func() bool { return len(s.rec.Progress(id)) == 3 })
	var got []string
	for _, p := range s.rec.Progress(id) {
		got = append(got, fmt.Sprint(p.Task, p.Values["epoch"], p.Values["epochs"], p.Labels["experiment"] == id))
	}
	slices.Sort(got)
	if d := cmp.Diff([]string{"trainer1 3 true", "trainer2 3 true", "trainer3 3 true"}, got); d != "" {
		t.Error(d)
	}
}

func logs(t *testing.T, s suite) {
	id := s.submit(t, nil)
	s.rec.Ended(t, id)
	// A component's streams reach the log on their own: give the last line a moment.
	var text string
	for range 200 {
		time.Sleep(s.rec.patience / 1000)
		lines, err := s.Runner.Logs(t.Context(), id, "schema", 100)
		if err != nil {
			t.Fatal(err)
		}
		if text = strings.Join(lines, "\n"); strings.Contains(text, "schema reads statistics made by statistics") {
			break
		}
	}
	if !strings.Contains(text, "schema works") || !strings.Contains(text, "schema reads statistics made by statistics") {
		t.Errorf("log of schema:\n%s", text)
	}
	if lines, err := s.Runner.Logs(t.Context(), id, "schema", 1); err != nil || len(lines) != 1 {
		t.Errorf("one line = %q, %v", lines, err)
	}
	if _, err := s.Runner.Logs(t.Context(), id, "pusher", 10); !problem.Is(err, problem.NotFound) {
		t.Errorf("log of an unknown task: %v", err)
	}
}

func refusals(t *testing.T, s suite) {
	ctx := t.Context()
	if _, err := s.Runner.Get(ctx, "job-none"); !problem.Is(err, problem.NotFound) {
		t.Errorf("Get of an unknown job: %v", err)
	}
	if err := s.Runner.Cancel(ctx, "job-none"); !problem.Is(err, problem.NotFound) {
		t.Errorf("Cancel of an unknown job: %v", err)
	}
	good := Spec(t, s.Root(t), nil)
	for name, c := range map[string]struct {
		id   string
		spec string
	}{
		"capital id":    {"Job", string(good)},
		"long id":       {strings.Repeat("a", 64), string(good)},
		"no JSON":       {"job-bad-1", "{"},
		"unknown field": {"job-bad-2", strings.Replace(string(good), `"taskInfo"`, `"iteratorPolicy": {}, "taskInfo"`, 1)},
		"missing value": {"job-bad-3", strings.Replace(string(good), `"seed": 0`, `"sead": 0`, 1)},
	} {
		if c.spec == string(good) && idOK(c.id) {
			t.Fatalf("%s: the case changes nothing", name)
		}
		if _, err := s.Runner.Submit(ctx, c.id, json.RawMessage(c.spec), nil); !problem.Is(err, problem.InvalidArgument) {
			t.Errorf("%s: error = %v, want InvalidArgument", name, err)
		}
	}
}

func idOK(id string) bool { return len(id) <= 63 && id == strings.ToLower(id) }
