package identity

import (
	"context"
	"slices"
	"time"
)

// Role of a person or service; each includes the ones after it.
type Role string

const (
	Owner   Role = "owner"   // everything, people included
	Manager Role = "manager" // create, edit, delete
	Analyst Role = "analyst" // run and cancel
	Viewer  Role = "viewer"  // look
	// Service is the identity of functions, workflows and schedules.
	Service Role = "service"
)

var ranks = []Role{Viewer, Analyst, Manager, Owner}

// Principal is a verified caller.
type Principal struct {
	Subject string    `json:"subject"`
	Name    string    `json:"name"`
	Email   string    `json:"email,omitempty"`
	Role    Role      `json:"role" enum:"owner,manager,analyst,viewer,service"`
	Expires time.Time `json:"expires,omitzero"`
}

// May reports whether the principal has at least the role. Service may do what
// an owner may; nobody but a service passes May(Service).
func (p Principal) May(r Role) bool {
	if p.Role == Service {
		return r == Service || slices.Contains(ranks, r)
	}
	has, needs := slices.Index(ranks, p.Role), slices.Index(ranks, r)
	return needs >= 0 && has >= needs // a role without a rank opens nothing
}

// Includes lists the roles that the principal passes for, the least first: what May
// answers, for a page that shows only what its reader may do.
func (p Principal) Includes() []Role {
	out := []Role{}
	for _, r := range append(slices.Clone(ranks), Service) {
		if p.May(r) {
			out = append(out, r)
		}
	}
	return out
}

// Method is how people sign in.
type Method string

const (
	// Links are one-time links that the installation makes itself and trades for the
	// session cookie.
	Links Method = "link"
	// OIDC is an OpenID Connect issuer: the token it gives is the caller's token here.
	OIDC Method = "oidc"
	// IdentityPlatform is Google's, which has no page of its own to sign in at: people
	// give their address and password to the installation's page, and it to Google
	// (https://cloud.google.com/identity-platform/docs/use-rest-api#section-sign-in-email-password).
	IdentityPlatform Method = "identity-platform"
)

// SignIn says how people sign in at an installation. It is told to anybody: it MUST
// hold no secret.
type SignIn struct {
	Method Method `json:"method" enum:"link,oidc,identity-platform" doc:"link: a one-time link, opened once, begins a session; oidc: send the identity token of the issuer as bearer; identity-platform: the same, with a token for an address and a password."`
	// Of the latter two alone.
	Issuer   string   `json:"issuer,omitempty" doc:"What is below it at /.well-known/openid-configuration says where to go, unless the method is identity-platform."`
	ClientID string   `json:"client_id,omitempty" doc:"The page's own at the issuer; a public client, which has no secret."`
	Scopes   []string `json:"scopes,omitempty" nullable:"false"`
	// Of IdentityPlatform alone.
	APIKey string `json:"api_key,omitempty" doc:"What Google tells the project by; public, as every page shows its own."`
}

// Driver verifies tokens and mints service tokens.
type Driver interface {
	// SignIn says how people come to a token. It dials nothing.
	SignIn() SignIn
	// Verify checks signature, issuer, audience and expiry. Unauthenticated when any is wrong.
	Verify(ctx context.Context, token string) (Principal, error)
	// ServiceToken mints a token for a call from one function to another.
	ServiceToken(ctx context.Context, audience string) (string, error)
}

// Verifier is the portable type.
type Verifier struct{ Driver }

// New makes a verifier on a driver.
func New(drv Driver) *Verifier { return &Verifier{drv} }

type key struct{}

// With puts a principal into a context.
func With(ctx context.Context, p Principal) context.Context { return context.WithValue(ctx, key{}, p) }

// From gives the caller of a request; the zero Principal when there is none.
func From(ctx context.Context) Principal {
	p, _ := ctx.Value(key{}).(Principal)
	return p
}
