package pipeline

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// Noticed is the event of a back end that says a job changed, and not how: who takes
// it reads the job and publishes its Changes.
type Noticed struct {
	Job string `json:"job"`
}

// TopicNoticed carries Noticed; keyed by job.
var TopicNoticed = events.Topic[Noticed]{Name: "pipeline-noticed", Type: "b2brecs.pipeline.noticed.v1"}

// LogTopic is where a log sink publishes what such a back end writes down. Its messages
// are in the back end's own words, and become TopicNoticed's where they are delivered.
const LogTopic = "pipeline-job-log"

// last is the place of a job's end in Seq: after its tasks, of which there are at
// most 498.
const last = 999

// Changes gives the transitions that brought a job to where it is, in order, without
// those up to since. It is for back ends that keep no sequence of their own: Seq is
// the transition's time in milliseconds and three digits of its place in the graph,
// so the same transition is the same event however often the job is read.
//
// A back end may show a transition late, after one that followed it. Who must not
// miss it passes 0: repetitions change nothing.
func (j Job) Changes(since int64) []StateChanged {
	var out []StateChanged
	add := func(task string, place int, s State, at time.Time, fact string, cause *problem.Error) {
		at = at.UTC().Truncate(time.Millisecond)
		c := StateChanged{Job: j.ID, Seq: at.UnixMilli()*1000 + int64(place), Task: task, State: s, Time: at, Fact: fact, Error: cause, Labels: j.Labels}
		if c.Seq > since {
			out = append(out, c)
		}
	}
	if !j.Started.IsZero() {
		add("", 0, Running, j.Started, "", nil)
	}
	for i, t := range j.Tasks {
		if !t.Started.IsZero() {
			add(t.Name, 1+2*i, Running, t.Started, "", nil)
		}
		if t.State.Ended() {
			add(t.Name, 2+2*i, t.State, firstTime(t.Ended, t.Started, j.Ended, j.Created), t.Fact, t.Error)
		}
	}
	if j.State.Ended() {
		add("", last, j.State, firstTime(j.Ended, j.Started, j.Created), "", j.Error)
	}
	slices.SortFunc(out, func(a, b StateChanged) int { return cmp.Compare(a.Seq, b.Seq) })
	return out
}

func firstTime(ts ...time.Time) time.Time {
	i := slices.IndexFunc(ts, func(t time.Time) bool { return !t.IsZero() })
	return ts[max(0, i)]
}

// PublishChanges publishes transitions under ids that are the same every time.
func PublishChanges(ctx context.Context, bus *events.Bus, cs []StateChanged) error {
	ms := make([]events.Message, len(cs))
	for i, c := range cs {
		var err error
		if ms[i], err = events.Encode(TopicStateChanged, fmt.Sprintf("%s-%d", c.Job, c.Seq), c.Job, c); err != nil {
			return err
		}
	}
	if len(ms) == 0 {
		return nil
	}
	return bus.PublishMessages(ctx, ms...)
}

// ProgressFile is what the trainer replaces in the run folder after every epoch.
const ProgressFile = "progress.json"

// ReadProgress makes the event of a progress file that was written at a time. What is
// no number is left out. InvalidArgument when the file is not a JSON object.
func ReadProgress(job string, labels map[string]string, at time.Time, file []byte) (Progress, error) {
	var all map[string]any
	if err := json.Unmarshal(file, &all); err != nil {
		return Progress{}, problem.Wrap(err, problem.InvalidArgument, "the progress file of job %s cannot be read", job)
	}
	p := Progress{Job: job, Task: "trainer", Time: at.UTC(), Values: map[string]float64{}, Labels: labels}
	for name, v := range all {
		if f, ok := v.(float64); ok {
			p.Values[name] = f
		}
	}
	return p, nil
}
