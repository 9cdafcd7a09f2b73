package workflows_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	executions "cloud.google.com/go/workflows/executions/apiv1"
	pb "cloud.google.com/go/workflows/executions/apiv1/executionspb"
	"google.golang.org/api/iterator"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/b2brecs/b2brecs/shared/internal/gcp"
	"github.com/b2brecs/b2brecs/shared/internal/gcpfake/workflows"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/state/sqlite"
	"github.com/b2brecs/b2brecs/shared/workflow/interpreter"
)

const (
	parent = "projects/p/locations/r/workflows/double"
	source = "main:\n  params: [n]\n  steps:\n    - done:\n        return: ${n * 2}\n"
	waits  = "main:\n  steps:\n    - make:\n        call: events.create_callback_endpoint\n        args: {http_callback_method: POST}\n        result: cb\n" +
		"    - tell:\n        call: http.post\n        args: {url: $URL, body: '${cb}'}\n" +
		"    - wait:\n        call: events.await_callback\n        args: {callback: '${cb}'}\n        result: r\n    - done:\n        return: ${r.http_request.body}\n"
)

func serve(t *testing.T, dir string, told string) (*workflows.Server, *executions.Client) {
	t.Helper()
	drv, err := sqlite.Open(filepath.Join(dir, "s.db"))
	if err != nil {
		t.Fatal(err)
	}
	db := state.New(drv)
	s, err := workflows.Start(t.Context(), workflows.Options{
		Location: gcp.Location{Project: "p", Region: "r"}, State: db,
		Authorize: func(r *http.Request) error {
			if r.Header.Get("Authorization") != "Bearer access" {
				return errors.New("no access token")
			}
			return nil
		},
		Open: func(ctx context.Context, callbackURL string) (workflows.Interpreter, error) {
			d, err := interpreter.Open(ctx, interpreter.Options{State: db, CallbackURL: callbackURL, Log: slog.New(slog.DiscardHandler),
				Token: func(context.Context, string) (string, error) { return "id", nil },
				FS: fstest.MapFS{"double.yaml": {Data: []byte(source)},
					"waits.yaml": {Data: []byte(strings.ReplaceAll(waits, "$URL", told))}}})
			if err != nil {
				return nil, err
			}
			return d, d.Resume(ctx)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := executions.NewClient(t.Context(), s.Options()...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(c.Close(), s.Close(), db.Close()); err != nil {
			t.Error(err)
		}
	})
	return s, c
}

func TestRefuses(t *testing.T) {
	_, c := serve(t, t.TempDir(), "http://127.0.0.1:1")
	create := func(change func(*pb.CreateExecutionRequest)) error {
		r := &pb.CreateExecutionRequest{Parent: parent, Execution: &pb.Execution{Argument: "1"}}
		change(r)
		_, err := c.CreateExecution(t.Context(), r)
		return err
	}
	list := func(r *pb.ListExecutionsRequest) error {
		if r.Parent == "" {
			r.Parent = parent
		}
		_, err := c.ListExecutions(t.Context(), r).Next()
		return err
	}
	labels := map[string]string{}
	for i := range 65 {
		labels[fmt.Sprint("k", i)] = ""
	}
	x, err := c.CreateExecution(t.Context(), &pb.CreateExecutionRequest{Parent: parent, Execution: &pb.Execution{Argument: "1"}})
	if err != nil {
		t.Fatal(err)
	}
	for i, tc := range []struct {
		err  error
		want codes.Code
	}{
		{create(func(r *pb.CreateExecutionRequest) { r.Parent = "double" }), codes.InvalidArgument},
		{create(func(r *pb.CreateExecutionRequest) { r.Parent = "projects/p/locations/r/workflows/none" }), codes.NotFound},
		{create(func(r *pb.CreateExecutionRequest) { r.Parent = "projects/p/locations/else/workflows/double" }), codes.NotFound},
		{create(func(r *pb.CreateExecutionRequest) { r.Parent = "projects/else/locations/r/workflows/double" }), codes.PermissionDenied},
		{create(func(r *pb.CreateExecutionRequest) { r.Execution = nil }), codes.InvalidArgument},
		{create(func(r *pb.CreateExecutionRequest) { r.Execution.Name = "mine" }), codes.InvalidArgument},
		{create(func(r *pb.CreateExecutionRequest) { r.Execution.StartTime = timestamppb.Now() }), codes.InvalidArgument},
		{create(func(r *pb.CreateExecutionRequest) { r.Execution.Argument = "{" }), codes.InvalidArgument},
		{create(func(r *pb.CreateExecutionRequest) {
			r.Execution.Argument = `"` + strings.Repeat("x", 32<<10-1) + `"`
		}), codes.InvalidArgument},
		{create(func(r *pb.CreateExecutionRequest) { r.Execution.Labels = labels }), codes.InvalidArgument},
		{create(func(r *pb.CreateExecutionRequest) { r.Execution.Labels = map[string]string{"Upper": ""} }), codes.InvalidArgument},
		{create(func(r *pb.CreateExecutionRequest) { r.Execution.Labels = map[string]string{"k": "a b"} }), codes.InvalidArgument},
		{create(func(r *pb.CreateExecutionRequest) {
			r.Execution.ProtoReflect().SetUnknown(protowire.AppendVarint(protowire.AppendTag(nil, 500, protowire.VarintType), 1))
		}), codes.InvalidArgument},
		{list(&pb.ListExecutionsRequest{Filter: `state="ACTIVE"`}), codes.InvalidArgument},
		{list(&pb.ListExecutionsRequest{OrderBy: "startTime"}), codes.InvalidArgument},
		{list(&pb.ListExecutionsRequest{PageToken: "x"}), codes.InvalidArgument},
		{list(&pb.ListExecutionsRequest{PageSize: -1}), codes.InvalidArgument},
		{list(&pb.ListExecutionsRequest{Parent: parent + "x"}), codes.NotFound},
		{second(c.GetExecution(t.Context(), &pb.GetExecutionRequest{Name: parent})), codes.InvalidArgument},
		{second(c.GetExecution(t.Context(), &pb.GetExecutionRequest{Name: parent + "/executions/none"})), codes.NotFound},
		{second(c.GetExecution(t.Context(), &pb.GetExecutionRequest{Name: strings.Replace(x.Name, "double", "waits", 1)})), codes.NotFound},
		{second(c.CancelExecution(t.Context(), &pb.CancelExecutionRequest{Name: wait(t, c, x.Name).Name})), codes.FailedPrecondition},
	} {
		if status.Code(tc.err) != tc.want {
			t.Errorf("%d: %v, want %s", i, tc.err, tc.want)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func wait(t *testing.T, c *executions.Client, name string) *pb.Execution {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		x, err := c.GetExecution(t.Context(), &pb.GetExecutionRequest{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		if x.State != pb.Execution_ACTIVE {
			return x
		}
		if time.Now().After(deadline) {
			t.Fatalf("%v goes on", x)
		}
	}
}

func TestListAndViews(t *testing.T) {
	dir := t.TempDir()
	t.Run("made", func(t *testing.T) {
		_, c := serve(t, dir, "http://127.0.0.1:1")
		for i := range 5 {
			x, err := c.CreateExecution(t.Context(), &pb.CreateExecutionRequest{Parent: parent, Execution: &pb.Execution{
				Argument: fmt.Sprint(i), Labels: map[string]string{"odd": fmt.Sprint(i % 2)}}})
			if err != nil {
				t.Fatal(err)
			}
			if x = wait(t, c, x.Name); x.Result != fmt.Sprint(2*i) || x.Argument != fmt.Sprint(i) {
				t.Errorf("%v", x)
			}
		}
	})
	_, c := serve(t, dir, "http://127.0.0.1:1") // another process
	names := func(r *pb.ListExecutionsRequest) (out []string) {
		r.Parent = parent
		for it := c.ListExecutions(t.Context(), r); ; {
			x, err := it.Next()
			if errors.Is(err, iterator.Done) {
				return out
			}
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, x.Argument)
		}
	}
	full := pb.ExecutionView_FULL
	if got := fmt.Sprint(names(&pb.ListExecutionsRequest{View: full, PageSize: 2})); got != "[4 3 2 1 0]" {
		t.Error(got)
	}
	if got := fmt.Sprint(names(&pb.ListExecutionsRequest{View: full, PageSize: 1, Filter: `labels."odd":"1"`})); got != "[3 1]" {
		t.Error(got)
	}
	if got := fmt.Sprint(names(&pb.ListExecutionsRequest{})); got != "[    ]" { // the BASIC view has no argument
		t.Error(got)
	}
}

func TestCallback(t *testing.T) {
	told := make(chan string, 1)
	function := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var in struct{ URL string }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			t.Error(err)
		}
		told <- in.URL
	}))
	defer function.Close()
	s, c := serve(t, t.TempDir(), function.URL)
	x, err := c.CreateExecution(t.Context(), &pb.CreateExecutionRequest{Parent: strings.Replace(parent, "double", "waits", 1), Execution: &pb.Execution{}})
	if err != nil {
		t.Fatal(err)
	}
	endpoint := <-told
	if !strings.HasPrefix(endpoint, s.CallbackBase()+"v1/projects/p/locations/r/") {
		t.Error(endpoint)
	}
	for _, tc := range []struct {
		token string
		want  int
	}{{"", http.StatusUnauthorized}, {"Bearer id", http.StatusUnauthorized}, {"Bearer access", http.StatusOK}} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint, strings.NewReader(`"hello"`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", tc.token)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != tc.want {
			t.Errorf("%q: %s", tc.token, resp.Status)
		}
	}
	if x = wait(t, c, x.Name); x.Result != `"hello"` {
		t.Errorf("%v", x)
	}
}
