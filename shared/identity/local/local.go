// Package local is the identity provider of the embedded platform: built-in
// users, one-time sign-in codes, and OIDC-shaped tokens it signs itself.
//
// Concurrency: safe. Retries: those of state. Kept: users and code hashes in
// state, the signing key as a secret. Codes are stored hashed, work once and
// end after 15 minutes.
package local

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/secret"
	"github.com/b2brecs/b2brecs/shared/state"
)

const (
	codeLife    = 15 * time.Minute
	sessionLife = 12 * time.Hour
	serviceLife = 10 * time.Minute
	// audience of every token: this installation's API.
	audience = "b2brecs"
	keyID    = "identity-signing-key"
	ownerID  = "owner"
)

// User is a person with access.
type User struct {
	Subject   string        `json:"subject"`
	Name      string        `json:"name"`
	Email     string        `json:"email,omitempty"`
	Role      identity.Role `json:"role"`
	CreatedAt time.Time     `json:"created_at"`
}

type signInCode struct {
	Subject string `json:"subject"`
	Expires int64  `json:"expires"` // Unix seconds
}

// Provider implements identity.Driver.
type Provider struct {
	db     *state.DB
	users  *state.Collection[User]
	codes  *state.Collection[signInCode]
	issuer string
	key    ed25519.PrivateKey
	kid    string
	signer jose.Signer
	now    func() time.Time
}

// Open makes a provider; the signing key is made at the first start.
func Open(ctx context.Context, db *state.DB, secrets *secret.Store, issuer string) (*Provider, error) {
	seed, err := secrets.Get(ctx, keyID)
	if problem.Is(err, problem.NotFound) {
		seed = make([]byte, ed25519.SeedSize)
		if _, err := rand.Read(seed); err != nil {
			return nil, fmt.Errorf("identity: %w", err)
		}
		err = secrets.Put(ctx, keyID, seed)
	}
	if err != nil {
		return nil, err
	}
	if len(seed) != ed25519.SeedSize {
		return nil, problem.New(problem.FailedPrecondition, "the identity signing key has a wrong length")
	}
	key := ed25519.NewKeyFromSeed(seed)
	sum := sha256.Sum256(key.Public().(ed25519.PublicKey))
	kid := hex.EncodeToString(sum[:8])
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: jose.JSONWebKey{Key: key, KeyID: kid}},
		(&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	return &Provider{db: db, users: state.Of[User](db, "identity_users"), codes: state.Of[signInCode](db, "identity_codes"),
		issuer: issuer, key: key, kid: kid, signer: signer, now: time.Now}, nil
}

// EnsureOwner makes the first account, with the role owner, unless it is there.
func (p *Provider) EnsureOwner(ctx context.Context) (identity.Principal, bool, error) {
	u := User{Subject: ownerID, Name: "Owner", Role: identity.Owner, CreatedAt: p.now().UTC()}
	err := p.users.Create(ctx, u.Subject, u)
	if problem.Is(err, problem.AlreadyExists) {
		u, err = p.users.Get(ctx, ownerID)
		return principal(u), false, err
	}
	return principal(u), err == nil, err
}

// AddUser makes an account. AlreadyExists when the subject is taken.
func (p *Provider) AddUser(ctx context.Context, u User) error {
	if u.Subject == "" || !principal(u).May(identity.Viewer) || u.Role == identity.Service {
		return problem.New(problem.InvalidArgument, "an account needs a subject and the role owner, manager, analyst or viewer")
	}
	u.CreatedAt = p.now().UTC()
	return p.users.Create(ctx, u.Subject, u)
}

// SignInCode makes a one-time code for a user. NotFound for an unknown one.
func (p *Provider) SignInCode(ctx context.Context, subject string) (string, error) {
	if _, err := p.users.Get(ctx, subject); err != nil {
		return "", err
	}
	raw := make([]byte, 24)
	if _, err := rand.Read(raw); err != nil {
		return "", fmt.Errorf("identity: %w", err)
	}
	code := base64.RawURLEncoding.EncodeToString(raw)
	return code, p.codes.Put(ctx, codeKey(code), signInCode{subject, p.now().Add(codeLife).Unix()})
}

