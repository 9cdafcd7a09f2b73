package embedded

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/b2brecs/b2brecs/shared/identity"
)

// baseURL is the address under which workflows, callbacks and schedules know this
// platform. It is stored in documents and outlives a change of port; the transport
// below takes it to where the server listens now. The name is reserved for private
// use and never resolved.
const baseURL = "http://platform.b2brecs.internal"

// serviceTransport takes requests under baseURL to the server, with a service token.
type serviceTransport struct {
	server string // e.g. http://127.0.0.1:8420
	tokens identity.Driver
	next   http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t serviceTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasPrefix(r.URL.String(), baseURL+"/") {
		return t.next.RoundTrip(r)
	}
	target, err := url.Parse(t.server)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context()) // a RoundTripper MUST NOT change the caller's request
	r.URL.Scheme, r.URL.Host, r.Host = target.Scheme, target.Host, target.Host
	if r.Header.Get("Authorization") == "" {
		token, err := t.tokens.ServiceToken(r.Context(), baseURL)
		if err != nil {
			return nil, err
		}
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return t.next.RoundTrip(r)
}
