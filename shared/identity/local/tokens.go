package local

import (
	"context"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// claims of a token besides the registered ones (RFC 7519, OpenID Connect Core).
type claims struct {
	jwt.Claims
	Name  string        `json:"name,omitempty"`
	Email string        `json:"email,omitempty"`
	Role  identity.Role `json:"role"`
}

// ServiceToken implements identity.Driver. The audience is written into the token
// beside the installation's own, which is the one Verify asks for.
func (p *Provider) ServiceToken(_ context.Context, target string) (string, error) {
	return p.sign(identity.Principal{Subject: "service", Name: "b2brecs", Role: identity.Service, Expires: p.now().Add(serviceLife).UTC()}, target)
}

func (p *Provider) sign(who identity.Principal, targets ...string) (string, error) {
	aud := jwt.Audience{audience}
	for _, t := range targets {
		if t != "" && t != audience {
			aud = append(aud, t)
		}
	}
	now := p.now()
	token, err := jwt.Signed(p.newest().sign).Claims(claims{
		Claims: jwt.Claims{Issuer: p.issuer, Subject: who.Subject, Audience: aud,
			IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(who.Expires)},
		Name: who.Name, Email: who.Email, Role: who.Role,
	}).Serialize()
	return token, problem.Wrap(err, problem.Internal, "sign a token")
}

// Verify implements identity.Driver.
func (p *Provider) Verify(ctx context.Context, token string) (identity.Principal, error) {
	refused := func(why string) (identity.Principal, error) {
		return identity.Principal{}, problem.New(problem.Unauthenticated, "the token is not valid: %s", why).
			WithNext(problem.TurnYou, "Sign in again.")
	}
	t, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil || len(t.Headers) != 1 {
		return refused("it cannot be read")
	}
	key, known, err := p.key(ctx, t.Headers[0].KeyID)
	if err != nil {
		return identity.Principal{}, err
	}
	if !known {
		return refused("its key is not known")
	}
	var c claims
	if err := t.Claims(key.public(), &c); err != nil {
		return refused("its signature is wrong")
	}
	if c.Expiry == nil || c.Subject == "" {
		return refused("it names no subject or no end")
	}
	if err := c.ValidateWithLeeway(jwt.Expected{Issuer: p.issuer, AnyAudience: jwt.Audience{audience}, Time: p.now()}, 0); err != nil {
		return refused("issuer, audience or time do not fit")
	}
	who := identity.Principal{Subject: c.Subject, Name: c.Name, Email: c.Email, Role: c.Role, Expires: c.Expiry.Time().UTC()}
	if who.Role == identity.Service {
		return who, nil
	}
	u, err := p.users.Get(ctx, c.Subject)
	if problem.Is(err, problem.NotFound) || problem.Is(err, problem.InvalidArgument) { // the latter: no such id can be
		return refused("its account is gone")
	}
	if err != nil {
		return identity.Principal{}, err
	}
	who.Name, who.Email, who.Role = u.Name, u.Email, u.Role
	return who, nil
}
