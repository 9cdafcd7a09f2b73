package scheduler

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	api "cloud.google.com/go/scheduler/apiv1"
	pb "cloud.google.com/go/scheduler/apiv1/schedulerpb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/b2brecs/b2brecs/shared/internal/gcp"
)

const parent = "projects/p/locations/r"

// world is a fake, its clock, a client, and a function that answers.
type world struct {
	*testing.T
	*Server
	client *api.CloudSchedulerClient
	url    string
	calls  chan string // planned times

	mu     sync.Mutex
	at     time.Time
	answer func() int
}

func newWorld(t *testing.T) *world {
	w := &world{T: t, calls: make(chan string, 100), at: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), answer: func() int { return 200 }}
	f := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		answer := w.answer
		w.mu.Unlock()
		w.calls <- r.Header.Get("X-CloudScheduler-ScheduleTime")
		rw.WriteHeader(answer())
	}))
	w.url = f.URL
	var err error
	w.Server, err = Start(t.Context(), Options{Location: gcp.Location{Project: "p", Region: "r"},
		Now: func() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.at },
		Token: func(_ context.Context, account, _ string) (string, error) {
			if account == "no@where" {
				return "", errors.New("no such account")
			}
			return "t", nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	if w.client, err = api.NewCloudSchedulerClient(t.Context(), w.Options()...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = w.client.Close(), w.Close(); f.Close() })
	return w
}

func (w *world) job(change func(*pb.Job)) *pb.Job {
	j := &pb.Job{Name: parent + "/jobs/j", Schedule: "* * * * *", Target: &pb.Job_HttpTarget{HttpTarget: &pb.HttpTarget{Uri: w.url}}}
	if change != nil {
		change(j)
	}
	return j
}

func (w *world) create(change func(*pb.Job)) error {
	_, err := w.client.CreateJob(w.Context(), &pb.CreateJobRequest{Parent: parent, Job: w.job(change)})
	return err
}

func (w *world) read() *pb.Job {
	w.Helper()
	j, err := w.client.GetJob(w.Context(), &pb.GetJobRequest{Name: parent + "/jobs/j"})
	if err != nil {
		w.Fatal(err)
	}
	return j
}

// move moves the clock and gives the planned times that are called.
func (w *world) move(d time.Duration, want ...string) {
	w.Helper()
	w.mu.Lock()
	w.at = w.at.Add(d)
	w.mu.Unlock()
	w.Poke()
	got := []string{}
	for len(got) <= len(want) {
		wait := 10 * time.Second
		if len(got) == len(want) {
			wait = 30 * time.Millisecond
		}
		select {
		case c := <-w.calls:
			got = append(got, c[11:16])
			continue
		case <-time.After(wait):
		}
		break
	}
	if d := cmp.Diff(append([]string{}, want...), got); d != "" {
		w.Fatalf("called (-want +got):\n%s", d)
	}
}

// idle waits until no firing is in flight.
func (w *world) idle() {
	w.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		w.Server.mu.Lock()
		busy := w.jobs[parent+"/jobs/j"].running
		w.Server.mu.Unlock()
		if !busy {
			return
		}
		if time.Now().After(deadline) {
			w.Fatal("a firing does not end")
		}
	}
}

