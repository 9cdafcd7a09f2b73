package cron

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/b2brecs/b2brecs/shared/problem"
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

// world is a clock that is set by hand, and what fired under it.
type world struct {
	t     *testing.T
	db    *state.DB
	drv   *Driver
	sched *schedule.Scheduler
	fired chan string

	mu   sync.Mutex
	at   time.Time
	fail error
}

func at(s string) time.Time {
	v, err := time.Parse("2006-01-02 15:04", s)
	if err != nil {
		panic(err)
	}
	return v
}

func newWorld(t *testing.T, start string) *world {
	w := &world{t: t, db: database(t), fired: make(chan string, 100), at: at(start)}
	w.start()
	t.Cleanup(func() { _ = w.drv.Close() })
	return w
}

func (w *world) start() {
	w.t.Helper()
	var err error
	w.drv, err = open(w.t.Context(), w.db, w.fire, func() time.Time {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.at
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.sched = schedule.New(w.drv)
}

func (w *world) stop() {
	w.t.Helper()
	if err := w.drv.Close(); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) fire(_ context.Context, s schedule.Schedule, planned time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fail != nil {
		w.fired <- "failed " + s.ID
		return w.fail
	}
	w.fired <- s.ID + " " + planned.Format("01-02 15:04")
	return nil
}

// set moves the clock and lets the driver look.
func (w *world) set(s string, fail error) {
	w.mu.Lock()
	w.at, w.fail = at(s), fail
	w.mu.Unlock()
	w.drv.poke()
}

func (w *world) put(s schedule.Schedule) {
	w.t.Helper()
	s.Function = "etl-api"
	if s.TimeZone == "" {
		s.TimeZone = "UTC"
	}
	if err := w.sched.Put(w.t.Context(), s); err != nil {
		w.t.Fatal(err)
	}
}

// expect waits for these firings and no other one.
func (w *world) expect(want ...string) {
	w.t.Helper()
	got := []string{}
	for range want {
		select {
		case f := <-w.fired:
			got = append(got, f)
		case <-time.After(10 * time.Second):
		}
	}
	select {
	case f := <-w.fired:
		got = append(got, f)
	case <-time.After(60 * time.Millisecond):
	}
	if d := cmp.Diff(append([]string{}, want...), got); d != "" {
		w.t.Fatalf("fired (-want +got):\n%s", d)
	}
}

func (w *world) get(id string) schedule.Schedule {
	w.t.Helper()
	s, err := w.sched.Get(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func TestFiresAtItsTimes(t *testing.T) {
	w := newWorld(t, "2026-03-01 12:00")
	w.put(schedule.Schedule{ID: "h", Cron: "0 * * * *"})
	w.expect()
	w.set("2026-03-01 12:59", nil)
	w.expect()
	w.set("2026-03-01 13:00", nil)
	w.expect("h 03-01 13:00")
	w.set("2026-03-01 13:01", nil)
	w.expect()
	w.set("2026-03-01 14:00", nil)
	w.expect("h 03-01 14:00")
	if s := w.get("h"); !s.Last.Equal(at("2026-03-01 14:00")) || !s.Next.Equal(at("2026-03-01 15:00")) {
		t.Errorf("last %v, next %v", s.Last, s.Next)
	}
}

func TestNewestMissedFiresOnce(t *testing.T) {
	w := newWorld(t, "2026-03-01 12:00")
	w.put(schedule.Schedule{ID: "h", Cron: "0 * * * *"})
	w.put(schedule.Schedule{ID: "yearly", Cron: "0 0 1 1 *"})
	w.stop()
	w.set("2026-03-01 17:30", nil)
	w.start()
	w.expect("h 03-01 17:00")
	w.stop()
	w.start() // it is not owed again
	w.expect()
	w.set("2026-03-04 09:10", nil) // the machine was suspended
	w.expect("h 03-04 09:00")
	w.set("2026-03-04 08:10", nil) // the clock was set back
	w.expect()
	w.set("2026-03-04 10:00", nil)
	w.expect("h 03-04 10:00")
}

func TestKilledBeforeTheOutcomeIsKept(t *testing.T) {
	w := newWorld(t, "2026-03-01 12:00")
	w.put(schedule.Schedule{ID: "h", Cron: "0 * * * *"})
	started := make(chan struct{})
	w.stop()
	d, err := open(t.Context(), w.db, func(ctx context.Context, _ schedule.Schedule, _ time.Time) error {
		close(started)
		<-ctx.Done() // the process ends during the call
		return nil
	}, func() time.Time { return at("2026-03-01 13:00") })
	if err != nil {
		t.Fatal(err)
	}
	<-started
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	w.set("2026-03-01 13:05", nil)
	w.start()
	w.expect("h 03-01 13:00")
}

func TestPausedTimesAreNotOwed(t *testing.T) {
	w := newWorld(t, "2026-03-01 12:00")
	w.put(schedule.Schedule{ID: "h", Cron: "0 * * * *"})
	if err := w.sched.Pause(t.Context(), "h", true); err != nil {
		t.Fatal(err)
	}
	w.set("2026-03-01 15:30", nil)
	w.expect()
	if s := w.get("h"); !s.Paused || !s.Next.IsZero() {
		t.Errorf("%+v", s)
	}
	if err := w.sched.Pause(t.Context(), "h", false); err != nil {
		t.Fatal(err)
	}
	w.expect()
	w.set("2026-03-01 16:00", nil)
	w.expect("h 03-01 16:00")
	if err := w.sched.Pause(t.Context(), "nothing", true); !problem.Is(err, problem.NotFound) {
		t.Error(err)
	}
}

func TestPutKeepsWhatIsOwed(t *testing.T) {
	w := newWorld(t, "2026-03-01 12:00")
	w.put(schedule.Schedule{ID: "h", Cron: "0 * * * *"})
	w.stop()
	w.set("2026-03-01 13:30", nil)
	w.put(schedule.Schedule{ID: "h", Cron: "0 * * * *", Path: "/other"}) // the same times: 13:00 is owed
	w.start()
	w.expect("h 03-01 13:00")
	w.stop()
	w.set("2026-03-01 15:30", nil)
	w.put(schedule.Schedule{ID: "h", Cron: "10 * * * *"}) // other times begin now
	w.start()
	w.expect()
	w.set("2026-03-01 16:10", nil)
	w.expect("h 03-01 16:10")
}

func TestFailures(t *testing.T) {
	w := newWorld(t, "2026-03-01 12:00")
	w.put(schedule.Schedule{ID: "h", Cron: "0 * * * *"})
	w.set("2026-03-01 13:00", problem.New(problem.Unavailable, "the server is starting"))
	if f := <-w.fired; f != "failed h" {
		t.Fatal(f)
	}
	w.set("2026-03-01 13:01", nil)
	w.expect("h 03-01 13:00") // tried again after a second
	if s := w.get("h"); s.LastError != "" {
		t.Errorf("%+v", s)
	}
	w.set("2026-03-01 14:00", problem.New(problem.NotFound, "the job is gone"))
	w.expect("failed h")
	eventually(t, func() bool { return w.get("h").LastError != "" })
	if s := w.get("h"); s.LastError != "the job is gone" || !s.Last.Equal(at("2026-03-01 13:00")) {
		t.Errorf("%+v", s)
	}
	w.set("2026-03-01 15:00", nil)
	w.expect("h 03-01 15:00")
}

// TestOneDoesNotHoldUpTheOther: a firing that hangs leaves the others alone, and
// does not overlap with its own next time.
func TestOneDoesNotHoldUpTheOther(t *testing.T) {
	db := database(t)
	var mu sync.Mutex
	now := at("2026-03-01 12:00")
	fired := make(chan string, 10)
	release := make(chan struct{})
	d, err := open(t.Context(), db, func(_ context.Context, s schedule.Schedule, p time.Time) error {
		fired <- fmt.Sprint(s.ID, p.Minute())
		if s.ID == "slow" {
			<-release
		}
		return nil
	}, func() time.Time { mu.Lock(); defer mu.Unlock(); return now })
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	sched := schedule.New(d)
	for _, id := range []string{"slow", "zquick"} {
		if err := sched.Put(t.Context(), schedule.Schedule{ID: id, Cron: "* * * * *", TimeZone: "UTC", Function: "f"}); err != nil {
			t.Fatal(err)
		}
	}
	got := map[string]int{}
	for i := range 3 {
		mu.Lock()
		now = now.Add(time.Minute)
		mu.Unlock()
		d.poke()
		for want := fmt.Sprint("zquick", i+1); got[want] == 0; {
			select {
			case f := <-fired:
				got[f]++
			case <-time.After(10 * time.Second):
				t.Fatalf("%s did not fire: %v", want, got)
			}
		}
	}
	close(release)
	for got["slow3"] == 0 { // of those missed meanwhile, the newest
		select {
		case f := <-fired:
			got[f]++
		case <-time.After(10 * time.Second):
			t.Fatalf("slow did not catch up: %v", got)
		}
	}
	if d := cmp.Diff(map[string]int{"slow1": 1, "slow3": 1, "zquick1": 1, "zquick2": 1, "zquick3": 1}, got); d != "" {
		t.Error(d)
	}
}

func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it never happened")
		}
	}
}
