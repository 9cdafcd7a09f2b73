package vertex

import (
	"context"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/aiplatform/apiv1/aiplatformpb"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/b2brecs/b2brecs/shared/internal/gcp"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/pipeline/kfp"
	"github.com/b2brecs/b2brecs/shared/problem"
)

const (
	maxFact  = 200  // bytes of a task's fact
	maxCause = 2000 // bytes of an error's cause
	// billingLabel is one that Vertex adds.
	billingLabel = "vertex-ai-pipelines-run-billing-id"
)

// state maps a job's state
// (https://cloud.google.com/vertex-ai/docs/reference/rest/v1/PipelineState).
func state(s aiplatformpb.PipelineState) pipeline.State {
	switch s {
	case aiplatformpb.PipelineState_PIPELINE_STATE_RUNNING, aiplatformpb.PipelineState_PIPELINE_STATE_CANCELLING, aiplatformpb.PipelineState_PIPELINE_STATE_PAUSED:
		return pipeline.Running
	case aiplatformpb.PipelineState_PIPELINE_STATE_SUCCEEDED:
		return pipeline.Succeeded
	case aiplatformpb.PipelineState_PIPELINE_STATE_FAILED:
		return pipeline.Failed
	case aiplatformpb.PipelineState_PIPELINE_STATE_CANCELLED:
		return pipeline.Cancelled
	}
	return pipeline.Pending // queued, pending, unspecified
}

// taskState maps a task's state. A task that never began has not been cancelled, nor
// does a task run before its container starts.
func taskState(t *aiplatformpb.PipelineTaskDetail) pipeline.State {
	began := t.GetStartTime() != nil
	switch s := t.GetState(); {
	case s == aiplatformpb.PipelineTaskDetail_SUCCEEDED:
		return pipeline.Succeeded
	case s == aiplatformpb.PipelineTaskDetail_SKIPPED:
		return pipeline.Skipped
	case s == aiplatformpb.PipelineTaskDetail_FAILED:
		return pipeline.Failed
	case s == aiplatformpb.PipelineTaskDetail_CANCELLED && began:
		return pipeline.Cancelled
	case began && (s == aiplatformpb.PipelineTaskDetail_RUNNING || s == aiplatformpb.PipelineTaskDetail_CANCEL_PENDING || s == aiplatformpb.PipelineTaskDetail_CANCELLING):
		return pipeline.Running
	}
	return pipeline.Pending // pending, not triggered, unspecified
}

// order lists a job's tasks as its spec has them.
func order(j *aiplatformpb.PipelineJob) ([]string, error) {
	text, err := j.GetPipelineSpec().MarshalJSON()
	if err != nil {
		return nil, problem.Wrap(err, problem.Internal, "the spec of %s", j.GetName())
	}
	var k kfp.Job
	if err := json.Unmarshal(text, &k.PipelineSpec); err != nil {
		return nil, problem.Wrap(err, problem.FailedPrecondition, "%s is not a job of this product", j.GetName())
	}
	return k.Order()
}

// details gives the newest detail of each task by name. The graph itself is among
// them, under the pipeline's name.
func details(j *aiplatformpb.PipelineJob) map[string]*aiplatformpb.PipelineTaskDetail {
	out := map[string]*aiplatformpb.PipelineTaskDetail{}
	for _, t := range j.GetJobDetail().GetTaskDetails() {
		if old := out[t.GetTaskName()]; old == nil || old.GetCreateTime().AsTime().Before(t.GetCreateTime().AsTime()) {
			out[t.GetTaskName()] = t
		}
	}
	return out
}

