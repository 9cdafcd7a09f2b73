package cloudscheduler

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/b2brecs/b2brecs/shared/internal/gcp"
	fake "github.com/b2brecs/b2brecs/shared/internal/gcpfake/scheduler"
	"github.com/b2brecs/b2brecs/shared/schedule"
	"github.com/b2brecs/b2brecs/shared/schedule/scheduletest"
)

var location = gcp.Location{Project: "acme-b2brecs", Region: "europe-west1"}

const runner = "scheduler@acme-b2brecs.iam.gserviceaccount.com"

// world is the service, a platform whose functions it calls, and a driver.
type world struct {
	*testing.T
	fake  *fake.Server
	drv   *Driver
	sched *schedule.Scheduler
	url   string
	got   chan *http.Request // the calls of functions; their bodies are read

	mu     sync.Mutex
	at     time.Time
	answer int
}

// newWorld makes a world; start "" is the wall clock.
func newWorld(t *testing.T, start string) *world {
	t.Helper()
	w := &world{T: t, got: make(chan *http.Request, 100), answer: http.StatusOK}
	if start != "" {
		w.at = at(start)
	}
	functions := httptest.NewServer(Planned(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		defer w.mu.Unlock()
		rw.WriteHeader(w.answer)
		w.got <- r
	})))
	t.Cleanup(functions.Close)
	w.url = functions.URL
	var err error
	w.fake, err = fake.Start(t.Context(), fake.Options{Location: location, Now: w.now,
		Token: func(_ context.Context, account, audience string) (string, error) {
			return account + " for " + audience, nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.fake.Close() })
	w.drv = w.driver()
	w.sched = schedule.New(w.drv)
	return w
}

func (w *world) driver() *Driver {
	w.Helper()
	d, err := New(Options{Location: location, FunctionsURL: w.url, ServiceAccount: runner, Client: w.fake.Options()})
	if err != nil {
		w.Fatal(err)
	}
	d.now, d.poll = w.now, time.Millisecond
	w.Cleanup(func() { _ = d.Close() })
	return d
}

func at(s string) time.Time {
	v, err := time.Parse("2006-01-02 15:04", s)
	if err != nil {
		panic(err)
	}
	return v
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.at.IsZero() {
		return time.Now()
	}
	return w.at
}

func TestConformance(t *testing.T) {
	scheduletest.Run(t, func(t *testing.T) (*schedule.Scheduler, <-chan string) {
		w := newWorld(t, "")
		fired := make(chan string, 100)
		go func() {
			for {
				select {
				case r := <-w.got:
					fired <- r.Header.Get(schedule.HeaderID)
				case <-t.Context().Done():
					return
				}
			}
		}()
		return w.sched, fired
	})
}
