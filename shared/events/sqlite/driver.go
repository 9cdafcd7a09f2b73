package sqlite

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/internal/lifetime"
	"github.com/b2brecs/b2brecs/shared/internal/sqlitefile"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// schema steps are append-only. due is 0 until the first failure, then the unix
// millisecond of the next attempt.
var schema = []string{`
CREATE TABLE messages (
  seq       INTEGER PRIMARY KEY AUTOINCREMENT,
  topic     TEXT NOT NULL,
  id        TEXT NOT NULL,
  type      TEXT NOT NULL,
  time      TEXT NOT NULL,
  key       TEXT NOT NULL,
  data      TEXT NOT NULL,
  published INTEGER NOT NULL,
  UNIQUE (topic, id)
);
CREATE TABLE subscriptions (
  name  TEXT PRIMARY KEY,
  topic TEXT NOT NULL,
  seen  INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX subscriptions_by_topic ON subscriptions (topic);
CREATE TABLE deliveries (
  subscription TEXT NOT NULL,
  seq          INTEGER NOT NULL,
  attempts     INTEGER NOT NULL,
  due          INTEGER NOT NULL,
  PRIMARY KEY (subscription, seq)
) WITHOUT ROWID;
CREATE TABLE dead (
  subscription TEXT NOT NULL,
  seq          INTEGER NOT NULL,
  topic        TEXT NOT NULL,
  id           TEXT NOT NULL,
  type         TEXT NOT NULL,
  time         TEXT NOT NULL,
  key          TEXT NOT NULL,
  data         TEXT NOT NULL,
  attempts     INTEGER NOT NULL,
  reason       TEXT NOT NULL,
  at           INTEGER NOT NULL,
  PRIMARY KEY (subscription, seq)
) WITHOUT ROWID;`, `
ALTER TABLE messages ADD COLUMN traceparent TEXT NOT NULL DEFAULT '';
ALTER TABLE dead ADD COLUMN traceparent TEXT NOT NULL DEFAULT '';`}

// Options tune the driver; the zero value takes the defaults.
type Options struct {
	// MinBackoff is the wait after the first failure; it doubles with each. Default 200 ms.
	MinBackoff time.Duration
	// MaxBackoff bounds it. Default 1 minute.
	MaxBackoff time.Duration
	// Retention of acknowledged messages: how long a repeated id is recognised and
	// how far back a new subscription reads. Default 7 days, Pub/Sub's own
	// (https://cloud.google.com/pubsub/docs/subscription-properties).
	Retention time.Duration
	// Log gets failed deliveries. Default slog.Default().
	Log *slog.Logger
}

// Driver implements events.Driver. It is safe for concurrent use.
type Driver struct {
	opt  Options
	file *sqlitefile.File
	ops  chan *op
	stop chan struct{} // closed: no more ops
	done chan struct{} // closed: the committer ended

	handlers *lifetime.Lifetime // the context of running handlers
	commits  *lifetime.Lifetime // the context of commits; ends after them
	running  sync.WaitGroup
	closing  sync.Once

	mu     sync.Mutex
	closed bool // no handler starts any more
	subs   map[string]*subscriber
}

var _ events.Driver = (*Driver)(nil)

// Open opens or creates the queue in the file at path with default options.
func Open(path string) (*Driver, error) { return OpenWith(path, Options{}) }

// OpenWith is Open with options.
func OpenWith(path string, opt Options) (*Driver, error) {
	if opt.MinBackoff <= 0 {
		opt.MinBackoff = 200 * time.Millisecond
	}
	if opt.MaxBackoff <= 0 {
		opt.MaxBackoff = time.Minute
	}
	if opt.Retention <= 0 {
		opt.Retention = 7 * 24 * time.Hour
	}
	if opt.Log == nil {
		opt.Log = slog.Default()
	}
	f, err := sqlitefile.Open(path, schema...)
	if err != nil {
		return nil, err
	}
	if err := f.Prepare(sqlInsertMessage, sqlInsertDeliveries, sqlBegin, sqlAck, sqlRetry); err != nil {
		f.Close()
		return nil, err
	}
	d := &Driver{
		opt: opt, file: f,
		ops:  make(chan *op, 4*maxBatch),
		stop: make(chan struct{}), done: make(chan struct{}),
		handlers: lifetime.New(), commits: lifetime.New(),
		subs: map[string]*subscriber{},
	}
	go d.commit()
	go d.purgeHourly()
	return d, nil
}

// Close implements events.Driver. When ctx ends before the handlers do, their
// contexts are cancelled and they get closeGrace to notice; what they return
// then counts as no attempt.
func (d *Driver) Close(ctx context.Context) error {
	var err error
	d.closing.Do(func() {
		d.mu.Lock()
		d.closed = true
		subs := make([]*subscriber, 0, len(d.subs))
		for _, s := range d.subs {
			subs = append(subs, s)
		}
		d.mu.Unlock()
		for _, s := range subs {
			s.close()
		}
		idle := make(chan struct{})
		go func() { d.running.Wait(); close(idle) }()
		select {
		case <-idle:
		case <-ctx.Done():
			d.handlers.End()
			select {
			case <-idle:
			case <-time.After(closeGrace):
				err = problem.New(problem.Unavailable, "some event handlers did not end in time; their events come again at the next start")
			}
		}
		d.handlers.End()
		close(d.stop)
		<-d.done
		d.commits.End()
		if e := d.file.Close(); err == nil {
			err = e
		}
	})
	return err
}

// closeGrace is how long a cancelled handler may take to return.
const closeGrace = 2 * time.Second
