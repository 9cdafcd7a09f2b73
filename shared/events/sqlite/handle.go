package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/internal/sqlitefile"
	"github.com/b2brecs/b2brecs/shared/problem"
)

const (
	sqlBegin = `UPDATE deliveries SET attempts = ? WHERE subscription = ? AND seq = ?`
	sqlAck   = `DELETE FROM deliveries WHERE subscription = ? AND seq = ?`
	sqlRetry = `UPDATE deliveries SET attempts = ?, due = ? WHERE subscription = ? AND seq = ?`
)

// handle makes one attempt and settles it: acknowledged, to be retried, or dead.
func (s *subscriber) handle(v delivery) {
	defer s.d.running.Done()
	defer s.finished(v.msg.Key)
	attempt := v.attempts + 1
	if v.again {
		if attempt > s.MaxAttempts { // the attempts before ended with the process
			s.bury(v, v.attempts, problem.New(problem.Internal, "no attempt came to an end").WithCause("the process stopped during each of them"))
			return
		}
		err, ok := s.d.do(s.d.handlers.Done(), &op{run: func(t *sqlitefile.Tx) error {
			_, err := t.Exec(sqlBegin, attempt, s.Name, v.seq)
			return err
		}})
		if err != nil || !ok {
			s.delay(delay{due: time.Now().Add(time.Second).UnixMilli(), seq: v.seq, again: true})
			return
		}
	}
	m := v.msg
	m.Attempt = attempt
	ctx, end := events.Begin(s.d.handlers, s.Name, m)
	err, timedOut := s.call(ctx, m)
	defer func() { end(err) }()
	log := s.d.opt.Log.With("subscription", s.Name, "event", v.msg.ID, "attempt", attempt)
	switch {
	case err == nil:
		s.d.send(&op{run: func(t *sqlitefile.Tx) error {
			_, err := t.Exec(sqlAck, s.Name, v.seq)
			return err
		}})
	case s.d.handlers.Err() != nil:
		log.InfoContext(ctx, "event handler was stopped; the event comes again at the next start")
	case attempt < s.MaxAttempts && (timedOut || problem.Retryable(err)):
		due := time.Now().Add(s.d.backoff(attempt)).UnixMilli()
		log.WarnContext(ctx, "event handler failed; it is tried again", "error", err)
		s.d.send(&op{run: func(t *sqlitefile.Tx) error {
			_, err := t.Exec(sqlRetry, attempt, due, s.Name, v.seq)
			return err
		}, after: func(error) { s.delay(delay{due: due, seq: v.seq}) }})
	default:
		log.ErrorContext(ctx, "event handler failed for good", "error", err)
		s.bury(v, attempt, err)
	}
}

// call runs the handler with its timeout; a panic is an error of this message.
func (s *subscriber) call(ctx context.Context, m events.Message) (err error, timedOut bool) {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	defer func() {
		if r := recover(); r != nil {
			s.d.opt.Log.ErrorContext(ctx, "event handler panicked", "subscription", s.Name, "event", m.ID, "panic", r, "stack", string(debug.Stack()))
			err = problem.New(problem.Internal, "the handler of %s panicked", s.Name).WithCause("%v", r)
		}
		timedOut = errors.Is(ctx.Err(), context.DeadlineExceeded)
		if err != nil && timedOut {
			err = fmt.Errorf("not done within %s: %w", s.Timeout, err)
		}
	}()
	return s.Handler(ctx, m), false
}

// backoff is the wait after a number of failed attempts: exponential, with half
// of it left to chance so that a herd spreads.
func (d *Driver) backoff(attempts int) time.Duration {
	wait := d.opt.MaxBackoff
	if shift := attempts - 1; shift < 30 {
		wait = min(wait, d.opt.MinBackoff<<shift)
	}
	return wait/2 + rand.N(wait/2+1)
}
