package cloudscheduler

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	scheduler "cloud.google.com/go/scheduler/apiv1"
	"cloud.google.com/go/scheduler/apiv1/schedulerpb"
	"github.com/googleapis/gax-go/v2"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/b2brecs/b2brecs/shared/internal/gcp"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/schedule"
)

// Prefix is what the names of the product's jobs begin with.
const Prefix = "b2brecs-schedule-"

// Options of New. Location, FunctionsURL and ServiceAccount are required.
type Options struct {
	Location gcp.Location
	// FunctionsURL is the base under which functions answer, without a closing slash.
	FunctionsURL string
	// ServiceAccount is the e-mail address of the identity that calls the functions.
	ServiceAccount string
	// Audience of its tokens. Default: the function's own address, FunctionsURL + "/" + Function.
	Audience string
	// Client are the options of the official client: endpoint, credentials.
	Client []option.ClientOption
}

// Driver implements schedule.Driver.
type Driver struct {
	opts   Options
	client *gcp.Lazy[*scheduler.CloudSchedulerClient]
	now    func() time.Time
	poll   time.Duration // between looks at the outcome of RunNow; it doubles up to two seconds
}

var _ schedule.Driver = (*Driver)(nil)

var account = regexp.MustCompile(`^[^@\s]+@[^@\s]+$`)

// New makes a driver. It dials nothing.
func New(o Options) (*Driver, error) {
	p := problem.New(problem.InvalidArgument, "the driver of Cloud Scheduler cannot be made")
	if o.Location.Project == "" {
		p = p.WithField("Location.Project", "names the Google Cloud project")
	}
	if o.Location.Region == "" {
		p = p.WithField("Location.Region", "names the region of the jobs")
	}
	if u, err := url.Parse(o.FunctionsURL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" || u.Fragment != "" ||
		strings.HasSuffix(o.FunctionsURL, "/") || u.String() != o.FunctionsURL {
		p = p.WithField("FunctionsURL", "%q is not an http or https URL without a closing slash", o.FunctionsURL)
	}
	if !account.MatchString(o.ServiceAccount) {
		p = p.WithField("ServiceAccount", "%q is not the e-mail address of a service account", o.ServiceAccount)
	}
	if len(p.Fields) > 0 {
		return nil, p
	}
	return &Driver{opts: o, now: time.Now, poll: 100 * time.Millisecond,
		client: gcp.NewLazy(func(ctx context.Context) (*scheduler.CloudSchedulerClient, error) {
			c, err := scheduler.NewCloudSchedulerClient(ctx, o.Client...)
			if err != nil {
				return nil, gcp.Problem(ctx, err, "the client of Cloud Scheduler cannot be made")
			}
			all := c.CallOptions
			for _, call := range []*[]gax.CallOption{&all.GetJob, &all.ListJobs, &all.CreateJob, &all.UpdateJob, &all.DeleteJob, &all.PauseJob, &all.ResumeJob} {
				*call = repeatable
			}
			return c, nil
		})}, nil
}

// repeatable is the policy of calls that may be repeated, all but RunJob, within the
// caller's deadline or else a minute.
var repeatable = []gax.CallOption{
	gax.WithTimeout(time.Minute),
	gax.WithRetry(func() gax.Retryer {
		return gax.OnCodes([]codes.Code{codes.Unavailable}, gax.Backoff{Initial: 100 * time.Millisecond, Max: 5 * time.Second, Multiplier: 2})
	}),
}

// Close implements schedule.Driver. The service goes on firing.
func (d *Driver) Close() error { return d.client.Close((*scheduler.CloudSchedulerClient).Close) }

func (d *Driver) name(id string) string {
	return d.opts.Location.Parent() + "/jobs/" + Prefix + id
}

// Put implements schedule.Driver.
func (d *Driver) Put(ctx context.Context, s schedule.Schedule) error {
	want, err := d.job(s)
	if err != nil {
		return err
	}
	c, err := d.client.Get(ctx)
	if err != nil {
		return err
	}
	have, err := c.GetJob(ctx, &schedulerpb.GetJobRequest{Name: want.Name})
	if gcp.Code(err) == problem.NotFound {
		have, err = c.CreateJob(ctx, &schedulerpb.CreateJobRequest{Parent: d.opts.Location.Parent(), Job: want})
		if gcp.Code(err) == problem.AlreadyExists { // by somebody else, or by a call whose reply was lost
			have, err = c.GetJob(ctx, &schedulerpb.GetJobRequest{Name: want.Name})
		}
	}
	if err == nil {
		if paths := changes(have, want); len(paths) > 0 {
			have, err = c.UpdateJob(ctx, &schedulerpb.UpdateJobRequest{Job: want, UpdateMask: &fieldmaskpb.FieldMask{Paths: paths}})
		}
	}
	if err != nil {
		return gcp.Problem(ctx, err, "schedule %q cannot be kept", s.ID)
	}
	return d.pause(ctx, c, have, s.ID, s.Paused)
}

// pause takes a job to a state. One that is there already is left alone.
func (d *Driver) pause(ctx context.Context, c *scheduler.CloudSchedulerClient, j *schedulerpb.Job, id string, paused bool) error {
	want := schedulerpb.Job_ENABLED
	if paused {
		want = schedulerpb.Job_PAUSED
	}
	if j.GetState() == want {
		return nil
	}
	var err error
	if paused {
		_, err = c.PauseJob(ctx, &schedulerpb.PauseJobRequest{Name: j.GetName()})
	} else {
		_, err = c.ResumeJob(ctx, &schedulerpb.ResumeJobRequest{Name: j.GetName()})
	}
	if gcp.Code(err) == problem.FailedPrecondition { // perhaps a repetition
		if now, readErr := c.GetJob(ctx, &schedulerpb.GetJobRequest{Name: j.GetName()}); readErr == nil && now.GetState() == want {
			return nil
		}
	}
	return found(ctx, err, id, "schedule %q cannot be paused or resumed", id)
}

// Get implements schedule.Driver.
func (d *Driver) Get(ctx context.Context, id string) (schedule.Schedule, error) {
	c, err := d.client.Get(ctx)
	if err != nil {
		return schedule.Schedule{}, err
	}
	j, err := c.GetJob(ctx, &schedulerpb.GetJobRequest{Name: d.name(id)})
	if err != nil {
		return schedule.Schedule{}, found(ctx, err, id, "schedule %q cannot be read", id)
	}
	return d.schedule(j)
}

// List implements schedule.Driver.
func (d *Driver) List(ctx context.Context) ([]schedule.Schedule, error) {
	c, err := d.client.Get(ctx)
	if err != nil {
		return nil, err
	}
	out := []schedule.Schedule{}
	for it := c.ListJobs(ctx, &schedulerpb.ListJobsRequest{Parent: d.opts.Location.Parent()}); ; {
		j, err := it.Next()
		if errors.Is(err, iterator.Done) {
			break
		}
		if err != nil {
			return nil, gcp.Problem(ctx, err, "the schedules cannot be listed")
		}
		if !ours(j) {
			continue
		}
		s, err := d.schedule(j)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b schedule.Schedule) int { return cmp.Compare(a.ID, b.ID) })
	return out, nil
}

