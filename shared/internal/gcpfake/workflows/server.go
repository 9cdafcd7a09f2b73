package workflows

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	executionspb "cloud.google.com/go/workflows/executions/apiv1/executionspb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/b2brecs/b2brecs/shared/internal/gcp"
	"github.com/b2brecs/b2brecs/shared/internal/gcpfake/rpc"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/workflow"
)

// Interpreter runs the definitions; the embedded driver is one. Its executions MUST
// take any id of 26 letters and digits.
type Interpreter interface {
	workflow.Driver
	Workflows() []string
	ServeCallback(http.ResponseWriter, *http.Request)
}

// Options of Start. Location, State and Open are required.
type Options struct {
	Location gcp.Location
	// State keeps arguments and labels; the interpreter may use the same one.
	State *state.DB
	// Open makes the interpreter; callbackURL is where this server takes callbacks.
	Open func(ctx context.Context, callbackURL string) (Interpreter, error)
	// Authorize refuses the caller of a callback by an error: 401. Default: everybody may.
	Authorize func(*http.Request) error
	// Address and CallbackAddress are loopback addresses. Default: free ports.
	Address, CallbackAddress string
}

// Server is a running fake.
type Server struct {
	*rpc.Server
	opts        Options
	interpreter Interpreter
	docs        *state.Collection[document]
	callbacks   *http.Server
	url         string
	tasks       sync.WaitGroup
}

// document is what the interpreter does not keep of an execution.
type document struct {
	ID       string            `json:"id"`
	Workflow string            `json:"workflow"`
	Argument string            `json:"argument"`
	Labels   map[string]string `json:"labels,omitempty"`
}

// Start opens the interpreter and serves.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Location.Project == "" || o.Location.Region == "" || o.State == nil || o.Open == nil {
		return nil, problem.New(problem.InvalidArgument, "the fake of Cloud Workflows needs Location, State and Open")
	}
	l, err := rpc.Listen(o.CallbackAddress)
	if err != nil {
		return nil, problem.Wrap(err, problem.InvalidArgument, "callbacks cannot be taken")
	}
	s := &Server{opts: o, docs: state.Of[document](o.State, "fake_executions"), url: "http://" + l.Addr().String()}
	if s.interpreter, err = o.Open(ctx, s.url+"/v1/"+o.Location.Parent()+"/callbacks"); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	s.Server, err = rpc.Serve(o.Address, func(g *grpc.Server) { executionspb.RegisterExecutionsServer(g, service{s: s}) })
	if err != nil {
		return nil, errors.Join(problem.Wrap(err, problem.InvalidArgument, "the service cannot be served"), s.interpreter.Close(), l.Close())
	}
	s.serveCallbacks(l)
	return s, nil
}

// CallbackBase is what the URLs of callbacks begin with; the service's own is
// https://workflowexecutions.googleapis.com/.
func (s *Server) CallbackBase() string { return s.url + "/" }

// Close ends the server and the interpreter; executions stay where they are.
func (s *Server) Close() error {
	err := errors.Join(s.Server.Close(), s.callbacks.Close())
	s.tasks.Wait()
	return errors.Join(err, s.interpreter.Close())
}

func (s *Server) serveCallbacks(l net.Listener) {
	mux := http.NewServeMux()
	mux.HandleFunc("/v1/"+s.opts.Location.Parent()+"/callbacks/", func(w http.ResponseWriter, r *http.Request) {
		if s.opts.Authorize != nil {
			if err := s.opts.Authorize(r); err != nil {
				http.Error(w, err.Error(), http.StatusUnauthorized)
				return
			}
		}
		s.interpreter.ServeCallback(w, r)
	})
	s.callbacks = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	s.tasks.Go(func() { _ = s.callbacks.Serve(l) }) // it ends by Close
}

// workflow reads the name of a workflow, "projects/P/locations/R/workflows/W".
func (s *Server) workflow(name string) (string, error) {
	parts := strings.Split(name, "/")
	if len(parts) != 6 || parts[0] != "projects" || parts[2] != "locations" || parts[4] != "workflows" || slices.Contains(parts, "") {
		return "", status.Errorf(codes.InvalidArgument, "%q is not projects/{project}/locations/{location}/workflows/{workflow}", name)
	}
	if parts[1] != s.opts.Location.Project {
		return "", status.Errorf(codes.PermissionDenied, "permission denied on project %q, or it does not exist", parts[1])
	}
	if parts[3] != s.opts.Location.Region || !slices.Contains(s.interpreter.Workflows(), parts[5]) {
		return "", status.Errorf(codes.NotFound, "workflow %q does not exist", name)
	}
	return parts[5], nil
}

// execution reads the name of an execution, "<workflow>/executions/E".
func (s *Server) execution(name string) (wf, id string, err error) {
	i := strings.LastIndex(name, "/executions/")
	if i < 0 {
		return "", "", status.Errorf(codes.InvalidArgument, "%q is not {workflow}/executions/{execution}", name)
	}
	id = name[i+len("/executions/"):]
	if id == "" || strings.Contains(id, "/") {
		return "", "", status.Errorf(codes.InvalidArgument, "%q names no execution", name)
	}
	wf, err = s.workflow(name[:i])
	return wf, id, err
}

// answer gives a problem of the product as a status of the service.
func answer(err error) error {
	p := problem.Of(err)
	code, ok := map[problem.Code]codes.Code{
		problem.NotFound: codes.NotFound, problem.InvalidArgument: codes.InvalidArgument, problem.Unavailable: codes.Unavailable,
		problem.Cancelled: codes.Canceled,
	}[p.Code]
	if !ok {
		code = codes.Internal
	}
	return status.Error(code, p.Error())
}
