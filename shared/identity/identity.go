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
	Role    Role      `json:"role"`
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

// Driver verifies tokens and mints service tokens.
type Driver interface {
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
