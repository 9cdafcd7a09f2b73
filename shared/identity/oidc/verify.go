package oidc

import (
	"cmp"
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/identity/people"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// maxToken bounds what is parsed: servers take headers of 8 to 16 KiB at most.
const maxToken = 16 << 10

// algorithms a token may be signed with: asymmetric ones alone (RFC 8725, section 3.1).
var algorithms = []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA}

// claims beyond those that go-oidc checks.
type claims struct {
	Email     string           `json:"email"`
	Verified  any              `json:"email_verified"` // some issuers write "true"
	Name      string           `json:"name"`
	NotBefore *jwt.NumericDate `json:"nbf"`
}

func (c claims) verified() bool { return c.Email != "" && (c.Verified == true || c.Verified == "true") }

func refused(why string) error {
	return problem.New(problem.Unauthenticated, "the token is not valid: %s", why).
		WithNext(problem.TurnYou, "Sign in again.")
}

// Verify implements identity.Driver.
func (d *Driver) Verify(ctx context.Context, token string) (identity.Principal, error) {
	t, c, err := d.check(ctx, token)
	if err != nil {
		return identity.Principal{}, err
	}
	audience := func(fits func(string) bool) bool { return slices.ContainsFunc(t.Audience, fits) }
	var who identity.Principal
	switch {
	case t.Issuer == d.serviceBy && audience(d.own):
		who, err = d.service(c)
	case audience(func(a string) bool { return slices.Contains(d.clients[t.Issuer], a) }):
		who, err = d.person(ctx, c)
	default:
		err = refused("it was issued for somebody else")
	}
	if err != nil {
		return identity.Principal{}, err
	}
	who.Expires = t.Expiry.UTC()
	return who, nil
}

// check takes a token whose issuer, signature and times are right.
func (d *Driver) check(ctx context.Context, token string) (*oidc.IDToken, claims, error) {
	var c claims
	if len(token) > maxToken {
		return nil, c, refused("it is too long")
	}
	parsed, err := jose.ParseSignedCompact(token, algorithms)
	if err != nil {
		return nil, c, refused("it cannot be read")
	}
	var says struct {
		Issuer string `json:"iss"`
	}
	// The issuer chooses the keys; the verifier below compares it again.
	if json.Unmarshal(parsed.UnsafePayloadWithoutVerification(), &says) != nil || d.issuers[says.Issuer] == nil {
		return nil, c, refused("its issuer is not one of this installation's")
	}
	header := parsed.Signatures[0].Header
	key, err := d.issuers[says.Issuer].key(ctx, header.KeyID, header.Algorithm, d.now())
	if err != nil {
		return nil, c, err
	}
	if key == nil {
		return nil, c, refused("its key is not known")
	}
	now := d.now()
	t, err := oidc.NewVerifier(says.Issuer, &oidc.StaticKeySet{PublicKeys: []crypto.PublicKey{key.Key}}, &oidc.Config{
		SkipClientIDCheck:    true, // what an audience means depends on the issuer: see Verify
		SupportedSigningAlgs: []string{header.Algorithm},
		Now:                  func() time.Time { return now.Add(-Skew) },
	}).Verify(ctx, token)
	var ended *oidc.TokenExpiredError
	switch {
	case errors.As(err, &ended):
		return nil, c, refused("it has ended")
	case err != nil:
		return nil, c, refused("its signature or its claims are wrong")
	case t.Claims(&c) != nil || t.Subject == "":
		return nil, c, refused("it names no subject, or a claim is not what it should be")
	case t.IssuedAt.After(now.Add(Skew)) || c.NotBefore != nil && c.NotBefore.Time().After(now.Add(Skew)):
		return nil, c, refused("it has not begun")
	}
	return t, c, nil
}

// own says whether an audience is the functions' URL or lies under it: Cloud
// Workflows and Cloud Scheduler name the whole address they call.
func (d *Driver) own(audience string) bool {
	return audience == d.functions || strings.HasPrefix(audience, d.functions+"/")
}

func (d *Driver) service(c claims) (identity.Principal, error) {
	email := people.OfEmail(c.Email)
	if !c.verified() || !slices.Contains(d.accounts, email) {
		return identity.Principal{}, problem.New(problem.PermissionDenied, "%q is no service of this installation", c.Email).
			WithNext(problem.TurnYou, "Call with one of the installation's service accounts.")
	}
	return identity.Principal{Subject: email, Name: email, Email: email, Role: identity.Service}, nil
}

func (d *Driver) person(ctx context.Context, c claims) (identity.Principal, error) {
	if !c.verified() {
		return identity.Principal{}, problem.New(problem.Unauthenticated, "the issuer has not verified an e-mail address of this person").
			WithNext(problem.TurnYou, "Confirm your e-mail address with the sign-in provider, then sign in again.")
	}
	email := people.OfEmail(c.Email)
	u, err := d.people.Get(ctx, email)
	if email == d.owner && problem.Is(err, problem.NotFound) {
		first := people.User{Subject: email, Name: cmp.Or(c.Name, email), Email: email, Role: identity.Owner}
		// A function that may only read the state knows the owner all the same, and
		// leaves the account to one that may write.
		if u, _, err = d.people.Ensure(ctx, first); problem.Is(err, problem.PermissionDenied) {
			u, err = first, nil
		}
	}
	if problem.Is(err, problem.NotFound) || problem.Is(err, problem.InvalidArgument) { // the latter: no such subject can be
		return identity.Principal{}, problem.New(problem.PermissionDenied, "%q has no account here", c.Email).
			WithNext(problem.TurnYou, "Ask an owner of this installation for access.")
	}
	if err != nil {
		return identity.Principal{}, err
	}
	who := u.Principal()
	who.Name, who.Email = cmp.Or(u.Name, c.Name, email), email
	return who, nil
}
