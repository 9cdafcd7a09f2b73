package cron

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/schedule"
	"github.com/b2brecs/b2brecs/shared/state"
)

// Fire calls a schedule's function for one planned time.
type Fire func(ctx context.Context, s schedule.Schedule, planned time.Time) error

// document is a schedule as it is kept.
type document struct {
	schedule.Schedule
	// Settled: planned times up to this one, in unix seconds, are not owed: they
	// ran, failed for good, were paused, or lie before the schedule was made.
	Settled int64 `json:"settled"`
	// Ran is the last planned time that ran, in unix seconds; 0 for none.
	Ran int64 `json:"ran,omitempty"`
	// Failure says why the newest firing failed.
	Failure string `json:"failure,omitempty"`
}

// Driver implements schedule.Driver. It is safe for concurrent use.
type Driver struct {
	db   *state.DB
	docs *state.Collection[document]
	fire Fire
	now  func() time.Time

	ctx    context.Context
	cancel context.CancelFunc
	wake   chan struct{} // one slot
	tasks  sync.WaitGroup

	mu      sync.Mutex
	running map[string]bool
}

var _ schedule.Driver = (*Driver)(nil)

// Open starts the clock; ctx ends it, as Close does. What was missed fires soon
// after Open returns.
func Open(ctx context.Context, db *state.DB, fire func(ctx context.Context, s schedule.Schedule, planned time.Time) error) (*Driver, error) {
	return open(ctx, db, fire, time.Now)
}

func open(ctx context.Context, db *state.DB, fire Fire, now func() time.Time) (*Driver, error) {
	if fire == nil {
		return nil, problem.New(problem.InvalidArgument, "a scheduler needs a function to fire")
	}
	d := &Driver{db: db, docs: state.Of[document](db, "schedules"), fire: fire, now: now,
		wake: make(chan struct{}, 1), running: map[string]bool{}}
	d.ctx, d.cancel = context.WithCancel(ctx)
	d.tasks.Go(d.run)
	return d, nil
}

// Close stops the clock, cancels running firings and waits for them. A cancelled
// firing is owed at the next start.
func (d *Driver) Close() error {
	d.cancel()
	d.tasks.Wait()
	return nil
}

// Put implements schedule.Driver.
func (d *Driver) Put(ctx context.Context, s schedule.Schedule) error {
	defer d.poke()
	return d.db.Transact(ctx, func(tx *state.Tx) error {
		doc, err := state.Get(tx, d.docs, s.ID)
		if err != nil && !problem.Is(err, problem.NotFound) {
			return err
		}
		if err != nil || doc.Cron != s.Cron || doc.TimeZone != s.TimeZone || doc.Paused {
			doc.Settled = d.now().Unix()
		}
		doc.Schedule = s
		return state.Put(tx, d.docs, s.ID, doc)
	})
}

// Get implements schedule.Driver.
func (d *Driver) Get(ctx context.Context, id string) (schedule.Schedule, error) {
	doc, err := d.docs.Get(ctx, id)
	if err != nil {
		return schedule.Schedule{}, noSuch(err, id)
	}
	return d.fill(doc), nil
}

// List implements schedule.Driver.
func (d *Driver) List(ctx context.Context) ([]schedule.Schedule, error) {
	out := []schedule.Schedule{}
	for doc, err := range d.docs.All(ctx, state.Query{Limit: 1000}) {
		if err != nil {
			return nil, err
		}
		out = append(out, d.fill(doc))
	}
	return out, nil
}

func (d *Driver) fill(doc document) schedule.Schedule {
	s := doc.Schedule
	s.LastError = doc.Failure
	if doc.Ran > 0 {
		s.Last = time.Unix(doc.Ran, 0).UTC()
	}
	if times, err := schedule.Parse(s.Cron, s.TimeZone); err == nil && !s.Paused {
		s.Next = times.Next(d.now())
	}
	return s
}

// Delete implements schedule.Driver.
func (d *Driver) Delete(ctx context.Context, id string) error { return d.docs.Delete(ctx, id) }

// Pause implements schedule.Driver. Times that pass while paused are not owed.
func (d *Driver) Pause(ctx context.Context, id string, paused bool) error {
	defer d.poke()
	_, err := d.docs.Update(ctx, id, func(doc *document) error {
		if doc.Paused != paused {
			doc.Paused, doc.Settled = paused, max(doc.Settled, d.now().Unix())
		}
		return nil
	})
	return noSuch(err, id)
}

// RunNow implements schedule.Driver. The planned time is the present second, so
// two calls within one second are the same firing.
func (d *Driver) RunNow(ctx context.Context, id string) error {
	doc, err := d.docs.Get(ctx, id)
	if err != nil {
		return noSuch(err, id)
	}
	return d.fire(ctx, doc.Schedule, d.now().UTC().Truncate(time.Second))
}

