package vertex_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/events/cloudevent"
	eventsqlite "github.com/b2brecs/b2brecs/shared/events/sqlite"
	"github.com/b2brecs/b2brecs/shared/internal/gcp"
	fake "github.com/b2brecs/b2brecs/shared/internal/gcpfake/vertex"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/pipeline/local"
	"github.com/b2brecs/b2brecs/shared/pipeline/pipelinetest"
	"github.com/b2brecs/b2brecs/shared/pipeline/vertex"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	statesqlite "github.com/b2brecs/b2brecs/shared/state/sqlite"
)

const (
	account = "pipelines@acme.iam.gserviceaccount.com"
	bucket  = "gs://acme-pipelines/"
)

var place = gcp.Location{Project: "acme", Region: "europe-west4"}

// installation is Vertex with what surrounds it: a log sink, a push subscription, the
// function that follows pipelines, a bucket that announces its objects.
type installation struct {
	t      testing.TB
	server *fake.Server
	driver *vertex.Driver
	runner *pipeline.Runner
	bus    *events.Bus
	root   string // the bucket's folder
	pushes atomic.Int64
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func newBus(t testing.TB, name string) *events.Bus {
	t.Helper()
	bus := events.New(must(eventsqlite.Open(filepath.Join(t.TempDir(), name)))(t))
	t.Cleanup(func() { _ = bus.Close(context.WithoutCancel(t.Context())) })
	return bus
}

func install(t testing.TB) *installation {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("SKIPPED: no python3 on this machine")
	}
	in := &installation{t: t, bus: newBus(t, "product.db"), root: t.TempDir()}
	inner := newBus(t, "runner.db")
	db := state.New(must(statesqlite.Open(filepath.Join(t.TempDir(), "state.db")))(t))
	t.Cleanup(func() { _ = db.Close() })
	executable := must(exec.Command(python, "-c", "import sys; print(sys.executable)").Output())(t)
	runner := must(local.Open(t.Context(), local.Options{
		State: db, Events: inner, Python: strings.TrimSpace(string(executable)), MaxJobs: 2, // a process for each task, as on Vertex
		RuntimeDir: filepath.Join("..", "local", "testdata", "python"), WorkDir: t.TempDir(),
	}))(t)
	t.Cleanup(func() { _ = runner.Close() })
	in.server = must(fake.Start(fake.Options{Location: place, Runner: runner, Mounts: map[string]string{bucket: in.root},
		ServiceAccounts: []string{account}, Sink: in.sink}))(t)
	t.Cleanup(func() { _ = in.server.Close() })
	in.driver = must(vertex.New(vertex.Options{Location: place, ServiceAccount: account, Client: in.server.Options()}))(t)
	t.Cleanup(func() { _ = in.driver.Close() })
	in.runner = pipeline.New(in.driver)
	for name, s := range map[string]events.Subscription{
		pipeline.TopicStateChanged.Name: {Handler: func(_ context.Context, m events.Message) error {
			return in.server.Changed(must(events.Decode(pipeline.TopicStateChanged, m))(t))
		}},
		pipeline.TopicProgress.Name: {Handler: in.progressWritten},
	} {
		s.Name, s.Topic = "vertex-"+name, name
		if err := inner.Subscribe(s); err != nil {
			t.Fatal(err)
		}
	}
	return in
}

// sink delivers a log entry as a push subscription does, twice.
func (in *installation) sink(entry []byte) {
	body := must(json.Marshal(map[string]any{
		"message": map[string]any{"data": entry, "messageId": state.NewID(), "publishTime": time.Now().UTC(),
			"attributes": map[string]string{"logging.googleapis.com/timestamp": "2026-02-01T08:30:00Z"}},
		"subscription": "projects/acme/subscriptions/" + pipeline.LogTopic,
	}))(in.t)
	for range 2 {
		in.pushes.Add(1)
		if err := in.follow(body); err != nil && in.t.Context().Err() == nil {
			in.t.Errorf("a log entry was not taken: %v", err)
		}
	}
}

func (in *installation) follow(body []byte) error {
	m, err := cloudevent.FromRequest(httptest.NewRequest("POST", "/", bytes.NewReader(body)))
	if err != nil {
		return err
	}
	notice, ok, err := vertex.Noticed(m)
	if err != nil || !ok {
		return err
	}
	n, err := events.Decode(pipeline.TopicNoticed, notice)
	if err != nil {
		return err
	}
	job, err := in.driver.Get(in.t.Context(), n.Job)
	if err != nil {
		return err
	}
	return pipeline.PublishChanges(in.t.Context(), in.bus, job.Changes(0))
}

// progressWritten announces the progress file that the trainer has just replaced.
func (in *installation) progressWritten(ctx context.Context, m events.Message) error {
	told := must(events.Decode(pipeline.TopicProgress, m))(in.t)
	id := strings.TrimPrefix(told.Job, vertex.Prefix)
	job, err := in.driver.Get(ctx, id)
	if err != nil {
		return err
	}
	file := must(json.Marshal(told.Values))(in.t) // the object's content at its generation
	p, err := pipeline.ReadProgress(id, job.Labels, told.Time, file)
	if err != nil {
		return err
	}
	return events.Publish(ctx, in.bus, pipeline.TopicProgress, m.ID, id, p)
}

func (in *installation) newRoot(t testing.TB) string {
	t.Helper()
	name := state.NewID()
	if err := os.Mkdir(filepath.Join(in.root, name), 0o755); err != nil {
		t.Fatal(err)
	}
	return bucket + name
}

