package oidc

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/identity/people"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/state/sqlite"
)

// refusing is a store as a function sees it that is refused every write.
type refusing struct {
	state.Driver
	code problem.Code
}

func (r refusing) Transact(context.Context, func(state.DriverTx) error) error {
	return problem.New(r.code, "no")
}

// The owner may come first to a function that only reads the state: the watch. It
// answers, nobody else gets in by it, and the account is made where it can be.
func TestOwnerComesToAReader(t *testing.T) {
	drv := must(sqlite.Open(filepath.Join(t.TempDir(), "owner.db")))(t)
	t.Cleanup(func() { _ = drv.Close() })
	w := open(t, func(o *Options) { o.State = state.New(refusing{drv, problem.PermissionDenied}) })
	list := people.New(state.New(drv))
	olga := w.token(map[string]any{"email": "Olga@acme.example", "name": "Olga"})
	for range 2 {
		p, err := w.verify(olga)
		if err != nil || p.Role != identity.Owner || p.Subject != "olga@acme.example" || p.Name != "Olga" || p.Expires.IsZero() {
			t.Fatalf("%+v, %v", p, err)
		}
	}
	w.want("anybody else", w.token(nil), problem.PermissionDenied)
	if _, err := list.Get(t.Context(), "olga@acme.example"); !problem.Is(err, problem.NotFound) {
		t.Errorf("an account was made: %v", err)
	}
	// What is in the list decides, for a reader too.
	if err := list.Add(t.Context(), people.User{Subject: "olga@acme.example", Name: "Olga", Role: identity.Viewer}); err != nil {
		t.Fatal(err)
	}
	if p, err := w.verify(olga); err != nil || p.Role != identity.Viewer {
		t.Errorf("%+v, %v", p, err)
	}
	// A store that fails makes nobody owner.
	empty := must(sqlite.Open(filepath.Join(t.TempDir(), "empty.db")))(t)
	t.Cleanup(func() { _ = empty.Close() })
	w.driver.people = people.New(state.New(refusing{empty, problem.ResourceExhausted}))
	w.want("a store that is full", olga, problem.ResourceExhausted)
}
