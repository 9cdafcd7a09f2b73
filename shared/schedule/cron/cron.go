// Package cron is the scheduler of the embedded platform: an in-process clock
// over schedules kept in state.
//
// Concurrency: safe; one process fires. Retries: a firing that fails is tried
// again after 10 s, 20 s … up to 5 minutes until the next planned time. Kept:
// the schedules and the last planned time that ran, so that after a stop the
// newest missed time fires once.
package cron

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/schedule"
	"github.com/b2brecs/b2brecs/shared/state"
)

// Fire calls a schedule's function for one planned time. It MUST be idempotent
// for the pair.
type Fire func(ctx context.Context, s schedule.Schedule, planned time.Time) error

type document struct {
	schedule.Schedule
	// LastPlanned is the newest planned time that ran or was skipped, Unix seconds.
	LastPlanned int64 `json:"last_planned"`
}

// Driver implements schedule.Driver.
type Driver struct {
	docs *state.Collection[document]
	fire Fire
	now  func() time.Time

	ctx    context.Context
	cancel context.CancelFunc
	wake   chan struct{}
	done   sync.WaitGroup
}

var parser = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)

// Open starts the clock; ctx ends it, as Close does.
func Open(ctx context.Context, db *state.DB, fire Fire) (*Driver, error) {
	return open(ctx, db, fire, time.Now)
}

func open(ctx context.Context, db *state.DB, fire Fire, now func() time.Time) (*Driver, error) {
	d := &Driver{docs: state.Of[document](db, "schedules"), fire: fire, now: now, wake: make(chan struct{}, 1)}
	d.ctx, d.cancel = context.WithCancel(ctx)
	d.done.Go(d.run)
	return d, nil
}

// Close stops the clock and waits for a running firing.
func (d *Driver) Close() error {
	d.cancel()
	d.done.Wait()
	return nil
}

func parse(s schedule.Schedule) (cron.Schedule, *time.Location, error) {
	if s.TimeZone == "" || s.TimeZone == "Local" {
		return nil, nil, problem.New(problem.InvalidArgument, "a schedule needs an IANA time zone, e.g. Europe/Warsaw").WithField("time_zone", "is missing")
	}
	zone, err := time.LoadLocation(s.TimeZone)
	if err != nil {
		return nil, nil, problem.New(problem.InvalidArgument, "there is no time zone %q", s.TimeZone).
			WithField("time_zone", "must be an IANA name, e.g. Europe/Warsaw")
	}
	c, err := parser.Parse(s.Cron)
	if err != nil {
		return nil, nil, problem.New(problem.InvalidArgument, "the schedule %q cannot be read: %v", s.Cron, err).
			WithField("cron", "must have five fields: minute, hour, day, month, weekday")
	}
	return c, zone, nil
}

// Next gives the first n planned times after t.
func Next(s schedule.Schedule, t time.Time, n int) ([]time.Time, error) {
	c, zone, err := parse(s)
	if err != nil {
		return nil, err
	}
	var out []time.Time
	for range n {
		if t = c.Next(t.In(zone)); t.IsZero() {
			break
		}
		out = append(out, t)
	}
	return out, nil
}

// Put implements schedule.Driver.
func (d *Driver) Put(ctx context.Context, s schedule.Schedule) error {
	if s.ID == "" || s.Function == "" {
		return problem.New(problem.InvalidArgument, "a schedule needs an id and a function")
	}
	if _, _, err := parse(s); err != nil {
		return err
	}
	s.Next, s.Last = time.Time{}, time.Time{}
	defer d.poke()
	old, err := d.docs.Get(ctx, s.ID)
	// A changed expression starts afresh from now; an equal one keeps its history.
	last := d.now().Unix()
	if err == nil && old.Cron == s.Cron && old.TimeZone == s.TimeZone {
		last = old.LastPlanned
	}
	return d.docs.Put(ctx, s.ID, document{Schedule: s, LastPlanned: last})
}

