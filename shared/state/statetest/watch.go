package statetest

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/b2brecs/b2brecs/shared/state"
)

// patience is how long a check waits for something that must come. A remote
// store needs most of it.
const patience = 20 * time.Second

func next(t *testing.T, ch <-chan state.Change) state.Change {
	t.Helper()
	select {
	case c, ok := <-ch:
		if !ok {
			t.Fatal("the watch ended")
		}
		return c
	case <-time.After(patience):
		t.Fatal("no change came")
	}
	panic("unreachable")
}

// watchLatest: a slow reader ends with the last version of every document, and
// versions of one document only grow.
func watchLatest(t *testing.T, db *state.DB) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := fresh(db, "watched")
	ch, err := db.Watch(ctx, c.Name())
	must(t, err)
	const docs, writes = 5, 40
	var wg sync.WaitGroup
	for d := range docs {
		wg.Go(func() {
			id := fmt.Sprint(d)
			for i := 1; i <= writes; i++ {
				if err := c.Put(ctx, id, item{Count: i}); err != nil {
					t.Error(err)
				}
			}
			if d == 0 {
				if err := c.Delete(ctx, id); err != nil {
					t.Error(err)
				}
			}
		})
	}
	version := map[string]int64{}
	last := map[string]int{}
	done := func() bool {
		for d := range docs {
			w := writes
			if d == 0 {
				w = -1
			}
			if last[fmt.Sprint(d)] != w {
				return false
			}
		}
		return true
	}
	for !done() {
		ch := next(t, ch)
		if ch.Collection != c.Name() {
			t.Fatalf("a change of %s", ch.Collection)
		}
		if ch.Version <= version[ch.ID] {
			t.Fatalf("document %s: version %d after %d", ch.ID, ch.Version, version[ch.ID])
		}
		version[ch.ID] = ch.Version
		if ch.Data == nil {
			last[ch.ID] = -1
			continue
		}
		var v item
		must(t, json.Unmarshal(ch.Data, &v))
		last[ch.ID] = v.Count
		time.Sleep(time.Millisecond)
	}
	wg.Wait()
}

func watchPrefix(t *testing.T, db *state.DB) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	root := "projects-" + state.NewID()
	ch, err := db.Watch(ctx, root+"/p1/")
	must(t, err)
	must(t, state.Of[item](db, root).Put(ctx, "p1", item{}))
	must(t, state.Of[item](db, root+"/p2/runs").Put(ctx, "r", item{}))
	boom := fmt.Errorf("undo")
	_ = db.Transact(ctx, func(tx *state.Tx) error {
		_ = state.Put(tx, state.Of[item](db, root+"/p1/runs"), "never", item{})
		return boom
	})
	must(t, state.Of[item](db, root+"/p1/runs").Put(ctx, "r1", item{}))
	must(t, state.Of[item](db, root+"/p1/datasets").Put(ctx, "d1", item{}))
	got := []string{next(t, ch).ID, next(t, ch).ID}
	if got[0] != "r1" || got[1] != "d1" {
		t.Fatalf("got %v", got)
	}
	select {
	case c := <-ch:
		t.Fatalf("one change too many: %s/%s", c.Collection, c.ID)
	case <-time.After(50 * time.Millisecond):
	}
}

func watchEnds(t *testing.T, db *state.DB) {
	c := fresh(db, "ends")
	ctx, cancel := context.WithCancel(t.Context())
	ch, err := db.Watch(ctx, c.Name())
	must(t, err)
	must(t, c.Put(t.Context(), "unread", item{}))
	cancel()
	deadline := time.After(patience)
	for {
		select {
		case _, ok := <-ch:
			if !ok {
				must(t, c.Put(t.Context(), "after", item{}))
				return
			}
		case <-deadline:
			t.Fatal("the channel stays open after its context ended")
		}
	}
}