// Delete implements schedule.Driver.
func (d *Driver) Delete(ctx context.Context, id string) error {
	c, err := d.client.Get(ctx)
	if err != nil {
		return err
	}
	err = c.DeleteJob(ctx, &schedulerpb.DeleteJobRequest{Name: d.name(id)})
	if gcp.Code(err) == problem.NotFound {
		return nil
	}
	return gcp.Problem(ctx, err, "schedule %q cannot be deleted", id)
}

// Pause implements schedule.Driver. Times that pass while paused are not owed.
func (d *Driver) Pause(ctx context.Context, id string, paused bool) error {
	c, err := d.client.Get(ctx)
	if err != nil {
		return err
	}
	j, err := c.GetJob(ctx, &schedulerpb.GetJobRequest{Name: d.name(id)})
	if err != nil {
		return found(ctx, err, id, "schedule %q cannot be read", id)
	}
	return d.pause(ctx, c, j, id, paused)
}

// RunNow implements schedule.Driver. The outcome is that of the first attempt that
// begins after the call.
func (d *Driver) RunNow(ctx context.Context, id string) error {
	c, err := d.client.Get(ctx)
	if err != nil {
		return err
	}
	// The service bounds an attempt; the rest is for getting to it.
	ctx, cancel := context.WithTimeout(ctx, attemptDeadline+time.Minute)
	defer cancel()
	get := &schedulerpb.GetJobRequest{Name: d.name(id)}
	j, err := c.GetJob(ctx, get)
	if err != nil {
		return found(ctx, err, id, "schedule %q cannot be read", id)
	}
	before := j.GetLastAttemptTime().AsTime()
	if _, err := c.RunJob(ctx, &schedulerpb.RunJobRequest{Name: get.Name}); err != nil {
		return found(ctx, err, id, "schedule %q cannot be run", id)
	}
	for wait := d.poll; ; wait = min(2*wait, 2*time.Second) {
		if j, err = c.GetJob(ctx, get); err != nil {
			return found(ctx, err, id, "the outcome of schedule %q cannot be read", id)
		}
		if j.GetLastAttemptTime().AsTime().After(before) {
			return gcp.Problem(ctx, status.FromProto(j.GetStatus()).Err(), "schedule %q: its function failed", id)
		}
		if err := gax.Sleep(ctx, wait); err != nil {
			return gcp.Problem(ctx, err, "schedule %q was run; its outcome is not known yet", id)
		}
	}
}

// found tells an absent schedule in the words of the caller.
func found(ctx context.Context, err error, id, format string, args ...any) error {
	if gcp.Code(err) == problem.NotFound {
		return problem.New(problem.NotFound, "there is no schedule %q", id)
	}
	return gcp.Problem(ctx, err, format, args...)
}
