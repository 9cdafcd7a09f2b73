package verify

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
)

// leaving is a suite of this package's testdata.
func leaving(tests string) Suite {
	return Suite{Name: "events", Driver: "platform/verify/testdata/leaving", Service: "Pub/Sub", Tests: tests, Cost: "nothing", Timeout: time.Minute}
}

func topics(t *testing.T, e *Emulators) (out []string) {
	t.Helper()
	list, err := e.pubsub.ListTopics(t.Context(), &pubsubpb.ListTopicsRequest{Project: "projects/" + e.Project})
	must(t, err)
	for _, v := range list.Topics {
		out = append(out, filepath.Base(v.Name))
	}
	return out
}

// A suite that fails is named, what it forgot is removed, and what is not
// verification's stays.
func TestFailingSuite(t *testing.T) {
	e := emulators(t)
	var begun []string
	r := Run(t.Context(), Options{Root: "../../..", Emulators: e, Suites: []Suite{leaving(onGoogle), leaving("^TestNothing$"), leaving("^TestNobody$"), Suites[0]},
		NotRun: map[string]string{Suites[0].Name: "it must not"}, Begin: func(s Suite) { begun = append(begun, s.Tests) }})
	if row := r.Rows[0]; !slices.Equal(row.Failed, []string{"TestOnGoogleCloud/part"}) || !strings.Contains(row.Output, "as it is meant") || row.Where != "a fake" {
		t.Errorf("%+v", row)
	}
	for i, why := range map[int]string{1: "there is nothing", 2: "no test is called ^TestNobody$", 3: "it must not"} {
		if row := r.Rows[i]; row.NotRun != why || row.OK() {
			t.Errorf("%+v; want: not run: %s", row, why)
		}
	}
	if want := "topic projects/" + e.Project + "/topics/b2brecs-verify-" + r.Run + "-forgotten"; r.OK() || len(begun) != 3 || !slices.Equal(r.Removed, []string{want}) || len(r.Left) > 0 {
		t.Errorf("%+v", r)
	}
	if got := topics(t, e); !slices.Equal(got, []string{"kept"}) {
		t.Errorf("the topics are %v", got)
	}
}

// An interrupted run begins no other suite, and removes what it made.
func TestInterrupted(t *testing.T) {
	e := emulators(t)
	mark := filepath.Join(t.TempDir(), "hangs")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(mark); err == nil {
				cancel()
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	begun := time.Now()
	r := Run(ctx, Options{Root: "../../..", Emulators: e, Suites: []Suite{leaving(onGoogle), Suites[0]}, Env: []string{"LEAVING_HANGS=" + mark}})
	if !slices.Equal(r.Rows[0].Failed, []string{"interrupted"}) || r.Rows[1].NotRun != "interrupted before it began" || len(r.Removed) != 1 || len(r.Left) > 0 || r.OK() {
		t.Errorf("%+v", r)
	}
	if got := topics(t, e); !slices.Equal(got, []string{"kept"}) || time.Since(begun) > 50*time.Second {
		t.Errorf("after %s the topics are %v", time.Since(begun), got)
	}
}
