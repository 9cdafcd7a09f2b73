package local

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"sync"
	"time"

	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/identity/people"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/secret"
	"github.com/b2brecs/b2brecs/shared/state"
)

const (
	codeLife    = 15 * time.Minute
	sessionLife = 12 * time.Hour
	serviceLife = 10 * time.Minute
	// rereadEvery bounds what tokens of unknown keys cost.
	rereadEvery = 5 * time.Second
	// audience of every token: this installation's API.
	audience = "b2brecs"
	ownerID  = "owner"
)

// signInCode stands under the hash of its code.
type signInCode struct {
	Hash    string `json:"hash"` // its id
	Subject string `json:"subject"`
	Expires int64  `json:"expires"` // unix seconds
}

// Provider implements identity.Driver. It is safe for concurrent use.
type Provider struct {
	db      *state.DB
	users   people.List
	codes   *state.Collection[signInCode]
	secrets *secret.Store
	issuer  string
	now     func() time.Time

	mu     sync.Mutex
	keys   []signingKey // newest first
	reread time.Time
}

var _ identity.Driver = (*Provider)(nil)

// Open makes a provider; the signing key is made at the first start. The issuer
// names the installation: tokens of another one are refused.
func Open(ctx context.Context, db *state.DB, secrets *secret.Store, issuer string) (*Provider, error) {
	if db == nil || secrets == nil || issuer == "" {
		return nil, problem.New(problem.InvalidArgument, "identity needs state, secrets and an issuer")
	}
	p := &Provider{db: db, users: people.New(db), codes: state.Of[signInCode](db, "identity_codes"),
		secrets: secrets, issuer: issuer, now: time.Now}
	return p, p.load(ctx)
}

// SignIn implements identity.Driver.
func (p *Provider) SignIn() identity.SignIn { return identity.SignIn{Method: identity.Links} }

// EnsureOwner makes the first account, with the role owner, unless it is there. One that
// was removed is made again: who can start the program on its folder owns what is in it.
// Of several callers at once exactly one is told that it made it.
func (p *Provider) EnsureOwner(ctx context.Context) (identity.Principal, bool, error) {
	u, made, err := p.users.Ensure(ctx, people.User{Subject: ownerID, Name: "Owner", Role: identity.Owner})
	return u.Principal(), made, err
}

// AddUser makes an account. AlreadyExists when the subject is taken.
func (p *Provider) AddUser(ctx context.Context, u people.User) error { return p.users.Add(ctx, u) }

// RemoveUser ends an account and, at once, its sessions and codes; an absent one
// is not an error. FailedPrecondition for the last owner.
func (p *Provider) RemoveUser(ctx context.Context, subject string) error {
	_, err := p.users.Remove(ctx, subject)
	return err
}

// SignInCode makes a one-time code for a user. NotFound for an unknown one.
func (p *Provider) SignInCode(ctx context.Context, subject string) (string, error) {
	if _, err := p.users.Get(ctx, subject); err != nil {
		return "", err
	}
	if err := p.forgetLate(ctx); err != nil {
		return "", err
	}
	raw := make([]byte, 24)
	if _, err := rand.Read(raw); err != nil {
		return "", problem.Wrap(err, problem.Internal, "make a sign-in code")
	}
	code := base64.RawURLEncoding.EncodeToString(raw)
	if err := p.codes.Create(ctx, codeKey(code), signInCode{codeKey(code), subject, p.now().Add(codeLife).Unix()}); err != nil {
		return "", err
	}
	return code, nil
}

// forgetLate removes the codes nobody can use any more.
func (p *Provider) forgetLate(ctx context.Context) error {
	page, err := p.codes.Query(ctx, state.Query{Where: []state.Where{{Field: "expires", Op: state.Lt, Value: p.now().Unix()}}, Limit: 1000})
	if err != nil {
		return err
	}
	for _, c := range page.Items {
		if err := p.codes.Delete(ctx, c.Hash); err != nil {
			return err
		}
	}
	return nil
}

// Redeem spends a code for a session token. Unauthenticated when it is unknown,
// used or late, or its account is gone.
func (p *Provider) Redeem(ctx context.Context, code string) (string, identity.Principal, error) {
	var c signInCode
	err := p.db.Transact(ctx, func(tx *state.Tx) error {
		var err error
		if c, err = state.Get(tx, p.codes, codeKey(code)); err != nil {
			return err
		}
		return state.Delete(tx, p.codes, codeKey(code))
	})
	if err == nil && p.now().Unix() > c.Expires {
		err = problem.New(problem.NotFound, "late")
	}
	var token string
	var who identity.Principal
	if err == nil {
		token, who, err = p.session(ctx, c.Subject)
	}
	if problem.Is(err, problem.NotFound) {
		return "", identity.Principal{}, problem.New(problem.Unauthenticated, "this sign-in link was used already or is too old").
			WithNext(problem.TurnYou, "Make a new one with `b2brecs signin`.")
	}
	return token, who, err
}

// Session mints a session token for a user without a code, for the command line
// of the machine's own user. NotFound for an unknown one.
func (p *Provider) Session(ctx context.Context, subject string) (string, error) {
	token, _, err := p.session(ctx, subject)
	return token, err
}

func (p *Provider) session(ctx context.Context, subject string) (string, identity.Principal, error) {
	u, err := p.users.Get(ctx, subject)
	if err != nil {
		return "", identity.Principal{}, err
	}
	who := u.Principal()
	who.Expires = p.now().Add(sessionLife).UTC().Truncate(time.Second) // a token tells seconds
	token, err := p.sign(who)
	return token, who, err
}

func codeKey(code string) string {
	sum := sha256.Sum256([]byte(code))
	return hex.EncodeToString(sum[:])
}
