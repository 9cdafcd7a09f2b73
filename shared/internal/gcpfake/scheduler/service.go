package scheduler

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"cloud.google.com/go/scheduler/apiv1/schedulerpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// maxPage is the largest page of ListJobs, and the default one.
const maxPage = 500

var jobID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,500}$`)

// service is the gRPC side, apart so that Server shows no RPC methods.
type service struct {
	schedulerpb.UnimplementedCloudSchedulerServer
	s *Server
}

func clone(j *schedulerpb.Job) *schedulerpb.Job { return proto.Clone(j).(*schedulerpb.Job) }

// parent checks a location.
func (s *Server) parent(name string) error {
	switch parts := strings.Split(name, "/"); {
	case len(parts) != 4 || parts[0] != "projects" || parts[2] != "locations" || parts[1] == "" || parts[3] == "":
		return status.Errorf(codes.InvalidArgument, "%q is not projects/{project}/locations/{location}", name)
	case parts[1] != s.opts.Location.Project:
		return status.Errorf(codes.PermissionDenied, "permission denied on project %q, or it does not exist", parts[1])
	case parts[3] != s.opts.Location.Region:
		return status.Errorf(codes.NotFound, "location %q does not exist", parts[3])
	}
	return nil
}

// name checks the name of a job.
func (s *Server) name(name string) error {
	parent, id, ok := strings.Cut(name, "/jobs/")
	if !ok || !jobID.MatchString(id) {
		return status.Errorf(codes.InvalidArgument, "%q is not projects/{project}/locations/{location}/jobs/{job}", name)
	}
	return s.parent(parent)
}

// with runs fn on a job under the lock.
func (v service) with(name string, fn func(*job) error) (*schedulerpb.Job, error) {
	if err := v.s.name(name); err != nil {
		return nil, err
	}
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	defer v.s.Poke()
	j := v.s.jobs[name]
	if j == nil {
		return nil, status.Errorf(codes.NotFound, "job %q does not exist", name)
	}
	if err := fn(j); err != nil {
		return nil, err
	}
	return clone(j.Job), nil
}

// GetJob implements the service.
func (v service) GetJob(_ context.Context, r *schedulerpb.GetJobRequest) (*schedulerpb.Job, error) {
	return v.with(r.GetName(), func(*job) error { return nil })
}

// CreateJob implements the service.
func (v service) CreateJob(_ context.Context, r *schedulerpb.CreateJobRequest) (*schedulerpb.Job, error) {
	if err := v.s.parent(r.GetParent()); err != nil {
		return nil, err
	}
	if r.GetJob() == nil {
		return nil, status.Error(codes.InvalidArgument, "job is required")
	}
	in := clone(r.GetJob())
	if err := v.s.name(in.Name); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(in.Name, r.GetParent()+"/jobs/") {
		return nil, status.Errorf(codes.InvalidArgument, "job %q is not of %q", in.Name, r.GetParent())
	}
	times, err := check(in)
	if err != nil {
		return nil, err
	}
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	if v.s.jobs[in.Name] != nil {
		return nil, status.Errorf(codes.AlreadyExists, "job %q exists already", in.Name)
	}
	now := v.s.opts.Now()
	in.State, in.UserUpdateTime = schedulerpb.Job_ENABLED, timestamppb.New(now)
	j := &job{Job: in, times: times}
	j.due(times.Next(now))
	v.s.jobs[in.Name] = j
	v.s.Poke()
	return clone(in), nil
}

// UpdateJob implements the service. The state stays.
func (v service) UpdateJob(_ context.Context, r *schedulerpb.UpdateJobRequest) (*schedulerpb.Job, error) {
	paths := r.GetUpdateMask().GetPaths()
	if len(paths) == 0 {
		return nil, status.Error(codes.InvalidArgument, "this fake wants an update_mask")
	}
	return v.with(r.GetJob().GetName(), func(j *job) error {
		next := clone(j.Job)
		for _, p := range paths {
			switch p {
			case "description":
				next.Description = r.Job.Description
			case "http_target":
				next.Target = clone(r.Job).Target
			case "schedule":
				next.Schedule = r.Job.Schedule
			case "time_zone":
				next.TimeZone = r.Job.TimeZone
			case "retry_config":
				next.RetryConfig = clone(r.Job).RetryConfig
			case "attempt_deadline":
				next.AttemptDeadline = clone(r.Job).AttemptDeadline
			default:
				return status.Errorf(codes.InvalidArgument, "field %q cannot be updated", p)
			}
		}
		if own := (&schedulerpb.Job{Name: r.Job.Name, Description: r.Job.Description, Target: r.Job.Target, Schedule: r.Job.Schedule,
			TimeZone: r.Job.TimeZone, RetryConfig: r.Job.RetryConfig, AttemptDeadline: r.Job.AttemptDeadline}); !proto.Equal(own, r.Job) {
			return status.Error(codes.InvalidArgument, "job has output-only fields")
		}
		output := clone(next)
		next.State, next.UserUpdateTime, next.Status, next.ScheduleTime, next.LastAttemptTime = 0, nil, nil, nil, nil
		times, err := check(next)
		if err != nil {
			return err
		}
		now := v.s.opts.Now()
		next.State, next.Status, next.ScheduleTime, next.LastAttemptTime = output.State, output.Status, output.ScheduleTime, output.LastAttemptTime
		next.UserUpdateTime = timestamppb.New(now)
		j.Job, j.times = next, times
		if slices.Contains(paths, "schedule") || slices.Contains(paths, "time_zone") {
			j.tries = 0
			if j.State == schedulerpb.Job_ENABLED {
				j.due(times.Next(now))
			}
		}
		return nil
	})
}

// PauseJob implements the service: a job must be enabled. What passes is not owed.
func (v service) PauseJob(_ context.Context, r *schedulerpb.PauseJobRequest) (*schedulerpb.Job, error) {
	return v.with(r.GetName(), func(j *job) error {
		if j.State != schedulerpb.Job_ENABLED {
			return status.Errorf(codes.FailedPrecondition, "job %q is %s; only an enabled one can be paused", j.Name, j.State)
		}
		j.State, j.tries = schedulerpb.Job_PAUSED, 0
		return nil
	})
}

// ResumeJob implements the service: a job must be paused.
func (v service) ResumeJob(_ context.Context, r *schedulerpb.ResumeJobRequest) (*schedulerpb.Job, error) {
	return v.with(r.GetName(), func(j *job) error {
		if j.State != schedulerpb.Job_PAUSED {
			return status.Errorf(codes.FailedPrecondition, "job %q is %s; only a paused one can be resumed", j.Name, j.State)
		}
		j.State = schedulerpb.Job_ENABLED
		j.due(j.times.Next(v.s.opts.Now()))
		return nil
	})
}

// RunJob implements the service: one attempt at once, beside the planned ones, without
// retries. Its time is the present one.
func (v service) RunJob(_ context.Context, r *schedulerpb.RunJobRequest) (*schedulerpb.Job, error) {
	return v.with(r.GetName(), func(j *job) error {
		target, now := clone(j.Job), v.s.opts.Now()
		v.s.tasks.Go(func() {
			code := v.s.attempt(target, now)
			v.s.mu.Lock()
			defer v.s.mu.Unlock()
			j.outcome(now, code)
		})
		return nil
	})
}

// DeleteJob implements the service.
func (v service) DeleteJob(_ context.Context, r *schedulerpb.DeleteJobRequest) (*emptypb.Empty, error) {
	_, err := v.with(r.GetName(), func(j *job) error {
		j.State = schedulerpb.Job_STATE_UNSPECIFIED // a firing in flight plans nothing more
		delete(v.s.jobs, j.Name)
		return nil
	})
	return &emptypb.Empty{}, err
}

// ListJobs implements the service, in no order that means anything.
func (v service) ListJobs(_ context.Context, r *schedulerpb.ListJobsRequest) (*schedulerpb.ListJobsResponse, error) {
	if err := v.s.parent(r.GetParent()); err != nil {
		return nil, err
	}
	size, skip := int(r.GetPageSize()), 0
	if size < 0 {
		return nil, status.Error(codes.InvalidArgument, "page_size is negative")
	}
	if size == 0 || size > maxPage {
		size = maxPage
	}
	if t := r.GetPageToken(); t != "" {
		var err error
		if skip, err = strconv.Atoi(t); err != nil || skip < 1 {
			return nil, status.Error(codes.InvalidArgument, "page_token is not one of this service")
		}
	}
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	var names []string
	for n := range v.s.jobs {
		names = append(names, n)
	}
	slices.Sort(names)
	slices.Reverse(names)
	out := &schedulerpb.ListJobsResponse{}
	for _, n := range names[min(skip, len(names)):min(skip+size, len(names))] {
		out.Jobs = append(out.Jobs, clone(v.s.jobs[n].Job))
	}
	if skip+size < len(names) {
		out.NextPageToken = strconv.Itoa(skip + size)
	}
	return out, nil
}
