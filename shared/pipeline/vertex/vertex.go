package vertex

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"time"

	aiplatform "cloud.google.com/go/aiplatform/apiv1"
	"cloud.google.com/go/aiplatform/apiv1/aiplatformpb"
	logging "cloud.google.com/go/logging/apiv2"
	"github.com/googleapis/gax-go/v2"
	"google.golang.org/api/option"
	"google.golang.org/grpc/codes"

	"github.com/b2brecs/b2brecs/shared/internal/gcp"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// Prefix stands before our ids: at Vertex a job's id begins with a letter
// ([a-z][-a-z0-9]{0,127}; google-cloud-aiplatform, pipeline_jobs.py), ours may begin
// with a digit.
const Prefix = "run-"

var (
	idText = regexp.MustCompile(`^[a-z0-9-]{1,63}$`)
	// https://cloud.google.com/resource-manager/docs/labels-overview#requirements
	labelKey   = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)
	labelValue = regexp.MustCompile(`^[a-z0-9_-]{0,63}$`)
	network    = regexp.MustCompile(`^projects/[0-9]+/global/networks/[a-z][-a-z0-9]{0,62}$`)
)

// maxLabels of a resource.
const maxLabels = 64

// Options of New. Location and ServiceAccount are required.
type Options struct {
	Location gcp.Location
	// ServiceAccount is the e-mail address of the account that the components run as.
	ServiceAccount string
	// Network the components are peered with, "projects/NUMBER/global/networks/NAME";
	// "" for none.
	Network string
	// Client are the options of the official clients: endpoint, credentials. They are
	// for both services, so an endpoint among them has to serve both.
	Client []option.ClientOption
	Log    *slog.Logger
}

// Driver implements pipeline.Driver. It is safe for concurrent use.
type Driver struct {
	opts Options
	jobs *gcp.Lazy[*aiplatform.PipelineClient]
	logs *gcp.Lazy[*logging.Client]
}

var _ pipeline.Driver = (*Driver)(nil)

