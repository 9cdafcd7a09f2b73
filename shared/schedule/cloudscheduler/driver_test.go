package cloudscheduler

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"cloud.google.com/go/scheduler/apiv1/schedulerpb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/schedule"
)

// hourly fires at full hours.
var hourly = schedule.Schedule{ID: "h", Cron: "0 * * * *", TimeZone: "UTC", Function: "etl-api", Path: "/v1/etl/jobs/j1/runs"}

func (w *world) put(s schedule.Schedule) {
	w.Helper()
	if err := w.sched.Put(w.Context(), s); err != nil {
		w.Fatal(err)
	}
}

func (w *world) get(id string) schedule.Schedule {
	w.Helper()
	s, err := w.sched.Get(w.Context(), id)
	if err != nil {
		w.Fatal(err)
	}
	return s
}

// set moves the clock; functions answer with a status from now on.
func (w *world) set(s string, answer int) {
	w.mu.Lock()
	w.at, w.answer = at(s), answer
	w.mu.Unlock()
	w.fake.Poke()
}

// next gives the next call.
func (w *world) next() *http.Request {
	w.Helper()
	select {
	case r := <-w.got:
		return r
	case <-time.After(10 * time.Second):
		w.Fatal("no function is called")
		return nil
	}
}

// expect waits for these firings, by planned time, and no other one.
func (w *world) expect(want ...string) {
	w.Helper()
	got := []string{}
	for range want {
		select {
		case r := <-w.got:
			got = append(got, r.Header.Get(schedule.HeaderTime))
		case <-time.After(10 * time.Second):
		}
	}
	select {
	case r := <-w.got:
		got = append(got, r.Header.Get(schedule.HeaderTime))
	case <-time.After(40 * time.Millisecond):
	}
	if d := cmp.Diff(append([]string{}, want...), got); d != "" {
		w.Fatalf("fired (-want +got):\n%s", d)
	}
}

func (w *world) settled(id string, ok func(schedule.Schedule) bool) {
	w.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(w.get(id)); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			w.Fatalf("%+v", w.get(id))
		}
	}
}

func TestCallsTheFunction(t *testing.T) {
	w := newWorld(t, "2026-03-01 12:00")
	s := hourly
	s.TimeZone, s.Body = "Europe/Warsaw", []byte(`{"a": 1}`)
	w.put(s)
	w.set("2026-03-01 13:00", http.StatusOK)
	r := w.next()
	got := fmt.Sprintln(r.Method, r.URL, r.Header.Get("Content-Type"), r.Header.Get(schedule.HeaderID), r.Header.Get(schedule.HeaderTime), r.ContentLength)
	want := fmt.Sprintln("POST", "/etl-api/v1/etl/jobs/j1/runs", "application/json", "h", "2026-03-01T13:00:00Z", len(s.Body))
	if got != want {
		t.Errorf("%s want %s", got, want)
	}
	if token, want := r.Header.Get("Authorization"), "Bearer "+runner+" for "+w.url+"/etl-api"; token != want {
		t.Errorf("token %q, want %q", token, want)
	}
	w.settled("h", func(s schedule.Schedule) bool {
		return s.Last.Equal(at("2026-03-01 13:00")) && s.Next.Equal(at("2026-03-01 14:00"))
	})
}

func TestFailures(t *testing.T) {
	w := newWorld(t, "2026-03-01 12:00")
	w.put(hourly)
	w.set("2026-03-01 13:00", http.StatusServiceUnavailable)
	w.expect("2026-03-01T13:00:00Z")
	w.settled("h", func(s schedule.Schedule) bool { return s.LastError == "etl-api failed: Unavailable" && s.Last.IsZero() })
	w.set("2026-03-01 13:01", http.StatusOK)
	w.expect("2026-03-01T13:00:00Z") // the service tries again, for the same time
	w.settled("h", func(s schedule.Schedule) bool { return s.LastError == "" && s.Last.Equal(at("2026-03-01 13:00")) })
	w.set("2026-03-01 13:59", http.StatusOK)
	w.expect()

	w.set("2026-03-01 13:59", http.StatusForbidden)
	if err := w.sched.RunNow(t.Context(), "h"); !problem.Is(err, problem.PermissionDenied) {
		t.Error(err)
	}
	if s := w.get("h"); s.LastError != "etl-api failed: PermissionDenied" {
		t.Errorf("%+v", s)
	}
}

