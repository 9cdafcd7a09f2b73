package oidc

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// TestForged signs right claims in every wrong way.
func TestForged(t *testing.T) {
	w := open(t, nil)
	good := w.token(nil)
	w.want("good", good, "")
	kid, private := w.people.Key()
	public := private.Public().(*ecdsa.PublicKey)
	der := must(x509.MarshalPKIXPublicKey(public))(t)
	jwk := must(json.Marshal(jose.JSONWebKey{Key: public, KeyID: kid}))(t)
	sign := func(alg jose.SignatureAlgorithm, key any, id string, o *jose.SignerOptions) string {
		t.Helper()
		s := must(jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: id}}, o))(t)
		return must(jwt.Signed(s).Claims(map[string]any{"iss": w.people.URL(), "aud": client, "sub": "u-1", "email": vera,
			"email_verified": true, "exp": in(time.Hour)}).Serialize())(t)
	}
	w.want("signed here", sign(jose.ES256, private, kid, nil), "")
	if k, err := w.driver.issuers[w.people.URL()].key(t.Context(), kid, "PS256", time.Now()); k != nil || err != nil {
		t.Errorf("a key of ES256 serves PS256: %v, %v", k, err)
	}
	otherKid, other := issuerOf(t).Key()
	serviceKid, service := w.services.Key()
	parts := strings.Split(good, ".")
	for name, token := range map[string]string{
		"another key under our id":     sign(jose.ES256, other, kid, nil),
		"another key under its own id": sign(jose.ES256, other, otherKid, nil),
		"another key, embedded":        sign(jose.ES256, other, kid, &jose.SignerOptions{EmbedJWK: true}),
		"the other issuer's key":       sign(jose.ES256, service, serviceKid, nil),
		"no id":                        sign(jose.ES256, private, "", nil),
		"HS256 with the public key":    sign(jose.HS256, der, kid, nil),
		"HS256 with the key set's":     sign(jose.HS256, jwk, kid, nil),
		"none":                         "eyJhbGciOiJub25lIn0." + parts[1] + ".",
		"none in other letters":        "eyJhbGciOiJOb25FIn0." + parts[1] + ".",
		"JSON serialisation":           `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
		"signature removed":            parts[0] + "." + parts[1] + ".SIGNATURE_REMOVED_BY_GOOGLE",
	} {
		w.want(name, token, problem.Unauthenticated)
	}
}

func TestRotation(t *testing.T) {
	w := open(t, nil)
	old := w.token(nil)
	if n := w.people.KeyReads(); n != 0 {
		t.Fatalf("%d reads before the first token", n)
	}
	w.want("before", old, "")
	rotate := func(keep int) {
		t.Helper()
		if err := w.people.Rotate(keep); err != nil {
			t.Fatal(err)
		}
	}
	later := func(d time.Duration) { w.driver.now = func() time.Time { return time.Now().Add(d) } }
	rotate(2)
	later(2 * rereadEvery)
	fresh := w.token(map[string]any{"exp": in(3 * time.Hour)})
	w.want("the old key", old, "")
	w.want("the new key", fresh, "")
	if n := w.people.KeyReads(); n != 2 {
		t.Errorf("keys were read %d times, want 2", n)
	}
	// Made-up keys cost the issuer one read in rereadEvery.
	later(4 * rereadEvery)
	for range 20 {
		w.want("unknown key", must(issuerOf(t).Token(map[string]any{"iss": w.people.URL()}))(t), problem.Unauthenticated)
	}
	if n := w.people.KeyReads(); n != 3 {
		t.Errorf("keys were read %d times, want 3", n)
	}
	// A withdrawn key ends with keyLife, though nothing else makes the keys be read.
	rotate(1)
	rotate(1)
	w.driver.now = func() time.Time { return time.Now().Add(keyLife + time.Minute) }
	w.want("a withdrawn key", fresh, problem.Unauthenticated)
	w.want("its successor", w.token(map[string]any{"exp": in(3 * time.Hour)}), "")
}

func TestIssuerDown(t *testing.T) {
	w := open(t, nil)
	later := func(d time.Duration) { w.driver.now = func() time.Time { return time.Now().Add(d) } }
	token := w.token(map[string]any{"exp": in(3 * time.Hour)})
	w.people.Down(true)
	w.want("no keys yet", token, problem.Unavailable)
	w.want("nor a moment later", token, problem.Unavailable)
	w.people.Down(false)
	later(2 * rereadEvery)
	w.want("up again", token, "")
	w.people.Down(true)
	later(2 * rereadEvery)
	w.want("a known key", token, "")
	later(keyLife + time.Minute)
	w.want("a known key, old", token, "")
	if err := w.people.Rotate(2); err != nil {
		t.Fatal(err)
	}
	w.want("a new key", w.token(map[string]any{"exp": in(3 * time.Hour)}), problem.Unavailable)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	later(2 * keyLife)
	if _, err := w.driver.Verify(ctx, w.token(nil)); !problem.Is(err, problem.Cancelled) {
		t.Errorf("an ended call: %v", err)
	}
}

// What discovery says is checked: another issuer's document, keys over plain http.
func TestDiscovery(t *testing.T) {
	for name, doc := range map[string]func(url string) map[string]any{
		"another issuer": func(string) map[string]any {
			return map[string]any{"issuer": "https://evil.example", "jwks_uri": "https://evil.example/keys"}
		},
		"plain http": func(url string) map[string]any {
			return map[string]any{"issuer": url, "jwks_uri": "http://evil.example/keys"}
		},
	} {
		var srv *httptest.Server
		srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(doc(srv.URL))
		}))
		defer srv.Close()
		w := open(t, func(o *Options) { o.People = append(o.People, Issuer{URL: srv.URL, ClientIDs: []string{client}}) })
		w.want(name, w.token(map[string]any{"iss": srv.URL}), problem.Unavailable)
	}
}

func TestGoogleTokens(t *testing.T) {
	w := open(t, func(o *Options) { o.Tokens = nil })
	t.Setenv("GCE_METADATA_HOST", w.services.Host())
	if _, err := w.driver.ServiceToken(t.Context(), functions); err == nil {
		t.Error("a token without an account")
	}
	w.services.Account(account)
	token := must(w.driver.ServiceToken(t.Context(), functions+"/plan-run"))(t)
	if p, err := w.verify(token); err != nil || p.Role != identity.Service {
		t.Errorf("%+v, %v", p, err)
	}
	if again := must(w.driver.ServiceToken(t.Context(), functions+"/plan-run"))(t); again != token {
		t.Error("the token is not kept")
	}
	if other := must(w.driver.ServiceToken(t.Context(), functions))(t); other == token {
		t.Error("one token for two audiences")
	}
}

type broken struct{}

func (broken) Token(context.Context, string) (string, error) {
	return "", errors.New("no metadata server")
}

func TestServiceTokenFails(t *testing.T) {
	w := open(t, func(o *Options) { o.Tokens = broken{} })
	if _, err := w.driver.ServiceToken(t.Context(), functions); !problem.Is(err, problem.Unavailable) {
		t.Error(err)
	}
}
