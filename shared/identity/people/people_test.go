package people_test

import (
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/identity/people"
	"github.com/b2brecs/b2brecs/shared/internal/gcp"
	fake "github.com/b2brecs/b2brecs/shared/internal/gcpfake/firestore"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/state/firestore"
	"github.com/b2brecs/b2brecs/shared/state/sqlite"
)

func open(t *testing.T) people.List {
	t.Helper()
	drv, err := sqlite.Open(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	db := state.New(drv)
	t.Cleanup(func() { _ = db.Close() })
	return people.New(db)
}

func openFirestore(t *testing.T) people.List {
	t.Helper()
	s, err := fake.Start(fake.Options{Project: "acme", Indexes: []byte(`{"indexes": []}`), Locks: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	drv, err := firestore.New(firestore.Options{Location: gcp.Location{Project: "acme", Region: "europe-west1"}, Client: s.Client()})
	if err != nil {
		t.Fatal(err)
	}
	db := state.New(drv)
	t.Cleanup(func() { _ = db.Close() })
	return people.New(db)
}

func TestList(t *testing.T) {
	ctx := t.Context()
	l := open(t)
	vera := people.User{Subject: "vera", Name: "Vera", Role: identity.Viewer}
	var made atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			u, first, err := l.Ensure(ctx, vera)
			if err != nil || u.Name != "Vera" || u.CreatedAt.IsZero() {
				t.Errorf("%+v, %v", u, err)
			}
			if first {
				made.Add(1)
			}
		})
	}
	wg.Wait()
	if made.Load() != 1 {
		t.Errorf("one account was made %d times", made.Load())
	}
	for _, role := range []identity.Role{"", "admin", identity.Service} {
		if err := l.Add(ctx, people.User{Subject: "x", Role: role}); !problem.Is(err, problem.InvalidArgument) {
			t.Errorf("add with role %q: %v", role, err)
		}
		if _, _, err := l.Change(ctx, "vera", people.Change{Role: &role}); !problem.Is(err, problem.InvalidArgument) {
			t.Errorf("set role %q: %v", role, err)
		}
	}
	if err := l.Add(ctx, people.User{Subject: "Vera@acme.example", Role: identity.Viewer}); !problem.Is(err, problem.InvalidArgument) {
		t.Errorf("an address that no token is matched with: %v", err)
	}
	if got := people.OfEmail("VERA@Acme.\u212a"); got != "vera@acme.\u212a" {
		t.Errorf("folded to %q", got)
	}
	if _, _, err := l.Change(ctx, "nobody", people.Change{Role: new(identity.Viewer)}); !problem.Is(err, problem.NotFound) {
		t.Error(err)
	}
	changed, did, err := l.Change(ctx, "vera", people.Change{Role: new(identity.Owner), By: "olga"})
	if err != nil || !did || changed.Role != identity.Owner || changed.UpdatedBy != "olga" || changed.UpdatedAt.IsZero() {
		t.Errorf("%+v, %v", changed, err)
	}
	if same, did, err := l.Change(ctx, "vera", people.Change{Role: new(identity.Owner), By: "otto"}); err != nil || did || same != changed {
		t.Errorf("a change to what is: %+v, %v", same, err)
	}
	if u, err := l.Get(ctx, "vera"); err != nil || u.Principal() != (identity.Principal{Subject: "vera", Name: "Vera", Role: identity.Owner}) {
		t.Errorf("%+v, %v", u, err)
	}
}

// Owners who leave, all at once and in every way, leave one behind.
func TestSomebodyStaysOwner(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { somebodyStaysOwner(t, 10, open) })
	t.Run("firestore", func(t *testing.T) { somebodyStaysOwner(t, 2, openFirestore) })
}

func somebodyStaysOwner(t *testing.T, rounds int, open func(*testing.T) people.List) {
	ctx := t.Context()
	for round := range rounds {
		l := open(t)
		const owners = 6
		name := func(i int) string { return string(rune('a'+i)) + "@acme.example" }
		for i := range owners {
			if err := l.Add(ctx, people.User{Subject: name(i), Role: identity.Owner}); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.Add(ctx, people.User{Subject: "vera", Role: identity.Manager}); err != nil {
			t.Fatal(err)
		}
		var refused atomic.Int32
		var wg sync.WaitGroup
		for i := range owners {
			wg.Go(func() {
				var err error
				if (i+round)%2 == 0 {
					_, err = l.Remove(ctx, name(i))
				} else {
					_, _, err = l.Change(ctx, name(i), people.Change{Role: new(identity.Viewer)})
				}
				if problem.Is(err, problem.FailedPrecondition) {
					refused.Add(1)
				} else if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		page, err := l.Page(ctx, 100, "")
		if err != nil {
			t.Fatal(err)
		}
		left := 0
		for _, u := range page.Items {
			if u.Role == identity.Owner {
				left++
			}
		}
		if left != 1 || refused.Load() != 1 {
			t.Fatalf("%d owners are left, %d were refused: %+v", left, refused.Load(), page.Items)
		}
	}
}

func TestLastOwner(t *testing.T) {
	ctx := t.Context()
	l := open(t)
	if err := l.Add(ctx, people.User{Subject: "olga", Role: identity.Owner}); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Remove(ctx, "olga"); !problem.Is(err, problem.FailedPrecondition) || problem.Of(err).Next == "" {
		t.Errorf("removed: %v", err)
	}
	if _, _, err := l.Change(ctx, "olga", people.Change{Role: new(identity.Manager)}); !problem.Is(err, problem.FailedPrecondition) {
		t.Errorf("demoted: %v", err)
	}
	if u, _, err := l.Change(ctx, "olga", people.Change{Name: new("Olga")}); err != nil || u.Name != "Olga" || u.Role != identity.Owner {
		t.Errorf("renamed: %+v, %v", u, err)
	}
	if err := l.Add(ctx, people.User{Subject: "otto", Role: identity.Owner}); err != nil {
		t.Fatal(err)
	}
	if was, err := l.Remove(ctx, "olga"); err != nil || !was {
		t.Error(was, err)
	}
	if was, err := l.Remove(ctx, "olga"); err != nil || was {
		t.Errorf("again: %t, %v", was, err)
	}
	if _, err := l.Get(ctx, "olga"); !problem.Is(err, problem.NotFound) {
		t.Error(err)
	}
}

func TestAddress(t *testing.T) {
	for s, want := range map[string]bool{
		"a@b": true, "vera+x@acme.example": true, "\u00e4@acme.example": true,
		"": false, "a": false, "@b": false, "a@": false, "a@b@c": false, "a b@c": false, "a/b@c": false, "a@b\n": false, "a@\u00a0b": false, "a@b\u200b": false,
		"\xff@b": false, strings.Repeat("x", 250) + "@acme.example": false,
	} {
		if got := people.Address(s); got != want {
			t.Errorf("%q: %t", s, got)
		}
	}
}
