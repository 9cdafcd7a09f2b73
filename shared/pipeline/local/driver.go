package local

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"time"

	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/pipeline/kfp"
	"github.com/b2brecs/b2brecs/shared/problem"
)

var idText = regexp.MustCompile(`^[a-z0-9-]{1,63}$`)

// errCancelled ends the context of a job somebody cancelled.
var errCancelled = errors.New("cancelled")

// Submit implements pipeline.Driver.
func (d *Driver) Submit(ctx context.Context, id string, spec json.RawMessage, labels map[string]string) (pipeline.Job, error) {
	if !idText.MatchString(id) {
		return pipeline.Job{}, problem.New(problem.InvalidArgument, "the job id %q must be 1 to 63 of [a-z0-9-]", id)
	}
	if doc, err := d.jobs.Get(ctx, id); err == nil {
		return doc.Job, nil
	} else if !problem.Is(err, problem.NotFound) {
		return pipeline.Job{}, err
	}
	order, err := runnable(spec)
	if err != nil {
		return pipeline.Job{}, err
	}
	doc := document{
		Job:  pipeline.Job{ID: id, State: pipeline.Pending, Labels: labels, Created: time.Now().UTC()},
		Spec: spec, Open: true,
	}
	for _, task := range order {
		doc.Tasks = append(doc.Tasks, pipeline.Task{Name: task, State: pipeline.Pending})
	}
	if err := d.jobs.Create(ctx, id, doc); err != nil {
		if problem.Is(err, problem.AlreadyExists) {
			return d.Get(ctx, id)
		}
		return pipeline.Job{}, err
	}
	d.start(id)
	return doc.Job, nil
}

// runnable parses a spec, refuses what this driver does not run, and gives the
// tasks in order.
func runnable(spec json.RawMessage) ([]string, error) {
	job, err := kfp.Parse(spec)
	if err != nil {
		return nil, err
	}
	p := problem.New(problem.InvalidArgument, "the pipeline job is not one this runner runs")
	if _, err := folder(job); err != nil {
		p = p.WithField("runtimeConfig.gcsOutputDirectory", "must be an absolute path on this machine")
	}
	for label, x := range job.PipelineSpec.DeploymentSpec.Executors {
		c := x.Container
		if !slices.Equal(c.Command, []string{"python", "-m", kfp.Module + ".run"}) || len(c.Args) != 4 ||
			c.Args[0] != "--component" || c.Args[2] != "--executor_input" || c.Args[3] != "{{$}}" {
			p = p.WithField("pipelineSpec.deploymentSpec.executors."+label+".container",
				"must run python -m %s.run --component NAME --executor_input {{$}}", kfp.Module)
		}
	}
	if len(p.Fields) > 0 {
		return nil, p
	}
	return job.Order()
}

// Get implements pipeline.Driver.
func (d *Driver) Get(ctx context.Context, id string) (pipeline.Job, error) {
	doc, err := d.jobs.Get(ctx, id)
	return doc.Job, err
}

// Cancel implements pipeline.Driver. The wish is durable when it returns; the
// process group is being killed.
func (d *Driver) Cancel(ctx context.Context, id string) error {
	_, err := d.jobs.Update(ctx, id, func(doc *document) error {
		if !doc.State.Ended() {
			doc.CancelRequested = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if cancel := d.running[id]; cancel != nil {
		cancel(errCancelled)
	}
	return nil
}

// Logs implements pipeline.Driver. A task that has not started has no lines.
func (d *Driver) Logs(ctx context.Context, id, task string, lines int) ([]string, error) {
	doc, err := d.jobs.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(doc.Tasks, func(t pipeline.Task) bool { return t.Name == task }) {
		return nil, problem.New(problem.NotFound, "job %s has no task %q", id, task)
	}
	return tail(d.logPath(id, task), lines)
}

// start runs a job in its own goroutine, unless it runs already.
func (d *Driver) start(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || d.running[id] != nil {
		return
	}
	ctx, cancel := context.WithCancelCause(d.ctx)
	d.running[id] = cancel
	d.wg.Go(func() {
		defer cancel(nil)
		d.run(ctx, id)
		d.mu.Lock()
		delete(d.running, id)
		d.mu.Unlock()
	})
}
