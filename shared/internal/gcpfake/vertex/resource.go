package vertex

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/aiplatform/apiv1/aiplatformpb"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/pipeline/kfp"
	"github.com/b2brecs/b2brecs/shared/problem"
)

func jobState(s pipeline.State, cancelled bool) aiplatformpb.PipelineState {
	switch {
	case s == pipeline.Succeeded:
		return aiplatformpb.PipelineState_PIPELINE_STATE_SUCCEEDED
	case s == pipeline.Failed:
		return aiplatformpb.PipelineState_PIPELINE_STATE_FAILED
	case s == pipeline.Cancelled:
		return aiplatformpb.PipelineState_PIPELINE_STATE_CANCELLED
	case cancelled:
		return aiplatformpb.PipelineState_PIPELINE_STATE_CANCELLING
	case s == pipeline.Running:
		return aiplatformpb.PipelineState_PIPELINE_STATE_RUNNING
	}
	return aiplatformpb.PipelineState_PIPELINE_STATE_PENDING
}

// resource gives a job as the service does.
func (s *Server) resource(id string, rec *record, job pipeline.Job) (*aiplatformpb.PipelineJob, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := proto.Clone(rec.made).(*aiplatformpb.PipelineJob)
	out.Name = "projects/" + projectNumber + "/locations/" + s.opts.Location.Region + "/pipelineJobs/" + id
	out.State = jobState(job.State, rec.cancelled)
	out.CreateTime, out.StartTime, out.EndTime = stamp(job.Created), stamp(job.Started), stamp(job.Ended)
	out.UpdateTime = stamp(time.Now())
	if out.Labels == nil {
		out.Labels = map[string]string{}
	}
	out.Labels["vertex-ai-pipelines-run-billing-id"] = fmt.Sprint(rec.number)
	var spec kfp.Spec
	text, err := rec.made.GetPipelineSpec().MarshalJSON()
	if err == nil {
		err = json.Unmarshal(text, &spec)
	}
	if err != nil {
		return nil, status.Errorf(codes.Internal, "the spec of %s: %v", id, err)
	}
	var failed []string
	out.JobDetail = &aiplatformpb.PipelineJobDetail{}
	if !job.Started.IsZero() {
		out.JobDetail.TaskDetails = append(out.JobDetail.TaskDetails, &aiplatformpb.PipelineTaskDetail{
			TaskId: rec.number, TaskName: id, CreateTime: stamp(job.Created), StartTime: stamp(job.Started), EndTime: stamp(job.Ended),
			State: aiplatformpb.PipelineTaskDetail_State(aiplatformpb.PipelineTaskDetail_State_value[string(job.State)]),
		})
	}
	for i, t := range job.Tasks {
		d := s.detail(id, rec, job, t, rec.number+int64(i)+1)
		if d == nil {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(spec.Components[spec.Root.DAG.Tasks[t.Name].ComponentRef.Name].OutputDefinitions.Artifacts)) {
			if t.State != pipeline.Succeeded {
				break
			}
			a := &aiplatformpb.Artifact{Uri: out.GetRuntimeConfig().GetGcsOutputDirectory() + "/" + t.Name + "/" + name, Metadata: &structpb.Struct{}}
			if t.Fact != "" && len(d.Outputs) == 0 {
				a.Metadata.Fields = map[string]*structpb.Value{"fact": structpb.NewStringValue(t.Fact)}
			}
			if d.Outputs == nil {
				d.Outputs = map[string]*aiplatformpb.PipelineTaskDetail_ArtifactList{}
			}
			d.Outputs[name] = &aiplatformpb.PipelineTaskDetail_ArtifactList{Artifacts: []*aiplatformpb.Artifact{a}}
		}
		if t.State == pipeline.Failed {
			failed = append(failed, t.Name)
		}
		out.JobDetail.TaskDetails = append(out.JobDetail.TaskDetails, d)
	}
	if job.State == pipeline.Failed {
		out.Error = &rpcstatus.Status{Code: int32(codes.FailedPrecondition), Message: fmt.Sprintf(
			"The DAG failed because some tasks failed. The failed tasks are: %v.; Job (project_id = %s, job_id = %d) is failed due to the above error.; Failed to handle the job: {project_number = %s, job_id = %d}",
			failed, s.opts.Location.Project, rec.number, projectNumber, rec.number)}
	}
	return out, nil
}

// detail gives a task's; nil for one that has not been triggered. It holds mu.
func (s *Server) detail(id string, rec *record, job pipeline.Job, t pipeline.Task, number int64) *aiplatformpb.PipelineTaskDetail {
	d := &aiplatformpb.PipelineTaskDetail{
		TaskId: number, ParentTaskId: rec.number, TaskName: t.Name, TaskUniqueName: t.Name,
		CreateTime: stamp(t.Started), StartTime: stamp(t.Started), EndTime: stamp(t.Ended),
		State: aiplatformpb.PipelineTaskDetail_State(aiplatformpb.PipelineTaskDetail_State_value[string(t.State)]),
	}
	if t.State == pipeline.Pending {
		d.CreateTime, d.EndTime = stamp(job.Ended), stamp(job.Ended)
		switch job.State {
		case pipeline.Cancelled:
			d.State = aiplatformpb.PipelineTaskDetail_CANCELLED
		case pipeline.Failed:
			d.State = aiplatformpb.PipelineTaskDetail_NOT_TRIGGERED
		default:
			return nil
		}
		return d
	}
	custom := fmt.Sprint(9_000_000_000 + number)
	s.containers[custom] = container{id, t.Name}
	d.ExecutorDetail = &aiplatformpb.PipelineTaskExecutorDetail{Details: &aiplatformpb.PipelineTaskExecutorDetail_ContainerDetail_{
		ContainerDetail: &aiplatformpb.PipelineTaskExecutorDetail_ContainerDetail{
			MainJob: "projects/" + projectNumber + "/locations/" + s.opts.Location.Region + "/customJobs/" + custom,
		},
	}}
	switch t.State {
	case pipeline.Failed:
		d.Error = failure(t.Error)
	case pipeline.Cancelled:
		d.Error = &rpcstatus.Status{Code: int32(codes.Canceled), Message: "The task was cancelled."}
	case pipeline.Running:
		if rec.cancelled {
			d.State = aiplatformpb.PipelineTaskDetail_CANCELLING
		}
	}
	return d
}

var exitStatus = regexp.MustCompile(`exit status (\d+)`)

// failure tells of a container what the service tells: how it ended.
func failure(p *problem.Error) *rpcstatus.Status {
	const more = " To find out more about why your job exited please check the logs: https://console.cloud.google.com/logs/viewer"
	text := p.Error()
	switch m := exitStatus.FindStringSubmatch(text); {
	case strings.Contains(text, "executor_output.json"):
		return &rpcstatus.Status{Code: int32(codes.Internal), Message: "Failed to read the executor output of the task."}
	case strings.Contains(text, "signal: killed"):
		return &rpcstatus.Status{Code: int32(codes.FailedPrecondition), Message: "The replica workerpool0-0 ran out-of-memory and exited with a non-zero status of 137(SIGKILL)." + more}
	case m != nil:
		return &rpcstatus.Status{Code: int32(codes.FailedPrecondition), Message: "The replica workerpool0-0 exited with a non-zero status of " + m[1] + "." + more}
	}
	return &rpcstatus.Status{Code: int32(codes.FailedPrecondition), Message: "The replica workerpool0-0 exited with a non-zero status of 1." + more}
}

func stamp(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}
