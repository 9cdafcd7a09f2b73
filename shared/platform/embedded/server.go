package embedded

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"

	"github.com/b2brecs/b2brecs/shared/api"
	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/identity/people"
	"github.com/b2brecs/b2brecs/shared/platform"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/telemetry"
)

// Mount puts the catalogue behind one router and subscribes its events: the same
// entries a cloud deploys one by one. page is the built web page; it may be nil.
func (p *Platform) Mount(catalog []platform.Function, page fs.FS) (http.Handler, error) {
	r := chi.NewRouter()
	r.Use(requests, logPanics(p.Log), securityHeaders, api.Authenticate(p.Identity))
	a := api.New(r)
	p.registerSession(r, a)
	for _, f := range catalog {
		switch f.Kind {
		case platform.HTTP:
			own := huma.NewGroup(a)
			own.UseMiddleware(func(c huma.Context, next func(huma.Context)) {
				telemetry.Add(c.Context(), slog.String("function", f.Name))
				next(c)
			})
			f.Register(own, p.Platform)
		case platform.Call:
			h := http.TimeoutHandler(f.Call(p.Platform), f.Timeout, "the call took longer than "+f.Timeout.String())
			r.With(api.RequireService).Post(functionsPath+"/"+f.Name, func(w http.ResponseWriter, q *http.Request) {
				telemetry.Add(q.Context(), slog.String("function", f.Name))
				telemetry.Route(q.Context(), q.Method, functionsPath+"/"+f.Name, q.PathValue)
				h.ServeHTTP(w, q)
			})
		case platform.Event:
			err := p.Events.Subscribe(events.Subscription{
				Name: f.Name, Topic: f.Topic, Concurrency: f.Concurrency, Timeout: f.Timeout, Handler: f.Event(p.Platform),
			})
			if err != nil {
				return nil, problem.Wrap(err, problem.Internal, "subscribe %s", f.Name)
			}
		}
	}
	// Workflows and schedules reach HTTP functions by name too: /functions/<name>/v1/….
	r.With(api.RequireService).Handle(functionsPath+"/{function}/*", http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		inner := q.Clone(q.Context())
		inner.URL.Path = "/" + chi.URLParam(q, "*")
		inner = inner.WithContext(context.WithValue(inner.Context(), chi.RouteCtxKey, nil))
		r.ServeHTTP(w, inner)
	}))
	r.With(api.RequireService).Handle(callbacksPath+"/*", http.StripPrefix(callbacksPath, p.Callbacks))
	r.Get("/healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	r.NotFound(Page(page))
	return r, nil
}

// Serve answers on l until ctx ends, then lets running requests finish for a moment.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		BaseContext: func(net.Listener) context.Context { return ctx }}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		defer cancel()
		if err := s.Shutdown(closing); err != nil {
			stopped <- s.Close() // streams that watch never end by themselves
			return
		}
		stopped <- nil
	}()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}

// registerSession adds what is about the session cookie: one-time links, which begin
// a session, and sign-out.
func (p *Platform) registerSession(r chi.Router, a huma.API) {
	r.Get("/signin", func(w http.ResponseWriter, q *http.Request) {
		token, who, err := p.Users.Redeem(q.Context(), q.URL.Query().Get("code"))
		if err != nil {
			http.Redirect(w, q, "/sign-in?reason=link", http.StatusSeeOther)
			return
		}
		http.SetCookie(w, &http.Cookie{Name: api.SessionCookie, Value: token, Path: "/", HttpOnly: true,
			SameSite: http.SameSiteStrictMode, Expires: who.Expires})
		// A page, not a redirect: browsers withhold strict cookies on a redirect that
		// began outside, and the link is opened from a terminal or a mail.
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'")
		_, _ = w.Write([]byte(`<!doctype html><meta http-equiv="refresh" content="0;url=/"><title>b2brecs</title><a href="/">Continue</a>`))
	})
	r.Post("/v1/signout", func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: api.SessionCookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteStrictMode})
		w.WriteHeader(http.StatusNoContent)
	})
	api.Handle(a, api.Op{ID: "makeSignInLink", Method: http.MethodPost, Path: "/v1/me/sign-in-link", Tag: "Session", Role: identity.Viewer, Status: http.StatusOK, Summary: "Make a one-time sign-in link for oneself"},
		func(ctx context.Context, _ *struct{}) (*api.Body[signInLink], error) {
			return api.Reply(p.signInLink(ctx, identity.From(ctx).Subject))
		})
	// There is nobody else to sign in a colleague: who owns the installation hands out the link.
	api.Handle(a, api.Op{ID: "makePersonSignInLink", Method: http.MethodPost, Path: "/v1/people/{subject}/sign-in-link", Tag: "Session", Role: identity.Owner, Status: http.StatusOK, Summary: "Make a one-time sign-in link for somebody who has access"},
		func(ctx context.Context, in *struct {
			Subject string `path:"subject" maxLength:"254"`
		}) (*api.Body[signInLink], error) {
			link, err := p.signInLink(ctx, people.OfEmail(in.Subject))
			if err == nil {
				p.Log.InfoContext(ctx, "sign-in link made", "person", people.OfEmail(in.Subject), "by", identity.From(ctx).Subject)
			}
			return api.Reply(link, err)
		})
}

func (p *Platform) signInLink(ctx context.Context, subject string) (signInLink, error) {
	code, err := p.Users.SignInCode(ctx, subject)
	return signInLink{p.URL + "/signin?code=" + code}, err
}

type signInLink struct {
	URL string `json:"url" doc:"Works once, for 15 minutes."`
}

// Page serves the web page: its files, and its start for every address that is the
// page's own. Addresses of the API get a problem document. page may be nil.
func Page(page fs.FS) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
		if page == nil || strings.HasPrefix(name, "v1/") || strings.HasPrefix(name, "functions/") || r.Method != http.MethodGet && r.Method != http.MethodHead {
			api.WriteProblem(w, r, problem.New(problem.NotFound, "there is nothing at %s %s", r.Method, r.URL.Path))
			return
		}
		if st, err := fs.Stat(page, name); name == "" || err != nil || st.IsDir() {
			name = "index.html"
		}
		if strings.HasPrefix(name, "assets/") { // names carry a hash of their content
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		} else {
			w.Header().Set("Cache-Control", "no-cache")
		}
		if _, err := fs.Stat(page, name); err != nil {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte("The page is not part of this build. Build it with ./scripts/up, or use the API and the command line.\n"))
			return
		}
		http.ServeFileFS(w, r, page, name)
	}
}
