package api

import (
	"compress/gzip"
	"context"
	"net/http"
	"path"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/telemetry"
)

// Version of the HTTP interface.
const Version = "1.0.0"

// New makes an API on a router that has no routes yet. Its OpenAPI 3.1 document is
// served at /v1/openapi.json. JSON is compressed for who asks for it: lists repeat
// themselves. A stream of events is not: each has to arrive at once.
func New(r chi.Router) huma.API {
	config := huma.DefaultConfig("b2brecs", Version)
	config.Info.Description = "From transactions to measured recommendations."
	config.OpenAPIPath = "/v1/openapi"
	config.DocsPath = ""
	config.SchemasPath = "/v1/schemas"
	config.CreateHooks = nil // no $schema member in bodies
	config.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token": {Type: "http", Scheme: "bearer", BearerFormat: "JWT"},
	}
	r.Use(middleware.Compress(gzip.DefaultCompression, "application/json"))
	a := humachi.New(r, config)
	a.UseMiddleware(func(c huma.Context, next func(huma.Context)) {
		telemetry.Route(c.Context(), c.Operation().Method, c.Operation().Path, c.Param)
		next(c)
	})
	return a
}

// Op describes an operation.
type Op struct {
	ID      string // camelCase, unique, e.g. "listRuns"
	Method  string
	Path    string
	Summary string // one sentence
	Tag     string // the page's word: "ETL", "Datasets", …
	Role    identity.Role
	// Anonymous, in place of a role, answers whoever asks: for what somebody needs
	// before they can have a token. It MUST tell nothing of the installation's data.
	Anonymous bool
	Status    int   // of success; 0 = 200, or 204 without a body
	MaxBody   int64 // bytes; 0 = 1 MiB
}

// Handle registers an operation. Errors of fn are rendered as problem documents.
// It panics when the operation names no role and does not say that it is anonymous.
func Handle[I, O any](a huma.API, op Op, fn func(context.Context, *I) (*O, error)) {
	if (op.Role == "") != op.Anonymous || op.ID == "" {
		panic("api: operation " + op.Method + " " + op.Path + " needs an id and a role")
	}
	huma.Register(a, operation(a, op), func(ctx context.Context, in *I) (*O, error) {
		out, err := fn(ctx, in)
		if err != nil {
			return nil, toDocument(ctx, err)
		}
		return out, nil
	})
}

// Operation gives the huma operation of op, for registrations that need more than
// Handle, e.g. server-sent events.
func Operation(a huma.API, op Op) huma.Operation { return operation(a, op) }

func operation(a huma.API, op Op) huma.Operation {
	o := huma.Operation{
		OperationID:   op.ID,
		Method:        op.Method,
		Path:          op.Path,
		Summary:       op.Summary,
		Tags:          []string{op.Tag},
		DefaultStatus: op.Status,
		MaxBodyBytes:  op.MaxBody,
	}
	if op.Anonymous {
		return o
	}
	o.Security = []map[string][]string{{"token": {}}}
	o.Errors = []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusConflict}
	o.Metadata = map[string]any{"role": op.Role}
	o.Middlewares = huma.Middlewares{requireRole(op.Role)}
	return o
}

func requireRole(role identity.Role) func(huma.Context, func(huma.Context)) {
	return func(c huma.Context, next func(huma.Context)) {
		p := identity.From(c.Context())
		switch {
		case p.Role == "":
			writeProblem(c, problem.New(problem.Unauthenticated, "this request carries no valid token").
				WithNext(problem.TurnYou, "Sign in, or send an Authorization: Bearer header."))
		case !p.May(role):
			writeProblem(c, problem.New(problem.PermissionDenied, "%s needs the role %s; yours is %s", c.Operation().Summary, role, p.Role).
				WithNext(problem.TurnYou, "Ask an owner for the role."))
		default:
			next(c)
		}
	}
}

// schemaName gives a schema the name of its Go type, led by its package where the
// bare name would be ambiguous: etl.Run becomes EtlRun, a list of model.Config
// becomes ListModelConfig. Types of the API packages keep their bare names.
func schemaName(t reflect.Type, hint string) string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Name() == "" {
		return huma.DefaultSchemaNamer(t, hint)
	}
	text := t.Name()
	if pkg := t.PkgPath(); pkg != "" {
		text = pkg + "." + text
	}
	var name strings.Builder
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune("[],* ", r) }) {
		pkg, base := "", part
		if i := strings.LastIndexByte(part, '.'); i >= 0 {
			pkg, base = path.Base(part[:i]), part[i+1:]
		}
		base = capital(base)
		if pkg != "" && !strings.HasSuffix(pkg, "api") && !strings.HasPrefix(base, capital(pkg)) {
			base = capital(pkg) + base
		}
		name.WriteString(base)
	}
	return name.String()
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// Page is the input part of a paged list.
type Page struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"Items per page."`
	Cursor string `query:"cursor" doc:"The next value of the page before; empty for the first page."`
}

// List is the body of a paged list.
type List[T any] struct {
	Items []T    `json:"items" nullable:"false"`
	Next  string `json:"next" doc:"Cursor of the next page; empty on the last one."`
}

// ListOut is the reply of a paged list.
type ListOut[T any] struct{ Body List[T] }

// Body is a reply with a JSON body.
type Body[T any] struct{ Body T }

// Reply wraps a value into a reply.
func Reply[T any](v T, err error) (*Body[T], error) {
	if err != nil {
		return nil, err
	}
	return &Body[T]{v}, nil
}

// Lists wraps a page into a reply; a nil slice becomes an empty one.
func Lists[T any](items []T, next string, err error) (*ListOut[T], error) {
	if err != nil {
		return nil, err
	}
	if items == nil {
		items = []T{}
	}
	return &ListOut[T]{List[T]{items, next}}, nil
}
