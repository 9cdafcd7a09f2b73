package cloudworkflows

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"cloud.google.com/go/workflows/executions/apiv1/executionspb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/b2brecs/b2brecs/shared/internal/gcp"
	"github.com/b2brecs/b2brecs/shared/internal/gcpfake/rpc"
	"github.com/b2brecs/b2brecs/shared/internal/gcpfake/workflows"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/workflow"
)

var definitions = fstest.MapFS{
	"nap.yaml": {Data: []byte("main:\n  params: [args]\n  steps:\n    - nap:\n        call: sys.sleep\n        args: {seconds: 3600}\n")},
}

// world is a fake, the state of an installation, and drivers on them.
type world struct {
	*testing.T
	fake *workflows.Server
	db   *state.DB
}

func newWorld(t *testing.T) *world {
	fake, err := serve(t, definitions)
	if err != nil {
		t.Fatal(err)
	}
	return &world{t, fake, database(t, "state.db")}
}

// driver makes one more driver, which is quick.
func (w *world) driver(extra ...option.ClientOption) *Driver {
	w.Helper()
	d, err := New(Options{Location: location, State: w.db, Client: append(w.fake.Options(), extra...)})
	if err != nil {
		w.Fatal(err)
	}
	d.timing = timing{budget: 5 * time.Second, claim: 10 * time.Second, attempt: time.Second, attempts: 3, pause: time.Millisecond, poll: time.Millisecond}
	w.Cleanup(func() { _ = d.Close() })
	return d
}

func (w *world) start(d *Driver, id string) workflow.Execution {
	w.Helper()
	x, err := d.Start(w.Context(), "nap", id, map[string]int{"n": 1})
	if err != nil {
		w.Fatal(err)
	}
	return x
}

// executions counts those that the service made for an id.
func (w *world) executions(id string) int {
	w.Helper()
	found, err := w.driver().labelled(w.Context(), "nap", id)
	if err != nil {
		w.Fatal(err)
	}
	return len(found)
}

// counts gives the execution an id stands for; "" when the service has yet to say.
func (w *world) counts(id string) string {
	w.Helper()
	s, err := w.driver().starts.Get(w.Context(), key("nap", id))
	if err != nil {
		w.Fatal(err)
	}
	return s.Execution
}

// times fails a method so many times, before or after its effect.
func times(n int, method string, after bool, code codes.Code) rpc.Fault {
	var mu sync.Mutex
	return func(m string, a bool) error {
		mu.Lock()
		defer mu.Unlock()
		if m != method || a != after || n == 0 {
			return nil
		}
		n--
		return status.Error(code, "injected")
	}
}

func TestStartThatFails(t *testing.T) {
	for _, tc := range []struct {
		name   string
		fault  rpc.Fault
		want   problem.Code // of the first Start
		made   int          // executions after the second
		writes bool         // a document is left by the first
	}{
		{"reply lost once", times(1, "CreateExecution", true, codes.Unavailable), "", 1, true},
		{"reply lost, no lookup", both(times(9, "CreateExecution", true, codes.Unavailable), times(9, "ListExecutions", false, codes.Internal)), problem.Internal, 1, true},
		{"away for a moment", times(2, "CreateExecution", false, codes.Unavailable), "", 1, true},
		{"away", times(3, "CreateExecution", false, codes.Unavailable), problem.Unavailable, 1, true},
		{"broken", times(3, "CreateExecution", false, codes.Internal), problem.Internal, 1, true},
		{"quota", times(1, "CreateExecution", false, codes.ResourceExhausted), problem.ResourceExhausted, 1, false},
		{"not allowed", times(1, "CreateExecution", false, codes.PermissionDenied), problem.PermissionDenied, 1, false},
		{"not read back", times(1, "GetExecution", false, codes.Internal), problem.Internal, 1, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			d := w.driver()
			w.fake.Fail(tc.fault)
			_, err := d.Start(t.Context(), "nap", "r1", nil)
			if problem.CodeOf(err) != tc.want {
				t.Fatalf("%v, want %s", err, tc.want)
			}
			if _, err := d.starts.Get(t.Context(), key("nap", "r1")); (err == nil) != tc.writes {
				t.Errorf("the document: %v", err)
			}
			w.fake.Fail(nil)
			began := time.Now()
			if x := w.start(w.driver(), "r1"); x.Status != workflow.Active {
				t.Errorf("%+v", x)
			}
			if time.Since(began) > 3*time.Second {
				t.Error("a claim that failed is waited for")
			}
			if n := w.executions("r1"); n != tc.made {
				t.Errorf("%d executions", n)
			}
		})
	}
}

func both(a, b rpc.Fault) rpc.Fault {
	return func(m string, after bool) error {
		if err := a(m, after); err != nil {
			return err
		}
		return b(m, after)
	}
}

