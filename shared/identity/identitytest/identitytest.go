// Package identitytest is the conformance suite of identity drivers.
package identitytest

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// Fixture is a driver with the tokens the suite needs.
type Fixture struct {
	Driver identity.Driver
	// Token mints a token of a person with the role viewer that ends after life,
	// which may be negative.
	Token func(life time.Duration) string
	// Foreign is a well-formed token of another issuer or key.
	Foreign string
}

// Run checks a driver.
func Run(t *testing.T, open func(*testing.T) Fixture) {
	f := open(t)
	t.Run("a person", func(t *testing.T) {
		p, err := f.Driver.Verify(t.Context(), f.Token(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		if p.Subject == "" || p.Role != identity.Viewer || !p.Expires.After(time.Now()) {
			t.Errorf("got %+v", p)
		}
	})
	t.Run("a service", func(t *testing.T) {
		token, err := f.Driver.ServiceToken(t.Context(), "https://functions.example")
		if err != nil {
			t.Fatal(err)
		}
		p, err := f.Driver.Verify(t.Context(), token)
		if err != nil || p.Role != identity.Service {
			t.Errorf("got %+v, %v", p, err)
		}
	})
	t.Run("how one signs in", func(t *testing.T) {
		how := f.Driver.SignIn()
		switch atIssuer := how.Issuer != "" && how.ClientID != ""; {
		case how.Method == identity.OIDC && atIssuer && slices.Contains(how.Scopes, "openid") && how.APIKey == "":
		case how.Method == identity.IdentityPlatform && atIssuer && how.APIKey != "":
		case how.Method == identity.Links && how.Issuer == "" && how.ClientID == "":
		default:
			t.Errorf("got %+v", how)
		}
	})
	good := f.Token(time.Hour)
	parts := strings.Split(good, ".")
	t.Run("again and at once", func(t *testing.T) {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if p, err := f.Driver.Verify(t.Context(), good); err != nil || p.Role != identity.Viewer {
					t.Errorf("got %+v, %v", p, err)
				}
			})
		}
		wg.Wait()
	})
	refused := map[string]string{
		"nothing":       "",
		"not a token":   "abc.def",
		"expired":       f.Token(-time.Hour),
		"foreign":       f.Foreign,
		"no signature":  parts[0] + "." + parts[1] + ".",
		"alg none":      "eyJhbGciOiJub25lIn0." + parts[1] + ".",
		"two tokens":    good + "." + good,
		"spaces":        " " + good + " x",
		"huge":          strings.Repeat("A", 1<<20),
		"other payload": parts[0] + "." + parts[1] + "A." + parts[2],
	}
	for name, token := range refused {
		t.Run(name, func(t *testing.T) {
			p, err := f.Driver.Verify(t.Context(), token)
			if !problem.Is(err, problem.Unauthenticated) || p != (identity.Principal{}) {
				t.Errorf("got %+v, %v", p, err)
			}
			if err != nil && len(token) > 20 && strings.Contains(err.Error(), token[len(token)-20:]) {
				t.Errorf("the error shows the token: %v", err)
			}
		})
	}
}
