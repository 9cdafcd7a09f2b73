package schedule

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/b2brecs/b2brecs/shared/problem"
)

func next(t *testing.T, expr, zone, from string, n int) string {
	t.Helper()
	p, err := Parse(expr, zone)
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.Parse("2006-01-02 15:04", from)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for range n {
		if at = p.Next(at); at.IsZero() {
			out = append(out, "never")
			break
		}
		out = append(out, at.Format("01-02 15:04"))
	}
	return strings.Join(out, ", ")
}

// All times are UTC. Warsaw is at +1, in summer +2: on 2026-03-29 at 01:00 the
// clock jumps from 02:00 to 03:00, on 2026-10-25 at 01:00 back from 03:00 to 02:00.
func TestNext(t *testing.T) {
	const waw = "Europe/Warsaw"
	for _, tc := range []struct{ name, expr, zone, from, want string }{
		{"plain", "15 2 * * *", "UTC", "2026-02-27 12:00", "02-28 02:15, 03-01 02:15, 03-02 02:15"},
		{"strictly after", "0 12 * * *", "UTC", "2026-02-27 12:00", "02-28 12:00, 03-01 12:00, 03-02 12:00"},
		{"weekday", "0 9 * * MON", waw, "2026-01-01 00:00", "01-05 08:00, 01-12 08:00, 01-19 08:00"},
		{"day or weekday", "0 0 13 * FRI", "UTC", "2026-02-10 00:00", "02-13 00:00, 02-20 00:00, 02-27 00:00"},
		{"month's last days", "0 0 31 * *", "UTC", "2026-01-31 00:00", "03-31 00:00, 05-31 00:00, 07-31 00:00"},
		{"leap day", "0 0 29 2 *", "UTC", "2026-01-01 00:00", "02-29 00:00, 02-29 00:00, 02-29 00:00"},
		{"around spring", "30 1 * * *", waw, "2026-03-28 00:00", "03-28 00:30, 03-29 00:30, 03-29 23:30"},
		{"skipped in spring", "30 2 * * *", waw, "2026-03-28 00:00", "03-28 01:30, 03-29 01:00, 03-30 00:30"},
		{"skipped twice is once", "0,30 2,3 * * *", waw, "2026-03-28 12:00", "03-29 01:00, 03-29 01:30, 03-30 00:00"},
		{"doubled in autumn", "30 2 * * *", waw, "2026-10-24 00:00", "10-24 00:30, 10-25 00:30, 10-26 01:30"},
		{"after the first of two", "30 2 * * *", waw, "2026-10-25 00:45", "10-26 01:30, 10-27 01:30, 10-28 01:30"},
		{"hourly in spring", "0 * * * *", waw, "2026-03-28 23:30", "03-29 00:00, 03-29 01:00, 03-29 02:00"},
		{"hourly in autumn", "0 * * * *", waw, "2026-10-24 23:30", "10-25 00:00, 10-25 01:00, 10-25 02:00"},
		{"half-hour zone", "30 6 * * *", "Asia/Kolkata", "2026-01-01 00:00", "01-01 01:00, 01-02 01:00, 01-03 01:00"},
		{"half-hour jump", "15 2 * * *", "Australia/Lord_Howe", "2026-10-02 00:00", "10-02 15:45, 10-03 15:30, 10-04 15:15"},
		{"midnight that does not exist", "0 0 * * *", "America/Sao_Paulo", "2018-11-03 00:00", "11-03 03:00, 11-04 03:00, 11-05 02:00"},
		{"a day that does not exist", "0 12 30 12 *", "Pacific/Apia", "2011-12-01 00:00", "12-30 10:00, 12-29 22:00, 12-29 22:00"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if d := cmp.Diff(tc.want, next(t, tc.expr, tc.zone, tc.from, 3)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, tc := range []struct{ expr, zone, field string }{
		{"", "UTC", "cron"}, {"* * * *", "UTC", "cron"}, {"* * * * * *", "UTC", "cron"}, {"60 * * * *", "UTC", "cron"},
		{"@daily", "UTC", "cron"}, {"TZ=UTC * * * * *", "UTC", "cron"}, {"CRON_TZ=UTC * * * *", "UTC", "cron"}, {"@every 1s . . .", "UTC", "cron"},
		{"0 0 30 2 *", "UTC", "cron"}, {"0 0 * * 8", "UTC", "cron"}, {"a b c d e", "UTC", "cron"}, {"*/0 * * * *", "UTC", "cron"},
		{"* * * * *", "", "time_zone"}, {"* * * * *", "Local", "time_zone"}, {"* * * * *", "Mars/Base", "time_zone"}, {"* * * * *", "../etc/passwd", "time_zone"},
	} {
		_, err := Parse(tc.expr, tc.zone)
		if !problem.Is(err, problem.InvalidArgument) || problem.Of(err).Fields[0].Location != tc.field {
			t.Errorf("%q in %q: %v", tc.expr, tc.zone, err)
		}
	}
}

// TestProperties: planned times only grow, and Newest agrees with walking.
func TestProperties(t *testing.T) {
	zones := []string{"UTC", "Europe/Warsaw", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kathmandu", "America/New_York", "Africa/Casablanca"}
	rapid.Check(t, func(rt *rapid.T) {
		minute := rapid.SampledFrom([]string{"*", "0", "30", "*/15", "5,50", "59"}).Draw(rt, "minute")
		hour := rapid.SampledFrom([]string{"*", "0", "2", "1-3", "*/6", "23"}).Draw(rt, "hour")
		day := rapid.SampledFrom([]string{"*", "1", "29", "31"}).Draw(rt, "day")
		p, err := Parse(fmt.Sprintf("%s %s %s * *", minute, hour, day), rapid.SampledFrom(zones).Draw(rt, "zone"))
		if err != nil {
			rt.Fatal(err)
		}
		from := time.Unix(rapid.Int64Range(1.5e9, 1.8e9).Draw(rt, "from"), 0).UTC()
		until := from.Add(time.Duration(rapid.IntRange(0, 3*24*60).Draw(rt, "minutes")) * time.Minute)
		var last time.Time
		at := from
		for n := p.Next(at); !n.IsZero() && !n.After(until); n = p.Next(at) {
			if !n.After(at) || n.Second() != 0 {
				rt.Fatalf("%v after %v", n, at)
			}
			at, last = n, n
		}
		if got := p.Newest(from, until); !got.Equal(last) {
			rt.Fatalf("Newest(%v, %v) = %v, want %v", from, until, got, last)
		}
	})
}

func TestNewestOfAYear(t *testing.T) {
	p, err := Parse("* * * * *", "Europe/Warsaw")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 6, 1, 12, 0, 30, 0, time.UTC)
	start := time.Now()
	if got := p.Newest(now.AddDate(-1, 0, 0), now); !got.Equal(now.Truncate(time.Minute)) {
		t.Fatal(got)
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("took %v", took)
	}
}
