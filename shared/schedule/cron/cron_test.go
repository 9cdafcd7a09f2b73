package cron

import (
	"context"
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/b2brecs/b2brecs/shared/schedule"
	"github.com/b2brecs/b2brecs/shared/schedule/scheduletest"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/state/sqlite"
)

func database(t *testing.T) *state.DB {
	t.Helper()
	drv, err := sqlite.Open(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	db := state.New(drv)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestConformance(t *testing.T) {
	scheduletest.Run(t, func(t *testing.T) (*schedule.Scheduler, <-chan string) {
		fired := make(chan string, 10)
		d, err := Open(t.Context(), database(t), func(_ context.Context, s schedule.Schedule, _ time.Time) error {
			fired <- s.ID
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = d.Close() })
		return schedule.New(d), fired
	})
}

func TestOnlyTheNewestMissedTimeFires(t *testing.T) {
	db := database(t)
	var clock atomic.Int64
	clock.Store(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).Unix())
	now := func() time.Time { return time.Unix(clock.Load(), 0) }
	fired := make(chan time.Time, 10)
	var fail atomic.Bool
	fire := func(_ context.Context, _ schedule.Schedule, planned time.Time) error {
		if fail.Load() {
			return errors.New("not now")
		}
		fired <- planned
		return nil
	}
	d, err := open(t.Context(), db, fire, now)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Put(t.Context(), schedule.Schedule{ID: "h", Cron: "0 * * * *", TimeZone: "UTC", Function: "f"}); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	clock.Store(time.Date(2026, 3, 1, 17, 30, 0, 0, time.UTC).Unix())
	d, err = open(t.Context(), db, fire, now)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	select {
	case got := <-fired:
		if want := time.Date(2026, 3, 1, 17, 0, 0, 0, time.UTC); !got.Equal(want) {
			t.Errorf("fired for %v, want %v", got, want)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("nothing fired")
	}
	select {
	case got := <-fired:
		t.Errorf("fired again, for %v", got)
	case <-time.After(100 * time.Millisecond):
	}
	// A firing that fails is not marked as done.
	fail.Store(true)
	clock.Store(time.Date(2026, 3, 1, 18, 0, 1, 0, time.UTC).Unix())
	if _, err := d.fireDue(); err == nil {
		t.Error("a failed firing is reported as a success")
	}
	fail.Store(false)
	if _, err := d.fireDue(); err != nil {
		t.Error(err)
	}
	if got := <-fired; got.Hour() != 18 {
		t.Errorf("fired for %v", got)
	}
}

func TestDaylightSaving(t *testing.T) {
	// In Warsaw, 2026-03-29 02:30 does not exist and 2026-10-25 02:30 comes twice:
	// the first is left out, the second fires both times.
	s := schedule.Schedule{Cron: "30 2 * * *", TimeZone: "Europe/Warsaw"}
	var got []string
	for _, from := range []time.Time{time.Date(2026, 3, 28, 12, 0, 0, 0, time.UTC), time.Date(2026, 10, 24, 12, 0, 0, 0, time.UTC)} {
		next, err := Next(s, from, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range next {
			got = append(got, n.UTC().Format("01-02 15:04"))
		}
	}
	want := []string{"03-30 00:30", "03-31 00:30", "10-25 00:30", "10-25 01:30"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
