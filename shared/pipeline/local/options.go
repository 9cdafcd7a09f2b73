package local

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
)

// Collection holds the driver's jobs.
const Collection = "pipeline_jobs"

// Options of Open.
type Options struct {
	// State and Events keep the jobs and carry their transitions.
	State  *state.DB
	Events *events.Bus
	// Python is the interpreter with the components' packages.
	Python string
	// RuntimeDir holds the package b2brecs_runtime; it goes in front of PYTHONPATH.
	RuntimeDir string
	// WorkDir is a folder of this driver's own: task logs, and the components'
	// temporary files while they run.
	WorkDir string
	// Warm keeps one worker process for all tasks.
	Warm bool
	// IdleTimeout ends a worker that had nothing to do; 0 means 10 minutes.
	IdleTimeout time.Duration
	// JobsPerWorker replaces the worker after so many jobs, since Python gives
	// memory of finished graphs back late; 0 means 4.
	JobsPerWorker int
	// TaskTimeout ends one task; 0 means 6 hours.
	TaskTimeout time.Duration
	// MaxJobs run at once, the others wait; 0 means 1. With Warm each running job has a worker.
	MaxJobs int
	// Env is added to the components' environment, as KEY=VALUE. Of this process's
	// own environment they get only PATH, HOME, LANG and LD_LIBRARY_PATH.
	Env []string
	Log *slog.Logger
}

func (o *Options) check() error {
	p := problem.New(problem.InvalidArgument, "the local pipeline driver cannot start")
	for _, f := range []struct {
		name    string
		missing bool
	}{
		{"State", o.State == nil}, {"Events", o.Events == nil}, {"Python", o.Python == ""},
		{"RuntimeDir", o.RuntimeDir == ""}, {"WorkDir", o.WorkDir == ""},
	} {
		if f.missing {
			p = p.WithField(f.name, "is missing")
		}
	}
	if len(p.Fields) > 0 {
		return p
	}
	var err error
	for _, dir := range []*string{&o.RuntimeDir, &o.WorkDir} {
		if *dir, err = filepath.Abs(*dir); err != nil {
			return problem.Wrap(err, problem.InvalidArgument, "the path %s", *dir)
		}
	}
	if o.IdleTimeout == 0 {
		o.IdleTimeout = 10 * time.Minute
	}
	if o.JobsPerWorker == 0 {
		o.JobsPerWorker = 4
	}
	if o.TaskTimeout == 0 {
		o.TaskTimeout = 6 * time.Hour
	}
	if o.MaxJobs == 0 {
		o.MaxJobs = 1
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	// What the children of a killed process left goes first.
	if err = os.RemoveAll(o.scratch()); err == nil {
		err = os.MkdirAll(o.scratch(), 0o755)
	}
	return problem.Wrap(err, problem.Unavailable, "the folder %s cannot be made ready", o.scratch())
}

// Driver runs jobs; see the package comment. It implements pipeline.Driver and
// pipeline.Warmer.
type Driver struct {
	opts Options
	jobs *state.Collection[document]

	ctx  context.Context // ends at Close
	stop context.CancelFunc
	wg   sync.WaitGroup
	// slots bounds the jobs that run at once.
	slots   chan struct{}
	spawn   *spawner
	workers *workers

	mu      sync.Mutex
	running map[string]context.CancelCauseFunc
	closed  bool
}

var (
	_ pipeline.Driver = (*Driver)(nil)
	_ pipeline.Warmer = (*Driver)(nil)
)

// Open starts the driver and resumes the jobs that had not ended. The driver
// keeps ctx's values but not its end: Close ends it.
func Open(ctx context.Context, o Options) (*Driver, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	d := &Driver{
		opts:    o,
		jobs:    state.Of[document](o.State, Collection),
		slots:   make(chan struct{}, o.MaxJobs),
		spawn:   newSpawner(),
		running: map[string]context.CancelCauseFunc{},
	}
	d.ctx, d.stop = context.WithCancel(context.WithoutCancel(ctx))
	d.workers = newWorkers(d.spawn, o)
	if err := d.resume(ctx); err != nil {
		_ = d.Close()
		return nil, err
	}
	return d, nil
}

// resume publishes what a killed process left in the outboxes and runs the jobs
// that have not ended, oldest first.
func (d *Driver) resume(ctx context.Context) error {
	for doc, err := range d.jobs.All(ctx, state.Query{Where: []state.Where{{Field: "open", Op: state.Eq, Value: true}}}) {
		if err != nil {
			return err
		}
		if doc.State.Ended() {
			id := doc.ID
			d.wg.Go(func() { d.publish(d.ctx, id) })
			continue
		}
		d.start(doc.ID)
	}
	return nil
}

// Close kills what runs and waits for it. Jobs that have not ended go on at the
// next Open.
func (d *Driver) Close() error {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	d.stop()
	d.wg.Wait()
	d.workers.close()
	d.spawn.close()
	return nil
}

// Prewarm starts the worker process, when there is none and Options.Warm is set.
func (d *Driver) Prewarm(context.Context) {
	if !d.opts.Warm {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed {
		d.wg.Go(d.workers.prewarm)
	}
}
