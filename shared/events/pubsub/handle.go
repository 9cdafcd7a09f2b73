package pubsub

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	client "cloud.google.com/go/pubsub/v2"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// receive makes one attempt and settles it: acknowledged, to be retried, or dead.
// The client extends the message's lease while it runs.
func (c *consumer) receive(_ context.Context, pm *client.Message) {
	if to := pm.Attributes[onlyAttribute]; to != "" && to != c.Name {
		pm.Ack() // a replay of another subscription
		return
	}
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-c.d.receiving.Done():
	}
	if c.d.receiving.Err() != nil { // it waited in the process; another one shall have it
		pm.Nack()
		return
	}
	if err := c.attempt(pm); err != nil {
		pm.Nack() // it comes again after the back-off of the subscription's retry policy
		return
	}
	pm.Ack()
}

// attempt gives nil when the message is done with: handled or buried.
func (c *consumer) attempt(pm *client.Message) error {
	v := received{id: pm.ID, attributes: pm.Attributes, data: pm.Data, key: pm.OrderingKey, published: pm.PublishTime, attempt: 1}
	if pm.DeliveryAttempt != nil {
		v.attempt = *pm.DeliveryAttempt
	}
	m, err := c.d.decode(c.Topic, c.Name, v)
	if err == nil && m.Topic != c.Topic {
		err = problem.New(problem.InvalidArgument, "event %s is of topic %s; %s takes %s", m.ID, m.Topic, c.Name, c.Topic)
	}
	m.Topic = c.Topic // also of what cannot be decoded
	ctx, end := events.Begin(c.d.handlers, c.Name, m)
	defer func() { end(err) }()
	log := c.d.opt.Log.With("subscription", c.Name, "event", m.ID, "message", pm.ID, "attempt", v.attempt)
	var timedOut bool
	switch {
	case err != nil:
	case v.attempt > c.MaxAttempts: // the attempts before ended with their process
		err = problem.New(problem.Internal, "no attempt came to an end").WithCause("the process stopped during each of them")
		timedOut = true
	default:
		err, timedOut = c.call(ctx, m)
	}
	switch {
	case err == nil:
		return nil
	case c.d.handlers.Err() != nil:
		log.InfoContext(ctx, "event handler was stopped; the event comes again")
		return err
	case v.attempt < c.MaxAttempts && (timedOut || problem.Retryable(err)):
		log.WarnContext(ctx, "event handler failed; it is tried again", "error", err)
		return err
	}
	log.ErrorContext(ctx, "event handler failed for good", "error", err)
	burying, cancel := context.WithTimeout(c.d.open, buryTimeout)
	defer cancel()
	if failed := c.d.bury(burying, c.Name, v, err); failed != nil {
		log.ErrorContext(ctx, "the dead letter cannot be kept; the event comes again", "error", failed)
		return failed
	}
	return nil
}

// buryTimeout bounds the publication of a dead letter.
const buryTimeout = 30 * time.Second

// call runs the handler with its timeout; a panic is an error of this message.
func (c *consumer) call(ctx context.Context, m events.Message) (err error, timedOut bool) {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	defer func() {
		if r := recover(); r != nil {
			c.d.opt.Log.ErrorContext(ctx, "event handler panicked", "subscription", c.Name, "event", m.ID, "panic", r, "stack", string(debug.Stack()))
			err = problem.New(problem.Internal, "the handler of %s panicked", c.Name).WithCause("%v", r)
		}
		timedOut = errors.Is(ctx.Err(), context.DeadlineExceeded)
		if err != nil && timedOut {
			err = fmt.Errorf("not done within %s: %w", c.Timeout, err)
		}
	}()
	return c.Handler(ctx, m), false
}
