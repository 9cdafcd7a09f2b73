package schedule

import (
	"strings"
	"time"
	_ "time/tzdata" // zones MUST NOT depend on what the machine has installed

	"github.com/robfig/cron/v3"

	"github.com/b2brecs/b2brecs/shared/problem"
)

// Times are the planned times of a cron expression in a time zone.
//
// Summer time, as in vixie cron: an expression that runs in every hour goes by
// real time, so nothing is left out or doubled. Any other one goes by the clock on
// the wall: a time that is skipped in spring fires when the clock jumps, a time
// that comes twice in autumn fires at the first.
type Times struct {
	spec   *cron.SpecSchedule
	zone   *time.Location
	hourly bool
}

var parser = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)

// everyHour is the bit that robfig/cron sets in a field written as a plain star.
const everyHour = 1 << 63

// Parse reads five fields (minute, hour, day of month, month, day of week; names,
// ranges, steps and lists) and an IANA zone. A malformed one, and an expression
// that never fires, is InvalidArgument with the field.
func Parse(expr, zone string) (Times, error) {
	bad := func(field, format string, args ...any) (Times, error) {
		return Times{}, problem.New(problem.InvalidArgument, "the schedule cannot be read").WithField(field, format, args...)
	}
	if zone == "" || zone == "Local" {
		return bad("time_zone", "a schedule needs an IANA time zone, e.g. Europe/Warsaw")
	}
	loc, err := time.LoadLocation(zone)
	if err != nil {
		return bad("time_zone", "there is no time zone %q; use an IANA name, e.g. Europe/Warsaw", zone)
	}
	if len(strings.Fields(expr)) != 5 || strings.ContainsAny(expr, "@=") {
		return bad("cron", "%q needs five fields: minute, hour, day of month, month, day of week", expr)
	}
	parsed, err := parser.Parse(expr)
	if err != nil {
		return bad("cron", "%q cannot be read: %s", expr, err)
	}
	spec := parsed.(*cron.SpecSchedule) // with five fields there is no other kind
	spec.Location = time.UTC
	t := Times{spec: spec, zone: loc, hourly: spec.Hour&everyHour != 0}
	if spec.Next(time.Unix(0, 0).UTC()).IsZero() { // it looks five years ahead, a leap day included
		return bad("cron", "%q names a day that does not exist", expr)
	}
	return t, nil
}

// Next gives the first planned time after t, in UTC; the zero time when the next
// five years have none.
func (p Times) Next(t time.Time) time.Time {
	if p.hourly {
		spec := *p.spec
		spec.Location = p.zone
		if n := spec.Next(t); !n.IsZero() {
			return n.UTC()
		}
		return time.Time{}
	}
	// Two wall times can be one instant and the other way round; a day back is
	// further than any zone ever jumped.
	wall := wallOf(t.In(p.zone)).Add(-25 * time.Hour)
	for {
		if wall = p.spec.Next(wall); wall.IsZero() {
			return time.Time{}
		}
		if n := instant(wall, p.zone); n.After(t) {
			return n.UTC()
		}
	}
}

// Newest gives the last planned time after from and not after until; the zero
// time when there is none.
func (p Times) Newest(from, until time.Time) time.Time {
	for window := time.Hour; ; window *= 2 {
		start := until.Add(-window)
		if !start.After(from) {
			start = from
		}
		var last time.Time
		for t := p.Next(start); !t.IsZero() && !t.After(until); t = p.Next(t) {
			last = t
		}
		if !last.IsZero() || start.Equal(from) {
			return last
		}
	}
}

// wallOf reads the clock on the wall as if it were UTC.
func wallOf(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}

// instant is when the clock on the wall first shows a time, or jumps past it.
func instant(wall time.Time, zone *time.Location) time.Time {
	t := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), 0, zone)
	start, end := t.ZoneBounds()
	switch shown := wallOf(t); {
	case shown.After(wall): // skipped: Date counted from before the jump
		return start
	case shown.Before(wall): // skipped: Date counted from after the jump
		return end
	}
	if !start.IsZero() {
		_, before := start.Add(-time.Second).Zone()
		_, now := t.Zone()
		if first := t.Add(time.Duration(now-before) * time.Second); first.Before(start) && first.Before(t) {
			return first // shown twice
		}
	}
	return t
}
