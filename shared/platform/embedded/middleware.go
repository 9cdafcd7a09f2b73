package embedded

import (
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/b2brecs/b2brecs/shared/api"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/telemetry"
)

// requests makes an invocation of each request to a function. The page's files, and the
// check whether the server answers, are none.
func requests(next http.Handler) http.Handler {
	followed := telemetry.Request("")(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, of := range []string{"/v1/", functionsPath + "/", callbacksPath + "/"} {
			if strings.HasPrefix(r.URL.Path, of) {
				followed.ServeHTTP(w, r)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// securityHeaders of every reply. The page loads nothing from elsewhere; styles
// are set inline by its component library.
func securityHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// logPanics turns a panic of a handler into an internal problem and a log entry.
func logPanics(log *slog.Logger) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				v := recover()
				if v == nil {
					return
				}
				if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
					panic(v)
				}
				log.ErrorContext(r.Context(), "a handler panicked", "path", r.URL.Path, "panic", v, "stack", string(debug.Stack()))
				api.WriteProblem(w, r, problem.New(problem.Internal, "a handler panicked"))
			}()
			next.ServeHTTP(w, r)
		})
	}
}
