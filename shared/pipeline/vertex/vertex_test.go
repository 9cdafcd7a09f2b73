package vertex

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/aiplatform/apiv1/aiplatformpb"
	"github.com/google/go-cmp/cmp"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/internal/gcp"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/problem"
)

func driver(t *testing.T) *Driver {
	t.Helper()
	d, err := New(Options{Location: gcp.Location{Project: "acme", Region: "europe-west4"}, ServiceAccount: "a@acme.example", Network: "projects/12345/global/networks/vpc",
		Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// resource is a job as Vertex gives it, with the details that a case is about.
func resource(t *testing.T, s aiplatformpb.PipelineState, tasks ...*aiplatformpb.PipelineTaskDetail) *aiplatformpb.PipelineJob {
	t.Helper()
	j, err := driver(t).job(build(t, nil), map[string]string{"experiment": "e"})
	if err != nil {
		t.Fatal(err)
	}
	j.Name, j.State, j.CreateTime, j.StartTime = "projects/1/locations/x/pipelineJobs/run-j", s, at(0), at(1)
	j.Labels[billingLabel] = "1"
	j.JobDetail = &aiplatformpb.PipelineJobDetail{TaskDetails: append([]*aiplatformpb.PipelineTaskDetail{
		{TaskId: 1, TaskName: "experiment-20260201", State: aiplatformpb.PipelineTaskDetail_RUNNING, StartTime: at(1)},
	}, tasks...)}
	return j
}

func at(s int64) *timestamppb.Timestamp {
	return timestamppb.New(time.Unix(1_700_000_000+s, 0))
}

func TestStates(t *testing.T) {
	for s := range aiplatformpb.PipelineState_name {
		want := map[aiplatformpb.PipelineState]pipeline.State{0: "PENDING", 1: "PENDING", 2: "PENDING", 3: "RUNNING", 4: "SUCCEEDED", 5: "FAILED", 6: "RUNNING", 7: "CANCELLED", 8: "RUNNING"}[aiplatformpb.PipelineState(s)]
		if got := state(aiplatformpb.PipelineState(s)); got != want || want == "" {
			t.Errorf("%s is %s, want %s", aiplatformpb.PipelineState(s), got, want)
		}
	}
	for s := range aiplatformpb.PipelineTaskDetail_State_name {
		want := map[aiplatformpb.PipelineTaskDetail_State][2]pipeline.State{ // began, never began
			0: {"PENDING", "PENDING"}, 1: {"PENDING", "PENDING"}, 2: {"RUNNING", "PENDING"}, 3: {"SUCCEEDED", "SUCCEEDED"}, 4: {"RUNNING", "PENDING"},
			5: {"RUNNING", "PENDING"}, 6: {"CANCELLED", "PENDING"}, 7: {"FAILED", "FAILED"}, 8: {"SKIPPED", "SKIPPED"}, 9: {"PENDING", "PENDING"},
		}[aiplatformpb.PipelineTaskDetail_State(s)]
		got := [2]pipeline.State{taskState(&aiplatformpb.PipelineTaskDetail{State: aiplatformpb.PipelineTaskDetail_State(s), StartTime: at(1)}),
			taskState(&aiplatformpb.PipelineTaskDetail{State: aiplatformpb.PipelineTaskDetail_State(s)})}
		if got != want {
			t.Errorf("%s is %v, want %v", aiplatformpb.PipelineTaskDetail_State(s), got, want)
		}
	}
}

func TestRead(t *testing.T) {
	d := driver(t)
	artifact := func(fact string) *aiplatformpb.PipelineTaskDetail_ArtifactList {
		return &aiplatformpb.PipelineTaskDetail_ArtifactList{Artifacts: []*aiplatformpb.Artifact{{Metadata: &structpb.Struct{Fields: map[string]*structpb.Value{
			"fact": structpb.NewStringValue(fact), "rows": structpb.NewNumberValue(7)}}}}}
	}
	j := resource(t, aiplatformpb.PipelineState_PIPELINE_STATE_RUNNING,
		&aiplatformpb.PipelineTaskDetail{TaskName: "transform", State: aiplatformpb.PipelineTaskDetail_RUNNING, CreateTime: at(9), StartTime: at(9)},
		&aiplatformpb.PipelineTaskDetail{TaskName: "transform", State: aiplatformpb.PipelineTaskDetail_FAILED, CreateTime: at(7), StartTime: at(7), EndTime: at(8)},
		&aiplatformpb.PipelineTaskDetail{TaskName: "examples", State: aiplatformpb.PipelineTaskDetail_SUCCEEDED, StartTime: at(2), EndTime: at(3),
			Outputs: map[string]*aiplatformpb.PipelineTaskDetail_ArtifactList{"b": artifact("later"), "a": artifact(strings.Repeat("ä", 150)), "0": {}}},
		&aiplatformpb.PipelineTaskDetail{TaskName: "statistics", State: aiplatformpb.PipelineTaskDetail_SKIPPED, StartTime: at(3), EndTime: at(4)},
	)
	got, err := d.read(t.Context(), "j", j)
	if err != nil {
		t.Fatal(err)
	}
	want := pipeline.Job{ID: "j", State: pipeline.Running, Labels: map[string]string{"project": "p", "experiment": "e"}, Created: at(0).AsTime(), Started: at(1).AsTime(), Tasks: []pipeline.Task{
		{Name: "examples", State: pipeline.Succeeded, Started: at(2).AsTime(), Ended: at(3).AsTime(), Fact: strings.Repeat("ä", 100) + " …"},
		{Name: "statistics", State: pipeline.Skipped, Ended: at(4).AsTime(), Cached: true},
		{Name: "schema", State: pipeline.Pending},
		{Name: "transform", State: pipeline.Running, Started: at(9).AsTime()},
		{Name: "trainer", State: pipeline.Pending},
		{Name: "evaluator", State: pipeline.Pending},
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if j.Labels[billingLabel] == "" {
		t.Error("read changed the resource")
	}
}

func TestFailures(t *testing.T) {
	d := driver(t)
	const exited = "The replica workerpool0-0 exited with a non-zero status of 1. To find out more"
	for name, c := range map[string]struct {
		task, job *rpcstatus.Status
		code      problem.Code
		text      string
	}{
		"container":       {&rpcstatus.Status{Code: 9, Message: exited}, nil, problem.Internal, "the process of trainer ended: exit status 1: " + exited},
		"out of memory":   {&rpcstatus.Status{Code: 9, Message: "The replica workerpool0-0 ran out-of-memory and exited with a non-zero status of 137(SIGKILL)."}, nil, problem.ResourceExhausted, "out-of-memory"},
		"quota":           {&rpcstatus.Status{Code: 8, Message: "The following quota metrics exceed quota limits: custom_model_training_nvidia_t4_gpus"}, nil, problem.ResourceExhausted, "quota metrics"},
		"no permission":   {&rpcstatus.Status{Code: 7, Message: "no access to the image"}, nil, problem.PermissionDenied, "no access to the image"},
		"nothing said":    {nil, nil, problem.Internal, "the trainer stopped"},
		"before any task": {nil, &rpcstatus.Status{Code: 3, Message: "bad input"}, problem.InvalidArgument, "the pipeline stopped: bad input"},
	} {
		j := resource(t, aiplatformpb.PipelineState_PIPELINE_STATE_FAILED)
		j.EndTime, j.Error = at(9), c.job
		if c.job == nil {
			j.JobDetail.TaskDetails = append(j.JobDetail.TaskDetails, &aiplatformpb.PipelineTaskDetail{TaskName: "trainer", State: aiplatformpb.PipelineTaskDetail_FAILED, StartTime: at(2), EndTime: at(9), Error: c.task})
		}
		got, err := d.read(t.Context(), "j", j)
		if err != nil || got.Error == nil || got.Error.Code != c.code || !strings.Contains(got.Error.Message+": "+got.Error.Cause, c.text) {
			t.Errorf("%s: %+v, %v", name, got.Error, err)
		}
		if c.job == nil && (got.Error.Step != "trainer" || got.Tasks[4].Error != got.Error) {
			t.Errorf("%s: %+v", name, got.Error)
		}
	}
}

func TestReason(t *testing.T) {
	const head = "Traceback (most recent call last):"
	for want, lines := range map[string][]string{
		"":                        {"", "  "},
		"Killed":                  {"starts", "Killed", "", " "},
		"ValueError: no":          {"starts", head, `  File "x.py", line 1, in <module>`, "\traise", "", "ValueError: no", "a library says good-bye"},
		"tensorflow.Error: again": {head, "  x", "KeyError: 'a'", "", "During handling of the above exception, another exception occurred:", "", head, "  y", "tensorflow.Error: again", "  in detail"},
		"KeyError: 'a'":           {head, "  x", "KeyError: 'a'", head, "  cut off"},
	} {
		if got := reason(lines); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// A filter holds digits and times, whatever the names say.
func TestFilter(t *testing.T) {
	detail := func(main string, failed ...string) *aiplatformpb.PipelineTaskDetail {
		return &aiplatformpb.PipelineTaskDetail{CreateTime: at(0), ExecutorDetail: &aiplatformpb.PipelineTaskExecutorDetail{
			Details: &aiplatformpb.PipelineTaskExecutorDetail_ContainerDetail_{ContainerDetail: &aiplatformpb.PipelineTaskExecutorDetail_ContainerDetail{MainJob: main, FailedMainJobs: failed}}}}
	}
	const job = "projects/1/locations/x/customJobs/"
	for _, bad := range []*aiplatformpb.PipelineTaskDetail{nil, {}, detail(""), detail(job), detail(job + `1" OR resource.type="global`), detail(job + "1\n")} {
		if f := filter(bad); f != "" {
			t.Errorf("%v gives %q", bad, f)
		}
	}
	want := `resource.type="ml_job" AND resource.labels.job_id=("1" OR "22") AND resource.labels.task_name="workerpool0-0" AND timestamp>="2023-11-14T22:13:20Z"`
	if d := cmp.Diff(want, filter(detail(job+"22", job+"1", "nonsense"))); d != "" {
		t.Error(d)
	}
}

func TestNoticed(t *testing.T) {
	entry := func(kind, job string) []byte {
		return fmt.Appendf(nil, `{"resource": {"type": %q, "labels": {"pipeline_job_id": %q}}, "jsonPayload": {"state": "made for people"}}`, kind, job)
	}
	const kind = "aiplatform.googleapis.com/PipelineJob"
	now := time.Now().UTC()
	m, ok, err := Noticed(events.Message{ID: "11", Topic: pipeline.LogTopic, Time: now, Attempt: 2, Data: entry(kind, "run-01abc")})
	if err != nil || !ok || m.ID != "11" || m.Key != "01abc" || m.Attempt != 2 || !m.Time.Equal(now) || m.Validate() != nil {
		t.Errorf("%+v, %t, %v", m, ok, err)
	}
	if n, err := events.Decode(pipeline.TopicNoticed, m); err != nil || n.Job != "01abc" {
		t.Errorf("%+v, %v", n, err)
	}
	for _, other := range []string{"experiment-20260201", "run-", "run-A", "run-a/b"} {
		if _, ok, err := Noticed(events.Message{Data: entry(kind, other)}); ok || err != nil {
			t.Errorf("%s: %t, %v", other, ok, err)
		}
	}
	for _, bad := range []string{"", "[]", "{}", string(entry("ml_job", "run-a")), string(entry(kind, ""))} {
		if _, ok, err := Noticed(events.Message{ID: "1", Data: []byte(bad)}); ok || !problem.Is(err, problem.InvalidArgument) {
			t.Errorf("%q: %t, %v", bad, ok, err)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	_, err := New(Options{Network: "default"})
	var got []string
	for _, f := range problem.Of(err).Fields {
		got = append(got, f.Location)
	}
	if d := cmp.Diff([]string{"Location.Project", "Location.Region", "ServiceAccount", "Network"}, got); d != "" || !problem.Is(err, problem.InvalidArgument) {
		t.Error(d, err)
	}
	if err := driver(t).Close(); err != nil {
		t.Errorf("closing what was never used: %v", err)
	}
}

// Run names nothing that can be: ids that no job has are not asked for.
func TestIDs(t *testing.T) {
	d := driver(t)
	for _, id := range []string{"", "A", "a/b", "../x", strings.Repeat("a", 64)} {
		_, get := d.Get(t.Context(), id)
		_, logs := d.Logs(t.Context(), id, "schema", 1)
		for _, err := range []error{get, logs, d.Cancel(t.Context(), id)} {
			if !problem.Is(err, problem.NotFound) {
				t.Errorf("%q: %v", id, err)
			}
		}
		if _, err := d.Submit(t.Context(), id, build(t, nil), nil); !problem.Is(err, problem.InvalidArgument) {
			t.Errorf("%q: %v", id, err)
		}
	}
}
