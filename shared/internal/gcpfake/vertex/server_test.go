package vertex_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	aiplatform "cloud.google.com/go/aiplatform/apiv1"
	"cloud.google.com/go/aiplatform/apiv1/aiplatformpb"
	logging "cloud.google.com/go/logging/apiv2"
	"cloud.google.com/go/logging/apiv2/loggingpb"
	"google.golang.org/api/iterator"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/b2brecs/b2brecs/shared/internal/gcp"
	fake "github.com/b2brecs/b2brecs/shared/internal/gcpfake/vertex"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/pipeline/pipelinetest"
	"github.com/b2brecs/b2brecs/shared/problem"
)

const (
	account = "a@acme.iam.gserviceaccount.com"
	parent  = "projects/acme/locations/europe-west4"
)

// script is a runner whose jobs are what the test says.
type script struct {
	mu   sync.Mutex
	jobs map[string]pipeline.Job
	spec json.RawMessage
}

func (s *script) Submit(_ context.Context, id string, spec json.RawMessage, _ map[string]string) (pipeline.Job, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spec, s.jobs[id] = spec, pipeline.Job{ID: id, State: pipeline.Pending, Created: time.Now()}
	return s.jobs[id], nil
}

func (s *script) Get(_ context.Context, id string) (pipeline.Job, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j, ok := s.jobs[id]
	if !ok {
		return j, problem.New(problem.NotFound, "no job")
	}
	return j, nil
}

func (s *script) Cancel(context.Context, string) error { return nil }
func (s *script) Close() error                         { return nil }

func (s *script) Logs(_ context.Context, _, _ string, n int) ([]string, error) {
	lines := make([]string, min(n, 120))
	for i := range lines {
		lines[i] = fmt.Sprintf("2026-02-01T08:30:00.%03dZ line %d", i, i)
	}
	return lines, nil
}

type world struct {
	t      *testing.T
	runner *script
	server *fake.Server
	jobs   *aiplatform.PipelineClient
	logs   *logging.Client
}

func open(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, runner: &script{jobs: map[string]pipeline.Job{}}}
	var err error
	w.server, err = fake.Start(fake.Options{Location: gcp.Location{Project: "acme", Region: "europe-west4"}, Runner: w.runner,
		Mounts: map[string]string{"gs://b/": "/mnt/b"}, ServiceAccounts: []string{account}})
	if err == nil {
		t.Cleanup(func() { _ = w.server.Close() })
		w.jobs, err = aiplatform.NewPipelineClient(t.Context(), w.server.Options()...)
	}
	if err == nil {
		w.logs, err = logging.NewClient(t.Context(), w.server.Options()...)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.jobs.Close(); _ = w.logs.Close() })
	return w
}

// job is one the service takes.
func job(t *testing.T) *aiplatformpb.PipelineJob {
	t.Helper()
	var j struct {
		PipelineSpec  *structpb.Struct `json:"pipelineSpec"`
		RuntimeConfig struct {
			ParameterValues map[string]*structpb.Value `json:"parameterValues"`
		} `json:"runtimeConfig"`
	}
	if err := json.Unmarshal(pipelinetest.Spec(t, "gs://b/run", nil), &j); err != nil {
		t.Fatal(err)
	}
	return &aiplatformpb.PipelineJob{DisplayName: "x", PipelineSpec: j.PipelineSpec, ServiceAccount: account,
		RuntimeConfig: &aiplatformpb.PipelineJob_RuntimeConfig{GcsOutputDirectory: "gs://b/run", ParameterValues: j.RuntimeConfig.ParameterValues}}
}

func (w *world) create(id string, change func(*aiplatformpb.CreatePipelineJobRequest)) (*aiplatformpb.PipelineJob, error) {
	r := &aiplatformpb.CreatePipelineJobRequest{Parent: parent, PipelineJobId: id, PipelineJob: job(w.t)}
	if change != nil {
		change(r)
	}
	return w.jobs.CreatePipelineJob(w.t.Context(), r)
}

func within(s *structpb.Struct, path ...string) *structpb.Struct {
	for _, step := range path {
		s = s.Fields[step].GetStructValue()
	}
	return s
}

