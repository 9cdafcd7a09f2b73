package statetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
)

// Run checks a driver. open gives a DB that the test owns; every check uses
// collections of its own, so one store may serve them all.
func Run(t *testing.T, open func(t *testing.T) *state.DB) {
	for _, c := range []struct {
		name string
		fn   func(*testing.T, *state.DB)
	}{
		{"Documents", documents},
		{"CreateRace", createRace},
		{"Counters", counters},
		{"Transfer", transfer},
		{"FailedTransaction", failedTransaction},
		{"ReadYourWrites", readYourWrites},
		{"BigDocument", bigDocument},
		{"Names", names},
		{"Cancelled", cancelled},
		{"Filters", filters},
		{"Order", order},
		{"OrderMissingField", orderMissingField},
		{"BadQueries", badQueries},
		{"CursorUnderInserts", cursorUnderInserts},
		{"ForeignCursor", foreignCursor},
		{"WatchLatest", watchLatest},
		{"WatchPrefix", watchPrefix},
		{"WatchEnds", watchEnds},
		{"Model", model},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := open(t)
			c.fn(t, db)
		})
	}
}

type item struct {
	Name  string   `json:"name"`
	Count int      `json:"count"`
	Score *float64 `json:"score,omitempty"`
	Done  bool     `json:"done"`
	Deep  *deep    `json:"deep,omitempty"`
	Text  string   `json:"text,omitempty"`
}

type deep struct {
	Kind string `json:"kind"`
}

// fresh is a collection nobody else uses.
func fresh(db *state.DB, name string) *state.Collection[item] {
	return state.Of[item](db, name+"-"+state.NewID())
}

func want(t *testing.T, err error, code problem.Code) {
	t.Helper()
	if !problem.Is(err, code) {
		t.Fatalf("got %v (%s), want %s", err, problem.CodeOf(err), code)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func documents(t *testing.T, db *state.DB) {
	ctx := t.Context()
	c := fresh(db, "documents")
	_, err := c.Get(ctx, "a")
	want(t, err, problem.NotFound)
	_, err = c.Update(ctx, "a", func(*item) error { return nil })
	want(t, err, problem.NotFound)

	text := "line\n\"quoted\" – żółć 日本語 \u0000 \u2028 </script>"
	must(t, c.Create(ctx, "a", item{Name: text, Count: 1<<53 + 1}))
	want(t, c.Create(ctx, "a", item{Name: "other"}), problem.AlreadyExists)
	got, err := c.Get(ctx, "a")
	must(t, err)
	if d := cmp.Diff(item{Name: text, Count: 1<<53 + 1}, got); d != "" {
		t.Fatalf("document changed on the way (-want +got):\n%s", d)
	}

	must(t, c.Put(ctx, "a", item{Name: "second"}))
	up, err := c.Update(ctx, "a", func(v *item) error { v.Count++; return nil })
	must(t, err)
	got, err = c.Get(ctx, "a")
	must(t, err)
	if d := cmp.Diff(item{Name: "second", Count: 1}, got); d != "" {
		t.Fatal(d)
	}
	if d := cmp.Diff(up, got); d != "" {
		t.Fatalf("Update returned something else than it wrote:\n%s", d)
	}

	sub := state.Of[item](db, c.Name()+"/a/parts")
	must(t, sub.Put(ctx, "a", item{Name: "part"}))
	must(t, c.Delete(ctx, "a"))
	must(t, c.Delete(ctx, "a"))
	_, err = c.Get(ctx, "a")
	want(t, err, problem.NotFound)
	if part, err := sub.Get(ctx, "a"); err != nil || part.Name != "part" {
		t.Fatalf("a sub-collection MUST outlive the document above it: %v %v", part, err)
	}
	must(t, c.Create(ctx, "a", item{Name: "again"}))
}

// createRace: of many creators of one id exactly one wins, in every round.
func createRace(t *testing.T, db *state.DB) {
	c := fresh(db, "race")
	for round := range 5 {
		id := fmt.Sprintf("doc-%d", round)
		var mu sync.Mutex
		var winners []int
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				err := c.Create(t.Context(), id, item{Count: i})
				switch {
				case err == nil:
					mu.Lock()
					winners = append(winners, i)
					mu.Unlock()
				case !problem.Is(err, problem.AlreadyExists):
					t.Errorf("creator %d: %v", i, err)
				}
			})
		}
		wg.Wait()
		got, err := c.Get(t.Context(), id)
		must(t, err)
		if len(winners) != 1 || got.Count != winners[0] {
			t.Fatalf("round %d: winners %v, stored %d", round, winners, got.Count)
		}
	}
}

// counters: no increment is lost under contention.
func counters(t *testing.T, db *state.DB) {
	c := fresh(db, "counters")
	const workers, each = 12, 20
	must(t, c.Put(t.Context(), "n", item{}))
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range each {
				if _, err := c.Update(t.Context(), "n", func(v *item) error { v.Count++; return nil }); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	got, err := c.Get(t.Context(), "n")
	must(t, err)
	if got.Count != workers*each {
		t.Fatalf("counter is %d after %d increments", got.Count, workers*each)
	}
}

// transfer: a sum over several documents, read in a transaction, never changes
// while amounts move between them.
func transfer(t *testing.T, db *state.DB) {
	ctx := t.Context()
	c := fresh(db, "accounts")
	ids := []string{"a", "b", "c"}
	for _, id := range ids {
		must(t, c.Put(ctx, id, item{Count: 100}))
	}
	move := func(from, to string) error {
		return db.Transact(ctx, func(tx *state.Tx) error {
			f, err := state.Get(tx, c, from)
			if err != nil {
				return err
			}
			g, err := state.Get(tx, c, to)
			if err != nil {
				return err
			}
			f.Count--
			g.Count++
			if err := state.Put(tx, c, from, f); err != nil {
				return err
			}
			return state.Put(tx, c, to, g)
		})
	}
	sum := func() (n int, err error) {
		err = db.Transact(ctx, func(tx *state.Tx) error {
			n = 0
			for _, id := range ids {
				v, err := state.Get(tx, c, id)
				if err != nil {
					return err
				}
				n += v.Count
			}
			return nil
		})
		return n, err
	}
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			for k := range 15 {
				if err := move(ids[(i+k)%3], ids[(i+k+1)%3]); err != nil {
					t.Error(err)
				}
				if k%5 == 0 {
					if n, err := sum(); err != nil || n != 300 {
						t.Errorf("sum %d, %v", n, err)
					}
				}
			}
		})
	}
	wg.Wait()
	if n, err := sum(); err != nil || n != 300 {
		t.Fatalf("sum %d, %v", n, err)
	}
}

