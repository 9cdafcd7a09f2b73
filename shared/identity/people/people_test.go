package people_test

import (
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/identity/people"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/state/sqlite"
)

func TestList(t *testing.T) {
	ctx := t.Context()
	drv, err := sqlite.Open(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	db := state.New(drv)
	defer func() { _ = db.Close() }()
	l := people.New(db)
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
		if err := l.SetRole(ctx, "vera", role); !problem.Is(err, problem.InvalidArgument) {
			t.Errorf("set role %q: %v", role, err)
		}
	}
	if err := l.Add(ctx, people.User{Subject: "Vera@acme.example", Role: identity.Viewer}); !problem.Is(err, problem.InvalidArgument) {
		t.Errorf("an address that no token is matched with: %v", err)
	}
	if got := people.OfEmail("VERA@Acme.\u212a"); got != "vera@acme.\u212a" {
		t.Errorf("folded to %q", got)
	}
	if err := l.SetRole(ctx, "nobody", identity.Viewer); !problem.Is(err, problem.NotFound) {
		t.Error(err)
	}
	if err := l.SetRole(ctx, "vera", identity.Owner); err != nil {
		t.Error(err)
	}
	if u, err := l.Get(ctx, "vera"); err != nil || u.Principal() != (identity.Principal{Subject: "vera", Name: "Vera", Role: identity.Owner}) {
		t.Errorf("%+v, %v", u, err)
	}
}