func TestCreateRefuses(t *testing.T) {
	w := open(t)
	for name, c := range map[string]struct {
		change func(*aiplatformpb.CreatePipelineJobRequest)
		code   codes.Code
	}{
		"as it is":       {nil, codes.OK},
		"twice":          {func(r *aiplatformpb.CreatePipelineJobRequest) { r.PipelineJobId = "run-taken" }, codes.AlreadyExists},
		"other project":  {func(r *aiplatformpb.CreatePipelineJobRequest) { r.Parent = "projects/other/locations/europe-west4" }, codes.PermissionDenied},
		"begins a digit": {func(r *aiplatformpb.CreatePipelineJobRequest) { r.PipelineJobId = "1a" }, codes.InvalidArgument},
		"no job":         {func(r *aiplatformpb.CreatePipelineJobRequest) { r.PipelineJob = nil }, codes.InvalidArgument},
		"output only":    {func(r *aiplatformpb.CreatePipelineJobRequest) { r.PipelineJob.State = 3 }, codes.InvalidArgument},
		"account":        {func(r *aiplatformpb.CreatePipelineJobRequest) { r.PipelineJob.ServiceAccount = "" }, codes.PermissionDenied},
		"label":          {func(r *aiplatformpb.CreatePipelineJobRequest) { r.PipelineJob.Labels = map[string]string{"A": ""} }, codes.InvalidArgument},
		"folder":         {func(r *aiplatformpb.CreatePipelineJobRequest) { r.PipelineJob.RuntimeConfig.GcsOutputDirectory = "/x" }, codes.InvalidArgument},
		"value missing": {func(r *aiplatformpb.CreatePipelineJobRequest) {
			delete(r.PipelineJob.RuntimeConfig.ParameterValues, "seed")
		}, codes.InvalidArgument},
		"half an integer": {func(r *aiplatformpb.CreatePipelineJobRequest) {
			r.PipelineJob.RuntimeConfig.ParameterValues["seed"] = structpb.NewNumberValue(0.5)
		}, codes.InvalidArgument},
		"unknown field": {func(r *aiplatformpb.CreatePipelineJobRequest) {
			r.PipelineJob.PipelineSpec.Fields["x"] = structpb.NewNullValue()
		}, codes.InvalidArgument},
		"newer resources": {func(r *aiplatformpb.CreatePipelineJobRequest) {
			within(r.PipelineJob.PipelineSpec, "deploymentSpec", "executors", "exec-schema", "container").Fields["resources"] =
				structpb.NewStructValue(&structpb.Struct{Fields: map[string]*structpb.Value{"resourceCpuLimit": structpb.NewStringValue("4")}})
		}, codes.InvalidArgument},
		"newer caching": {func(r *aiplatformpb.CreatePipelineJobRequest) {
			within(r.PipelineJob.PipelineSpec, "root", "dag", "tasks", "schema", "cachingOptions").Fields["cacheKey"] = structpb.NewStringValue("k")
		}, codes.InvalidArgument},
	} {
		if _, err := w.create("run-taken", nil); err != nil && status.Code(err) != codes.AlreadyExists {
			t.Fatal(err)
		}
		if _, err := w.create(fmt.Sprintf("run-%d", len(name)), c.change); status.Code(err) != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
	if got := string(w.runner.spec); !json.Valid([]byte(got)) || !strings.Contains(got, `"/mnt/b/run"`) || strings.Contains(got, "gs://") {
		t.Errorf("the runner got %s", got)
	}
}

func TestResource(t *testing.T) {
	w := open(t)
	if _, err := w.create("run-a", nil); err != nil {
		t.Fatal(err)
	}
	name := parent + "/pipelineJobs/run-a"
	now := time.Now()
	w.runner.jobs["run-a"] = pipeline.Job{ID: "run-a", State: pipeline.Running, Created: now, Started: now, Tasks: []pipeline.Task{
		{Name: "examples", State: pipeline.Succeeded, Started: now, Ended: now, Fact: "90 rows"}, {Name: "statistics", State: pipeline.Running, Started: now}, {Name: "schema", State: pipeline.Pending}}}
	got, err := w.jobs.GetPipelineJob(t.Context(), &aiplatformpb.GetPipelineJobRequest{Name: name})
	if err != nil || got.State != aiplatformpb.PipelineState_PIPELINE_STATE_RUNNING || len(got.JobDetail.TaskDetails) != 3 || got.JobDetail.TaskDetails[0].TaskName != "run-a" ||
		got.JobDetail.TaskDetails[1].Outputs["examples"].Artifacts[0].Metadata.Fields["fact"].GetStringValue() != "90 rows" {
		t.Errorf("%v, %v", got, err)
	}
	cancel := func() error {
		return w.jobs.CancelPipelineJob(t.Context(), &aiplatformpb.CancelPipelineJobRequest{Name: name})
	}
	if err := cancel(); err != nil {
		t.Error(err)
	}
	if err := cancel(); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("cancelling twice: %v", err)
	}
	w.runner.jobs["run-a"] = pipeline.Job{ID: "run-a", State: pipeline.Failed, Created: now, Started: now, Ended: now, Tasks: []pipeline.Task{
		{Name: "examples", State: pipeline.Failed, Started: now, Ended: now, Error: problem.New(problem.Internal, "the process of examples ended: exit status 3").WithCause("secret reason")}, {Name: "schema", State: pipeline.Pending}}}
	got, err = w.jobs.GetPipelineJob(t.Context(), &aiplatformpb.GetPipelineJobRequest{Name: name})
	if err != nil || !strings.Contains(got.GetError().GetMessage(), "The failed tasks are: [examples]") || strings.Contains(got.String(), "secret reason") ||
		!strings.Contains(got.JobDetail.TaskDetails[1].GetError().GetMessage(), "non-zero status of 3.") || got.JobDetail.TaskDetails[2].State != aiplatformpb.PipelineTaskDetail_NOT_TRIGGERED {
		t.Errorf("%v, %v", got, err)
	}
	for _, missing := range []string{parent + "/pipelineJobs/run-b", "projects/other/locations/europe-west4/pipelineJobs/run-a"} {
		if _, err := w.jobs.GetPipelineJob(t.Context(), &aiplatformpb.GetPipelineJobRequest{Name: missing}); err == nil {
			t.Errorf("%s is there", missing)
		}
	}
	w.entries(got.JobDetail.TaskDetails[1].GetExecutorDetail().GetContainerDetail().GetMainJob())
}