// New makes a driver. It dials nothing.
func New(o Options) (*Driver, error) {
	p := problem.New(problem.InvalidArgument, "the driver of Vertex AI Pipelines cannot be made")
	if o.Location.Project == "" {
		p = p.WithField("Location.Project", "names the Google Cloud project")
	}
	if o.Location.Region == "" {
		p = p.WithField("Location.Region", "names the region of the pipelines")
	}
	if !strings.Contains(o.ServiceAccount, "@") {
		p = p.WithField("ServiceAccount", "%q is not an e-mail address; the components run as it", o.ServiceAccount)
	}
	if o.Network != "" && !network.MatchString(o.Network) {
		p = p.WithField("Network", "%q is not of the form projects/NUMBER/global/networks/NAME", o.Network)
	}
	if len(p.Fields) > 0 {
		return nil, p
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &Driver{
		opts: o,
		jobs: gcp.NewLazy(func(ctx context.Context) (*aiplatform.PipelineClient, error) {
			// The service is regional (https://cloud.google.com/vertex-ai/docs/reference/rest#service-endpoint).
			opts := append([]option.ClientOption{option.WithEndpoint(o.Location.Region + "-aiplatform.googleapis.com:443")}, o.Client...)
			c, err := aiplatform.NewPipelineClient(ctx, opts...)
			if err != nil {
				return nil, gcp.Problem(ctx, err, "the client of Vertex AI cannot be made")
			}
			c.CallOptions.CreatePipelineJob, c.CallOptions.GetPipelineJob, c.CallOptions.CancelPipelineJob = repeatable, repeatable, repeatable
			return c, nil
		}),
		logs: gcp.NewLazy(func(ctx context.Context) (*logging.Client, error) {
			c, err := logging.NewClient(ctx, o.Client...)
			if err != nil {
				return nil, gcp.Problem(ctx, err, "the client of Cloud Logging cannot be made")
			}
			c.CallOptions.ListLogEntries = repeatable
			return c, nil
		}),
	}, nil
}

// repeatable is the policy of every call, within the caller's deadline or else a
// minute. Creating may be repeated, too: the second time the job exists.
var repeatable = []gax.CallOption{
	gax.WithTimeout(time.Minute),
	gax.WithRetry(func() gax.Retryer {
		return gax.OnCodes([]codes.Code{codes.Unavailable}, gax.Backoff{Initial: 100 * time.Millisecond, Max: 5 * time.Second, Multiplier: 2})
	}),
}

// Close implements pipeline.Driver.
func (d *Driver) Close() error {
	return errors.Join(d.jobs.Close((*aiplatform.PipelineClient).Close), d.logs.Close((*logging.Client).Close))
}

func (d *Driver) name(id string) string {
	return d.opts.Location.Parent() + "/pipelineJobs/" + Prefix + id
}

// Submit implements pipeline.Driver.
func (d *Driver) Submit(ctx context.Context, id string, spec json.RawMessage, labels map[string]string) (pipeline.Job, error) {
	var none pipeline.Job
	if !idText.MatchString(id) {
		return none, problem.New(problem.InvalidArgument, "the job id %q must be 1 to 63 of [a-z0-9-]", id)
	}
	job, err := d.job(spec, labels)
	if err != nil {
		return none, err
	}
	c, err := d.jobs.Get(ctx)
	if err != nil {
		return none, err
	}
	made, err := c.CreatePipelineJob(ctx, &aiplatformpb.CreatePipelineJobRequest{
		Parent: d.opts.Location.Parent(), PipelineJobId: Prefix + id, PipelineJob: job,
	})
	if gcp.Code(err) == problem.AlreadyExists {
		return d.Get(ctx, id)
	}
	if err != nil {
		return none, gcp.Problem(ctx, err, "pipeline job %s cannot be submitted", id)
	}
	return d.read(ctx, id, made)
}

// Get implements pipeline.Driver.
func (d *Driver) Get(ctx context.Context, id string) (pipeline.Job, error) {
	j, err := d.get(ctx, id)
	if err != nil {
		return pipeline.Job{}, err
	}
	return d.read(ctx, id, j)
}

func (d *Driver) get(ctx context.Context, id string) (*aiplatformpb.PipelineJob, error) {
	if !idText.MatchString(id) {
		return nil, problem.New(problem.NotFound, "there is no pipeline job %q", id)
	}
	c, err := d.jobs.Get(ctx)
	if err != nil {
		return nil, err
	}
	j, err := c.GetPipelineJob(ctx, &aiplatformpb.GetPipelineJobRequest{Name: d.name(id)})
	return j, gcp.Problem(ctx, err, "pipeline job %s cannot be read", id)
}

// Cancel implements pipeline.Driver. Vertex stops the tasks after it returns.
func (d *Driver) Cancel(ctx context.Context, id string) error {
	if !idText.MatchString(id) {
		return problem.New(problem.NotFound, "there is no pipeline job %q", id)
	}
	c, err := d.jobs.Get(ctx)
	if err != nil {
		return err
	}
	err = c.CancelPipelineJob(ctx, &aiplatformpb.CancelPipelineJobRequest{Name: d.name(id)})
	if gcp.Code(err) == problem.FailedPrecondition {
		// A job that has ended, or is being cancelled, cannot be cancelled.
		j, reading := d.get(ctx, id)
		if reading != nil {
			return reading
		}
		if s := j.GetState(); state(s).Ended() || s == aiplatformpb.PipelineState_PIPELINE_STATE_CANCELLING {
			return nil
		}
	}
	return gcp.Problem(ctx, err, "pipeline job %s cannot be cancelled", id)
}

// Logs implements pipeline.Driver. A task whose container has not started has no
// lines; at most 1000 are given. Lines reach Cloud Logging some seconds after they
// are printed.
func (d *Driver) Logs(ctx context.Context, id, task string, lines int) ([]string, error) {
	j, err := d.get(ctx, id)
	if err != nil {
		return nil, err
	}
	names, err := order(j)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(names, task) {
		return nil, problem.New(problem.NotFound, "job %s has no task %q", id, task)
	}
	return d.tail(ctx, details(j)[task], lines, true)
}
