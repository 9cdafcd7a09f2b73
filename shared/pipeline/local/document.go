package local

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// document is a job as it is stored. Transitions and their events are written
// in one step; the events leave the outbox when the bus has them.
type document struct {
	pipeline.Job
	Spec            json.RawMessage         `json:"spec"`
	Seq             int64                   `json:"seq"`
	Outbox          []pipeline.StateChanged `json:"outbox,omitempty"`
	CancelRequested bool                    `json:"cancel_requested,omitempty"`
	// Open is true while there is something to do: the job has not ended, or
	// events wait in the outbox.
	Open bool `json:"open"`
}

// change moves the job (task "") or one task to a state and records the event.
// A state that is reached already, or was left for a final one, stays.
func (doc *document) change(task string, s pipeline.State, now time.Time, cause *problem.Error) {
	state, started, ended, e := &doc.State, &doc.Started, &doc.Ended, &doc.Error
	if task != "" {
		t := doc.task(task)
		state, started, ended, e = &t.State, &t.Started, &t.Ended, &t.Error
	}
	if *state == s || state.Ended() {
		return
	}
	*state, *e = s, cause
	if s == pipeline.Running {
		*started = now
	}
	if s.Ended() {
		*ended = now
	}
	doc.Seq++
	event := pipeline.StateChanged{
		Job: doc.ID, Seq: doc.Seq, Task: task, State: s, Time: now, Error: cause, Labels: doc.Labels,
	}
	if task != "" {
		event.Fact = doc.task(task).Fact
	}
	doc.Outbox = append(doc.Outbox, event)
}

func (doc *document) task(name string) *pipeline.Task {
	for i := range doc.Tasks {
		if doc.Tasks[i].Name == name {
			return &doc.Tasks[i]
		}
	}
	panic("local: no task " + name) // tasks come from the document itself
}

// transition changes a job's document and publishes the events that made.
func (d *Driver) transition(ctx context.Context, id string, fn func(*document, time.Time)) error {
	err := retry(ctx, func() error {
		_, err := d.jobs.Update(ctx, id, func(doc *document) error {
			fn(doc, time.Now().UTC().Truncate(time.Microsecond))
			return nil
		})
		return err
	})
	if err != nil {
		return err
	}
	d.publish(ctx, id)
	return nil
}

// publish sends the outbox and empties it. It gives up only when ctx ends: the
// next Open sends what is left.
func (d *Driver) publish(ctx context.Context, id string) {
	err := retry(ctx, func() error {
		doc, err := d.jobs.Get(ctx, id)
		if err != nil {
			return err
		}
		ms := make([]events.Message, len(doc.Outbox))
		for i, e := range doc.Outbox {
			if ms[i], err = events.Encode(pipeline.TopicStateChanged, fmt.Sprintf("%s-%d", e.Job, e.Seq), e.Job, e); err != nil {
				return err
			}
		}
		if len(ms) > 0 {
			if err := d.opts.Events.PublishMessages(ctx, ms...); err != nil {
				return err
			}
		}
		_, err = d.jobs.Update(ctx, id, func(now *document) error {
			for len(now.Outbox) > 0 && now.Outbox[0].Seq <= doc.Seq {
				now.Outbox = now.Outbox[1:]
			}
			now.Open = !now.State.Ended() || len(now.Outbox) > 0
			return nil
		})
		return err
	})
	if err != nil && ctx.Err() == nil {
		d.opts.Log.ErrorContext(ctx, "pipeline events wait in the outbox", "job", id, "error", err)
	}
}

// retry repeats fn with back-off while a repeat can help and ctx lives.
func retry(ctx context.Context, fn func() error) error {
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := fn()
		if err != nil && !problem.Retryable(err) {
			return struct{}{}, backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithMaxElapsedTime(5*time.Minute))
	return err
}
