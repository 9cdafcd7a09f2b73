package pubsub

import (
	"context"
	"time"

	client "cloud.google.com/go/pubsub/v2"
	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/internal/gcp"
	"github.com/b2brecs/b2brecs/shared/problem"
)

const (
	// ahead is how many messages wait in the process besides those being handled.
	// Acknowledgements travel ten times a second; with less a quick handler starves.
	ahead = 100
	// aheadBytes bounds the payloads held by one subscription.
	aheadBytes = 64 << 20
	// lease is the longest acknowledgement deadline asked for at once: so long the
	// messages of a process that died, and those on their way to one that stopped,
	// stay away. Pub/Sub allows 10 to 600 s
	// (https://cloud.google.com/pubsub/docs/lease-management).
	lease = 20 * time.Second
	// checkTimeout bounds Subscribe's own call.
	checkTimeout = 30 * time.Second
	// A consumer whose stream fails for good is started again after restartMin, and
	// twice as long after each failure up to restartMax.
	restartMin, restartMax = time.Second, time.Minute
)

// consumer delivers one subscription.
type consumer struct {
	events.Subscription
	d     *Driver
	slots chan struct{} // one place per handler
}

// Subscribe implements events.Driver: it pulls from a subscription that exists.
// NotFound when it does not, FailedPrecondition when it is of another topic, is
// pushed, keeps no order, or has another dead-letter policy than s needs.
func (d *Driver) Subscribe(s events.Subscription) error {
	if err := checkName("subscription", s.Name); err != nil {
		return err
	}
	d.mu.Lock()
	taken := d.subs[s.Name]
	d.subs[s.Name] = true
	d.mu.Unlock()
	if taken {
		return problem.New(problem.AlreadyExists, "subscription %q exists already", s.Name)
	}
	err := d.consume(s)
	if err != nil {
		d.mu.Lock()
		delete(d.subs, s.Name)
		d.mu.Unlock()
	}
	return err
}

// consume starts the consumer of a subscription.
func (d *Driver) consume(s events.Subscription) error {
	ctx, cancel := context.WithTimeout(d.receiving, checkTimeout)
	defer cancel()
	cl, err := d.get(ctx)
	if err != nil {
		return err
	}
	p, err := cl.SubscriptionAdminClient.GetSubscription(ctx, &pb.GetSubscriptionRequest{Subscription: d.subscriptionPath(s.Name)})
	if err != nil {
		return gcp.Problem(ctx, err, "subscription %s cannot be read", s.Name)
	}
	if err := d.fits(s, p); err != nil {
		return err
	}
	sub := cl.Subscriber(d.subscriptionPath(s.Name))
	sub.ReceiveSettings = client.ReceiveSettings{
		MaxOutstandingMessages: s.Concurrency + ahead,
		MaxOutstandingBytes:    aheadBytes,
		// The last of those that wait has its turn after all the others.
		MaxExtension:               s.Timeout * time.Duration(2+ahead/s.Concurrency),
		MaxDurationPerAckExtension: lease,
		NumGoroutines:              1,
	}
	c := &consumer{Subscription: s, d: d, slots: make(chan struct{}, s.Concurrency)}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return errClosed()
	}
	d.running.Go(func() { c.run(sub) })
	return nil
}

// fits says whether a subscription can be consumed.
func (d *Driver) fits(s events.Subscription, p *pb.Subscription) error {
	bad := func(format string, args ...any) error {
		return problem.New(problem.FailedPrecondition, "subscription "+s.Name+" "+format, args...)
	}
	switch {
	case p.Topic != d.topicPath(s.Topic):
		return bad("is of %s, not of %s", p.Topic, d.topicPath(s.Topic))
	case p.GetPushConfig().GetPushEndpoint() != "":
		return bad("is pushed to %s; it cannot be pulled", p.PushConfig.PushEndpoint)
	case !p.EnableMessageOrdering:
		return bad("does not keep the order of keys")
	case p.GetDeadLetterPolicy().GetDeadLetterTopic() == "":
		return bad("has no dead-letter policy, without which Pub/Sub counts no attempts")
	case p.DeadLetterPolicy.DeadLetterTopic != d.topicPath(DeadName(s.Name)):
		return bad("has its dead letters at %s, not at %s", p.DeadLetterPolicy.DeadLetterTopic, d.topicPath(DeadName(s.Name)))
	case int(p.DeadLetterPolicy.MaxDeliveryAttempts) < s.MaxAttempts:
		return bad("gives up after %d attempts, before the %d of its consumer", p.DeadLetterPolicy.MaxDeliveryAttempts, s.MaxAttempts)
	}
	return nil
}

// run receives until the driver is closed.
func (c *consumer) run(sub *client.Subscriber) {
	for wait := restartMin; ; wait = min(2*wait, restartMax) {
		began := time.Now()
		err := sub.Receive(c.d.receiving, c.receive)
		if c.d.receiving.Err() != nil {
			return
		}
		if time.Since(began) > restartMax {
			wait = restartMin
		}
		c.d.opt.Log.Error("events are not delivered; the consumer starts again", "subscription", c.Name, "error", err, "wait", wait)
		select {
		case <-time.After(wait):
		case <-c.d.receiving.Done():
			return
		}
	}
}