func TestConformance(t *testing.T) {
	in := install(t)
	pipelinetest.Run(t, func(*testing.T) pipelinetest.Setup {
		return pipelinetest.Setup{Runner: in.runner, Events: in.bus, Root: in.newRoot}
	})
	if in.pushes.Load() == 0 {
		t.Error("no log entry was delivered")
	}
}

// A lost reply, a moment without service and a second call leave one job.
func TestLostReplies(t *testing.T) {
	in := install(t)
	rec := pipelinetest.Record(t, in.bus, "lost")
	// The first call finds nobody, the second loses its reply.
	down := status.Error(codes.Unavailable, "try again")
	var creates, cancels atomic.Int64
	in.server.Fail(func(method string, after bool) error {
		switch {
		case method == "CreatePipelineJob" && !after && creates.Add(1) == 1:
			return down
		case method == "CreatePipelineJob" && after && creates.Load() == 2:
			return down
		case method == "CancelPipelineJob" && !after && cancels.Add(1) == 1:
			return down
		case method == "CancelPipelineJob" && after && cancels.Load() == 2:
			return down
		}
		return nil
	})
	labels := map[string]string{"experiment": "e", "project": "p"}
	spec := pipelinetest.Spec(t, in.newRoot(t), map[string]pipelinetest.Behave{"schema": {Sleep: 600}})
	job, err := in.runner.Submit(t.Context(), "01lost", spec, labels)
	if err != nil || job.ID != "01lost" || len(job.Labels) != 2 || job.Labels["project"] != "p" {
		t.Fatalf("%+v, %v", job, err)
	}
	again, err := in.runner.Submit(t.Context(), "01lost", pipelinetest.Spec(t, in.newRoot(t), nil), nil)
	if err != nil || !again.Created.Equal(job.Created) || again.Labels["project"] != "p" {
		t.Errorf("%+v, %v; want the first job", again, err)
	}
	rec.Reached(t, "01lost", "schema", pipeline.Running)
	if creates.Load() != 4 { // twice without success, the repeat, the second Submit
		t.Errorf("%d calls to create", creates.Load())
	}
	if err := in.runner.Cancel(t.Context(), "01lost"); err != nil {
		t.Errorf("a lost reply of a cancellation: %v", err)
	}
	if cancels.Load() != 3 {
		t.Errorf("%d calls to cancel", cancels.Load())
	}
	if es := rec.Ended(t, "01lost"); es[len(es)-1].State != pipeline.Cancelled {
		t.Errorf("%+v", es[len(es)-1])
	}
	in.server.Fail(nil)
	// What the events said and what Get says is the same: Get repairs what was missed.
	if job, err = in.driver.Get(t.Context(), "01lost"); err != nil || len(job.Changes(0)) != len(rec.States("01lost")) {
		t.Errorf("%+v, %v", job.Changes(0), err)
	}
}

func TestErrors(t *testing.T) {
	in := install(t)
	for code, want := range map[codes.Code]problem.Code{
		codes.PermissionDenied: problem.PermissionDenied, codes.ResourceExhausted: problem.ResourceExhausted,
		codes.FailedPrecondition: problem.FailedPrecondition, codes.Internal: problem.Internal,
	} {
		in.server.Fail(func(_ string, after bool) error {
			if after {
				return nil
			}
			return status.Error(code, "no")
		})
		_, submit := in.driver.Submit(t.Context(), "job", pipelinetest.Spec(t, in.newRoot(t), nil), nil)
		_, get := in.driver.Get(t.Context(), "job")
		_, logs := in.driver.Logs(t.Context(), "job", "schema", 1)
		for what, err := range map[string]error{"submit": submit, "get": get, "logs": logs, "cancel": in.driver.Cancel(t.Context(), "job")} {
			if !problem.Is(err, want) {
				t.Errorf("%s at %s: %v", what, code, err)
			}
		}
	}
	in.server.Fail(func(string, bool) error { return status.Error(codes.Unavailable, "down") })
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := in.driver.Get(ctx, "job"); !problem.Is(err, problem.Unavailable) {
		t.Errorf("a service that is down: %v", err)
	}
}

// What Vertex refuses and the product's own check lets through is said, not hidden.
func TestServiceRefuses(t *testing.T) {
	in := install(t)
	other := must(vertex.New(vertex.Options{Location: place, ServiceAccount: "nobody@acme.example", Client: in.server.Options()}))(t)
	defer func() { _ = other.Close() }()
	if _, err := other.Submit(t.Context(), "job", pipelinetest.Spec(t, in.newRoot(t), nil), nil); !problem.Is(err, problem.PermissionDenied) {
		t.Errorf("an account of nobody: %v", err)
	}
	if _, err := in.driver.Submit(t.Context(), "job", pipelinetest.Spec(t, "gs://elsewhere/x", nil), nil); !problem.Is(err, problem.InvalidArgument) {
		t.Errorf("a bucket of somebody else: %v", err)
	}
}

// The reason of a failure is a help: without the log there is still an answer.
func TestFailureWithoutLog(t *testing.T) {
	in := install(t)
	rec := pipelinetest.Record(t, in.bus, "silent")
	in.server.Fail(func(method string, _ bool) error {
		if method == "ListLogEntries" {
			return status.Error(codes.PermissionDenied, "no")
		}
		return nil
	})
	if _, err := in.runner.Submit(t.Context(), "silent", pipelinetest.Spec(t, in.newRoot(t), map[string]pipelinetest.Behave{"examples": {Exit: 7}}), nil); err != nil {
		t.Fatal(err)
	}
	es := rec.Ended(t, "silent")
	e := es[len(es)-1].Error
	if e == nil || !strings.Contains(e.Message, "exit status 7") || !strings.Contains(e.Cause, "non-zero status of 7") || e.Step != "examples" {
		t.Errorf("%+v", e)
	}
}
