package firestore_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	fake "github.com/b2brecs/b2brecs/shared/internal/gcpfake/firestore"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
)

type doc struct {
	ID     string `json:"id,omitempty"`
	Status string `json:"status,omitempty"`
	N      int    `json:"n"`
	Text   string `json:"text,omitempty"`
}

// once fails the first call of a method, before or after its effect.
func once(method string, before, after error) fake.Fault {
	var mu sync.Mutex
	spent := false
	return func(m string, _ proto.Message) (error, error) {
		mu.Lock()
		first := m == method && !spent
		spent = spent || first
		mu.Unlock()
		if !first {
			return nil, nil
		}
		return before, after
	}
}

// An increment whose answer is lost is made once, and so is one that never arrived.
func TestLostAnswerOfACommit(t *testing.T) {
	unavailable, internal := status.Error(codes.Unavailable, "cut"), status.Error(codes.Internal, "cut")
	aborted, expired := status.Error(codes.Aborted, "contention"), status.Error(codes.InvalidArgument, "The referenced transaction has expired or is no longer valid.")
	for name, tc := range map[string]struct {
		method        string
		before, after error
		calls         int
	}{
		"lost":           {"Commit", nil, unavailable, 1},
		"lost, internal": {"Commit", nil, internal, 1},
		"never arrived":  {"Commit", unavailable, nil, 2},
		"conflict":       {"Commit", aborted, nil, 2},
		"expired":        {"Commit", expired, nil, 2},
		"no beginning":   {"BeginTransaction", unavailable, nil, 1},
		"lost beginning": {"BeginTransaction", nil, unavailable, 1},
		"no read":        {"BatchGetDocuments", aborted, nil, 1},
		"lost read":      {"BatchGetDocuments", nil, unavailable, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, nil)
			docs := state.Of[doc](state.New(driver(t, s, nil)), "docs")
			if err := docs.Put(t.Context(), "a", doc{}); err != nil {
				t.Fatal(err)
			}
			s.SetFault(once(tc.method, tc.before, tc.after))
			calls := 0
			got, err := docs.Update(t.Context(), "a", func(d *doc) error { calls++; d.N++; return nil })
			if err != nil || got.N != 1 || calls != tc.calls {
				t.Errorf("%+v, %v after %d calls, want %d", got, err, calls, tc.calls)
			}
			if d, err := docs.Get(t.Context(), "a"); err != nil || d.N != 1 {
				t.Errorf("stored %+v, %v", d, err)
			}
		})
	}
}

func TestLostAnswerOfACreateAndADelete(t *testing.T) {
	s := start(t, nil)
	docs := state.Of[doc](state.New(driver(t, s, nil)), "docs")
	lost := status.Error(codes.Unavailable, "cut")
	s.SetFault(once("Commit", nil, lost))
	if err := docs.Create(t.Context(), "a", doc{N: 1}); err != nil {
		t.Errorf("the creator is told %v of its own document", err)
	}
	if err := docs.Create(t.Context(), "a", doc{N: 2}); !problem.Is(err, problem.AlreadyExists) {
		t.Error(err)
	}
	s.SetFault(once("Commit", nil, lost))
	if err := docs.Delete(t.Context(), "a"); err != nil {
		t.Error(err)
	}
	if _, err := docs.Get(t.Context(), "a"); !problem.Is(err, problem.NotFound) {
		t.Error(err)
	}
}

// A transaction that reads and only deletes runs once too, although its documents keep
// no mark, and leaves nothing behind. One that never arrived runs again.
func TestLostAnswerOfAReadAndADelete(t *testing.T) {
	lost := status.Error(codes.Unavailable, "cut")
	for name, tc := range map[string]struct {
		before, after error
		calls         int
	}{"answered": {nil, nil, 1}, "lost": {nil, lost, 1}, "never arrived": {lost, nil, 2}} {
		t.Run(name, func(t *testing.T) {
			s := start(t, nil)
			db := state.New(driver(t, s, nil))
			docs := state.Of[doc](db, "docs")
			for _, id := range []string{"a", "b", "list"} {
				if err := docs.Put(t.Context(), id, doc{Status: "b"}); err != nil {
					t.Fatal(err)
				}
			}
			s.SetFault(once("Commit", tc.before, tc.after))
			calls := 0
			err := db.Transact(t.Context(), func(tx *state.Tx) error {
				calls++
				list, err := state.Get(tx, docs, "list") // is read, and stays
				if err != nil {
					return err
				}
				if _, err := state.Get(tx, docs, "a"); err != nil { // is not there a second time
					return err
				}
				return errors.Join(state.Delete(tx, docs, "a"), state.Delete(tx, docs, list.Status))
			})
			if err != nil || calls != tc.calls {
				t.Errorf("%v after %d calls, want %d", err, calls, tc.calls)
			}
			if n := s.Documents(); n != 1 {
				t.Errorf("%d documents are left", n)
			}
		})
	}
}

