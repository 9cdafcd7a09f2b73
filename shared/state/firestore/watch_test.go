package firestore_test

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	fake "github.com/b2brecs/b2brecs/shared/internal/gcpfake/firestore"
	"github.com/b2brecs/b2brecs/shared/problem"
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
// of the commits, and does not tell again what was known before. The service may go on
// where it broke, without a word of what was deleted, or send everything anew.
func TestWatchAcrossBreaks(t *testing.T) {
	for _, broken := range []error{fake.Lost, status.Error(codes.Aborted, "moved"), status.Error(codes.Canceled, "enough"), status.Error(codes.InvalidArgument, "?")} {
		for _, reset := range []bool{false, true} {
			t.Run(fmt.Sprint(status.Code(broken), reset), func(t *testing.T) {
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
				put("unseen")
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
				if reset {
					s.ResetListens()
				}
				put("b")
				put("old")
				put("brief")
				for _, id := range []string{"a", "unseen", "brief"} {
					if err := docs.Delete(t.Context(), id); err != nil {
						t.Fatal(err)
					}
				}
				if got, want := changes(t, ch, 4), "docs/b docs/old -docs/a -docs/unseen"; got != want {
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
}

// Who asks for a watch while the service is away may ask again: nobody cancelled it.
func TestWatchOfAServiceThatIsAway(t *testing.T) {
	t.Parallel() // waits
	s := start(t, nil)
	s.SetFault(func(m string, _ proto.Message) (error, error) {
		if m == "RunQuery" {
			return fake.Lost, nil
		}
		return nil, nil
	})
	if _, err := state.New(driver(t, s, nil)).Watch(t.Context(), "docs"); !problem.Is(err, problem.Unavailable) {
		t.Errorf("%v (%s)", err, problem.CodeOf(err))
	}
}

// A watch stands when Watch returns, though its stream come late.
func TestWatchWhoseStreamIsLate(t *testing.T) {
	s := start(t, nil)
	db := state.New(driver(t, s, nil))
	docs := state.Of[doc](db, "docs")
	for _, id := range []string{"goes", "changes", "stays"} {
		if err := docs.Put(t.Context(), id, doc{}); err != nil {
			t.Fatal(err)
		}
	}
	s.SetFault(once("Listen", fake.Lost, nil))
	ch, err := db.Watch(t.Context(), "docs")
	if err != nil {
		t.Fatal(err)
	}
	if err := docs.Put(t.Context(), "changes", doc{N: 1}); err != nil {
		t.Fatal(err)
	}
	if err := docs.Delete(t.Context(), "goes"); err != nil {
		t.Fatal(err)
	}
	if got, want := changes(t, ch, 2), "docs/changes -docs/goes"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	quiet(t, ch)
}

// A break during which more was written than a watch holds: the bodies beyond are read
// when their turn comes, and what has gone by then is gone.
func TestWatchOfMoreThanItHolds(t *testing.T) {
	s := start(t, nil)
	db := state.New(driver(t, s, nil))
	docs := state.Of[doc](db, "docs")
	ch, err := db.Watch(t.Context(), "docs")
	if err != nil {
		t.Fatal(err)
	}
	for s.Listens() == 0 {
		time.Sleep(time.Millisecond)
	}
	s.EndListens(fake.Lost)
	for s.Listens() > 0 {
		time.Sleep(time.Millisecond)
	}
	const n, size = 20, 700_000
	for i := range n {
		if err := docs.Put(t.Context(), fmt.Sprintf("%02d", i), doc{N: i, Text: strings.Repeat("x", size)}); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	last := int64(0)
	for i := range n {
		select {
		case c := <-ch:
			if i == 0 {
				if err := docs.Delete(t.Context(), fmt.Sprintf("%02d", n-1)); err != nil {
					t.Fatal(err)
				}
			}
			if c.Version <= last || (len(c.Data) < size) != (i == n-1) {
				t.Errorf("%s: version %d after %d, %d bytes", c.ID, c.Version, last, len(c.Data))
			}
			last = c.Version
			got = append(got, c.ID)
		case <-time.After(20 * time.Second):
			t.Fatalf("no change came after %v", got)
		}
	}
	if !slices.IsSorted(got) {
		t.Errorf("the order of the commits is lost: %v", got)
	}
}

// What is there costs a watch nothing: neither its start nor its life keeps documents.
func TestWatchKeepsNoDocuments(t *testing.T) {
	s := start(t, nil)
	db := state.New(driver(t, s, nil))
	docs := state.Of[doc](db, "docs")
	const small, large, watches, bound = 3000, 40, 10, 8 << 20
	put := func(n, from, size int) {
		err := db.Transact(t.Context(), func(tx *state.Tx) error {
			for i := range n {
				if err := state.Put(tx, docs, fmt.Sprint("d", from+i), doc{N: i, Text: strings.Repeat("x", size)}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := 0; i < small; i += 500 {
		put(500, i, 1000)
	}
	for i := 0; i < large; i += 10 {
		put(10, small+i, 700_000)
	}
	before := heap()
	var all []<-chan state.Change
	for range watches {
		ch, err := db.Watch(t.Context(), "docs")
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, ch)
	}
	for s.Listens() < watches {
		time.Sleep(time.Millisecond)
	}
	put(1, small, 700_000)
	for _, ch := range all {
		if got := changes(t, ch, 1); got != "docs/d3000" {
			t.Error(got)
		}
	}
	grown := heap() - before
	t.Logf("%d watches of %d documents keep %d KiB", watches, small+large, grown>>10)
	if grown > bound {
		t.Errorf("%d watches keep %d MiB, more than %d", watches, grown>>20, bound>>20)
	}
}

// heap is what is in use, in bytes.
func heap() int64 {
	runtime.GC()
	runtime.GC() // what the first one let go of in pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
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
