package local

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/identity/identitytest"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/secret"
	"github.com/b2brecs/b2brecs/shared/secret/age"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/state/sqlite"
)

func provider(t *testing.T) *Provider {
	t.Helper()
	dir := t.TempDir()
	drv, err := sqlite.Open(filepath.Join(dir, "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	db := state.New(drv)
	t.Cleanup(func() { _ = db.Close() })
	keys, err := age.Open(filepath.Join(dir, "secrets"), filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := Open(t.Context(), db, secret.New(keys), "http://127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestConformance(t *testing.T) {
	identitytest.Run(t, func(t *testing.T) identitytest.Fixture {
		p, other := provider(t), provider(t)
		if err := p.AddUser(t.Context(), User{Subject: "vera", Role: identity.Viewer}); err != nil {
			t.Fatal(err)
		}
		foreign, err := other.ServiceToken(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		return identitytest.Fixture{Driver: p, Foreign: foreign, Token: func(life time.Duration) string {
			token, err := p.sign(identity.Principal{Subject: "vera", Role: identity.Viewer, Expires: time.Now().Add(life)})
			if err != nil {
				t.Fatal(err)
			}
			return token
		}}
	})
}

func TestSignInCodeWorksOnce(t *testing.T) {
	p := provider(t)
	owner, created, err := p.EnsureOwner(t.Context())
	if err != nil || !created || owner.Role != identity.Owner {
		t.Fatalf("%+v, %v, %v", owner, created, err)
	}
	if _, created, err = p.EnsureOwner(t.Context()); err != nil || created {
		t.Fatalf("a second owner: %v, %v", created, err)
	}
	code, err := p.SignInCode(t.Context(), owner.Subject)
	if err != nil {
		t.Fatal(err)
	}
	token, who, err := p.Redeem(t.Context(), code)
	if err != nil || who.Role != identity.Owner {
		t.Fatalf("%+v, %v", who, err)
	}
	if _, err := p.Verify(t.Context(), token); err != nil {
		t.Error(err)
	}
	if _, _, err := p.Redeem(t.Context(), code); !problem.Is(err, problem.Unauthenticated) {
		t.Errorf("a spent code: %v", err)
	}
	late, err := p.SignInCode(t.Context(), owner.Subject)
	if err != nil {
		t.Fatal(err)
	}
	p.now = func() time.Time { return time.Now().Add(codeLife + time.Minute) }
	if _, _, err := p.Redeem(t.Context(), late); !problem.Is(err, problem.Unauthenticated) {
		t.Errorf("a late code: %v", err)
	}
	if _, err := p.Verify(t.Context(), token); err != nil {
		t.Errorf("the session ended early: %v", err)
	}
	if err := p.users.Delete(t.Context(), owner.Subject); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Verify(t.Context(), token); !problem.Is(err, problem.Unauthenticated) {
		t.Errorf("the token of a removed account: %v", err)
	}
}
