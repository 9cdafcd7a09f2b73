// Package identityapi is the HTTP function of people: who calls, who has access and
// as what, and how one signs in.
//
// It promises that a change of access is seen by the next request of the person it is
// about, that an installation never loses its last owner, that a repeated request
// changes nothing more, and that every change is in the log with who made it.
//
// It refuses everybody but owners where other people are concerned. It gives out no
// session: how a person comes to a token is between them and the issuer, or between
// them and the embedded server.
package identityapi

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/b2brecs/b2brecs/shared/api"
	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/identity/people"
)

// Services is what the function asks of its platform.
type Services struct {
	People   people.List
	Identity *identity.Verifier
	Log      *slog.Logger
}

const tag = "People"

// Me is the caller.
type Me struct {
	identity.Principal
	May     []identity.Role `json:"may" nullable:"false" enum:"viewer,analyst,manager,owner,service" doc:"The roles that the caller passes for, the least first: an operation is open when its role is here."`
	Version string          `json:"api_version"`
}

// Register adds the routes.
func Register(a huma.API, s Services) {
	// A token that came along would be checked, and a stale one refused: ask without one.
	api.Handle(a, api.Op{ID: "signIn", Method: http.MethodGet, Path: "/v1/sign-in", Tag: tag, Anonymous: true, Summary: "Say how one signs in here; ask without a token"},
		func(context.Context, *struct{}) (*api.Body[identity.SignIn], error) {
			return api.Reply(s.Identity.SignIn(), nil)
		})
	api.Handle(a, api.Op{ID: "me", Method: http.MethodGet, Path: "/v1/me", Tag: tag, Role: identity.Viewer, Summary: "Say who is signed in"},
		func(ctx context.Context, _ *struct{}) (*api.Body[Me], error) {
			p := identity.From(ctx)
			return api.Reply(Me{p, p.Includes(), api.Version}, nil)
		})
	s.registerPeople(a)
}
