package pipeline_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/problem"
)

func TestChanges(t *testing.T) {
	at := func(ms int) time.Time {
		return time.UnixMilli(1_700_000_000_000).Add(time.Duration(ms) * time.Millisecond).UTC()
	}
	seq := func(ms, place int64) int64 { return (1_700_000_000_000+ms)*1000 + place }
	broken := problem.New(problem.Internal, "no").WithStep("b")
	labels := map[string]string{"experiment": "e"}
	job := pipeline.Job{ID: "j", State: pipeline.Pending, Created: at(0), Labels: labels, Tasks: []pipeline.Task{{Name: "a", State: pipeline.Pending}, {Name: "b", State: pipeline.Pending}, {Name: "c", State: pipeline.Pending}}}
	if got := job.Changes(0); len(got) != 0 {
		t.Errorf("a waiting job has changed: %+v", got)
	}
	job.State, job.Started = pipeline.Running, at(1)
	job.Tasks[0] = pipeline.Task{Name: "a", State: pipeline.Running, Started: at(2).Add(300 * time.Microsecond)}
	first := job.Changes(0)
	want := []pipeline.StateChanged{
		{Job: "j", Seq: seq(1, 0), State: pipeline.Running, Time: at(1), Labels: labels},
		{Job: "j", Seq: seq(2, 1), Task: "a", State: pipeline.Running, Time: at(2), Labels: labels},
	}
	if d := cmp.Diff(want, first); d != "" {
		t.Error(d)
	}
	// Everything ends within one millisecond.
	job.Tasks[0].State, job.Tasks[0].Ended, job.Tasks[0].Fact = pipeline.Succeeded, at(5), "90 rows"
	job.Tasks[1] = pipeline.Task{Name: "b", State: pipeline.Failed, Started: at(5), Ended: at(5), Error: broken}
	job.State, job.Ended, job.Error = pipeline.Failed, at(5), broken
	want = append(want,
		pipeline.StateChanged{Job: "j", Seq: seq(5, 2), Task: "a", State: pipeline.Succeeded, Time: at(5), Fact: "90 rows", Labels: labels},
		pipeline.StateChanged{Job: "j", Seq: seq(5, 3), Task: "b", State: pipeline.Running, Time: at(5), Labels: labels},
		pipeline.StateChanged{Job: "j", Seq: seq(5, 4), Task: "b", State: pipeline.Failed, Time: at(5), Error: broken, Labels: labels},
		pipeline.StateChanged{Job: "j", Seq: seq(5, 999), State: pipeline.Failed, Time: at(5), Error: broken, Labels: labels},
	)
	if d := cmp.Diff(want, job.Changes(0), cmpopts.IgnoreUnexported(problem.Error{})); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(want[2:], job.Changes(first[1].Seq), cmpopts.IgnoreUnexported(problem.Error{})); d != "" {
		t.Error(d)
	}
	// An earlier run's outputs were used: the task never ran.
	cached := pipeline.Job{ID: "j", State: pipeline.Running, Started: at(1), Tasks: []pipeline.Task{{Name: "a", State: pipeline.Skipped, Ended: at(2), Cached: true}}}
	if got := cached.Changes(seq(1, 0)); len(got) != 1 || got[0].State != pipeline.Skipped {
		t.Errorf("%+v", got)
	}
}

func TestReadProgress(t *testing.T) {
	now := time.Now()
	p, err := pipeline.ReadProgress("j", map[string]string{"project": "p"}, now, []byte(`{"epoch": 2, "loss": 0.5, "note": "x", "list": [1]}`))
	want := pipeline.Progress{Job: "j", Task: "trainer", Time: now.UTC(), Values: map[string]float64{"epoch": 2, "loss": 0.5}, Labels: map[string]string{"project": "p"}}
	if d := cmp.Diff(want, p); d != "" || err != nil {
		t.Error(d, err)
	}
	for _, bad := range []string{"", "{", "[]", "1"} {
		if _, err := pipeline.ReadProgress("j", nil, now, []byte(bad)); !problem.Is(err, problem.InvalidArgument) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
