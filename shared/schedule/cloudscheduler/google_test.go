package cloudscheduler

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/auth/credentials/idtoken"
	scheduler "cloud.google.com/go/scheduler/apiv1"
	"cloud.google.com/go/scheduler/apiv1/schedulerpb"

	"github.com/b2brecs/b2brecs/shared/internal/gcp/gcptest"
	"github.com/b2brecs/b2brecs/shared/schedule"
	"github.com/b2brecs/b2brecs/shared/schedule/scheduletest"
)

// named keeps schedules under names of a run, a set for each test.
type named struct {
	*Driver
	prefix string
}

func (n named) Put(ctx context.Context, s schedule.Schedule) error {
	s.ID = n.prefix + s.ID
	return n.Driver.Put(ctx, s)
}
func (n named) Get(ctx context.Context, id string) (schedule.Schedule, error) {
	s, err := n.Driver.Get(ctx, n.prefix+id)
	s.ID = strings.TrimPrefix(s.ID, n.prefix)
	return s, err
}
func (n named) Delete(ctx context.Context, id string) error { return n.Driver.Delete(ctx, n.prefix+id) }
func (n named) Pause(ctx context.Context, id string, paused bool) error {
	return n.Driver.Pause(ctx, n.prefix+id, paused)
}
func (n named) RunNow(ctx context.Context, id string) error { return n.Driver.RunNow(ctx, n.prefix+id) }
func (n named) List(ctx context.Context) (out []schedule.Schedule, err error) {
	all, err := n.Driver.List(ctx)
	for _, s := range all {
		if id, ok := strings.CutPrefix(s.ID, n.prefix); ok {
			s.ID = id
			out = append(out, s)
		}
	}
	return out, err
}

// The suite in the project that gcptest knows. The jobs call a server of this machine
// through a tunnel; their tokens are checked as a function checks them. Jobs cost cents
// for a month; these are gone after seconds.
func TestOnGoogleCloud(t *testing.T) {
	p := gcptest.Open(t, gcptest.AccountVar)
	calls := make(chan *http.Request, 100)
	functions := httptest.NewServer(Planned(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { calls <- r })))
	t.Cleanup(functions.Close)
	url := functions.URL
	if !p.Emulated("scheduler") {
		url = p.NewTunnel(t).Reach(url)
	}
	c, err := scheduler.NewCloudSchedulerClient(t.Context(), p.Client("scheduler")...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	scheduletest.Run(t, func(t *testing.T) (*schedule.Scheduler, <-chan string) {
		d, err := New(Options{Location: p.Location, FunctionsURL: url, ServiceAccount: p.Account, Client: p.Client("scheduler")})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = d.Close() })
		n := named{d, p.Name(strings.ToLower(t.Name()[strings.LastIndex(t.Name(), "/")+1:]) + "-")}
		t.Cleanup(func() {
			all, err := n.List(context.WithoutCancel(t.Context()))
			if err != nil {
				t.Errorf("jobs are left behind: %v", err)
			}
			for _, s := range all {
				p.Cleanup(t, "job "+s.ID, func(ctx context.Context) error {
					return c.DeleteJob(ctx, &schedulerpb.DeleteJobRequest{Name: d.name(n.prefix + s.ID)})
				})
			}
		})
		fired := make(chan string, 100)
		go func() {
			for {
				select {
				case r := <-calls:
					if t.Context().Err() != nil {
						return
					}
					check(t, p, r, url)
					fired <- strings.TrimPrefix(r.Header.Get(schedule.HeaderID), n.prefix)
				case <-t.Context().Done():
					return
				}
			}
		}()
		return schedule.New(n), fired
	})
}

// check looks at what a function gets: who calls, and the planned time.
func check(t *testing.T, p *gcptest.Project, r *http.Request, url string) {
	if _, err := time.Parse(time.RFC3339, r.Header.Get(schedule.HeaderTime)); err != nil {
		t.Errorf("the planned time: %v", err)
	}
	t.Logf("the service's own time header is %q", r.Header.Get("X-CloudScheduler-ScheduleTime"))
	if p.Emulated("scheduler") {
		return
	}
	function, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	claims, err := idtoken.Validate(t.Context(), token, url+"/"+function)
	if err != nil || claims.Claims["email"] != p.Account {
		t.Errorf("the token of a firing: %v", err) // never the token itself
	}
}
