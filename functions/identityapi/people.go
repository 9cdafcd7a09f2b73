package identityapi

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/b2brecs/b2brecs/shared/api"
	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/identity/people"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// PersonInput gives somebody access.
type PersonInput struct {
	Email string        `json:"email" minLength:"3" maxLength:"254" doc:"What the person signs in with; capital letters do not count."`
	Name  string        `json:"name,omitempty" maxLength:"255" doc:"The address when left out."`
	Role  identity.Role `json:"role" enum:"owner,manager,analyst,viewer"`
}

// PersonChange changes somebody's access; what is left out stays.
type PersonChange struct {
	Name *string        `json:"name,omitempty" minLength:"1" maxLength:"255"`
	Role *identity.Role `json:"role,omitempty" enum:"owner,manager,analyst,viewer"`
}

type (
	Person struct {
		Subject string `path:"subject" maxLength:"254" doc:"The person's subject: the e-mail address, in lower case."`
	}
	listPeople   struct{ api.Page }
	addPerson    struct{ Body PersonInput }
	changePerson struct {
		Person
		Body PersonChange
	}
)

func (s Services) registerPeople(a huma.API) {
	const base = "/v1/people"
	api.Handle(a, api.Op{ID: "listPeople", Method: http.MethodGet, Path: base, Tag: tag, Role: identity.Owner, Summary: "List who has access"},
		func(ctx context.Context, in *listPeople) (*api.ListOut[people.User], error) {
			p, err := s.People.Page(ctx, in.Limit, in.Cursor)
			return api.Lists(p.Items, p.Next, err)
		})
	api.Handle(a, api.Op{ID: "addPerson", Method: http.MethodPost, Path: base, Tag: tag, Role: identity.Owner, Status: http.StatusCreated, Summary: "Give somebody access"},
		func(ctx context.Context, in *addPerson) (*api.Body[people.User], error) {
			return api.Reply(s.add(ctx, in.Body))
		})
	api.Handle(a, api.Op{ID: "getPerson", Method: http.MethodGet, Path: base + "/{subject}", Tag: tag, Role: identity.Owner, Summary: "Read who somebody is here"},
		func(ctx context.Context, in *Person) (*api.Body[people.User], error) {
			return api.Reply(s.People.Get(ctx, people.OfEmail(in.Subject)))
		})
	api.Handle(a, api.Op{ID: "changePerson", Method: http.MethodPatch, Path: base + "/{subject}", Tag: tag, Role: identity.Owner, Summary: "Change somebody's role or name"},
		func(ctx context.Context, in *changePerson) (*api.Body[people.User], error) {
			return api.Reply(s.change(ctx, people.OfEmail(in.Subject), in.Body))
		})
	api.Handle(a, api.Op{ID: "removePerson", Method: http.MethodDelete, Path: base + "/{subject}", Tag: tag, Role: identity.Owner, Summary: "End somebody's access, at once"},
		func(ctx context.Context, in *Person) (*struct{}, error) {
			return nil, s.remove(ctx, people.OfEmail(in.Subject))
		})
}

// add gives access. The same once more is the same person; another role or name is
// AlreadyExists, since a second owner may just have decided otherwise.
func (s Services) add(ctx context.Context, in PersonInput) (people.User, error) {
	email := people.OfEmail(strings.TrimSpace(in.Email))
	if !people.Address(email) {
		return people.User{}, problem.New(problem.InvalidArgument, "%q is not an e-mail address", in.Email).
			WithField("body.email", "must have something on both sides of one @, and no blanks or slashes")
	}
	want := people.User{Subject: email, Email: email, Name: cmp.Or(strings.TrimSpace(in.Name), email), Role: in.Role, CreatedBy: identity.From(ctx).Subject}
	u, made, err := s.People.Ensure(ctx, want)
	switch {
	case err != nil:
		return u, err
	case made:
		s.Log.InfoContext(ctx, "access given", "person", u.Subject, "role", u.Role, "by", want.CreatedBy)
	case u.Role != want.Role || in.Name != "" && u.Name != want.Name:
		return u, problem.New(problem.AlreadyExists, "%s has access already, as %s", u.Subject, u.Role).
			WithNext(problem.TurnYou, "Change the role or the name of the person who is there.")
	}
	return u, nil
}

func (s Services) change(ctx context.Context, subject string, in PersonChange) (people.User, error) {
	by := identity.From(ctx).Subject
	if in.Name != nil {
		if in.Name = new(strings.TrimSpace(*in.Name)); *in.Name == "" {
			return people.User{}, problem.New(problem.InvalidArgument, "a person has a name").WithField("body.name", "is empty")
		}
	}
	u, changed, err := s.People.Change(ctx, subject, people.Change{Role: in.Role, Name: in.Name, By: by})
	if changed {
		s.Log.InfoContext(ctx, "access changed", "person", subject, "role", u.Role, "by", by)
	}
	return u, err
}

func (s Services) remove(ctx context.Context, subject string) error {
	was, err := s.People.Remove(ctx, subject)
	if was {
		s.Log.InfoContext(ctx, "access ended", "person", subject, "by", identity.From(ctx).Subject)
	}
	return err
}
