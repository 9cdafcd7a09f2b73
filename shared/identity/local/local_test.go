package local

import (
	"crypto/rand"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/identity/identitytest"
	"github.com/b2brecs/b2brecs/shared/identity/people"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/secret"
	"github.com/b2brecs/b2brecs/shared/secret/age"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/state/sqlite"
)

const issuer = "b2brecs-test"

// stores are what outlives a provider.
func stores(t *testing.T) (*state.DB, *secret.Store) {
	t.Helper()
	drv, err := sqlite.Open(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	db := state.New(drv)
	t.Cleanup(func() { _ = db.Close() })
	keys, err := age.Open(t.TempDir(), filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	return db, secret.New(keys)
}

func provider(t *testing.T) *Provider {
	t.Helper()
	db, secrets := stores(t)
	return openOn(t, db, secrets)
}

func openOn(t *testing.T, db *state.DB, secrets *secret.Store) *Provider {
	t.Helper()
	p, err := Open(t.Context(), db, secrets, issuer)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func refused(t *testing.T, what string, err error) {
	t.Helper()
	if !problem.Is(err, problem.Unauthenticated) {
		t.Errorf("%s: %v, want unauthenticated", what, err)
	}
}

func viewer(t *testing.T, p *Provider) identity.Principal {
	t.Helper()
	u := people.User{Subject: "vera", Name: "Vera", Role: identity.Viewer}
	must(t, p.AddUser(t.Context(), u))
	who := u.Principal()
	who.Expires = time.Now().Add(time.Hour)
	return who
}

func TestConformance(t *testing.T) {
	identitytest.Run(t, func(t *testing.T) identitytest.Fixture {
		p := provider(t)
		who := viewer(t, p)
		foreign, err := provider(t).ServiceToken(t.Context(), "")
		must(t, err)
		return identitytest.Fixture{Driver: p, Foreign: foreign, Token: func(life time.Duration) string {
			v := who
			v.Expires = time.Now().Add(life)
			token, err := p.sign(v)
			must(t, err)
			return token
		}}
	})
}

func TestSignInCodeWorksOnce(t *testing.T) {
	ctx := t.Context()
	p := provider(t)
	owner, created, err := p.EnsureOwner(ctx)
	if err != nil || !created || owner.Role != identity.Owner {
		t.Fatalf("%+v, %v, %v", owner, created, err)
	}
	if _, created, err = p.EnsureOwner(ctx); err != nil || created {
		t.Fatalf("a second owner: %v, %v", created, err)
	}
	if _, err := p.SignInCode(ctx, "nobody"); !problem.Is(err, problem.NotFound) {
		t.Errorf("a code for nobody: %v", err)
	}
	code, err := p.SignInCode(ctx, owner.Subject)
	must(t, err)
	var won atomic.Int32
	var token string
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			tok, who, err := p.Redeem(ctx, code)
			if err == nil && who.Role == identity.Owner && time.Until(who.Expires) > sessionLife-time.Minute {
				if won.Add(1) == 1 {
					token = tok
				}
			} else if !problem.Is(err, problem.Unauthenticated) {
				t.Errorf("%+v, %v", who, err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Fatalf("one code was spent %d times", won.Load())
	}
	who, err := p.Verify(ctx, token)
	if err != nil || who.Subject != owner.Subject || who.Role != identity.Owner {
		t.Errorf("%+v, %v", who, err)
	}
	for _, bad := range []string{"", "x", code[:len(code)-1], code + "A", strings.Repeat("x", 10_000)} {
		_, _, err := p.Redeem(ctx, bad)
		refused(t, "an unknown code", err)
	}
}

// Nothing that is kept lets anybody sign in.
func TestCodesAreHashed(t *testing.T) {
	p := provider(t)
	who := viewer(t, p)
	code, err := p.SignInCode(t.Context(), who.Subject)
	must(t, err)
	for v, err := range state.Of[map[string]any](p.db, p.codes.Name()).All(t.Context(), state.Query{}) {
		must(t, err)
		for field, x := range v {
			if s, ok := x.(string); ok && strings.Contains(s, code) {
				t.Errorf("field %s holds the code", field)
			}
		}
		_, _, err := p.Redeem(t.Context(), v["hash"].(string))
		refused(t, "the hash as a code", err)
	}
}

func TestLateCodes(t *testing.T) {
	ctx := t.Context()
	p := provider(t)
	who := viewer(t, p)
	late, err := p.SignInCode(ctx, who.Subject)
	must(t, err)
	p.now = func() time.Time { return time.Now().Add(codeLife + time.Minute) }
	fresh, err := p.SignInCode(ctx, who.Subject)
	must(t, err)
	page, err := p.codes.Query(ctx, state.Query{})
	if err != nil || len(page.Items) != 1 {
		t.Errorf("%d codes are kept, %v; late ones go when a new one is made", len(page.Items), err)
	}
	_, _, err = p.Redeem(ctx, late)
	refused(t, "a late code", err)
	p.now = func() time.Time { return time.Now().Add(2*codeLife + 2*time.Minute) }
	_, _, err = p.Redeem(ctx, fresh)
	refused(t, "a late code", err)
}

func TestAccountChangesTakeEffectAtOnce(t *testing.T) {
	ctx := t.Context()
	p := provider(t)
	who := viewer(t, p)
	token, err := p.Session(ctx, who.Subject)
	must(t, err)
	code, err := p.SignInCode(ctx, who.Subject)
	must(t, err)
	_, _, err = p.users.Change(ctx, who.Subject, people.Change{Role: new(identity.Manager)})
	must(t, err)
	if got, err := p.Verify(ctx, token); err != nil || got.Role != identity.Manager {
		t.Errorf("%+v, %v", got, err)
	}
	must(t, p.RemoveUser(ctx, who.Subject))
	must(t, p.RemoveUser(ctx, who.Subject))
	_, err = p.Verify(ctx, token)
	refused(t, "the token of a removed account", err)
	_, _, err = p.Redeem(ctx, code)
	refused(t, "the code of a removed account", err)
}

func TestAddUser(t *testing.T) {
	p := provider(t)
	for _, u := range []people.User{{}, {Subject: "a"}, {Role: identity.Viewer}, {Subject: "a", Role: identity.Service}, {Subject: "a", Role: "admin"}} {
		if err := p.AddUser(t.Context(), u); !problem.Is(err, problem.InvalidArgument) {
			t.Errorf("%+v: %v", u, err)
		}
	}
	viewer(t, p)
	if err := p.AddUser(t.Context(), people.User{Subject: "vera", Role: identity.Owner}); !problem.Is(err, problem.AlreadyExists) {
		t.Error(err)
	}
}

func TestTokensEnd(t *testing.T) {
	ctx := t.Context()
	p := provider(t)
	who := viewer(t, p)
	session, err := p.Session(ctx, who.Subject)
	must(t, err)
	service, err := p.ServiceToken(ctx, "https://functions.example/load-chunk")
	must(t, err)
	for _, tc := range []struct {
		after            time.Duration
		session, service bool
	}{
		{0, true, true}, {serviceLife - time.Minute, true, true}, {serviceLife + time.Second, true, false},
		{sessionLife - time.Minute, true, false}, {sessionLife + time.Second, false, false},
	} {
		p.now = func() time.Time { return time.Now().Add(tc.after) }
		_, a := p.Verify(ctx, session)
		_, b := p.Verify(ctx, service)
		if (a == nil) != tc.session || (b == nil) != tc.service {
			t.Errorf("after %s: session %v, service %v", tc.after, a, b)
		}
	}
}

// TestForged signs every kind of wrong token, most of them with the right key.
func TestForged(t *testing.T) {
	p := provider(t)
	who := viewer(t, p)
	key := p.newest()
	good := func() claims {
		return claims{Role: who.Role, Claims: jwt.Claims{Issuer: issuer, Subject: who.Subject, Audience: jwt.Audience{audience}, Expiry: jwt.NewNumericDate(time.Now().Add(time.Hour))}}
	}
	sign := func(s jose.Signer, c claims) string {
		t.Helper()
		token, err := jwt.Signed(s).Claims(c).Serialize()
		must(t, err)
		return token
	}
	signer := func(alg jose.SignatureAlgorithm, k any, kid string) jose.Signer {
		t.Helper()
		s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: k, KeyID: kid}}, nil)
		must(t, err)
		return s
	}
	if _, err := p.Verify(t.Context(), sign(key.sign, good())); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*claims){
		"other issuer":   func(c *claims) { c.Issuer = "somebody" },
		"no issuer":      func(c *claims) { c.Issuer = "" },
		"other audience": func(c *claims) { c.Audience = jwt.Audience{"other"} },
		"no audience":    func(c *claims) { c.Audience = nil },
		"no end":         func(c *claims) { c.Expiry = nil },
		"ended":          func(c *claims) { c.Expiry = jwt.NewNumericDate(time.Now().Add(-time.Second)) },
		"not yet":        func(c *claims) { c.NotBefore = jwt.NewNumericDate(time.Now().Add(time.Minute)) },
		"no subject":     func(c *claims) { c.Subject = "" },
		"nobody":         func(c *claims) { c.Subject = "nobody" },
		"odd subject":    func(c *claims) { c.Subject = "a/b" },
	} {
		c := good()
		change(&c)
		_, err := p.Verify(t.Context(), sign(key.sign, c))
		refused(t, name, err)
	}
	seed := make([]byte, 32)
	_, _ = rand.Read(seed)
	other, err := newSigningKey(seed)
	must(t, err)
	asService := good()
	asService.Role = identity.Service
	for name, s := range map[string]jose.Signer{
		"other key":             other.sign,
		"other key, our id":     signer(jose.EdDSA, other.key, key.kid),
		"no id":                 signer(jose.EdDSA, key.key, ""),
		"public key as a HMAC":  signer(jose.HS256, []byte(key.public()), key.kid),
		"public key as a HMAC2": signer(jose.HS512, append([]byte(key.public()), key.public()...), key.kid),
	} {
		_, err := p.Verify(t.Context(), sign(s, asService))
		refused(t, name, err)
	}
	// A person's token that claims another role gets the account's.
	c := good()
	c.Role = identity.Owner
	if got, err := p.Verify(t.Context(), sign(key.sign, c)); err != nil || got.Role != identity.Viewer {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestRotation(t *testing.T) {
	ctx := t.Context()
	db, secrets := stores(t)
	p, sibling := openOn(t, db, secrets), openOn(t, db, secrets)
	who := viewer(t, p)
	old, err := p.Session(ctx, who.Subject)
	must(t, err)
	must(t, p.Rotate(ctx))
	fresh, err := p.Session(ctx, who.Subject)
	must(t, err)
	if keys := p.Keys().Keys; len(keys) != 2 || keys[0].KeyID == keys[1].KeyID || !keys[0].IsPublic() || !keys[1].IsPublic() {
		t.Errorf("key set %+v", keys)
	}
	for name, q := range map[string]*Provider{"the same process": p, "another process": sibling, "the next start": openOn(t, db, secrets)} {
		for what, token := range map[string]string{"before": old, "after": fresh} {
			if _, err := q.Verify(ctx, token); err != nil {
				t.Errorf("%s, token of %s the rotation: %v", name, what, err)
			}
		}
	}
	must(t, p.Rotate(ctx))
	_, err = p.Verify(ctx, old)
	refused(t, "a token two rotations old", err)
	if _, err := p.Verify(ctx, fresh); err != nil {
		t.Error(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	db, secrets := stores(t)
	for name, err := range map[string]error{
		"no state":   func() error { _, err := Open(t.Context(), nil, secrets, issuer); return err }(),
		"no secrets": func() error { _, err := Open(t.Context(), db, nil, issuer); return err }(),
		"no issuer":  func() error { _, err := Open(t.Context(), db, secrets, ""); return err }(),
	} {
		if !problem.Is(err, problem.InvalidArgument) {
			t.Errorf("%s: %v", name, err)
		}
	}
	must(t, secrets.Put(t.Context(), keySecret, []byte("short")))
	if _, err := Open(t.Context(), db, secrets, issuer); !problem.Is(err, problem.FailedPrecondition) {
		t.Errorf("a damaged key: %v", err)
	}
}