// TestProcessDies: whatever step a start ended at, the next one makes it whole.
func TestProcessDies(t *testing.T) {
	w := newWorld(t)
	d := w.driver()
	long := func(s start) {
		s.Until = time.Now().Add(-time.Second)
		if err := d.starts.Put(t.Context(), key(s.Workflow, s.ID), s); err != nil {
			t.Fatal(err)
		}
	}
	// After the claim.
	long(start{Workflow: "nap", ID: "r1", Claim: "dead", Claims: 1})
	if _, err := d.Get(t.Context(), "nap", "r1"); !problem.Is(err, problem.NotFound) {
		t.Errorf("nothing was started: %v", err)
	}
	w.start(d, "r1")
	if n := w.executions("r1"); n != 1 {
		t.Errorf("%d executions", n)
	}
	// After the creation: Get finds it as well.
	for _, look := range []func(id string) error{
		func(id string) error { _, err := d.Start(t.Context(), "nap", id, nil); return err },
		func(id string) error { _, err := d.Get(t.Context(), "nap", id); return err },
		func(id string) error { return d.Cancel(t.Context(), "nap", id) },
	} {
		id := "r" + state.NewID()
		name, err := d.create(t.Context(), start{Workflow: "nap", ID: id, Claims: 1}, "null")
		if err != nil {
			t.Fatal(err)
		}
		long(start{Workflow: "nap", ID: id, Claim: "dead", Claims: 1})
		if err := look(id); err != nil {
			t.Error(err)
		}
		if n := w.executions(id); n != 1 || w.counts(id) != name {
			t.Errorf("%d executions, %s counts, want %s", n, w.counts(id), name)
		}
	}
}

func TestClaims(t *testing.T) {
	w := newWorld(t)
	d := w.driver()
	s, mine, err := d.claim(t.Context(), "nap", "r1")
	if err != nil || !mine {
		t.Fatal(mine, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := w.driver().Start(ctx, "nap", "r1", nil); !problem.Is(err, problem.Unavailable) {
		t.Errorf("a start beside a start: %v", err)
	}
	// The other one goes on as soon as the first is through.
	done := make(chan workflow.Execution)
	go func() { x, _ := w.driver().Start(t.Context(), "nap", "r1", "other"); done <- x }()
	if _, err := d.begin(t.Context(), s, `"mine"`); err != nil {
		t.Fatal(err)
	}
	if x := <-done; string(x.Argument) != `"mine"` {
		t.Errorf("%+v", x)
	}
	// One whose claim ran out unnoticed does not count.
	first := w.counts("r1")
	if x, err := d.begin(t.Context(), s, `"late"`); err != nil || string(x.Argument) != `"mine"` || w.counts("r1") != first {
		t.Errorf("%+v, %v", x, err)
	}
}

// blind empties the first n lists: the service does not show an execution at once.
func blind(n int) option.ClientOption {
	return option.WithGRPCDialOption(grpc.WithChainUnaryInterceptor(func(ctx context.Context, m string, in, out any, cc *grpc.ClientConn, call grpc.UnaryInvoker, o ...grpc.CallOption) error {
		err := call(ctx, m, in, out, cc, o...)
		if list, ok := out.(*executionspb.ListExecutionsResponse); ok && err == nil && n > 0 {
			n--
			list.Executions = nil
		}
		return err
	}))
}

// TestSecondExecution: the race that remains. One counts, and Cancel ends both.
func TestSecondExecution(t *testing.T) {
	w := newWorld(t)
	w.fake.Fail(times(1, "CreateExecution", true, codes.Unavailable))
	w.start(w.driver(blind(1)), "r1")
	if n := w.executions("r1"); n != 2 {
		t.Fatalf("%d executions; the race was not met", n)
	}
	d := w.driver()
	counts := w.counts("r1")
	w.start(d, "r1")
	if w.executions("r1") != 2 || w.counts("r1") != counts {
		t.Error("another one counts")
	}
	w.fake.Fail(times(1, "CancelExecution", true, codes.Unavailable)) // repeated by the client
	if err := d.Cancel(t.Context(), "nap", "r1"); err != nil {
		t.Fatal(err)
	}
	all, err := d.labelled(t.Context(), "nap", "r1")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range all {
		if x, err := d.read(t.Context(), start{Workflow: "nap", ID: "r1"}, name); err != nil || x.Status != workflow.Cancelled {
			t.Errorf("%+v, %v", x, err)
		}
	}
}

func TestForgotten(t *testing.T) {
	w := newWorld(t)
	d := w.driver()
	if err := d.starts.Put(t.Context(), key("nap", "old"), start{Workflow: "nap", ID: "old", Execution: "gone"}); err != nil {
		t.Fatal(err)
	}
	_, started := d.Start(t.Context(), "nap", "old", nil)
	_, got := d.Get(t.Context(), "nap", "old")
	if !problem.Is(started, problem.FailedPrecondition) || !problem.Is(got, problem.NotFound) {
		t.Errorf("start %v, get %v", started, got)
	}
	if err := d.Cancel(t.Context(), "nap", "old"); !problem.Is(err, problem.NotFound) {
		t.Error(err)
	}
}

func TestRefused(t *testing.T) {
	w := newWorld(t)
	d := w.driver()
	for what, tc := range map[string]struct {
		name string
		arg  any
		want problem.Code
	}{
		"size":      {"nap", strings.Repeat("x", MaxArgumentBytes-1), problem.InvalidArgument},
		"encoding":  {"nap", func() {}, problem.InvalidArgument},
		"unknown":   {"other", nil, problem.NotFound},
		"malformed": {"a/b", nil, problem.NotFound},
	} {
		if _, err := d.Start(t.Context(), tc.name, "r1", tc.arg); !problem.Is(err, tc.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := d.Start(t.Context(), "nap", "large", strings.Repeat("x", MaxArgumentBytes-2)); err != nil {
		t.Error(err)
	}
	_, err := New(Options{Location: gcp.Location{}})
	if p := problem.Of(err); !problem.Is(err, problem.InvalidArgument) || fmt.Sprint(p.Fields) == "" || len(p.Fields) != 3 {
		t.Errorf("%v", err)
	}
}
