package followpipeline_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/b2brecs/b2brecs/functions/followpipeline"
	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/experiment/experimenttest"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// backEnd is a pipeline service that keeps no sequence of its own.
type backEnd struct {
	pipeline.Driver
	job  pipeline.Job
	fail error
}

func (b *backEnd) Get(_ context.Context, id string) (pipeline.Job, error) {
	if b.fail == nil && id != b.job.ID {
		return pipeline.Job{}, problem.New(problem.NotFound, "no job %s", id)
	}
	return b.job, b.fail
}

func TestHandle(t *testing.T) {
	bus := experimenttest.Open(t, "", "").Events
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	b := &backEnd{job: pipeline.Job{ID: "e1", State: pipeline.Running, Created: at, Started: at.Add(time.Second), Labels: map[string]string{"experiment": "e1"},
		Tasks: []pipeline.Task{{Name: "examples", State: pipeline.Running, Started: at.Add(2 * time.Second)}}}}
	s := followpipeline.Services{Runner: pipeline.New(b), Events: bus}
	got := make(chan pipeline.StateChanged, 100)
	err := bus.Subscribe(events.Subscription{Name: "harvest", Topic: pipeline.TopicStateChanged.Name, Handler: func(_ context.Context, m events.Message) error {
		c, err := events.Decode(pipeline.TopicStateChanged, m)
		got <- c
		return err
	}})
	if err != nil {
		t.Fatal(err)
	}
	handle := func(job string) {
		t.Helper()
		if err := followpipeline.Handle(t.Context(), s, pipeline.Noticed{Job: job}); err != nil {
			t.Fatal(err)
		}
	}
	handle("e1")
	handle("e1")
	handle("gone")
	b.job.Tasks[0].State, b.job.Tasks[0].Ended = pipeline.Succeeded, at.Add(3*time.Second)
	b.job.State, b.job.Ended = pipeline.Succeeded, at.Add(4*time.Second)
	handle("e1")
	seen := map[int64]string{}
	for len(seen) < 4 {
		select {
		case c := <-got:
			text := c.Task + " " + string(c.State)
			if was, ok := seen[c.Seq]; ok && was != text {
				t.Errorf("one place in the sequence is %q and %q", was, text)
			}
			seen[c.Seq] = text
		case <-time.After(10 * time.Second):
			t.Fatalf("only %v came", seen)
		}
	}
	var states []string
	for _, c := range b.job.Changes(0) {
		states = append(states, seen[c.Seq])
	}
	if d := cmp.Diff([]string{" RUNNING", "examples RUNNING", "examples SUCCEEDED", " SUCCEEDED"}, states); d != "" {
		t.Error(d)
	}
	b.fail = problem.New(problem.Unavailable, "later")
	if err := followpipeline.Handle(t.Context(), s, pipeline.Noticed{Job: "e1"}); !problem.Is(err, problem.Unavailable) {
		t.Errorf("a failure to read the job is %v", err)
	}
}
