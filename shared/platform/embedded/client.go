package embedded

import (
	"net/http"
	"strings"

	"github.com/b2brecs/b2brecs/shared/identity"
)

// serviceTransport adds a service token to requests under one address.
type serviceTransport struct {
	base   string
	tokens identity.Driver
	next   http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t serviceTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Header.Get("Authorization") == "" && strings.HasPrefix(r.URL.String(), t.base+"/") {
		token, err := t.tokens.ServiceToken(r.Context(), t.base)
		if err != nil {
			return nil, err
		}
		r = r.Clone(r.Context()) // a RoundTripper MUST NOT change the caller's request
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return t.next.RoundTrip(r)
}