func TestRefuses(t *testing.T) {
	w := newWorld(t)
	target := func(change func(*pb.HttpTarget)) func(*pb.Job) { return func(j *pb.Job) { change(j.GetHttpTarget()) } }
	header := func(k string) func(*pb.Job) {
		return target(func(h *pb.HttpTarget) { h.Headers = map[string]string{k: "x"} })
	}
	retry := func(r *pb.RetryConfig) func(*pb.Job) { return func(j *pb.Job) { j.RetryConfig = r } }
	for i, change := range []func(*pb.Job){
		func(j *pb.Job) { j.Name = "j" },
		func(j *pb.Job) { j.Name = "projects/p/locations/r/jobs/a b" },
		func(j *pb.Job) { j.Schedule = "" },
		func(j *pb.Job) { j.Schedule = "61 * * * *" },
		func(j *pb.Job) { j.TimeZone = "Mars/Base" },
		func(j *pb.Job) { j.Target = nil },
		func(j *pb.Job) { j.Target = &pb.Job_PubsubTarget{PubsubTarget: &pb.PubsubTarget{}} },
		func(j *pb.Job) { j.State = pb.Job_PAUSED },
		func(j *pb.Job) { j.Description = strings.Repeat("x", 501) },
		func(j *pb.Job) { j.AttemptDeadline = durationpb.New(14 * time.Second) },
		func(j *pb.Job) { j.AttemptDeadline = durationpb.New(31 * time.Minute) },
		retry(&pb.RetryConfig{RetryCount: 6}),
		retry(&pb.RetryConfig{RetryCount: -1}),
		retry(&pb.RetryConfig{MinBackoffDuration: durationpb.New(time.Hour), MaxBackoffDuration: durationpb.New(time.Minute)}),
		target(func(h *pb.HttpTarget) { h.Uri = "ftp://x" }),
		target(func(h *pb.HttpTarget) { h.Uri = "http://x/a b" }),
		target(func(h *pb.HttpTarget) { h.Uri = "http://x/" + strings.Repeat("x", maxURI) }),
		target(func(h *pb.HttpTarget) { h.HttpMethod, h.Body = pb.HttpMethod_GET, []byte("x") }),
		target(func(h *pb.HttpTarget) { h.Body = make([]byte, maxJobBytes) }),
		target(func(h *pb.HttpTarget) {
			h.AuthorizationHeader = &pb.HttpTarget_OidcToken{OidcToken: &pb.OidcToken{ServiceAccountEmail: "me"}}
		}),
		target(func(h *pb.HttpTarget) {
			h.AuthorizationHeader = &pb.HttpTarget_OauthToken{OauthToken: &pb.OAuthToken{ServiceAccountEmail: "me@x"}}
		}),
		header("Host"), header("content-length"), header("X-CloudScheduler-JobName"), header("X-Google-A"), header("authorization"), header("User-Agent"),
	} {
		if err := w.create(change); status.Code(err) != codes.InvalidArgument {
			t.Errorf("%d: %v", i, err)
		}
	}
	if err := w.create(func(j *pb.Job) { j.Name = "projects/q/locations/r/jobs/j" }); status.Code(err) != codes.PermissionDenied {
		t.Error(err)
	}
	if err := w.create(nil); err != nil {
		t.Fatal(err)
	}
	if err := w.create(nil); status.Code(err) != codes.AlreadyExists {
		t.Error(err)
	}
	update := func(j *pb.Job, paths ...string) error {
		_, err := w.client.UpdateJob(t.Context(), &pb.UpdateJobRequest{Job: j, UpdateMask: &fieldmaskpb.FieldMask{Paths: paths}})
		return err
	}
	name := parent + "/jobs/j"
	_, resumed := w.client.ResumeJob(t.Context(), &pb.ResumeJobRequest{Name: name})
	_, paused := w.client.PauseJob(t.Context(), &pb.PauseJobRequest{Name: name})
	_, again := w.client.PauseJob(t.Context(), &pb.PauseJobRequest{Name: name})
	for what, tc := range map[string]struct {
		err  error
		want codes.Code
	}{
		"no mask":        {update(w.job(nil)), codes.InvalidArgument},
		"output field":   {update(w.job(nil), "state"), codes.InvalidArgument},
		"output value":   {update(w.job(func(j *pb.Job) { j.State = pb.Job_PAUSED }), "schedule"), codes.InvalidArgument},
		"absent":         {update(w.job(func(j *pb.Job) { j.Name += "x" }), "schedule"), codes.NotFound},
		"bad value":      {update(w.job(func(j *pb.Job) { j.Schedule = "x" }), "schedule"), codes.InvalidArgument},
		"resume enabled": {resumed, codes.FailedPrecondition},
		"pause":          {paused, codes.OK},
		"pause paused":   {again, codes.FailedPrecondition},
	} {
		if status.Code(tc.err) != tc.want {
			t.Errorf("%s: %v, want %s", what, tc.err, tc.want)
		}
	}
	if j := w.read(); j.State != pb.Job_PAUSED || j.Schedule != "* * * * *" || j.TimeZone != "Etc/UTC" {
		t.Errorf("%v", j)
	}
}

func TestRetriesUntilTheNextTime(t *testing.T) {
	w := newWorld(t)
	w.answer = func() int { return 503 }
	if err := w.create(func(j *pb.Job) {
		j.Schedule = "*/10 * * * *"
		j.RetryConfig = &pb.RetryConfig{RetryCount: 3, MinBackoffDuration: durationpb.New(2 * time.Minute)}
	}); err != nil {
		t.Fatal(err)
	}
	w.move(9 * time.Minute)
	w.move(time.Minute, "12:10")
	w.idle()
	w.move(time.Minute)
	w.move(time.Minute, "12:10")
	w.idle() // 12:12
	w.move(4*time.Minute, "12:10")
	w.idle() // 12:16; the third, at 12:24, would be too late
	w.move(4*time.Minute, "12:20")
	w.idle()
	if j := w.read(); codes.Code(j.Status.GetCode()) != codes.Unavailable {
		t.Errorf("%v", j)
	}
	w.mu.Lock()
	w.answer = func() int { return 204 }
	w.mu.Unlock()
	w.move(2*time.Minute, "12:20")
	w.idle()
	w.move(7*time.Minute + 59*time.Second)
	w.move(time.Second, "12:30")
	w.idle()
	w.move(65*time.Minute, "13:30")
	w.idle() // of those missed, the newest
}

func TestOneAtATime(t *testing.T) {
	w := newWorld(t)
	release := make(chan struct{})
	w.answer = func() int { <-release; return 200 }
	if err := w.create(nil); err != nil {
		t.Fatal(err)
	}
	w.move(time.Minute, "12:01")
	w.move(3 * time.Minute)
	close(release)
	w.move(0, "12:04")
}

func TestTokenRefused(t *testing.T) {
	w := newWorld(t)
	if err := w.create(func(j *pb.Job) {
		j.GetHttpTarget().AuthorizationHeader = &pb.HttpTarget_OidcToken{OidcToken: &pb.OidcToken{ServiceAccountEmail: "no@where"}}
	}); err != nil {
		t.Fatal(err)
	}
	w.move(time.Minute)
	for deadline := time.Now().Add(10 * time.Second); w.read().LastAttemptTime == nil && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
	}
	if j := w.read(); codes.Code(j.Status.GetCode()) != codes.Unauthenticated {
		t.Errorf("%v", j)
	}
}

// TestBackoff is the example of RetryConfig.max_doublings.
func TestBackoff(t *testing.T) {
	r := &pb.RetryConfig{MinBackoffDuration: durationpb.New(10 * time.Second), MaxBackoffDuration: durationpb.New(300 * time.Second), MaxDoublings: 3}
	var got []float64
	for n := range int32(8) {
		got = append(got, backoff(r, n).Seconds())
	}
	if fmt.Sprint(got) != "[10 20 40 80 160 240 300 300]" {
		t.Error(got)
	}
}
