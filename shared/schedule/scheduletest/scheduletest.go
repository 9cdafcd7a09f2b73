// Package scheduletest is the conformance suite of schedulers.
package scheduletest

import (
	"testing"
	"time"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/schedule"
)

// Run checks a driver; open gives an empty scheduler and a channel of the ids
// that fire.
func Run(t *testing.T, open func(*testing.T) (*schedule.Scheduler, <-chan string)) {
	yearly := schedule.Schedule{ID: "nightly", Cron: "15 2 1 1 *", TimeZone: "Europe/Warsaw", Function: "etl-api", Path: "/x"}
	t.Run("kept", func(t *testing.T) {
		s, _ := open(t)
		if err := s.Put(t.Context(), yearly); err != nil {
			t.Fatal(err)
		}
		got, err := s.Get(t.Context(), yearly.ID)
		if err != nil || got.Cron != yearly.Cron || !got.Next.After(time.Now()) {
			t.Fatalf("got %+v, %v", got, err)
		}
		if list, err := s.List(t.Context()); err != nil || len(list) != 1 {
			t.Errorf("list: %v, %v", list, err)
		}
		for range 2 {
			if err := s.Delete(t.Context(), yearly.ID); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Get(t.Context(), yearly.ID); !problem.Is(err, problem.NotFound) {
			t.Errorf("after Delete: %v", err)
		}
	})
	t.Run("refused", func(t *testing.T) {
		s, _ := open(t)
		for _, bad := range []schedule.Schedule{
			{ID: "a", Cron: "61 * * * *", TimeZone: "UTC", Function: "f"},
			{ID: "a", Cron: "* * * *", TimeZone: "UTC", Function: "f"},
			{ID: "a", Cron: "* * * * *", TimeZone: "Mars/Base", Function: "f"},
			{ID: "a", Cron: "* * * * *", Function: "f"},
			{Cron: "* * * * *", TimeZone: "UTC", Function: "f"},
		} {
			if err := s.Put(t.Context(), bad); !problem.Is(err, problem.InvalidArgument) {
				t.Errorf("Put(%+v): %v", bad, err)
			}
		}
	})
	t.Run("paused and run now", func(t *testing.T) {
		s, fired := open(t)
		if err := s.Put(t.Context(), yearly); err != nil {
			t.Fatal(err)
		}
		if err := s.Pause(t.Context(), yearly.ID, true); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Get(t.Context(), yearly.ID); err != nil || !got.Paused {
			t.Errorf("got %+v, %v", got, err)
		}
		if err := s.RunNow(t.Context(), yearly.ID); err != nil {
			t.Fatal(err)
		}
		select {
		case id := <-fired:
			if id != yearly.ID {
				t.Errorf("fired %q", id)
			}
		case <-time.After(5 * time.Second):
			t.Error("RunNow fired nothing")
		}
	})
}
