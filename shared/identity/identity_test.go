package identity_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/b2brecs/b2brecs/shared/identity"
)

func TestMay(t *testing.T) {
	roles := []identity.Role{identity.Viewer, identity.Analyst, identity.Manager, identity.Owner, identity.Service}
	for role, want := range map[identity.Role]string{ // for the roles above, in order
		identity.Viewer:  "y----",
		identity.Analyst: "yy---",
		identity.Manager: "yyy--",
		identity.Owner:   "yyyy-",
		identity.Service: "yyyyy",
		"":               "-----",
		"admin":          "-----",
	} {
		var got strings.Builder
		for _, r := range roles {
			if (identity.Principal{Role: role}).May(r) {
				got.WriteString("y")
			} else {
				got.WriteString("-")
			}
		}
		if got.String() != want {
			t.Errorf("%q may %s, want %s", role, got.String(), want)
		}
		includes := identity.Principal{Role: role}.Includes()
		if len(includes) != strings.Count(want, "y") || !slices.Equal(includes, roles[:len(includes)]) {
			t.Errorf("%q includes %v", role, includes)
		}
	}
	for _, role := range roles {
		if (identity.Principal{Role: role}).May("admin") {
			t.Errorf("%s may what has no name", role)
		}
	}
}

func TestContext(t *testing.T) {
	ctx := t.Context()
	if p := identity.From(ctx); p != (identity.Principal{}) || p.May(identity.Viewer) {
		t.Errorf("nobody is %+v", p)
	}
	who := identity.Principal{Subject: "vera", Role: identity.Viewer}
	inner, cancel := context.WithCancel(identity.With(ctx, who))
	defer cancel()
	if p := identity.From(inner); p != who {
		t.Errorf("got %+v", p)
	}
}
