// Package people is the list of who has access, and as what. It is kept in state,
// one document for each person, and is the same for every identity driver: a driver
// says who somebody is, the list says what that person may do.
//
// A person's subject is what the driver knows them by: a name of this installation
// in package local, OfEmail of the verified address in package oidc. So a list made
// with e-mail addresses as subjects serves both.
//
// It promises that a change is seen by the next check of a token. It refuses the
// role service, roles without a rank, and addresses no token would be matched with;
// passwords, keys and codes are not here.
package people

import (
	"context"
	"strings"
	"time"

	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
)

// Collection holds the list.
const Collection = "identity_users"

// User is a person with access.
type User struct {
	Subject   string        `json:"subject"`
	Name      string        `json:"name"`
	Email     string        `json:"email,omitempty"`
	Role      identity.Role `json:"role"`
	CreatedAt time.Time     `json:"created_at"`
}

// OfEmail gives the subject of an e-mail address: the address in lower case. It folds
// the letters of ASCII alone: by Unicode's rules the addresses of two people can
// become one (the Kelvin sign's lower case is k).
func OfEmail(address string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, address)
}

// Principal is the user as a caller, without an end.
func (u User) Principal() identity.Principal {
	return identity.Principal{Subject: u.Subject, Name: u.Name, Email: u.Email, Role: u.Role}
}

// List is the list of an installation. It is safe for concurrent use, and for
// several processes on one state.
type List struct{ users *state.Collection[User] }

// New makes the list of a state.
func New(db *state.DB) List { return List{state.Of[User](db, Collection)} }

// Get reads a user. NotFound when there is none; InvalidArgument for a subject that
// no user can have.
func (l List) Get(ctx context.Context, subject string) (User, error) {
	return l.users.Get(ctx, subject)
}

// Add makes a user. AlreadyExists when the subject is taken.
func (l List) Add(ctx context.Context, u User) error {
	if u.Subject == "" || !ranked(u.Role) {
		return problem.New(problem.InvalidArgument, "an account needs a subject and the role owner, manager, analyst or viewer")
	}
	if strings.Contains(u.Subject, "@") && u.Subject != OfEmail(u.Subject) {
		return problem.New(problem.InvalidArgument, "an account's e-mail address is written in lower case, not as %q", u.Subject)
	}
	u.CreatedAt = time.Now().UTC()
	return l.users.Create(ctx, u.Subject, u)
}

// Ensure adds a user unless the subject is there, and gives the one that is. Of
// several callers at once exactly one is told that it made it.
func (l List) Ensure(ctx context.Context, u User) (User, bool, error) {
	err := l.Add(ctx, u)
	made := err == nil
	if made || problem.Is(err, problem.AlreadyExists) {
		u, err = l.Get(ctx, u.Subject)
	}
	return u, made && err == nil, err
}

// SetRole gives a user another role. NotFound when there is no such user.
func (l List) SetRole(ctx context.Context, subject string, role identity.Role) error {
	if !ranked(role) {
		return problem.New(problem.InvalidArgument, "a person's role is owner, manager, analyst or viewer, not %q", role)
	}
	_, err := l.users.Update(ctx, subject, func(u *User) error { u.Role = role; return nil })
	return err
}

// Remove ends a user's access; an absent one is not an error.
func (l List) Remove(ctx context.Context, subject string) error {
	return l.users.Delete(ctx, subject)
}

func ranked(r identity.Role) bool {
	return r != identity.Service && identity.Principal{Role: r}.May(identity.Viewer)
}
