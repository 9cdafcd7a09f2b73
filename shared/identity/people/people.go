// Package people is the list of who has access, and as what. It is kept in state,
// one document for each person, and is the same for every identity driver: a driver
// says who somebody is, the list says what that person may do.
//
// A person's subject is what the driver knows them by: a name of this installation
// in package local, OfEmail of the verified address in package oidc. So a list made
// with e-mail addresses as subjects serves both.
//
// It promises that a change is seen by the next check of a token, and that somebody
// stays owner: whoever is the last cannot be removed or given another role, however
// many try at once. It refuses the role service, roles without a rank, and addresses
// no token would be matched with; passwords, keys and codes are not here.
package people

import (
	"context"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

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
	Role      identity.Role `json:"role" enum:"owner,manager,analyst,viewer"`
	CreatedAt time.Time     `json:"created_at"`
	CreatedBy string        `json:"created_by,omitempty" doc:"The subject of who gave access; empty when the product did."`
	UpdatedAt time.Time     `json:"updated_at,omitzero" doc:"The last change of role or name."`
	UpdatedBy string        `json:"updated_by,omitempty"`
}

// Change of a user; what is nil stays.
type Change struct {
	Role *identity.Role
	Name *string
	By   string // the subject of who changes
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

// maxAddress bytes has an e-mail address (RFC 5321, section 4.5.3.1.3: a path of 256
// with its two brackets).
const maxAddress = 254

// Address says whether s can be an e-mail address: something on both sides of one @,
// without blanks, slashes and what cannot be seen. Whether mail arrives there nobody knows.
func Address(s string) bool {
	name, host, ok := strings.Cut(s, "@")
	return ok && name != "" && host != "" && !strings.Contains(host, "@") && len(s) <= maxAddress && utf8.ValidString(s) &&
		!strings.ContainsFunc(s, func(r rune) bool { return r == '/' || !unicode.IsGraphic(r) || unicode.IsSpace(r) })
}

// Principal is the user as a caller, without an end.
func (u User) Principal() identity.Principal {
	return identity.Principal{Subject: u.Subject, Name: u.Name, Email: u.Email, Role: u.Role}
}

// List is the list of an installation. It is safe for concurrent use, and for
// several processes on one state.
type List struct {
	db    *state.DB
	users *state.Collection[User]
}

// New makes the list of a state.
func New(db *state.DB) List { return List{db, state.Of[User](db, Collection)} }

// Page reads users in the order of their subjects. limit is 1 to 1000.
func (l List) Page(ctx context.Context, limit int, cursor string) (state.Page[User], error) {
	return l.users.Query(ctx, state.Query{Limit: limit, Cursor: cursor})
}

// Get reads a user. NotFound when there is none; InvalidArgument for a subject that
// no user can have.
func (l List) Get(ctx context.Context, subject string) (User, error) {
	u, err := l.users.Get(ctx, subject)
	return u, unknown(err, subject)
}

// Add makes a user. AlreadyExists when the subject is taken.
func (l List) Add(ctx context.Context, u User) error {
	_, err := l.add(ctx, u)
	return err
}

func (l List) add(ctx context.Context, u User) (User, error) {
	if u.Subject == "" || !ranked(u.Role) {
		return u, problem.New(problem.InvalidArgument, "an account needs a subject and the role owner, manager, analyst or viewer")
	}
	if strings.Contains(u.Subject, "@") && u.Subject != OfEmail(u.Subject) {
		return u, problem.New(problem.InvalidArgument, "an account's e-mail address is written in lower case, not as %q", u.Subject)
	}
	u.CreatedAt = time.Now().UTC()
	return u, l.users.Create(ctx, u.Subject, u)
}

// Ensure adds a user unless the subject is there, and gives the one that is. Of
// several callers at once exactly one is told that it made it.
func (l List) Ensure(ctx context.Context, u User) (User, bool, error) {
	made, err := l.add(ctx, u)
	if problem.Is(err, problem.AlreadyExists) {
		u, err = l.Get(ctx, u.Subject)
		return u, false, err
	}
	return made, err == nil, err
}

// Change gives a user another role or name, and says whether that changed anything.
// NotFound when there is no such user, FailedPrecondition when the last owner would be
// none any more.
func (l List) Change(ctx context.Context, subject string, c Change) (User, bool, error) {
	if c.Role != nil && !ranked(*c.Role) {
		return User{}, false, problem.New(problem.InvalidArgument, "a person's role is owner, manager, analyst or viewer, not %q", *c.Role)
	}
	var out User
	var changed bool
	err := l.guarded(ctx, subject, func(tx *state.Tx, u User) (leaves bool, err error) {
		leaves = c.Role != nil && u.Role == identity.Owner && *c.Role != identity.Owner
		was := u
		if c.Role != nil {
			u.Role = *c.Role
		}
		if c.Name != nil {
			u.Name = *c.Name
		}
		out, changed = u, u != was
		if !changed {
			return false, nil
		}
		out.UpdatedAt, out.UpdatedBy = time.Now().UTC(), c.By
		return leaves, state.Put(tx, l.users, subject, out)
	})
	return out, changed && err == nil, unknown(err, subject)
}

// Remove ends a user's access, and says whether there was one; an absent one is not an
// error. FailedPrecondition for the last owner.
func (l List) Remove(ctx context.Context, subject string) (bool, error) {
	err := l.guarded(ctx, subject, func(tx *state.Tx, u User) (bool, error) {
		return u.Role == identity.Owner, state.Delete(tx, l.users, subject)
	})
	if problem.Is(err, problem.NotFound) {
		return false, nil
	}
	return err == nil, err
}

// guarded changes one user in a transaction. When fn says that an owner leaves by it,
// another one must stay: the transaction reads that one, so two owners who remove each
// other at once collide, and one of them finds itself the last. The other owners are
// looked up before it, since a transaction reads by id alone; one that is made in
// between is not seen, and who wants to leave is refused until they ask again.
func (l List) guarded(ctx context.Context, subject string, fn func(*state.Tx, User) (leaves bool, err error)) error {
	var others []string
	for u, err := range l.users.All(ctx, state.Query{}) {
		if err != nil {
			return err
		}
		if u.Role == identity.Owner && u.Subject != subject {
			others = append(others, u.Subject)
		}
	}
	return l.db.Transact(ctx, func(tx *state.Tx) error {
		u, err := state.Get(tx, l.users, subject)
		if err != nil {
			return err
		}
		leaves, err := fn(tx, u)
		if err != nil || !leaves {
			return err
		}
		for _, other := range others {
			o, err := state.Get(tx, l.users, other)
			if err == nil && o.Role == identity.Owner {
				return nil
			}
			if err != nil && !problem.Is(err, problem.NotFound) {
				return err
			}
		}
		return problem.New(problem.FailedPrecondition, "%s is the last owner", subject).
			WithCause("an installation without an owner could never give access to anybody").
			WithNext(problem.TurnYou, "Make somebody else an owner first.")
	})
}

// unknown says in the person's words that there is no such user.
func unknown(err error, subject string) error {
	if problem.Is(err, problem.NotFound) {
		return problem.New(problem.NotFound, "%q has no access here", subject)
	}
	return err
}

func ranked(r identity.Role) bool {
	return r != identity.Service && identity.Principal{Role: r}.May(identity.Viewer)
}