// read turns a resource into a job.
func (d *Driver) read(ctx context.Context, id string, j *aiplatformpb.PipelineJob) (pipeline.Job, error) {
	names, err := order(j)
	if err != nil {
		return pipeline.Job{}, err
	}
	labels := maps.Clone(j.GetLabels())
	delete(labels, billingLabel)
	job := pipeline.Job{ID: id, State: state(j.GetState()), Labels: labels,
		Created: when(j.GetCreateTime()), Started: when(j.GetStartTime()), Ended: when(j.GetEndTime())}
	byName := details(j)
	for _, name := range names {
		t := byName[name]
		task := pipeline.Task{Name: name, State: taskState(t)}
		if task.State != pipeline.Pending {
			task.Started, task.Ended = when(t.GetStartTime()), when(t.GetEndTime())
		}
		task.Cached = task.State == pipeline.Skipped
		if task.State == pipeline.Skipped {
			task.Started = time.Time{} // nothing ran
		}
		task.Fact = fact(t)
		if task.State == pipeline.Failed {
			task.Error = d.explain(ctx, name, t)
			if job.Error == nil && job.State == pipeline.Failed {
				job.Error = task.Error
			}
		}
		job.Tasks = append(job.Tasks, task)
	}
	if job.State == pipeline.Failed && job.Error == nil {
		job.Error = problem.New(code(j.GetError()), "the pipeline stopped").WithCause("%s", clip(j.GetError().GetMessage(), maxCause))
	}
	return job, nil
}

// when is a time as Go has it; the zero time when there is none.
func when(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}

// fact is the first sentence an output's metadata says, by name of output.
func fact(t *aiplatformpb.PipelineTaskDetail) string {
	for _, name := range slices.Sorted(maps.Keys(t.GetOutputs())) {
		for _, a := range t.GetOutputs()[name].GetArtifacts() {
			if s := a.GetMetadata().GetFields()["fact"].GetStringValue(); s != "" {
				return clip(s, maxFact)
			}
		}
	}
	return ""
}

// exitStatus is how Vertex tells that a container ended by itself.
var exitStatus = regexp.MustCompile(`non-zero status of (\d+)`)

// explain says why a task failed. Vertex knows how the container ended; why is in what
// the container printed.
func (d *Driver) explain(ctx context.Context, task string, t *aiplatformpb.PipelineTaskDetail) *problem.Error {
	text := t.GetError().GetMessage()
	p := problem.New(code(t.GetError()), "the %s stopped", task).WithCause("%s", clip(text, maxCause)).WithStep(task)
	m := exitStatus.FindStringSubmatch(text)
	if m == nil {
		return p
	}
	p.Code, p.Message = problem.Internal, "the process of "+task+" ended: exit status "+m[1]
	if strings.Contains(text, "out-of-memory") || m[1] == "137" { // 128 + SIGKILL
		p.Code = problem.ResourceExhausted
		return p
	}
	lines, err := d.tail(ctx, t, reasonLines, false)
	if err != nil {
		d.opts.Log.WarnContext(ctx, "the log of a failed task cannot be read", "task", task, "error", err)
		return p
	}
	if why := reason(lines); why != "" {
		p.Cause = clip(why, maxCause)
	}
	return p
}

// reasonLines are as many as a traceback with what a library prints after it.
const reasonLines = 200

// reason finds why a component stopped in what it printed: the exception under the
// last traceback, or else the last line that says something.
func reason(lines []string) string {
	last := ""
	for i, line := range slices.Backward(lines) {
		if last == "" {
			last = strings.TrimSpace(line)
		}
		if strings.HasPrefix(line, "Traceback (most recent call last)") {
			for _, l := range lines[i+1:] {
				if l != "" && l[0] != ' ' && l[0] != '\t' {
					return l
				}
			}
		}
	}
	return last
}

// code of an error that is kept in a resource.
func code(s *rpcstatus.Status) problem.Code {
	switch {
	case s == nil:
		return problem.Internal
	case s.GetCode() == int32(codes.Canceled): // of the work itself, where in an answer it is of the call
		return problem.Cancelled
	}
	return gcp.Code(status.ErrorProto(s))
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + " …"
}
