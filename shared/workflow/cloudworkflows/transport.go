package cloudworkflows

import (
	"context"
	"net/http"
	"strings"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/auth/credentials"

	"github.com/b2brecs/b2brecs/shared/internal/gcp"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// CallbackBase is what the URLs of callback endpoints begin with.
const CallbackBase = "https://workflowexecutions.googleapis.com/"

// Transport gives callbacks an OAuth access token. A callback endpoint is a Google API:
// it takes no identity token of the kind functions take, and its caller needs the role
// roles/workflows.invoker
// (https://cloud.google.com/workflows/docs/creating-callback-endpoints).
// All other requests, and those that carry a token already, go to Next as they are.
type Transport struct {
	// Token gives an access token; see AccessToken.
	Token func(context.Context) (string, error)
	Next  http.RoundTripper
	// Base is where a fake takes callbacks, with a closing slash. Default: CallbackBase.
	Base string
}

// RoundTrip implements http.RoundTripper.
func (t Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	base := t.Base
	if base == "" {
		base = CallbackBase
	}
	if !strings.HasPrefix(r.URL.String(), base) || r.Header.Get("Authorization") != "" {
		return t.Next.RoundTrip(r)
	}
	token, err := t.Token(r.Context())
	if err != nil {
		if r.Body != nil {
			_ = r.Body.Close() // a RoundTripper MUST close it
		}
		return nil, err
	}
	r = r.Clone(r.Context()) // a RoundTripper MUST NOT change the caller's request
	r.Header.Set("Authorization", "Bearer "+token)
	return t.Next.RoundTrip(r)
}

// AccessToken gives access tokens of the process's own identity (Application Default
// Credentials), found at the first use and kept until they are about to end.
func AccessToken() func(context.Context) (string, error) {
	found := gcp.NewLazy(func(context.Context) (*auth.Credentials, error) {
		return credentials.DetectDefault(&credentials.DetectOptions{Scopes: []string{"https://www.googleapis.com/auth/cloud-platform"}})
	})
	return func(ctx context.Context) (string, error) {
		c, err := found.Get(ctx)
		if err != nil {
			return "", problem.Wrap(err, problem.FailedPrecondition, "there are no credentials for Google Cloud")
		}
		token, err := c.Token(ctx)
		if err != nil {
			return "", gcp.Problem(ctx, err, "Google Cloud gives no access token")
		}
		return token.Value, nil
	}
}
