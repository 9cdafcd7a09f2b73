package firestore

import (
	"context"
	"errors"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"cloud.google.com/go/firestore"
	raw "cloud.google.com/go/firestore/apiv1"
	"github.com/googleapis/gax-go/v2"
	"google.golang.org/api/option"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/b2brecs/b2brecs/shared/internal/gcp"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
)

// Options are what a Driver needs. Its identity has roles/datastore.user.
type Options struct {
	gcp.Location        // the project; a database's region is its own
	Database     string // "" is "(default)"
	// Shapes are the queries that will be asked; nil means the product's, Shapes().
	Shapes []Shape
	// Client leads to another endpoint, or gives other credentials.
	Client []option.ClientOption
}

// Driver implements state.Driver. It is safe for concurrent use.
type Driver struct {
	database string // projects/P/databases/D
	fields   []string
	params   string // the same, as the header that routes a call
	// client reads and queries; rpc goes below it. For transactions: RunTransaction of
	// the former sleeps up to a second after a conflict, even when no attempt is left,
	// and repeats a commit whose answer was lost. For watches: see there.
	client *gcp.Lazy[*firestore.Client]
	rpc    *gcp.Lazy[*raw.Client]

	closing sync.Once
	closed  chan struct{}
}

var _ state.Driver = (*Driver)(nil)

// New makes a Driver and dials nothing.
func New(o Options) (*Driver, error) {
	if o.Database == "" {
		o.Database = firestore.DefaultDatabaseID
	}
	if o.Shapes == nil {
		o.Shapes = Shapes()
	}
	fields := fieldsOf(o.Shapes)
	p := problem.New(problem.InvalidArgument, "Firestore cannot be used as asked")
	if o.Project == "" {
		p = p.WithField("project", "must be the id of the Google Cloud project")
	}
	room := fieldsRoom
	for _, f := range fields {
		room -= len(f) + 1 + maxIndexed + 1
		for part := range strings.SplitSeq(f, ".") {
			if part == "" || strings.HasPrefix(part, "__") && strings.HasSuffix(part, "__") {
				p = p.WithField("shapes", "%q is not a field name that Firestore takes", f)
			}
		}
	}
	if room < 0 {
		p = p.WithField("shapes", "%d fields are too many: beside its JSON a document has room for %d bytes", len(fields), fieldsRoom)
	}
	if os.Getenv("FIRESTORE_EMULATOR_HOST") != "" {
		// The client that reads would follow it, the one that writes would not.
		p = p.WithField("client", "give an emulator's endpoint here; FIRESTORE_EMULATOR_HOST must not be set")
	}
	if len(p.Fields) > 0 {
		return nil, p
	}
	return &Driver{
		database: "projects/" + o.Project + "/databases/" + o.Database,
		fields:   fields,
		params:   "project_id=" + url.QueryEscape(o.Project) + "&database_id=" + url.QueryEscape(o.Database),
		closed:   make(chan struct{}),
		client: gcp.NewLazy(func(ctx context.Context) (*firestore.Client, error) {
			c, err := firestore.NewClientWithDatabase(ctx, o.Project, o.Database, o.Client...)
			return c, gcp.Problem(ctx, err, "connect to Firestore")
		}),
		rpc: gcp.NewLazy(func(ctx context.Context) (*raw.Client, error) {
			c, err := raw.NewClient(ctx, o.Client...)
			if err != nil {
				return nil, gcp.Problem(ctx, err, "connect to Firestore")
			}
			// The portable type repeats a transaction as a whole; a commit is never sent twice.
			once := []gax.CallOption{gax.WithTimeout(time.Minute)}
			c.CallOptions.BeginTransaction, c.CallOptions.Commit = once, once
			c.CallOptions.BatchGetDocuments = nil // a limit on the call would end its stream
			return c, nil
		}),
	}, nil
}

// Close ends the watches and the connections.
func (d *Driver) Close() error {
	d.closing.Do(func() { close(d.closed) })
	return errors.Join(d.client.Close((*firestore.Client).Close), d.rpc.Close((*raw.Client).Close))
}

// open says whether the driver may still be used.
func (d *Driver) open() error {
	select {
	case <-d.closed:
		return problem.New(problem.Unavailable, "the store is closed")
	default:
		return nil
	}
}

// documents is the root of all documents.
func (d *Driver) documents() string { return d.database + "/documents" }

// docs is the Firestore collection of a collection.
func (d *Driver) docs(ctx context.Context, collection string) (*firestore.CollectionRef, error) {
	if err := d.open(); err != nil {
		return nil, err
	}
	id, err := collectionID(collection)
	if err != nil {
		return nil, err
	}
	c, err := d.client.Get(ctx)
	if err != nil {
		return nil, err
	}
	return c.Collection(rootID).Doc(id).Collection(docsID), nil
}

// Get implements state.Driver.
func (d *Driver) Get(ctx context.Context, collection, id string) (state.Document, error) {
	docs, err := d.docs(ctx, collection)
	if err != nil {
		return state.Document{}, err
	}
	snap, err := docs.Doc(id).Get(ctx)
	if status.Code(err) == codes.NotFound {
		return state.Document{}, notFound(collection, id)
	}
	if err != nil {
		return state.Document{}, problemOf(ctx, err, "read %s/%s", collection, id)
	}
	return documentOf(snap)
}

func notFound(collection, id string) error {
	return problem.New(problem.NotFound, "%s/%s does not exist", collection, id)
}

// problemOf maps an error of the clients. Firestore calls a transaction that it has
// given up an invalid argument; it is a conflict like any other
// (https://github.com/googleapis/nodejs-firestore/blob/main/dev/src/transaction.ts, isRetryableTransactionError).
func problemOf(ctx context.Context, err error, format string, args ...any) error {
	if status.Code(err) == codes.InvalidArgument && strings.Contains(err.Error(), "transaction has expired") {
		return problem.Wrap(err, problem.Unavailable, format, args...)
	}
	return gcp.Problem(ctx, err, format, args...)
}
