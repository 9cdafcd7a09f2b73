package bigquery

import (
	"context"
	"sync"

	bq "cloud.google.com/go/bigquery"
	"gocloud.dev/blob"
	"google.golang.org/api/option"

	"github.com/b2brecs/b2brecs/shared/internal/gcp"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/warehouse/dialect"
)

// Datasets of the driver's own, beside the installation's.
const (
	Ledger  = "b2brecs_ledger"  // the record of every commit
	Staging = "b2brecs_staging" // tables of one commit or one export; they expire
)

// Options of New.
type Options struct {
	// Location is the project, and the region of its datasets and jobs; loads and exports
	// want their buckets there too. A dataset's region is fixed for ever.
	gcp.Location
	// Bucket opens the Cloud Storage bucket of that name. Commit reads the footers of
	// its objects there; Export removes what an earlier, larger export left. The
	// driver closes none.
	Bucket func(ctx context.Context, name string) (*blob.Bucket, error)
	// Client has the endpoint and credentials where they are not the default.
	Client []option.ClientOption
}

// Driver is a warehouse in one project. Nothing is dialled before the first use.
type Driver struct {
	o      Options
	client *gcp.Lazy[*bq.Client]
	retry  retry

	mu   sync.Mutex
	made map[string]bool // datasets and tables of the driver's own that are known to exist
}

var _ warehouse.Driver = (*Driver)(nil)

// New makes a driver. InvalidArgument names every option that is missing.
func New(o Options) (*Driver, error) {
	e := problem.New(problem.InvalidArgument, "the BigQuery warehouse is not set up")
	if o.Project == "" {
		e.WithField("project", "the Google Cloud project's id is missing")
	}
	if o.Region == "" {
		e.WithField("region", "the region of the datasets is missing, e.g. europe-west1 or EU")
	}
	if o.Bucket == nil {
		e.WithField("bucket", "there is nothing to open buckets with")
	}
	if len(e.Fields) > 0 {
		return nil, e
	}
	return &Driver{o: o, retry: defaultRetry, made: map[string]bool{}, client: gcp.NewLazy(func(ctx context.Context) (*bq.Client, error) {
		c, err := bq.NewClient(ctx, o.Project, o.Client...)
		if err != nil {
			return nil, problem.Wrap(err, problem.FailedPrecondition, "the BigQuery client cannot be made")
		}
		c.Location = o.Region
		return c, nil
	})}, nil
}

// Dialect is BigQuery's.
func (d *Driver) Dialect() warehouse.Dialect { return bigSQL }

var bigSQL dialect.BigQuery

// Close lets the client go.
func (d *Driver) Close() error {
	return d.client.Close(func(c *bq.Client) error {
		return problem.Wrap(c.Close(), problem.Internal, "the BigQuery client did not close")
	})
}

// once makes something that stays, unless this process knows that it is there.
func (d *Driver) once(name string, fn func() error) error {
	d.mu.Lock()
	made := d.made[name]
	d.mu.Unlock()
	if made {
		return nil
	}
	if err := fn(); err != nil {
		return err
	}
	d.mu.Lock()
	d.made[name] = true
	d.mu.Unlock()
	return nil
}
