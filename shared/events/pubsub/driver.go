package pubsub

import (
	"context"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"time"

	client "cloud.google.com/go/pubsub/v2"
	"google.golang.org/api/option"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/events/cloudevent"
	"github.com/b2brecs/b2brecs/shared/internal/gcp"
	"github.com/b2brecs/b2brecs/shared/internal/lifetime"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// Options say where the topics are.
type Options struct {
	// Project is the Google Cloud project's id. Required.
	Project string
	// Buckets gives the product's name of each bucket, see cloudevent.Decoder.
	Buckets map[string]string
	// PeekWait is how long a look at the dead letters waits for another one; every
	// look takes it once. Default 2 s.
	PeekWait time.Duration
	// Client options, e.g. the endpoint of an emulator.
	Client []option.ClientOption
	// Log gets failed deliveries. Default slog.Default().
	Log *slog.Logger
}

// Driver implements events.Driver. It is safe for concurrent use.
type Driver struct {
	opt    Options
	client *gcp.Lazy[*client.Client]
	peek   chan struct{} // one place: looks at dead letters hide them from each other

	receiving *lifetime.Lifetime // ends when Close begins
	handlers  *lifetime.Lifetime // the context of running handlers
	open      *lifetime.Lifetime // ends when Close ends
	running   sync.WaitGroup     // consumers
	closing   sync.Once

	mu     sync.Mutex
	closed bool // no consumer starts any more
	subs   map[string]bool
}

var _ events.Driver = (*Driver)(nil)

// projectID is the form of a project's id
// (https://cloud.google.com/resource-manager/docs/creating-managing-projects).
var projectID = regexp.MustCompile(`^([a-z][a-z0-9.-]*:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$`)

// New makes a driver; it dials nothing.
func New(opt Options) (*Driver, error) {
	bad := problem.New(problem.InvalidArgument, "the options of the Pub/Sub driver are not valid")
	if !projectID.MatchString(opt.Project) {
		bad = bad.WithField("Project", "%q is not a project id: 6 to 30 lower-case letters, digits and hyphens", opt.Project)
	}
	if opt.PeekWait < 0 {
		bad = bad.WithField("PeekWait", "%v is negative", opt.PeekWait)
	}
	if len(bad.Fields) > 0 {
		return nil, bad
	}
	if opt.PeekWait == 0 {
		opt.PeekWait = 2 * time.Second
	}
	if opt.Log == nil {
		opt.Log = slog.Default()
	}
	d := &Driver{
		opt: opt, peek: make(chan struct{}, 1), subs: map[string]bool{},
		receiving: lifetime.New(), handlers: lifetime.New(), open: lifetime.New(),
	}
	d.client = gcp.NewLazy(func(ctx context.Context) (*client.Client, error) {
		c, err := client.NewClient(ctx, opt.Project, opt.Client...)
		return c, gcp.Problem(ctx, err, "the client of Pub/Sub cannot be made")
	})
	return d, nil
}

// get gives the client, or an error after Close.
func (d *Driver) get(ctx context.Context) (*client.Client, error) {
	if d.open.Err() != nil {
		return nil, errClosed()
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return d.client.Get(ctx)
}

func errClosed() error { return problem.New(problem.Unavailable, "the event bus is closed") }

// name is the form of topics and subscriptions. Their resource ids are the names
// themselves (https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names).
var name = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{2,199}$`)

func checkName(kind, s string) error {
	if !name.MatchString(s) || strings.HasPrefix(s, "goog") {
		return problem.New(problem.InvalidArgument, "%.100q is not a %s: a letter, then 2 to 199 letters, digits and hyphens, not beginning with goog", s, kind)
	}
	return nil
}

func (d *Driver) topicPath(topic string) string {
	return "projects/" + d.opt.Project + "/topics/" + topic
}

func (d *Driver) subscriptionPath(subscription string) string {
	return "projects/" + d.opt.Project + "/subscriptions/" + subscription
}

func (d *Driver) decoder() cloudevent.Decoder { return cloudevent.Decoder{Buckets: d.opt.Buckets} }

// closeGrace is how long a cancelled handler may take to return.
const closeGrace = 2 * time.Second

// Close implements events.Driver. When ctx ends before the handlers do, their
// contexts are cancelled and they get closeGrace to notice; their messages come
// again, whatever they return.
func (d *Driver) Close(ctx context.Context) error {
	var err error
	d.closing.Do(func() {
		d.mu.Lock()
		d.closed = true
		d.mu.Unlock()
		d.receiving.End()
		idle := make(chan struct{})
		go func() { d.running.Wait(); close(idle) }()
		select {
		case <-idle:
		case <-ctx.Done():
			d.handlers.End()
			select {
			case <-idle:
			case <-time.After(closeGrace):
				err = problem.New(problem.Unavailable, "some event handlers did not end in time; their events come again")
			}
		}
		d.handlers.End()
		d.open.End()
		if e := d.client.Close((*client.Client).Close); err == nil && e != nil {
			err = gcp.Problem(ctx, e, "the client of Pub/Sub cannot be closed")
		}
	})
	return err
}
