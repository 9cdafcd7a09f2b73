package cloudscheduler

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/scheduler/apiv1/schedulerpb"
	"github.com/google/go-cmp/cmp"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/schedule"
)

func TestReadBack(t *testing.T) {
	w := newWorld(t, "2026-03-01 12:00")
	for _, tc := range []struct {
		name   string
		change func(*schedulerpb.Job)
		want   func(*schedule.Schedule)
		code   problem.Code
	}{
		{"no body", func(*schedulerpb.Job) {}, func(s *schedule.Schedule) { s.Body = []byte("{}") }, ""},
		{"query", func(j *schedulerpb.Job) { j.GetHttpTarget().Uri = w.url + "/f?a=1" }, func(s *schedule.Schedule) { s.Function, s.Path = "f", "?a=1" }, ""},
		{"message", func(j *schedulerpb.Job) { j.Status = &rpcstatus.Status{Code: 5, Message: "URL_ERROR-404"} },
			func(s *schedule.Schedule) { s.LastError = "etl-api failed: URL_ERROR-404" }, ""},
		{"disabled", func(j *schedulerpb.Job) { j.State = schedulerpb.Job_DISABLED },
			func(s *schedule.Schedule) {
				s.Next, s.LastError = time.Time{}, "Cloud Scheduler has disabled the schedule; delete it and make it again"
			}, ""},
		{"update failed", func(j *schedulerpb.Job) { j.State = schedulerpb.Job_UPDATE_FAILED },
			func(s *schedule.Schedule) {
				s.Next, s.LastError = time.Time{}, "the last change failed half-way; save the schedule again"
			}, ""},
		{"address of another", func(j *schedulerpb.Job) { j.GetHttpTarget().Uri = "https://else.example/etl-api" }, nil, problem.FailedPrecondition},
		{"no function", func(j *schedulerpb.Job) { j.GetHttpTarget().Uri = w.url + "/" }, nil, problem.FailedPrecondition},
		{"other target", func(j *schedulerpb.Job) { j.Target = &schedulerpb.Job_PubsubTarget{} }, nil, problem.FailedPrecondition},
		{"English", func(j *schedulerpb.Job) { j.Schedule = "every 5 minutes" }, nil, problem.FailedPrecondition},
	} {
		t.Run(tc.name, func(t *testing.T) {
			j, err := w.drv.job(hourly)
			if err != nil {
				t.Fatal(err)
			}
			j.State = schedulerpb.Job_ENABLED
			tc.change(j)
			got, err := w.drv.schedule(j)
			if problem.CodeOf(err) != tc.code {
				t.Fatal(err)
			}
			if err != nil {
				return
			}
			want := hourly
			want.Body, want.Next = []byte("{}"), at("2026-03-01 13:00")
			tc.want(&want)
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// TestUpdateThatFailed: after a change that failed half-way everything is written again.
func TestUpdateThatFailed(t *testing.T) {
	w := newWorld(t, "")
	want, err := w.drv.job(hourly)
	if err != nil {
		t.Fatal(err)
	}
	have := proto.Clone(want).(*schedulerpb.Job)
	if paths := changes(have, want); len(paths) > 0 {
		t.Error(paths)
	}
	have.State = schedulerpb.Job_UPDATE_FAILED
	if paths := changes(have, want); len(paths) != 6 {
		t.Error(paths)
	}
}

func TestRefused(t *testing.T) {
	w := newWorld(t, "")
	for field, change := range map[string]func(*schedule.Schedule){
		"id":       func(s *schedule.Schedule) { s.ID = strings.Repeat("x", maxJobID) },
		"function": func(s *schedule.Schedule) { s.Function = "etl-api/../x" },
		"path":     func(s *schedule.Schedule) { s.Path = "v1" },
	} {
		s := hourly
		change(&s)
		err := w.sched.Put(t.Context(), s)
		if p := problem.Of(err); err == nil || p.Code != problem.InvalidArgument || !strings.Contains(fmt.Sprint(p.Fields), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	for _, path := range []string{"/a b", "/../other", "/%2e%2e/other", "/#x", "/" + strings.Repeat("x", maxURI)} {
		s := hourly
		s.Path = path
		if err := w.sched.Put(t.Context(), s); !problem.Is(err, problem.InvalidArgument) {
			t.Errorf("%.20q: %v", path, err)
		}
	}
	if _, err := New(Options{FunctionsURL: "https://x/", ServiceAccount: "me"}); len(problem.Of(err).Fields) != 4 {
		t.Errorf("%v", err)
	}
}
