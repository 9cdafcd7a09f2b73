package firestore_test

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	fake "github.com/b2brecs/b2brecs/shared/internal/gcpfake/firestore"
	"github.com/b2brecs/b2brecs/shared/state"
)

// changes takes n changes in their order: "collection/id", with a minus for a delete.
func changes(t *testing.T, ch <-chan state.Change, n int) string {
	t.Helper()
	var out []string
	for range n {
		select {
		case c, ok := <-ch:
			if !ok {
				t.Fatalf("the watch ended after %v", out)
			}
			sign := ""
			if c.Data == nil {
				sign = "-"
			}
			out = append(out, sign+c.Collection+"/"+c.ID)
		case <-time.After(20 * time.Second):
			t.Fatalf("no change came after %v", out)
		}
	}
	return strings.Join(out, " ")
}

func quiet(t *testing.T, ch <-chan state.Change) {
	t.Helper()
	select {
	case c, ok := <-ch:
		t.Errorf("one change too many: %s/%s version %d (%t)", c.Collection, c.ID, c.Version, ok)
	case <-time.After(100 * time.Millisecond):
	}
}

// A stream that breaks, for a while or for good, loses no last version, keeps the order
// of the commits, and does not tell again what was known before.
func TestWatchAcrossBreaks(t *testing.T) {
	for _, broken := range []error{fake.Lost, status.Error(codes.Aborted, "moved"), status.Error(codes.InvalidArgument, "?")} {
		t.Run(status.Code(broken).String(), func(t *testing.T) {
			t.Parallel() // waits
			s := start(t, nil)
			db := state.New(driver(t, s, nil))
			docs := state.Of[doc](db, "docs")
			put := func(id string) {
				if err := docs.Put(t.Context(), id, doc{}); err != nil {
					t.Fatal(err)
				}
			}
			put("old")
			put("stays")
			ch, err := db.Watch(t.Context(), "docs")
			if err != nil {
				t.Fatal(err)
			}
			put("a")
			if got := changes(t, ch, 1); got != "docs/a" {
				t.Error(got)
			}
			s.EndListens(broken)
			for s.Listens() > 0 {
				time.Sleep(time.Millisecond)
			}
			put("b")
			put("old")
			if err := docs.Delete(t.Context(), "a"); err != nil {
				t.Fatal(err)
			}
			if got, want := changes(t, ch, 3), "docs/b docs/old -docs/a"; got != want {
				t.Errorf("%s, want %s", got, want)
			}
			put("c")
			if got := changes(t, ch, 1); got != "docs/c" {
				t.Error(got)
			}
			quiet(t, ch)
		})
	}
}

// A prefix is one of names, not of parts: the portable type's contract.
func TestWatchPrefixes(t *testing.T) {
	s := start(t, nil)
	db := state.New(driver(t, s, nil))
	all := map[string]<-chan state.Change{}
	for _, prefix := range []string{"", "runs", "runs_", "p/1/", "p/1/runs"} {
		ch, err := db.Watch(t.Context(), prefix)
		if err != nil {
			t.Fatal(err)
		}
		all[prefix] = ch
	}
	for _, c := range []string{"runs", "runs_old", "p/1/runs", "p/10/runs", "zebra"} {
		if err := state.Of[doc](db, c).Put(t.Context(), "x", doc{}); err != nil {
			t.Fatal(err)
		}
	}
	for prefix, want := range map[string]string{
		"": "runs/x runs_old/x p/1/runs/x p/10/runs/x zebra/x", "runs": "runs/x runs_old/x", "runs_": "runs_old/x", "p/1/": "p/1/runs/x", "p/1/runs": "p/1/runs/x",
	} {
		if got := changes(t, all[prefix], strings.Count(want, " ")+1); got != want {
			t.Errorf("%q: %s, want %s", prefix, got, want)
		}
		quiet(t, all[prefix])
	}
}
