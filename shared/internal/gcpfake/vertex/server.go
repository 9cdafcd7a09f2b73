package vertex

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"cloud.google.com/go/aiplatform/apiv1/aiplatformpb"
	"cloud.google.com/go/logging/apiv2/loggingpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/b2brecs/b2brecs/shared/internal/gcp"
	"github.com/b2brecs/b2brecs/shared/internal/gcpfake/rpc"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// projectNumber stands in the names of resources that Vertex makes by itself.
const projectNumber = "700000000001"

// Options of Start; all but Address and Sink are required.
type Options struct {
	Address  string // loopback; "" is a free port
	Location gcp.Location
	// Runner executes the jobs. Its transitions MUST come to Server.Changed.
	Runner pipeline.Driver
	// Mounts gives the folder of each "gs://bucket/": the runner reads and writes files.
	Mounts map[string]string
	// ServiceAccounts that jobs may run as.
	ServiceAccounts []string
	// Sink takes the log entries that a log sink would publish, in order for each job.
	Sink func(entry []byte)
}

// Server is a running fake. It is safe for concurrent use.
type Server struct {
	*rpc.Server
	aiplatformpb.UnimplementedPipelineServiceServer
	opts Options

	mu         sync.Mutex
	jobs       map[string]*record // by the job's id at Vertex
	containers map[string]container
	entries    int
}

// record is a job as it was made.
type record struct {
	made      *aiplatformpb.PipelineJob
	number    int64
	cancelled bool
}

// container is one run of a task, by the number of its custom job.
type container struct{ job, task string }

// Start starts a server.
func Start(o Options) (*Server, error) {
	if o.Location.Project == "" || o.Location.Region == "" || o.Runner == nil || len(o.Mounts) == 0 || len(o.ServiceAccounts) == 0 {
		return nil, errors.New("the fake of Vertex AI needs a location, a runner, mounts and service accounts")
	}
	s := &Server{opts: o, jobs: map[string]*record{}, containers: map[string]container{}}
	var err error
	s.Server, err = rpc.Serve(o.Address, func(g *grpc.Server) {
		aiplatformpb.RegisterPipelineServiceServer(g, s)
		loggingpb.RegisterLoggingServiceV2Server(g, &logService{s: s})
	})
	return s, err
}

var jobID = regexp.MustCompile(`^[a-z][-a-z0-9]{0,127}$`)

func invalid(format string, args ...any) error {
	return status.Errorf(codes.InvalidArgument, format, args...)
}

// CreatePipelineJob implements the service.
func (s *Server) CreatePipelineJob(ctx context.Context, r *aiplatformpb.CreatePipelineJobRequest) (*aiplatformpb.PipelineJob, error) {
	if r.GetParent() != s.opts.Location.Parent() {
		return nil, status.Errorf(codes.PermissionDenied, "Permission 'aiplatform.pipelineJobs.create' denied on resource '//aiplatform.googleapis.com/%s' (or it may not exist).", r.GetParent())
	}
	id := r.GetPipelineJobId()
	if !jobID.MatchString(id) {
		return nil, invalid("pipeline_job_id %q does not match %s", id, jobID)
	}
	spec, err := s.spec(r.GetPipelineJob())
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	if s.jobs[id] != nil {
		s.mu.Unlock()
		return nil, status.Errorf(codes.AlreadyExists, "The PipelineJob \"%s/pipelineJobs/%s\" already exists.", s.opts.Location.Parent(), id)
	}
	rec := &record{made: r.GetPipelineJob(), number: int64(len(s.jobs)+1) * 1000}
	s.jobs[id] = rec
	s.mu.Unlock()
	job, err := s.opts.Runner.Submit(ctx, id, spec, nil)
	if err != nil {
		s.mu.Lock()
		delete(s.jobs, id)
		s.mu.Unlock()
		return nil, invalid("the pipeline spec is invalid: %v", err)
	}
	return s.resource(id, rec, job)
}

// find takes the job of a resource name.
func (s *Server) find(ctx context.Context, name string) (string, *record, pipeline.Job, error) {
	id, ok := strings.CutPrefix(name, s.opts.Location.Parent()+"/pipelineJobs/")
	if !ok || !jobID.MatchString(id) {
		return "", nil, pipeline.Job{}, invalid("%q is not the name of a pipeline job of %s", name, s.opts.Location.Parent())
	}
	s.mu.Lock()
	rec := s.jobs[id]
	s.mu.Unlock()
	if rec == nil {
		return "", nil, pipeline.Job{}, status.Errorf(codes.NotFound, "The PipelineJob does not exist: %s", name)
	}
	job, err := s.opts.Runner.Get(ctx, id)
	if problem.Is(err, problem.NotFound) {
		return "", nil, job, status.Errorf(codes.Unavailable, "%s is being made", name)
	}
	if err != nil {
		return "", nil, job, status.Errorf(codes.Internal, "the runner: %v", err)
	}
	return id, rec, job, nil
}

// GetPipelineJob implements the service.
func (s *Server) GetPipelineJob(ctx context.Context, r *aiplatformpb.GetPipelineJobRequest) (*aiplatformpb.PipelineJob, error) {
	id, rec, job, err := s.find(ctx, r.GetName())
	if err != nil {
		return nil, err
	}
	return s.resource(id, rec, job)
}

// CancelPipelineJob implements the service.
func (s *Server) CancelPipelineJob(ctx context.Context, r *aiplatformpb.CancelPipelineJobRequest) (*emptypb.Empty, error) {
	id, rec, job, err := s.find(ctx, r.GetName())
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	before := jobState(job.State, rec.cancelled)
	rec.cancelled = true
	s.mu.Unlock()
	if job.State.Ended() || before == aiplatformpb.PipelineState_PIPELINE_STATE_CANCELLING {
		return nil, status.Errorf(codes.FailedPrecondition, "The PipelineJob %q is in state %s and cannot be canceled.", r.GetName(), before)
	}
	if err := s.opts.Runner.Cancel(ctx, id); err != nil {
		return nil, status.Errorf(codes.Internal, "the runner: %v", err)
	}
	return &emptypb.Empty{}, nil
}

// Changed takes a transition of the runner and hands the sink its log entry.
func (s *Server) Changed(c pipeline.StateChanged) error {
	if s.opts.Sink == nil {
		return nil
	}
	s.mu.Lock()
	s.entries++
	n := s.entries
	s.mu.Unlock()
	what := "The pipeline job"
	if c.Task != "" {
		what = "Task " + c.Task
	}
	at := c.Time.UTC().Format(time.RFC3339Nano)
	entry, err := json.Marshal(map[string]any{
		"insertId": fmt.Sprintf("fake%d", n), "logName": "projects/" + s.opts.Location.Project + "/logs/aiplatform.googleapis.com%2Fpipeline_job_events",
		"jsonPayload": map[string]any{"message": what + " changed its state."},
		"resource": map[string]any{"type": "aiplatform.googleapis.com/PipelineJob", "labels": map[string]any{
			"location": s.opts.Location.Region, "pipeline_job_id": c.Job, "resource_container": "projects/" + projectNumber,
		}},
		"severity": "INFO", "timestamp": at, "receiveTimestamp": at,
	})
	if err != nil {
		return err
	}
	s.opts.Sink(entry)
	return nil
}