// Redeem spends a code for a session token. Unauthenticated when it is unknown,
// spent or too old: the three are not told apart.
func (p *Provider) Redeem(ctx context.Context, code string) (string, identity.Principal, error) {
	var c signInCode
	err := p.db.Transact(ctx, func(tx *state.Tx) error {
		var err error
		if c, err = state.Get(tx, p.codes, codeKey(code)); err != nil {
			return err
		}
		return state.Delete(tx, p.codes, codeKey(code))
	})
	if problem.Is(err, problem.NotFound) || err == nil && p.now().Unix() > c.Expires {
		return "", identity.Principal{}, problem.New(problem.Unauthenticated, "this sign-in link was used already or is too old").
			WithNext(problem.TurnYou, "Make a new one with `b2brecs signin`.")
	}
	if err != nil {
		return "", identity.Principal{}, err
	}
	u, err := p.users.Get(ctx, c.Subject)
	if err != nil {
		return "", identity.Principal{}, err
	}
	who := principal(u)
	who.Expires = p.now().Add(sessionLife).UTC()
	token, err := p.sign(who)
	return token, who, err
}

// Session mints a session token for a user without a code, for the command line
// of the machine's own user.
func (p *Provider) Session(ctx context.Context, subject string) (string, error) {
	u, err := p.users.Get(ctx, subject)
	if err != nil {
		return "", err
	}
	who := principal(u)
	who.Expires = p.now().Add(sessionLife).UTC()
	return p.sign(who)
}

// ServiceToken implements identity.Driver.
func (p *Provider) ServiceToken(context.Context, string) (string, error) {
	return p.sign(identity.Principal{Subject: "service", Name: "b2brecs", Role: identity.Service, Expires: p.now().Add(serviceLife).UTC()})
}

type claims struct {
	jwt.Claims
	Name  string        `json:"name,omitempty"`
	Email string        `json:"email,omitempty"`
	Role  identity.Role `json:"role"`
}

func (p *Provider) sign(who identity.Principal) (string, error) {
	now := p.now()
	return jwt.Signed(p.signer).Claims(claims{
		Claims: jwt.Claims{Issuer: p.issuer, Subject: who.Subject, Audience: jwt.Audience{audience},
			IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(who.Expires)},
		Name: who.Name, Email: who.Email, Role: who.Role,
	}).Serialize()
}

// Verify implements identity.Driver.
func (p *Provider) Verify(ctx context.Context, token string) (identity.Principal, error) {
	refused := func(why string) (identity.Principal, error) {
		return identity.Principal{}, problem.New(problem.Unauthenticated, "the token is not valid: %s", why).
			WithNext(problem.TurnYou, "Sign in again.")
	}
	t, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil {
		return refused("it cannot be read")
	}
	var c claims
	if err := t.Claims(p.key.Public(), &c); err != nil {
		return refused("its signature is wrong")
	}
	if c.Expiry == nil {
		return refused("it has no end")
	}
	if err := c.ValidateWithLeeway(jwt.Expected{Issuer: p.issuer, AnyAudience: jwt.Audience{audience}, Time: p.now()}, 0); err != nil {
		return refused("issuer, audience or time do not fit")
	}
	who := identity.Principal{Subject: c.Subject, Name: c.Name, Email: c.Email, Role: c.Role, Expires: c.Expiry.Time().UTC()}
	if who.Role == identity.Service {
		return who, nil
	}
	// A person's role is read afresh: a changed or removed account takes effect at once.
	u, err := p.users.Get(ctx, c.Subject)
	if problem.Is(err, problem.NotFound) {
		return refused("its account is gone")
	}
	who.Role = u.Role
	return who, err
}

// Keys gives the public keys as a JSON Web Key Set.
func (p *Provider) Keys() jose.JSONWebKeySet {
	return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: p.key.Public(), KeyID: p.kid, Algorithm: string(jose.EdDSA), Use: "sig"}}}
}

func principal(u User) identity.Principal {
	return identity.Principal{Subject: u.Subject, Name: u.Name, Email: u.Email, Role: u.Role}
}

func codeKey(code string) string {
	sum := sha256.Sum256([]byte(code))
	return hex.EncodeToString(sum[:])
}