// entries reads a task's log by pages, newest first.
func (w *world) entries(customJob string) {
	w.t.Helper()
	id := customJob[len("projects/700000000001/locations/europe-west4/customJobs/"):]
	filter := `resource.type="ml_job" AND resource.labels.job_id=("` + id + `") AND resource.labels.task_name="workerpool0-0" AND timestamp>="2026-02-01T08:30:00.020Z"`
	it := w.logs.ListLogEntries(w.t.Context(), &loggingpb.ListLogEntriesRequest{ResourceNames: []string{"projects/acme"}, Filter: filter, OrderBy: "timestamp desc", PageSize: 30})
	for want := 119; ; want-- {
		e, err := it.Next()
		if errors.Is(err, iterator.Done) {
			if want != 19 {
				w.t.Errorf("the log ends before line %d", want)
			}
			break
		}
		if err != nil || e.GetJsonPayload().Fields["message"].GetStringValue() != fmt.Sprintf("line %d", want) {
			w.t.Fatalf("line %d: %v, %v", want, e, err)
		}
	}
	for name, r := range map[string]*loggingpb.ListLogEntriesRequest{
		"other filter":  {ResourceNames: []string{"projects/acme"}, Filter: filter + ` OR severity>=INFO`},
		"other project": {ResourceNames: []string{"projects/other"}, Filter: filter},
		"other order":   {ResourceNames: []string{"projects/acme"}, Filter: filter, OrderBy: "severity"},
		"large page":    {ResourceNames: []string{"projects/acme"}, Filter: filter, PageSize: 1001},
	} {
		if _, err := w.logs.ListLogEntries(w.t.Context(), r).Next(); err == nil || errors.Is(err, iterator.Done) {
			w.t.Errorf("%s is accepted: %v", name, err)
		}
	}
}
