package oidc

import (
	"context"
	"sync"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/auth/credentials/idtoken"

	"github.com/b2brecs/b2brecs/shared/internal/gcp"
)

// TokenSource mints identity tokens of this process's service account.
type TokenSource interface {
	// Token gives a token for an audience that is valid for some minutes at least.
	Token(ctx context.Context, audience string) (string, error)
}

// ServiceToken implements identity.Driver; "" as the audience is the functions' URL.
func (d *Driver) ServiceToken(ctx context.Context, audience string) (string, error) {
	if audience == "" {
		audience = d.functions
	}
	token, err := d.tokens.Token(ctx, audience)
	return token, gcp.Problem(ctx, err, "mint a token for %s", audience)
}

// GoogleTokens takes tokens from the metadata server, or from the service account in
// GOOGLE_APPLICATION_CREDENTIALS; an end user's credentials have none. A token is
// kept until 5 minutes before its end, one for each audience: audiences MUST be few.
// The zero value is ready.
type GoogleTokens struct {
	mu         sync.Mutex
	byAudience map[string]*gcp.Lazy[*auth.Credentials]
}

// Token implements TokenSource.
func (g *GoogleTokens) Token(ctx context.Context, audience string) (string, error) {
	creds, err := g.of(audience).Get(ctx)
	if err != nil {
		return "", err
	}
	t, err := creds.Token(ctx)
	if err != nil {
		return "", err
	}
	return t.Value, nil
}

func (g *GoogleTokens) of(audience string) *gcp.Lazy[*auth.Credentials] {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.byAudience == nil {
		g.byAudience = map[string]*gcp.Lazy[*auth.Credentials]{}
	}
	l := g.byAudience[audience]
	if l == nil {
		l = gcp.NewLazy(func(context.Context) (*auth.Credentials, error) {
			return idtoken.NewCredentials(&idtoken.Options{Audience: audience})
		})
		g.byAudience[audience] = l
	}
	return l
}