// others counts up n times between the effect of a commit and its lost answer.
func lostAmongOthers(t *testing.T, n int) (stored, calls int) {
	t.Helper()
	s := start(t, nil)
	docs, others := state.Of[doc](state.New(driver(t, s, nil)), "docs"), state.Of[doc](state.New(driver(t, s, nil)), "docs")
	count := func(d *doc) error { d.N++; return nil }
	if err := docs.Put(t.Context(), "a", doc{}); err != nil {
		t.Fatal(err)
	}
	// The answer is held at the roll-back, which the driver sends before it looks.
	failed := once("Commit", nil, status.Error(codes.Unavailable, "cut"))
	met := once("Rollback", errors.New("now"), nil)
	s.SetFault(func(m string, r proto.Message) (error, error) {
		if now, _ := met(m, r); now != nil {
			for range n {
				if _, err := others.Update(t.Context(), "a", count); err != nil {
					t.Error(err)
				}
			}
		}
		return failed(m, r)
	})
	if _, err := docs.Update(t.Context(), "a", func(d *doc) error { calls++; return count(d) }); err != nil {
		t.Fatal(err)
	}
	d, err := docs.Get(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	return d.N, calls
}

// A document remembers the last eight commits, so seven others may come between.
// With the eighth the mark is gone: what the package comment says is then true.
func TestLostAnswerAmongOtherWriters(t *testing.T) {
	if n, calls := lostAmongOthers(t, 7); n != 8 || calls != 1 {
		t.Errorf("7 others and one: %d after %d calls", n, calls)
	}
	if n, calls := lostAmongOthers(t, 8); n != 10 || calls != 2 {
		t.Errorf("8 others and one: %d after %d calls; the package comment names another limit", n, calls)
	}
}

// Where the store cannot be asked what became of a commit, nothing is repeated.
func TestUnknownOutcome(t *testing.T) {
	t.Parallel() // waits
	s := start(t, nil)
	docs := state.Of[doc](state.New(driver(t, s, nil)), "docs")
	if err := docs.Put(t.Context(), "a", doc{}); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var methods []string
	committed := false
	s.SetFault(func(m string, _ proto.Message) (error, error) {
		mu.Lock()
		defer mu.Unlock()
		methods = append(methods, m)
		committed = committed || m == "Commit"
		if m == "Commit" {
			return nil, fake.Lost
		}
		if committed && m == "BatchGetDocuments" {
			return fake.Lost, nil
		}
		return nil, nil
	})
	calls := 0
	_, err := docs.Update(t.Context(), "a", func(d *doc) error { calls++; d.N++; return nil })
	if !problem.Is(err, problem.Internal) || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
	mu.Lock()
	defer mu.Unlock()
	want := []string{"BeginTransaction", "BatchGetDocuments", "Commit", "Rollback", "BatchGetDocuments"}
	if !slices.Equal(slices.Compact(methods), want) {
		t.Errorf("the driver called %v, want %v", methods, want)
	}
}

// A caller that goes away while the answer is on its way gets no second attempt.
func TestCallerLeavesDuringACommit(t *testing.T) {
	s := start(t, nil)
	docs := state.Of[doc](state.New(driver(t, s, nil)), "docs")
	ctx, leave := context.WithCancel(t.Context())
	var begun atomic.Int32
	s.SetFault(func(m string, _ proto.Message) (error, error) {
		switch m {
		case "BeginTransaction":
			begun.Add(1)
		case "Commit":
			leave()
		}
		return nil, nil
	})
	if err := docs.Put(ctx, "a", doc{N: 1}); !problem.Is(err, problem.Cancelled) || begun.Load() != 1 {
		t.Errorf("%v (%s) after %d attempts", err, problem.CodeOf(err), begun.Load())
	}
}

func TestTransactionsAreEnded(t *testing.T) {
	s := start(t, nil)
	db := state.New(driver(t, s, nil))
	docs := state.Of[doc](db, "docs")
	stop := errors.New("stop")
	if err := db.Transact(t.Context(), func(tx *state.Tx) error {
		_, _ = state.Get(tx, docs, "a")
		return stop
	}); !errors.Is(err, stop) {
		t.Error(err)
	}
	func() {
		defer func() {
			if recover() != "boom" {
				t.Error("the panic is swallowed")
			}
		}()
		_ = db.Transact(t.Context(), func(tx *state.Tx) error {
			_, _ = state.Get(tx, docs, "a")
			panic("boom")
		})
	}()
	if n := s.Transactions(); n != 0 {
		t.Errorf("%d transactions hold their locks", n)
	}
}
