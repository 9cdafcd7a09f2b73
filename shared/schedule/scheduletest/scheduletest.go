// Package scheduletest is the conformance suite of schedule drivers. It waits for
// no planned time: when those come is proved by the tests of schedule.Times.
package scheduletest

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/schedule"
)

// yearly does not fire while a test runs.
var yearly = schedule.Schedule{
	ID: "nightly_load-1", Cron: "15 2 1 1 *", TimeZone: "Europe/Warsaw", Function: "etl-api", Path: "/v1/etl/jobs/j1/runs",
	Body: json.RawMessage(`{"reason":"schedule"}`),
}

// Run checks a driver; open gives an empty scheduler and a channel of the ids
// that fire.
func Run(t *testing.T, open func(*testing.T) (*schedule.Scheduler, <-chan string)) {
	for _, c := range []struct {
		name string
		fn   func(*testing.T, *schedule.Scheduler, <-chan string)
	}{
		{"Kept", kept}, {"Replaced", replaced}, {"Listed", listed}, {"Refused", refused},
		{"Absent", absent}, {"Pause", pause}, {"RunNow", runNow},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, fired := open(t)
			c.fn(t, s, fired)
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func kept(t *testing.T, s *schedule.Scheduler, _ <-chan string) {
	must(t, s.Put(t.Context(), yearly))
	got, err := s.Get(t.Context(), yearly.ID)
	must(t, err)
	times, err := schedule.Parse(yearly.Cron, yearly.TimeZone)
	must(t, err)
	want := yearly
	want.Next = times.Next(time.Now())
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func replaced(t *testing.T, s *schedule.Scheduler, _ <-chan string) {
	must(t, s.Put(t.Context(), yearly))
	v := yearly
	v.Cron, v.Path, v.Paused = "0 0 29 2 *", "/other", true
	v.Last, v.LastError = time.Now(), "what a caller says about the past does not count"
	must(t, s.Put(t.Context(), v))
	got, err := s.Get(t.Context(), v.ID)
	must(t, err)
	v.Last, v.LastError = time.Time{}, ""
	if d := cmp.Diff(v, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func listed(t *testing.T, s *schedule.Scheduler, _ <-chan string) {
	if list, err := s.List(t.Context()); err != nil || len(list) != 0 {
		t.Fatalf("%v, %v", list, err)
	}
	for _, id := range []string{"c", "a", "b"} {
		v := yearly
		v.ID = id
		must(t, s.Put(t.Context(), v))
	}
	list, err := s.List(t.Context())
	must(t, err)
	var ids []string
	for _, v := range list {
		ids = append(ids, v.ID)
	}
	if d := cmp.Diff([]string{"a", "b", "c"}, ids); d != "" {
		t.Error(d)
	}
}

func refused(t *testing.T, s *schedule.Scheduler, _ <-chan string) {
	for field, change := range map[string]func(*schedule.Schedule){
		"id":        func(v *schedule.Schedule) { v.ID = "a b" },
		"function":  func(v *schedule.Schedule) { v.Function = "" },
		"cron":      func(v *schedule.Schedule) { v.Cron = "61 * * * *" },
		"time_zone": func(v *schedule.Schedule) { v.TimeZone = "Mars/Base" },
		"body":      func(v *schedule.Schedule) { v.Body = json.RawMessage("{") },
	} {
		v := yearly
		change(&v)
		err := s.Put(t.Context(), v)
		if p := problem.Of(err); err == nil || p.Code != problem.InvalidArgument || len(p.Fields) != 1 || p.Fields[0].Location != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	err := s.Put(t.Context(), schedule.Schedule{})
	if p := problem.Of(err); err == nil || len(p.Fields) < 3 {
		t.Errorf("an empty schedule has %v; all findings are reported at once", err)
	}
	if list, err := s.List(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("%v, %v", list, err)
	}
}

func absent(t *testing.T, s *schedule.Scheduler, _ <-chan string) {
	must(t, s.Delete(t.Context(), "nothing"))
	must(t, s.Put(t.Context(), yearly))
	must(t, s.Delete(t.Context(), yearly.ID))
	_, err := s.Get(t.Context(), yearly.ID)
	for what, err := range map[string]error{"get": err, "pause": s.Pause(t.Context(), yearly.ID, true), "run": s.RunNow(t.Context(), yearly.ID)} {
		if !problem.Is(err, problem.NotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func pause(t *testing.T, s *schedule.Scheduler, _ <-chan string) {
	must(t, s.Put(t.Context(), yearly))
	for _, paused := range []bool{true, true, false} {
		must(t, s.Pause(t.Context(), yearly.ID, paused))
		got, err := s.Get(t.Context(), yearly.ID)
		must(t, err)
		if got.Paused != paused || got.Next.IsZero() != paused {
			t.Errorf("paused %v: %+v", paused, got)
		}
	}
}

func runNow(t *testing.T, s *schedule.Scheduler, fired <-chan string) {
	must(t, s.Put(t.Context(), yearly))
	for _, paused := range []bool{false, true} {
		must(t, s.Pause(t.Context(), yearly.ID, paused))
		must(t, s.RunNow(t.Context(), yearly.ID))
		select {
		case id := <-fired:
			if id != yearly.ID {
				t.Errorf("fired %q", id)
			}
		case <-time.After(30 * time.Second):
			t.Fatal("nothing fired")
		}
	}
	got, err := s.Get(t.Context(), yearly.ID)
	must(t, err)
	if !got.Last.IsZero() {
		t.Errorf("a firing by hand counts as a planned one: %v", got.Last)
	}
}
