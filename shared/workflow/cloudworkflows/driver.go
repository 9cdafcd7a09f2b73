package cloudworkflows

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"time"

	executions "cloud.google.com/go/workflows/executions/apiv1"
	"cloud.google.com/go/workflows/executions/apiv1/executionspb"
	"github.com/googleapis/gax-go/v2"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"
	"google.golang.org/grpc/codes"

	"github.com/b2brecs/b2brecs/shared/internal/gcp"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/workflow"
)

// MaxArgumentBytes is the largest argument, as JSON (the field argument of
// https://cloud.google.com/workflows/docs/reference/executions/rest/v1/projects.locations.workflows.executions).
const MaxArgumentBytes = 32 << 10

// Label is the label of an execution that holds our id.
const Label = "b2brecs-id"

// Options of New. Location and State are required.
type Options struct {
	Location gcp.Location
	// State keeps which execution an id stands for, in the collection workflow_starts.
	State *state.DB
	// Client are the options of the official client: endpoint, credentials.
	Client []option.ClientOption
}

// Driver implements workflow.Driver.
type Driver struct {
	parent string // "projects/P/locations/R/workflows/"
	db     *state.DB
	starts *state.Collection[start]
	client *gcp.Lazy[*executions.Client]
	timing timing
}

var _ workflow.Driver = (*Driver)(nil)

// New makes a driver. It dials nothing.
func New(o Options) (*Driver, error) {
	p := problem.New(problem.InvalidArgument, "the driver of Cloud Workflows cannot be made")
	if o.Location.Project == "" {
		p = p.WithField("Location.Project", "names the Google Cloud project")
	}
	if o.Location.Region == "" {
		p = p.WithField("Location.Region", "names the region of the workflows")
	}
	if o.State == nil {
		p = p.WithField("State", "keeps which execution an id stands for")
	}
	if len(p.Fields) > 0 {
		return nil, p
	}
	return &Driver{
		parent: o.Location.Parent() + "/workflows/", db: o.State, starts: state.Of[start](o.State, "workflow_starts"), timing: production,
		client: gcp.NewLazy(func(ctx context.Context) (*executions.Client, error) {
			c, err := executions.NewClient(ctx, o.Client...)
			if err != nil {
				return nil, gcp.Problem(ctx, err, "the client of Cloud Workflows cannot be made")
			}
			c.CallOptions.GetExecution, c.CallOptions.ListExecutions, c.CallOptions.CancelExecution = repeatable, repeatable, repeatable
			return c, nil
		}),
	}, nil
}

// repeatable is the policy of calls that may be repeated, within the caller's
// deadline or else a minute.
var repeatable = []gax.CallOption{
	gax.WithTimeout(time.Minute),
	gax.WithRetry(func() gax.Retryer {
		return gax.OnCodes([]codes.Code{codes.Unavailable}, gax.Backoff{Initial: 100 * time.Millisecond, Max: 5 * time.Second, Multiplier: 2})
	}),
}

// Close implements workflow.Driver.
func (d *Driver) Close() error { return d.client.Close((*executions.Client).Close) }

