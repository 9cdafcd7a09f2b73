package cloudbox

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/b2brecs/b2brecs/shared/api"
	"github.com/b2brecs/b2brecs/shared/platform"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// functionsPath is where functions answer by name, below the gateway's address.
const functionsPath = "/functions"

// gateway makes the one address of the installation. People come by the paths of the
// API and of the page; workflows, schedules and Pub/Sub by the functions' names.
func gateway(catalog []entry, processes map[string]*process, page http.Handler, log *slog.Logger) http.Handler {
	r := chi.NewRouter()
	for _, f := range catalog {
		h := forward(f, processes[f.Name], log)
		for _, path := range f.Paths {
			r.Handle(path, h)
		}
		base := functionsPath + "/" + f.Name
		named := http.StripPrefix(base, h)
		if f.Kind != platform.HTTP {
			r.Handle(base, named)
		}
		r.Handle(base+"/*", named)
	}
	r.Get("/healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	r.NotFound(page.ServeHTTP)
	return r
}

func nothing(w http.ResponseWriter, r *http.Request) {
	api.WriteProblem(w, r, problem.New(problem.NotFound, "there is nothing at %s %s", r.Method, r.URL.Path))
}

// policy adds the headers that the load balancer gives the page; in place of Google's
// the addresses are the box's own.
func (b *Box) policy(page http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' "+
			strings.TrimSuffix(b.storage.URL(), "/")+" "+b.issuer.URL()+"; frame-ancestors 'none'; base-uri 'none'; form-action 'self'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		page.ServeHTTP(w, r)
	})
}

// forward hands a request to a function's process, within the function's time limit,
// and answers 503 for a process that dies on the way.
func forward(f entry, p *process, log *slog.Logger) http.Handler {
	type target struct{}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(r.In.Context().Value(target{}).(*url.URL))
			r.Out.Host = r.In.Host
		},
		FlushInterval: -1, // events of a watch go out as they come
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() == nil || errors.Is(r.Context().Err(), context.DeadlineExceeded) {
				log.WarnContext(r.Context(), "a request was not answered", "function", f.Name, "path", r.URL.Path, "error", err)
			}
			api.WriteProblem(w, r, problem.New(problem.Unavailable, "function %s broke off", f.Name).WithCause("%v", err))
		},
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		address, err := p.address(context.WithoutCancel(r.Context()), f.Name)
		if err != nil {
			log.ErrorContext(r.Context(), "a function does not start", "function", f.Name, "error", err)
			api.WriteProblem(w, r, err)
			return
		}
		to, err := url.Parse(address)
		if err != nil {
			api.WriteProblem(w, r, problem.Wrap(err, problem.Internal, "the address of function %s", f.Name))
			return
		}
		// The function's own limit comes first and gives the better answer.
		ctx, cancel := context.WithTimeout(context.WithValue(r.Context(), target{}, to), f.timeout()+10*time.Second)
		defer cancel()
		if r = r.WithContext(ctx); !strings.HasPrefix(r.URL.Path, "/") {
			u := *r.URL
			u.Path = "/" + u.Path
			r.URL = &u
		}
		proxy.ServeHTTP(w, r)
	})
}