func failedTransaction(t *testing.T, db *state.DB) {
	ctx := t.Context()
	c := fresh(db, "failed")
	must(t, c.Put(ctx, "keep", item{Count: 1}))
	stop := errors.New("stop here")
	calls := 0
	err := db.Transact(ctx, func(tx *state.Tx) error {
		calls++
		if err := state.Put(tx, c, "new", item{}); err != nil {
			return err
		}
		if err := state.Delete(tx, c, "keep"); err != nil {
			return err
		}
		return stop
	})
	if !errors.Is(err, stop) || calls != 1 {
		t.Fatalf("err %v after %d calls; an error of fn MUST end the transaction at once", err, calls)
	}
	_, err = c.Get(ctx, "new")
	want(t, err, problem.NotFound)
	if v, err := c.Get(ctx, "keep"); err != nil || v.Count != 1 {
		t.Fatalf("a failed transaction changed a document: %v %v", v, err)
	}

	func() { // a panic undoes and lets go
		defer func() { _ = recover() }()
		_ = db.Transact(ctx, func(tx *state.Tx) error {
			_ = state.Put(tx, c, "new", item{})
			panic("boom")
		})
	}()
	_, err = c.Get(ctx, "new")
	want(t, err, problem.NotFound)
	must(t, c.Put(ctx, "after", item{}))
}

func readYourWrites(t *testing.T, db *state.DB) {
	ctx := t.Context()
	c := fresh(db, "own")
	must(t, c.Put(ctx, "old", item{Count: 1}))
	err := db.Transact(ctx, func(tx *state.Tx) error {
		if err := state.Create(tx, c, "a", item{Count: 1}); err != nil {
			return err
		}
		if err := state.Create(tx, c, "b", item{Count: 2}); err != nil {
			return err
		}
		if err := state.Create(tx, c, "a", item{}); !problem.Is(err, problem.AlreadyExists) {
			return fmt.Errorf("second create of a: %w", err)
		}
		if err := state.Delete(tx, c, "old"); err != nil {
			return err
		}
		if _, err := state.Get(tx, c, "old"); !problem.Is(err, problem.NotFound) {
			return fmt.Errorf("read of a deleted document: %w", err)
		}
		v, err := state.Get(tx, c, "b")
		if err != nil || v.Count != 2 {
			return fmt.Errorf("read of a new document: %v %w", v, err)
		}
		v.Count = 3
		return state.Put(tx, c, "b", v)
	})
	must(t, err)
	if v, err := c.Get(ctx, "b"); err != nil || v.Count != 3 {
		t.Fatalf("%v %v", v, err)
	}
	_, err = c.Get(ctx, "old")
	want(t, err, problem.NotFound)
}

func bigDocument(t *testing.T, db *state.DB) {
	c := fresh(db, "big")
	room := state.MaxDocumentBytes - 100
	must(t, c.Put(t.Context(), "fits", item{Text: strings.Repeat("x", room)}))
	v, err := c.Get(t.Context(), "fits")
	must(t, err)
	if len(v.Text) != room {
		t.Fatalf("read %d of %d bytes", len(v.Text), room)
	}
	want(t, c.Put(t.Context(), "big", item{Text: strings.Repeat("x", state.MaxDocumentBytes)}), problem.InvalidArgument)
	_, err = c.Get(t.Context(), "big")
	want(t, err, problem.NotFound)
}

func names(t *testing.T, db *state.DB) {
	ctx := t.Context()
	c := fresh(db, "names")
	for _, id := range []string{"", "a/b", ".", "..", "__x__", "a\x00b", "\xff", strings.Repeat("x", 1501)} {
		want(t, c.Put(ctx, id, item{}), problem.InvalidArgument)
		_, err := c.Get(ctx, id)
		want(t, err, problem.InvalidArgument)
	}
	for _, id := range []string{"a b", "Ł", "x'; DROP TABLE documents; --", "%", "a.b", "-", strings.Repeat("x", 1500)} {
		must(t, c.Put(ctx, id, item{Name: id}))
		if v, err := c.Get(ctx, id); err != nil || v.Name != id {
			t.Fatalf("%q: %v %v", id, v, err)
		}
	}
	for _, name := range []string{"", "a/b", "/a", "a//b"} {
		want(t, state.Of[item](db, name).Put(ctx, "x", item{}), problem.InvalidArgument)
	}
	want(t, state.Of[[]int](db, c.Name()).Put(ctx, "list", []int{1}), problem.InvalidArgument)
}

func cancelled(t *testing.T, db *state.DB) {
	c := fresh(db, "cancelled")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	want(t, c.Put(ctx, "a", item{}), problem.Cancelled)
	_, err := c.Query(ctx, state.Query{})
	want(t, err, problem.Cancelled)
	_, err = c.Get(t.Context(), "a")
	want(t, err, problem.NotFound)
}
