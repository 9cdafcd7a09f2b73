package pubsub

import (
	"context"
	"time"

	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/b2brecs/b2brecs/shared/internal/gcp"
	"github.com/b2brecs/b2brecs/shared/problem"
)

const (
	// Retention of a topic's messages: how far back a new subscription reads. Pub/Sub
	// keeps a topic's messages up to 31 days
	// (https://cloud.google.com/pubsub/docs/topic-properties).
	Retention = 7 * 24 * time.Hour
	// DeadRetention of dead letters, the longest there is
	// (https://cloud.google.com/pubsub/docs/subscription-properties).
	DeadRetention = 31 * 24 * time.Hour
	// deadAckDeadline is how long a look holds dead letters when its process dies.
	deadAckDeadline = 60 // seconds
	// maxPolicyAttempts is the most deliveries before Pub/Sub forwards a message
	// (https://cloud.google.com/pubsub/docs/handling-failures).
	maxPolicyAttempts = 100
)

// Queue is a subscription to be made.
type Queue struct {
	Name, Topic string
	// Push is the URL messages are posted to; "" is a subscription to pull from.
	Push string
	// Timeout of one delivery by push, 10 s to 600 s; 0 is 60 s.
	Timeout time.Duration
	// MaxAttempts before Pub/Sub itself forwards a message to the dead letters, 5 to
	// 100; 0 is 100 for a subscription to pull from, whose consumer is to be first,
	// and 8 for one that is pushed.
	MaxAttempts int
	// MinBackoff and MaxBackoff are the waits between attempts, up to 600 s; 0 is 1 s
	// and 60 s.
	MinBackoff, MaxBackoff time.Duration
}

// Ensure makes what a subscription needs and is missing: its topic, the subscription,
// and the topic and the subscription of its dead letters. A new subscription gets the
// messages its topic keeps. FailedPrecondition when the subscription exists and is
// of another topic or of another kind of delivery; other differences stay.
//
// It is for tests and for installations that run without Terraform.
func (d *Driver) Ensure(ctx context.Context, q Queue) error {
	if err := checkName("subscription", q.Name); err != nil {
		return err
	}
	if err := d.EnsureTopic(ctx, q.Topic); err != nil {
		return err
	}
	dead := DeadName(q.Name)
	if err := d.createTopic(ctx, &pb.Topic{Name: d.topicPath(dead)}); err != nil {
		return err
	}
	if _, err := d.createSubscription(ctx, &pb.Subscription{
		Name: d.subscriptionPath(dead), Topic: d.topicPath(dead),
		AckDeadlineSeconds:       deadAckDeadline,
		MessageRetentionDuration: durationpb.New(DeadRetention),
		ExpirationPolicy:         &pb.ExpirationPolicy{}, // never: nobody may look for a month
	}); err != nil {
		return err
	}
	made, err := d.createSubscription(ctx, d.queue(q))
	if err != nil || !made {
		return err
	}
	c, err := d.get(ctx)
	if err != nil {
		return err
	}
	_, err = c.SubscriptionAdminClient.Seek(ctx, &pb.SeekRequest{
		Subscription: d.subscriptionPath(q.Name),
		Target:       &pb.SeekRequest_Time{Time: timestamppb.New(time.Now().Add(-Retention))},
	})
	return gcp.Problem(ctx, err, "subscription %s cannot be set to the beginning of its topic", q.Name)
}

func (d *Driver) queue(q Queue) *pb.Subscription {
	if q.MaxAttempts == 0 {
		if q.MaxAttempts = maxPolicyAttempts; q.Push != "" {
			q.MaxAttempts = 8
		}
	}
	orElse := func(v, or time.Duration) time.Duration {
		if v == 0 {
			return or
		}
		return v
	}
	s := &pb.Subscription{
		Name: d.subscriptionPath(q.Name), Topic: d.topicPath(q.Topic),
		AckDeadlineSeconds:    int32(orElse(q.Timeout, time.Minute) / time.Second),
		EnableMessageOrdering: true,
		ExpirationPolicy:      &pb.ExpirationPolicy{},
		DeadLetterPolicy: &pb.DeadLetterPolicy{
			DeadLetterTopic:     d.topicPath(DeadName(q.Name)),
			MaxDeliveryAttempts: int32(q.MaxAttempts),
		},
		RetryPolicy: &pb.RetryPolicy{
			MinimumBackoff: durationpb.New(orElse(q.MinBackoff, time.Second)),
			MaximumBackoff: durationpb.New(orElse(q.MaxBackoff, time.Minute)),
		},
	}
	if q.Push != "" {
		s.PushConfig = &pb.PushConfig{PushEndpoint: q.Push}
	}
	return s
}

// EnsureTopic makes a topic that is missing.
func (d *Driver) EnsureTopic(ctx context.Context, topic string) error {
	if err := checkName("topic", topic); err != nil {
		return err
	}
	return d.createTopic(ctx, &pb.Topic{Name: d.topicPath(topic), MessageRetentionDuration: durationpb.New(Retention)})
}

func (d *Driver) createTopic(ctx context.Context, t *pb.Topic) error {
	c, err := d.get(ctx)
	if err != nil {
		return err
	}
	_, err = c.TopicAdminClient.CreateTopic(ctx, t)
	if gcp.Code(err) == problem.AlreadyExists {
		return nil
	}
	return gcp.Problem(ctx, err, "%s cannot be made", t.Name)
}

// createSubscription says whether it made the subscription.
func (d *Driver) createSubscription(ctx context.Context, s *pb.Subscription) (bool, error) {
	c, err := d.get(ctx)
	if err != nil {
		return false, err
	}
	_, err = c.SubscriptionAdminClient.CreateSubscription(ctx, s)
	if gcp.Code(err) != problem.AlreadyExists {
		return err == nil, gcp.Problem(ctx, err, "%s cannot be made", s.Name)
	}
	have, err := c.SubscriptionAdminClient.GetSubscription(ctx, &pb.GetSubscriptionRequest{Subscription: s.Name})
	if err != nil {
		return false, gcp.Problem(ctx, err, "%s cannot be read", s.Name)
	}
	if have.Topic != s.Topic || have.GetPushConfig().GetPushEndpoint() != s.GetPushConfig().GetPushEndpoint() {
		return false, problem.New(problem.FailedPrecondition, "%s exists, of %s and with push endpoint %q", s.Name, have.Topic, have.GetPushConfig().GetPushEndpoint())
	}
	return false, nil
}