var (
	idPattern = regexp.MustCompile(`^[a-z0-9-]{1,63}$`) // a label's value, too
	// namePattern is what Cloud Workflows takes
	// (https://cloud.google.com/workflows/docs/reference/rest/v1/projects.locations.workflows/create).
	namePattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,63}$`)
)

// Start implements workflow.Driver. Unavailable when another caller is starting the
// same execution and is not through when ctx ends.
func (d *Driver) Start(ctx context.Context, name, id string, argument any) (workflow.Execution, error) {
	var none workflow.Execution
	if !idPattern.MatchString(id) {
		return none, problem.New(problem.InvalidArgument, "an execution id has 1 to 63 of [a-z0-9-], not %q", id)
	}
	if !namePattern.MatchString(name) {
		return none, noWorkflow(name)
	}
	arg, err := json.Marshal(argument)
	if err != nil {
		return none, problem.Wrap(err, problem.InvalidArgument, "the argument of workflow %s cannot be encoded", name)
	}
	if len(arg) > MaxArgumentBytes {
		return none, problem.New(problem.InvalidArgument, "the argument of workflow %s has %d bytes; at most %d are allowed", name, len(arg), MaxArgumentBytes)
	}
	s, mine, err := d.claim(ctx, name, id)
	if err != nil {
		return none, err
	}
	if mine {
		return d.begin(ctx, s, string(arg))
	}
	x, err := d.read(ctx, s, s.Execution)
	if problem.Is(err, problem.NotFound) {
		return none, problem.New(problem.FailedPrecondition, "execution %s of workflow %s ended long ago", id, name).
			WithCause("Cloud Workflows no longer keeps it, and an id starts one execution only").
			WithNext(problem.TurnYou, "Start it under a new id.")
	}
	return x, err
}

// Get implements workflow.Driver.
func (d *Driver) Get(ctx context.Context, name, id string) (workflow.Execution, error) {
	s, err := d.find(ctx, name, id)
	if err != nil {
		return workflow.Execution{}, err
	}
	return d.read(ctx, s, s.Execution)
}

// find gives the document of a started execution. A start that did not get as far as
// writing the execution's name is made up for.
func (d *Driver) find(ctx context.Context, name, id string) (start, error) {
	if !idPattern.MatchString(id) || !namePattern.MatchString(name) {
		return start{}, noExecution(name, id)
	}
	s, err := d.starts.Get(ctx, key(name, id))
	if problem.Is(err, problem.NotFound) {
		return s, noExecution(name, id)
	}
	if err != nil || s.Execution != "" {
		return s, err
	}
	found, err := d.labelled(ctx, name, id)
	if err != nil {
		return s, err
	}
	if len(found) == 0 {
		return s, noExecution(name, id)
	}
	return d.settle(ctx, s, found[0])
}

// Cancel implements workflow.Driver. It ends every execution with the label, those
// that do not count included.
func (d *Driver) Cancel(ctx context.Context, name, id string) error {
	s, err := d.find(ctx, name, id)
	if err != nil {
		return err
	}
	all, err := d.labelled(ctx, name, id)
	if err != nil {
		return err
	}
	if !slices.Contains(all, s.Execution) {
		all = append(all, s.Execution)
	}
	var errs []error
	for _, e := range all {
		errs = append(errs, d.cancel(ctx, name, id, e))
	}
	return errors.Join(errs...)
}

// cancel ends one execution; one that has ended stays as it is.
func (d *Driver) cancel(ctx context.Context, name, id, execution string) error {
	c, err := d.client.Get(ctx)
	if err != nil {
		return err
	}
	_, err = c.CancelExecution(ctx, &executionspb.CancelExecutionRequest{Name: d.resource(name, execution)})
	if gcp.Code(err) == problem.FailedPrecondition {
		x, readErr := c.GetExecution(ctx, &executionspb.GetExecutionRequest{Name: d.resource(name, execution), View: executionspb.ExecutionView_BASIC})
		if readErr == nil && x.GetState() != executionspb.Execution_ACTIVE && x.GetState() != executionspb.Execution_QUEUED {
			return nil
		}
	}
	if gcp.Code(err) == problem.NotFound {
		return noExecution(name, id)
	}
	return gcp.Problem(ctx, err, "execution %s of workflow %s cannot be cancelled", id, name)
}

// read gives an execution.
func (d *Driver) read(ctx context.Context, s start, execution string) (workflow.Execution, error) {
	c, err := d.client.Get(ctx)
	if err != nil {
		return workflow.Execution{}, err
	}
	x, err := c.GetExecution(ctx, &executionspb.GetExecutionRequest{Name: d.resource(s.Workflow, execution), View: executionspb.ExecutionView_FULL})
	if gcp.Code(err) == problem.NotFound {
		return workflow.Execution{}, noExecution(s.Workflow, s.ID)
	}
	if err != nil {
		return workflow.Execution{}, gcp.Problem(ctx, err, "execution %s of workflow %s cannot be read", s.ID, s.Workflow)
	}
	return execute(s, x)
}

// labelled lists the executions that carry an id, the oldest first.
func (d *Driver) labelled(ctx context.Context, name, id string) ([]string, error) {
	c, err := d.client.Get(ctx)
	if err != nil {
		return nil, err
	}
	it := c.ListExecutions(ctx, &executionspb.ListExecutionsRequest{
		Parent: d.parent + name, View: executionspb.ExecutionView_FULL, PageSize: 100,
		Filter: `labels."` + Label + `":"` + id + `"`, // https://cloud.google.com/workflows/docs/executing-workflow#filter
	})
	var found []*executionspb.Execution
	for {
		x, err := it.Next()
		if errors.Is(err, iterator.Done) {
			break
		}
		if gcp.Code(err) == problem.NotFound {
			return nil, noWorkflow(name)
		}
		if err != nil {
			return nil, gcp.Problem(ctx, err, "the executions of workflow %s cannot be listed", name)
		}
		if x.GetLabels()[Label] == id { // ":" may mean "contains"
			found = append(found, x)
		}
	}
	slices.SortFunc(found, older)
	var names []string
	for _, x := range found {
		names = append(names, short(x.GetName()))
	}
	return names, nil
}

func (d *Driver) resource(name, execution string) string {
	return d.parent + name + "/executions/" + execution
}

func noWorkflow(name string) error {
	return problem.New(problem.NotFound, "there is no workflow %q", name)
}

func noExecution(name, id string) error {
	return problem.New(problem.NotFound, "workflow %s has no execution %q", name, id)
}
