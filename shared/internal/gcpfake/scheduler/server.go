package scheduler

import (
	"context"
	"net/http"
	"sync"
	"time"

	"cloud.google.com/go/scheduler/apiv1/schedulerpb"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/b2brecs/b2brecs/shared/internal/gcp"
	"github.com/b2brecs/b2brecs/shared/internal/gcpfake/rpc"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/schedule"
)

// Options of Start. Location and Token are required.
type Options struct {
	Location gcp.Location
	// Token gives the OIDC token of a service account for an audience.
	Token func(ctx context.Context, serviceAccount, audience string) (string, error)
	// HTTP makes the requests. Default: a client of its own.
	HTTP *http.Client
	// Now is the clock unless a test brings another, which it moves before a Poke.
	Now func() time.Time
	// Address is a loopback address. Default: a free port.
	Address string
}

// Server is a running fake.
type Server struct {
	*rpc.Server
	opts   Options
	ctx    context.Context
	cancel context.CancelFunc
	wake   chan struct{} // one slot
	tasks  sync.WaitGroup

	mu   sync.Mutex
	jobs map[string]*job // by name
}

// job is a job and where its firings stand.
type job struct {
	*schedulerpb.Job
	times schedule.Times
	// next is when something is due while the job is enabled: a planned time, or with
	// tries above 0 a retry of planned.
	next    time.Time
	planned time.Time
	first   time.Time // its first attempt
	tries   int32
	running bool
}

// Start serves; ctx ends the firing, as Close does.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Location.Project == "" || o.Location.Region == "" || o.Token == nil {
		return nil, problem.New(problem.InvalidArgument, "the fake of Cloud Scheduler needs Location and Token")
	}
	if o.HTTP == nil {
		o.HTTP = &http.Client{}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{opts: o, wake: make(chan struct{}, 1), jobs: map[string]*job{}}
	s.ctx, s.cancel = context.WithCancel(ctx)
	var err error
	s.Server, err = rpc.Serve(o.Address, func(g *grpc.Server) { schedulerpb.RegisterCloudSchedulerServer(g, service{s: s}) })
	if err != nil {
		s.cancel()
		return nil, problem.Wrap(err, problem.InvalidArgument, "the service cannot be served")
	}
	s.tasks.Go(s.run)
	return s, nil
}

// Close ends the server, and firings in flight.
func (s *Server) Close() error {
	err := s.Server.Close()
	s.cancel()
	s.tasks.Wait()
	return err
}

// Poke makes the clock looked at.
func (s *Server) Poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// maxSleep bounds a wait: the system clock may be set.
const maxSleep = time.Minute

func (s *Server) run() {
	for {
		wait := maxSleep
		if next := s.fireDue(); !next.IsZero() {
			wait = min(wait, max(0, next.Sub(s.opts.Now())))
		}
		t := time.NewTimer(wait)
		select {
		case <-s.ctx.Done():
			t.Stop()
			return
		case <-s.wake:
		case <-t.C:
		}
		t.Stop()
	}
}

// fireDue begins what is due and gives the time of what comes next.
func (s *Server) fireDue() (soonest time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opts.Now()
	for _, j := range s.jobs {
		if j.State != schedulerpb.Job_ENABLED || j.running || j.next.IsZero() {
			continue
		}
		if j.next.After(now) {
			if soonest.IsZero() || j.next.Before(soonest) {
				soonest = j.next
			}
			continue
		}
		if j.tries == 0 {
			j.planned, j.first = j.times.Newest(j.next.Add(-time.Second), now), now
		}
		j.running = true
		target, planned := clone(j.Job), j.planned
		s.tasks.Go(func() {
			code := s.attempt(target, planned)
			s.finish(j, now, code)
			s.Poke()
		})
	}
	return soonest
}

// after plans what follows an attempt.
func (j *job) after(now time.Time, failed bool) {
	retry, upcoming := j.RetryConfig, j.times.Next(j.planned)
	limit := retry.GetMaxRetryDuration().AsDuration()
	if failed && retry.RetryCount > 0 && (j.tries < retry.RetryCount || limit > 0 && now.Sub(j.first) < limit) {
		if at := now.Add(backoff(retry, j.tries)); upcoming.IsZero() || at.Before(upcoming) {
			j.tries++
			j.due(at)
			return
		}
	}
	j.tries = 0
	if missed := j.times.Newest(j.planned, now); !missed.IsZero() { // it came while the former one ran
		j.due(missed)
		return
	}
	j.due(j.times.Next(now))
}

func (j *job) due(at time.Time) {
	j.next, j.ScheduleTime = at, nil
	if !at.IsZero() {
		j.ScheduleTime = timestamppb.New(at)
	}
}

// backoff is the wait before retry n, counted from 0 (RetryConfig.max_doublings).
func backoff(r *schedulerpb.RetryConfig, n int32) time.Duration {
	first, most := r.GetMinBackoffDuration().AsDuration(), r.GetMaxBackoffDuration().AsDuration()
	d := first << min(n, r.GetMaxDoublings())
	if over := n - r.GetMaxDoublings(); over > 0 {
		d *= time.Duration(over + 1)
	}
	return min(d, most)
}
