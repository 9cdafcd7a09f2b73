package bigquery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	bq "google.golang.org/api/bigquery/v2"
	"google.golang.org/api/option"
)

// Options of Start.
type Options struct {
	Project  string
	Location string
	Engine   Engine
	Faults   Faults
	// Scans tells how many bytes a statement would scan; nil means none.
	Scans func(sql string) int64
	// LoadsPerTable is the quota of load jobs per table; 0 means BigQuery's 1,500 a day.
	LoadsPerTable int
	// Running is how many times a job is looked at before it is done.
	Running int
}

// Faults break a call on demand. Each may be nil.
type Faults struct {
	Refuse func(Call) *Error // the error is the reply and nothing happens
	Lose   func(Call) bool   // it happens, and the connection ends without a reply
	Fail   func(Call) *Error // the job is made and ends with this error
}

// Call is one request.
type Call struct {
	Method string // "jobs.insert", "tables.get", ...
	Job    string // its id
	Kind   string // of a job: "query", "load", "extract"; "dry run"
}

// Engine runs statements and keeps the tables' rows. It serves one server at a time.
type Engine interface {
	// Run runs one statement or script and gives its last result. dry only checks it.
	Run(ctx context.Context, sql string, params []*bq.QueryParameter, dry bool) (*Result, *Error)
	// Load appends the rows of Parquet objects to a table, by name, and gives its number
	// of rows. A failure may leave some of them.
	Load(ctx context.Context, t *bq.TableReference, uris []string) (int64, *Error)
}

// Result of a statement.
type Result struct {
	Type   string // of the statement, e.g. SELECT
	Schema *bq.TableSchema
	Rows   []*bq.TableRow
	Files  int64 // that EXPORT DATA wrote
}

// Error is an error of BigQuery's: the status of a reply, and the reason of
// https://cloud.google.com/bigquery/docs/error-messages.
type Error struct {
	Status  int
	Reason  string
	Message string
}

func fail(status int, reason, format string, args ...any) *Error {
	return &Error{status, reason, fmt.Sprintf(format, args...)}
}

func (e *Error) proto() *bq.ErrorProto {
	return &bq.ErrorProto{Reason: e.Reason, Message: e.Message, Location: "query"}
}

// Server is one project in one location.
type Server struct {
	o      Options
	http   *http.Server
	url    string
	engine Engine

	mu       sync.Mutex // one request at a time
	datasets map[string]*dataset
	jobs     map[string]*job
	loads    map[string]int // load jobs by table
	calls    []Call
	ctx      context.Context
	stop     context.CancelFunc
}

// Start serves until Close.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Project == "" || o.Location == "" || o.Engine == nil {
		return nil, errors.New("bigquery fake: a project, a location and an engine are needed")
	}
	if o.LoadsPerTable == 0 {
		o.LoadsPerTable = 1500
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Server{o: o, engine: o.Engine, url: "http://" + l.Addr().String() + "/bigquery/v2/", datasets: map[string]*dataset{}, jobs: map[string]*job{}, loads: map[string]int{}}
	s.ctx, s.stop = context.WithCancel(ctx)
	s.http = &http.Server{Handler: s.routes(), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.http.Serve(l) }() // ends by Close
	return s, nil
}

// ClientOptions let the official client reach the server.
func (s *Server) ClientOptions() []option.ClientOption {
	return []option.ClientOption{option.WithEndpoint(s.url), option.WithoutAuthentication()}
}

// Break replaces the faults.
func (s *Server) Break(f Faults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.o.Faults = f
}

// Calls gives the calls since the last time, and forgets them.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := s.calls
	s.calls = nil
	return calls
}

// Close ends it.
func (s *Server) Close() error {
	s.stop()
	return s.http.Close()
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	const p, t = "/bigquery/v2/projects/{project}", "/datasets/{dataset}/tables"
	for pattern, c := range map[string]struct {
		method string
		fn     func(*request) (any, *Error)
	}{
		"POST " + p + "/jobs":              {"jobs.insert", s.insertJob},
		"GET " + p + "/jobs/{job}":         {"jobs.get", s.getJob},
		"POST " + p + "/jobs/{job}/cancel": {"jobs.cancel", s.cancelJob},
		"GET " + p + "/queries/{job}":      {"jobs.getQueryResults", s.results},
		"POST " + p + "/datasets":          {"datasets.insert", s.insertDataset},
		"GET " + p + "/datasets/{dataset}": {"datasets.get", s.getDataset},
		"GET " + p + t:                     {"tables.list", s.listTables},
		"POST " + p + t:                    {"tables.insert", s.insertTable},
		"GET " + p + t + "/{table}":        {"tables.get", s.getTable},
		"GET " + p + t + "/{table}/data":   {"tabledata.list", s.listRows},
		"PATCH " + p + t + "/{table}":      {"tables.patch", s.patchTable},
		"DELETE " + p + t + "/{table}":     {"tables.delete", s.deleteTable},
	} {
		mux.HandleFunc(pattern, s.handler(c.method, c.fn))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		reply(w, fail(http.StatusNotImplemented, "notImplemented", "the fake has no %s %s", r.Method, r.URL.Path))
	})
	return mux
}

// request is one call and what it says of itself.
type request struct {
	*http.Request
	call Call
	gone bool // the reply is lost
}

func (s *Server) handler(method string, fn func(*request) (any, *Error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		req := &request{Request: r, call: Call{Method: method, Job: r.PathValue("job")}}
		out, e := any(nil), (*Error)(nil)
		switch {
		case r.PathValue("project") != s.o.Project:
			e = fail(http.StatusNotFound, "notFound", "Not found: Project %s", r.PathValue("project"))
		case method == "jobs.insert": // it knows the job only after reading it
			out, e = fn(req)
		default:
			if e = s.before(req); e == nil {
				out, e = fn(req)
			}
		}
		if req.gone {
			if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
				_ = c.Close() // that is the point
				return
			}
		}
		if e != nil {
			reply(w, e)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(out) // the client may be gone
	}
}

// before counts the call and breaks it on demand.
func (s *Server) before(r *request) *Error {
	s.calls = append(s.calls, r.call)
	if f := s.o.Faults.Refuse; f != nil {
		if e := f(r.call); e != nil {
			return e
		}
	}
	if f := s.o.Faults.Lose; f != nil {
		r.gone = f(r.call)
	}
	return nil
}

func reply(w http.ResponseWriter, e *Error) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(e.Status)
	item := map[string]string{"domain": "global", "reason": e.Reason, "message": e.Message}
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"code": e.Status, "message": e.Message, "errors": []any{item}}}) // the client may be gone
}

// decode reads a body of exactly the documented fields.
func decode(r *request, into any) *Error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fail(http.StatusBadRequest, "invalid", "Invalid JSON payload received. %v", err)
	}
	return nil
}