func TestPutKeepsWhatIsOwed(t *testing.T) {
	w := newWorld(t, "2026-03-01 12:00")
	w.put(hourly)
	w.set("2026-03-01 13:00", http.StatusInternalServerError)
	w.expect("2026-03-01T13:00:00Z")
	w.settled("h", func(s schedule.Schedule) bool { return s.LastError != "" })
	s := hourly
	s.Path = "/other"
	w.put(s) // the same times: 13:00 is owed
	w.set("2026-03-01 13:01", http.StatusOK)
	if r := w.next(); r.URL.Path != "/etl-api/other" || r.Header.Get(schedule.HeaderTime) != "2026-03-01T13:00:00Z" {
		t.Errorf("%s at %s", r.URL, r.Header.Get(schedule.HeaderTime))
	}

	w.set("2026-03-01 14:00", http.StatusInternalServerError)
	w.expect("2026-03-01T14:00:00Z")
	w.settled("h", func(s schedule.Schedule) bool { return s.LastError != "" })
	s.Cron = "10 * * * *" // other times begin now
	w.put(s)
	w.set("2026-03-01 14:05", http.StatusOK)
	w.expect()
	w.set("2026-03-01 14:10", http.StatusOK)
	w.expect("2026-03-01T14:10:00Z")
}

func TestPausedTimesAreNotOwed(t *testing.T) {
	w := newWorld(t, "2026-03-01 12:00")
	s := hourly
	s.Paused = true
	w.put(s)
	w.set("2026-03-01 15:30", http.StatusOK)
	w.expect()
	w.put(hourly) // resumes
	w.expect()
	w.set("2026-03-01 16:00", http.StatusOK)
	w.expect("2026-03-01T16:00:00Z")
}

// TestRepeats: a lost reply or a call made twice changes nothing.
func TestRepeats(t *testing.T) {
	for _, method := range []string{"GetJob", "CreateJob", "UpdateJob", "PauseJob", "ResumeJob", "DeleteJob", "ListJobs"} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprint(method, " after ", after), func(t *testing.T) {
				w := newWorld(t, "2026-03-01 12:00")
				failed := false
				w.fake.Fail(func(m string, a bool) error {
					if m != method || a != after || failed {
						return nil
					}
					failed = true
					return status.Error(codes.Unavailable, "injected")
				})
				w.put(hourly)
				w.put(hourly)
				s := hourly
				s.Path, s.Paused = "/other", true
				w.put(s)
				if got := w.get("h"); !got.Paused || got.Path != "/other" {
					t.Errorf("%+v", got)
				}
				s.Paused = false
				w.put(s)
				list, err := w.sched.List(t.Context())
				if err != nil || len(list) != 1 || list[0].Paused || list[0].Path != "/other" {
					t.Errorf("%+v, %v", list, err)
				}
				for range 2 {
					if err := w.sched.Delete(t.Context(), "h"); err != nil {
						t.Error(err)
					}
				}
				if !failed {
					t.Error("nothing failed")
				}
			})
		}
	}
}

// TestUnchangedIsNotUpdated: a Put of what is there writes nothing.
func TestUnchangedIsNotUpdated(t *testing.T) {
	w := newWorld(t, "")
	w.put(hourly)
	w.fake.Fail(func(m string, _ bool) error {
		if m != "GetJob" {
			return status.Error(codes.Internal, m)
		}
		return nil
	})
	w.put(hourly)
}

// TestOthersAreLeftAlone: a job of the catalogue's crons is not the product's.
func TestOthersAreLeftAlone(t *testing.T) {
	w := newWorld(t, "")
	c, err := w.drv.client.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := w.drv.job(schedule.Schedule{ID: "x", Cron: "*/5 * * * *", TimeZone: "UTC", Function: "repair-experiments"})
	if err != nil {
		t.Fatal(err)
	}
	theirs.Name = location.Parent() + "/jobs/h"
	if _, err := c.CreateJob(t.Context(), &schedulerpb.CreateJobRequest{Parent: location.Parent(), Job: theirs}); err != nil {
		t.Fatal(err)
	}
	if list, err := w.sched.List(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("%v, %v", list, err)
	}
	if _, err := w.sched.Get(t.Context(), "h"); !problem.Is(err, problem.NotFound) {
		t.Error(err)
	}
	w.put(hourly)
	if err := w.sched.Delete(t.Context(), "h"); err != nil {
		t.Error(err)
	}
	if _, err := c.GetJob(t.Context(), &schedulerpb.GetJobRequest{Name: theirs.Name}); err != nil {
		t.Error(err)
	}
}

func TestManyArePaged(t *testing.T) {
	w := newWorld(t, "")
	for i := range 600 {
		s := hourly
		s.ID = fmt.Sprintf("j%03d", i)
		w.put(s)
	}
	list, err := w.sched.List(t.Context())
	if err != nil || len(list) != 600 || list[0].ID != "j000" || list[599].ID != "j599" {
		t.Errorf("%d, %v", len(list), err)
	}
}
