package local

import (
	"context"
	"errors"
	"time"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/pipeline/kfp"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
)

// run takes a job from where its document stands to its end, or until the
// driver closes.
func (d *Driver) run(ctx context.Context, id string) {
	// A job that was cancelled before this line is read with the driver's context.
	var doc document
	err := retry(d.ctx, func() (err error) {
		doc, err = d.jobs.Get(d.ctx, id)
		return err
	})
	if err != nil {
		d.opts.Log.ErrorContext(ctx, "a pipeline job cannot be read", "job", id, "error", err)
		return
	}
	if doc.CancelRequested {
		d.end(id, "", errCancelled)
		return
	}
	select {
	case d.slots <- struct{}{}:
		defer func() { <-d.slots }()
	case <-ctx.Done():
		d.end(id, "", context.Cause(ctx))
		return
	}
	task, err := d.tasks(ctx, doc)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	d.end(id, task, err)
}

// tasks runs what is left of a job. On failure it names the task that stopped.
func (d *Driver) tasks(ctx context.Context, doc document) (string, error) {
	job, err := kfp.Parse(doc.Spec)
	if err != nil {
		return "", err
	}
	dir, err := folder(job)
	if err != nil {
		return "", err
	}
	err = d.transition(ctx, doc.ID, func(doc *document, now time.Time) { doc.change("", pipeline.Running, now, nil) })
	if err != nil {
		return "", err
	}
	exec := d.processes
	if d.opts.Warm {
		w := d.workers.take()
		defer d.workers.give(w)
		exec = w.run
	}
	done := map[string]output{}
	for _, t := range doc.Tasks {
		out, err := d.task(ctx, job, dir, doc, t, done, exec)
		if err != nil {
			return t.Name, err
		}
		done[t.Name] = out
	}
	return "", nil
}

// task runs one task, unless its complete output is there already.
func (d *Driver) task(ctx context.Context, job kfp.Job, dir string, doc document, t pipeline.Task, done map[string]output, exec executor) (output, error) {
	call := newCall(job, dir, doc.ID, t.Name, done)
	if t.State == pipeline.Succeeded {
		return call.result()
	}
	// The output of a task that never began is another job's: it counts for nothing.
	if t.State == pipeline.Running {
		if out, err := call.result(); err == nil {
			return out, d.succeed(ctx, doc.ID, t.Name, out)
		}
	}
	if err := call.prepare(); err != nil {
		return output{}, err
	}
	err := d.transition(ctx, doc.ID, func(doc *document, now time.Time) { doc.change(t.Name, pipeline.Running, now, nil) })
	if err != nil {
		return output{}, err
	}
	log, err := openLog(d.logPath(doc.ID, t.Name))
	if err != nil {
		return output{}, err
	}
	defer log.close()
	call.log = log
	call.progress = func(values map[string]float64) { d.progress(ctx, doc.Job, t.Name, values) }
	limited, cancel := context.WithTimeout(ctx, d.opts.TaskTimeout)
	defer cancel()
	if err := exec(limited, call); err != nil {
		if ctx.Err() == nil && errors.Is(limited.Err(), context.DeadlineExceeded) {
			err = problem.New(problem.ResourceExhausted, "the %s ran longer than %s and was stopped", t.Name, d.opts.TaskTimeout).
				WithCause("timed out: deadline exceeded").
				WithNext(problem.TurnYou, "Use fewer rows, fewer epochs or a simpler model.")
		}
		if ctx.Err() == nil {
			log.line("error: " + err.Error())
		}
		return output{}, err
	}
	out, err := call.result()
	if err != nil {
		return output{}, err
	}
	return out, d.succeed(ctx, doc.ID, t.Name, out)
}

func (d *Driver) succeed(ctx context.Context, id, task string, out output) error {
	return d.transition(ctx, id, func(doc *document, now time.Time) {
		doc.task(task).Fact = out.fact()
		doc.change(task, pipeline.Succeeded, now, nil)
	})
}

// end writes a job's last transition: succeeded, cancelled or failed. When the
// driver closes nothing is written, and the job goes on at the next Open.
func (d *Driver) end(id, task string, cause error) {
	ctx := d.ctx
	if ctx.Err() != nil {
		return
	}
	err := d.transition(ctx, id, func(doc *document, now time.Time) {
		switch {
		case cause == nil:
			doc.change("", pipeline.Succeeded, now, nil)
		case errors.Is(cause, errCancelled) || doc.CancelRequested:
			for _, t := range doc.Tasks {
				if t.State == pipeline.Running {
					doc.change(t.Name, pipeline.Cancelled, now, nil)
				}
			}
			doc.change("", pipeline.Cancelled, now, nil)
		default:
			p := *problem.Of(cause)
			if task != "" {
				p.Step = task
				doc.change(task, pipeline.Failed, now, &p)
			}
			doc.change("", pipeline.Failed, now, &p)
		}
	})
	if err != nil && ctx.Err() == nil {
		d.opts.Log.ErrorContext(ctx, "a pipeline job's end cannot be written", "job", id, "error", err)
	}
}

// progress publishes what a task reports; a failure is only logged.
func (d *Driver) progress(ctx context.Context, job pipeline.Job, task string, values map[string]float64) {
	err := events.Publish(ctx, d.opts.Events, pipeline.TopicProgress, job.ID+"-"+task+"-"+state.NewID(), job.ID, pipeline.Progress{
		Job: job.ID, Task: task, Time: time.Now().UTC(), Values: values, Labels: job.Labels,
	})
	if err != nil && ctx.Err() == nil {
		d.opts.Log.WarnContext(ctx, "progress was not published", "job", job.ID, "task", task, "error", err)
	}
}