func noSuch(err error, id string) error {
	if problem.Is(err, problem.NotFound) {
		return problem.New(problem.NotFound, "there is no schedule %q", id)
	}
	return err
}

func (d *Driver) poke() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

const (
	// maxSleep bounds a wait: the system clock may be set, the machine suspended.
	maxSleep = time.Minute
	// maxPause between two attempts of a firing.
	maxPause = time.Minute
)

func (d *Driver) run() {
	for d.ctx.Err() == nil {
		next, err := d.start()
		wait := maxSleep
		switch {
		case err != nil && d.ctx.Err() == nil:
			slog.WarnContext(d.ctx, "schedules cannot be read; they are read again", "error", err)
			wait = time.Second
		case !next.IsZero():
			wait = min(maxSleep, max(0, next.Sub(d.now())))
		}
		d.sleep(wait, d.wake)
	}
}

// sleep waits for a time, an early end, or Close.
func (d *Driver) sleep(wait time.Duration, early <-chan struct{}) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-d.ctx.Done():
	case <-early:
	case <-timer.C:
	}
}

// start begins what is due and gives the time of the next firing.
func (d *Driver) start() (next time.Time, err error) {
	now := d.now()
	for doc, err := range d.docs.All(d.ctx, state.Query{Limit: 1000}) {
		if err != nil {
			return next, err
		}
		times, err := schedule.Parse(doc.Cron, doc.TimeZone)
		if doc.Paused || err != nil { // a zone the product no longer knows: Get shows no next time
			continue
		}
		if !times.Newest(time.Unix(doc.Settled, 0), now).IsZero() {
			d.begin(doc.ID)
		}
		if n := times.Next(now); !n.IsZero() && (next.IsZero() || n.Before(next)) {
			next = n
		}
	}
	return next, nil
}

// begin fires what a schedule owes beside the clock, unless its former time is
// still being fired; its end looks again.
func (d *Driver) begin(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.running[id] {
		return
	}
	d.running[id] = true
	d.tasks.Go(func() {
		if err := d.fireOwed(id); err != nil && d.ctx.Err() == nil {
			slog.WarnContext(d.ctx, "the outcome of a schedule cannot be kept; it fires again", "schedule", id, "error", err)
			d.sleep(time.Second, nil)
		}
		d.mu.Lock()
		delete(d.running, id)
		d.mu.Unlock()
		d.poke()
	})
}

// fireOwed fires a schedule's newest owed time and settles it. It reads the
// document itself: the clock's copy may be older than the end of the former firing,
// and would fire the same time twice.
func (d *Driver) fireOwed(id string) error {
	doc, err := d.docs.Get(d.ctx, id)
	if problem.Is(err, problem.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	times, err := schedule.Parse(doc.Cron, doc.TimeZone)
	if err != nil || doc.Paused {
		return nil //nolint:nilerr // as for the clock: Get shows no next time
	}
	planned := times.Newest(time.Unix(doc.Settled, 0), d.now())
	if planned.IsZero() {
		return nil
	}
	outcome := d.attempts(doc, times, planned)
	if d.ctx.Err() != nil {
		return nil // owed at the next start
	}
	return d.settle(id, planned, outcome)
}

// attempts fires until it works, fails for good, or the next planned time comes.
func (d *Driver) attempts(doc document, times schedule.Times, planned time.Time) error {
	until := times.Next(planned)
	for pause := time.Second; ; pause = min(2*pause, maxPause) {
		err := d.fire(d.ctx, doc.Schedule, planned)
		if err == nil || d.ctx.Err() != nil {
			return err
		}
		slog.WarnContext(d.ctx, "a schedule did not fire", "schedule", doc.ID, "planned", planned, "error", err)
		if !problem.Retryable(err) || !until.IsZero() && d.now().Add(pause).After(until) {
			return err
		}
		d.sleep(pause, nil)
		if cur, e := d.docs.Get(d.ctx, doc.ID); e == nil && (cur.Paused || cur.Cron != doc.Cron || cur.TimeZone != doc.TimeZone) || problem.Is(e, problem.NotFound) {
			return err // no longer wanted
		}
	}
}

// settle writes the outcome down. A schedule deleted meanwhile is not an error.
func (d *Driver) settle(id string, planned time.Time, outcome error) error {
	_, err := d.docs.Update(d.ctx, id, func(doc *document) error {
		doc.Settled = max(doc.Settled, planned.Unix())
		doc.Failure = ""
		if outcome != nil {
			doc.Failure = problem.Of(outcome).Error()
		} else {
			doc.Ran = max(doc.Ran, planned.Unix())
		}
		return nil
	})
	if problem.Is(err, problem.NotFound) {
		return nil
	}
	return err
}
