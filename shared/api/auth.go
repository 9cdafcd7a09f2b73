package api

import (
	"net/http"
	"strings"

	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// SessionCookie carries the token of a signed-in browser.
const SessionCookie = "b2brecs_session"

// Authenticate verifies the request's token, from the Authorization header or the
// session cookie, and puts the caller into the context. A request without a token
// goes on as nobody, which no operation accepts; one with a bad token ends here.
//
// A cookie is honoured on a changing request only when the request comes from the
// product's own pages (Sec-Fetch-Site), so that another site cannot use it.
func Authenticate(v *identity.Verifier) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
			if !ok {
				if c, err := r.Cookie(SessionCookie); err == nil {
					token = c.Value
					if crossSite(r) {
						WriteProblem(w, r, problem.New(problem.PermissionDenied, "a page of another site made this request"))
						return
					}
				}
			}
			if token == "" {
				next.ServeHTTP(w, r)
				return
			}
			p, err := v.Verify(r.Context(), token)
			if err != nil {
				WriteProblem(w, r, err)
				return
			}
			next.ServeHTTP(w, r.WithContext(identity.With(r.Context(), p)))
		})
	}
}

func crossSite(r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return false
	}
	site := r.Header.Get("Sec-Fetch-Site")
	return site != "" && site != "same-origin" && site != "none"
}

// RequireService lets only services through: the calls of workflows and schedules.
func RequireService(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := identity.From(r.Context())
		switch {
		case p.Role == "":
			WriteProblem(w, r, problem.New(problem.Unauthenticated, "this request carries no valid token"))
		case !p.May(identity.Service):
			WriteProblem(w, r, problem.New(problem.PermissionDenied, "only the platform's own services call this"))
		default:
			next.ServeHTTP(w, r)
		}
	})
}