// Get implements schedule.Driver.
func (d *Driver) Get(ctx context.Context, id string) (schedule.Schedule, error) {
	doc, err := d.docs.Get(ctx, id)
	if err != nil {
		return schedule.Schedule{}, problem.New(problem.NotFound, "there is no schedule %q", id)
	}
	return d.fill(doc), nil
}

func (d *Driver) fill(doc document) schedule.Schedule {
	s := doc.Schedule
	if doc.LastPlanned > 0 {
		s.Last = time.Unix(doc.LastPlanned, 0).UTC()
	}
	if next, err := Next(s, d.now(), 1); err == nil && len(next) == 1 && !s.Paused {
		s.Next = next[0].UTC()
	}
	return s
}

// List implements schedule.Driver.
func (d *Driver) List(ctx context.Context) ([]schedule.Schedule, error) {
	out := []schedule.Schedule{}
	for doc, err := range d.docs.All(ctx, state.Query{}) {
		if err != nil {
			return nil, err
		}
		out = append(out, d.fill(doc))
	}
	return out, nil
}

// Delete implements schedule.Driver.
func (d *Driver) Delete(ctx context.Context, id string) error {
	defer d.poke()
	return d.docs.Delete(ctx, id)
}

// Pause implements schedule.Driver. Times that pass while paused do not count as missed.
func (d *Driver) Pause(ctx context.Context, id string, paused bool) error {
	defer d.poke()
	_, err := d.docs.Update(ctx, id, func(doc *document) error {
		doc.Paused, doc.LastPlanned = paused, d.now().Unix()
		return nil
	})
	return err
}

// RunNow implements schedule.Driver.
func (d *Driver) RunNow(ctx context.Context, id string) error {
	doc, err := d.docs.Get(ctx, id)
	if err != nil {
		return err
	}
	return d.fire(ctx, doc.Schedule, d.now().UTC().Truncate(time.Second))
}

func (d *Driver) poke() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// maxSleep bounds a wait, so that a changed system clock is noticed.
const maxSleep = time.Minute

func (d *Driver) run() {
	retry := 10 * time.Second
	for d.ctx.Err() == nil {
		next, err := d.fireDue()
		wait := maxSleep
		if err != nil {
			wait, retry = retry, min(2*retry, 5*time.Minute)
		} else {
			retry = 10 * time.Second
			if !next.IsZero() {
				wait = min(maxSleep, max(0, next.Sub(d.now())))
			}
		}
		timer := time.NewTimer(wait)
		select {
		case <-d.ctx.Done():
		case <-d.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// fireDue fires what is due and gives the time of the next one.
func (d *Driver) fireDue() (time.Time, error) {
	var earliest time.Time
	var failed error
	for doc, err := range d.docs.All(d.ctx, state.Query{}) {
		if err != nil {
			return earliest, err
		}
		if doc.Paused {
			continue
		}
		next, err := d.due(doc)
		if err != nil {
			slog.WarnContext(d.ctx, "a schedule did not fire", "schedule", doc.ID, "error", err.Error())
			failed = err
			continue
		}
		if !next.IsZero() && (earliest.IsZero() || next.Before(earliest)) {
			earliest = next
		}
	}
	return earliest, failed
}

// due fires one schedule where its time has come, the newest missed time only,
// and gives its next time.
func (d *Driver) due(doc document) (time.Time, error) {
	c, zone, err := parse(doc.Schedule)
	if err != nil {
		return time.Time{}, err
	}
	now := d.now()
	next := c.Next(time.Unix(doc.LastPlanned, 0).In(zone))
	if next.IsZero() || next.After(now) {
		return next, nil
	}
	planned := next
	for t := c.Next(next); !t.IsZero() && !t.After(now); t = c.Next(t) {
		planned = t
	}
	if err := d.fire(d.ctx, doc.Schedule, planned.UTC()); err != nil {
		return time.Time{}, err
	}
	_, err = d.docs.Update(d.ctx, doc.ID, func(x *document) error {
		x.LastPlanned = max(x.LastPlanned, planned.Unix())
		return nil
	})
	if problem.Is(err, problem.NotFound) { // deleted meanwhile
		return time.Time{}, nil
	}
	return c.Next(now.In(zone)), err
}
