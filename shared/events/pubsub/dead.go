package pubsub

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/internal/gcp"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// deadSuffix makes the topic and the subscription of a subscription's dead letters.
// The dot keeps them apart from the product's own names, which have none.
const deadSuffix = ".dead"

// DeadName is the resource id of the topic that takes the dead letters of a
// subscription, and of the subscription that holds them.
func DeadName(subscription string) string { return subscription + deadSuffix }

// Attributes a dead letter has besides those of its message.
const (
	attributePrefix   = "b2brecs-"
	reasonAttribute   = attributePrefix + "reason"
	atAttribute       = attributePrefix + "at"
	attemptsAttribute = attributePrefix + "attempts"
	// onlyAttribute of a replayed message names the one subscription it is for.
	onlyAttribute = attributePrefix + "only"
	// sourcePrefix begins the attributes of what Pub/Sub forwards by itself
	// (https://cloud.google.com/pubsub/docs/handling-failures).
	sourcePrefix   = "CloudPubSubDeadLetterSource"
	countAttribute = sourcePrefix + "DeliveryCount"
)

// maxReason bounds the kept text of a failure: the limit of an attribute's value, in
// bytes (https://cloud.google.com/pubsub/quotas#resource_limits).
const maxReason = 1024

// Bury keeps a message as a dead letter of a subscription, with the reason. It is for
// those who get messages by push and then acknowledge them.
func (d *Driver) Bury(ctx context.Context, subscription string, m events.Message, reason error) error {
	if err := checkName("subscription", subscription); err != nil {
		return err
	}
	p := encode(m)
	return d.bury(ctx, subscription, received{attributes: p.Attributes, data: p.Data, key: p.OrderingKey, attempt: m.Attempt}, reason)
}

func (d *Driver) bury(ctx context.Context, subscription string, v received, reason error) error {
	text := strings.ToValidUTF8(reason.Error(), "\uFFFD")
	if len(text) > maxReason {
		text = strings.ToValidUTF8(text[:maxReason], "")
	}
	a := own(v.attributes)
	a[reasonAttribute] = text
	a[atAttribute] = time.Now().UTC().Format(time.RFC3339Nano)
	a[attemptsAttribute] = strconv.Itoa(v.attempt)
	return d.publish(ctx, d.topicPath(DeadName(subscription)), &pb.PubsubMessage{Attributes: a, Data: v.data, OrderingKey: v.key})
}

// own gives a copy of the attributes a message had when it was first published.
func own(attributes map[string]string) map[string]string {
	a := maps.Clone(attributes)
	if a == nil {
		a = map[string]string{}
	}
	maps.DeleteFunc(a, func(k, _ string) bool {
		return strings.HasPrefix(k, attributePrefix) || strings.HasPrefix(k, sourcePrefix)
	})
	return a
}

// letter is a dead letter that is held.
type letter struct {
	events.DeadLetter
	received received
	ackID    string
}

// DeadLetters implements events.Driver: see the package comment.
func (d *Driver) DeadLetters(ctx context.Context, subscription string, limit int) ([]events.DeadLetter, error) {
	if limit <= 0 {
		return nil, nil
	}
	var out []events.DeadLetter
	err := d.look(ctx, subscription, func(_ string, held []letter) ([]string, error) {
		seen := map[string]bool{}
		for _, l := range held {
			if len(out) < limit && !seen[l.Message.ID] {
				seen[l.Message.ID] = true
				out = append(out, l.DeadLetter)
			}
		}
		return nil, nil
	})
	if problem.Is(err, problem.NotFound) {
		return nil, nil
	}
	return out, err
}

// Replay implements events.Driver: the message is published again to its topic, for
// the one subscription. A failure between the publication and the removal of the
// dead letter leaves both.
func (d *Driver) Replay(ctx context.Context, subscription, id string) error {
	return d.look(ctx, subscription, func(topic string, held []letter) (done []string, err error) {
		for _, l := range held {
			if l.Message.ID != id {
				continue
			}
			if done = append(done, l.ackID); len(done) > 1 { // an older copy
				continue
			}
			a := own(l.received.attributes)
			a[onlyAttribute] = subscription
			if err := d.publish(ctx, topic, &pb.PubsubMessage{Attributes: a, Data: l.received.data, OrderingKey: l.received.key}); err != nil {
				return nil, err
			}
		}
		if len(done) == 0 {
			return nil, problem.New(problem.NotFound, "subscription %s has no dead letter %q", subscription, id)
		}
		return done, nil
	})
}

const (
	// A look holds at most so many dead letters and bytes of them.
	maxLook, maxLookBytes = 1000, 64 << 20
	// releaseTimeout bounds the return of what a look held.
	releaseTimeout = 10 * time.Second
)

// look holds the dead letters of a subscription, newest first, while fn runs with
// them and the path of the subscription's topic; then it removes those fn names and
// gives the others back.
func (d *Driver) look(ctx context.Context, subscription string, fn func(topic string, held []letter) (done []string, err error)) error {
	if err := checkName("subscription", subscription); err != nil {
		return err
	}
	select {
	case d.peek <- struct{}{}:
		defer func() { <-d.peek }()
	case <-ctx.Done():
		return ctx.Err()
	}
	c, err := d.get(ctx)
	if err != nil {
		return err
	}
	source, err := c.SubscriptionAdminClient.GetSubscription(ctx, &pb.GetSubscriptionRequest{Subscription: d.subscriptionPath(subscription)})
	if err != nil {
		return gcp.Problem(ctx, err, "subscription %s cannot be read", subscription)
	}
	path := d.subscriptionPath(DeadName(subscription))
	var held []letter
	var bytes int
	defer func() { // the others, and after a failure all
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout)
		defer cancel()
		for page := range slices.Chunk(held, maxLook) {
			r := &pb.ModifyAckDeadlineRequest{Subscription: path, AckIds: ackIDs(page)}
			if err := c.SubscriptionAdminClient.ModifyAckDeadline(ctx, r); err != nil {
				d.opt.Log.WarnContext(ctx, "dead letters stay hidden for the acknowledgement deadline", "subscription", subscription, "error", err)
			}
		}
	}()
	for len(held) < maxLook && bytes < maxLookBytes {
		page, err := d.pull(ctx, path, maxLook-len(held))
		if err != nil {
			return gcp.Problem(ctx, err, "the dead letters of %s cannot be read", subscription)
		}
		if len(page) == 0 {
			break
		}
		for _, m := range page {
			l, err := d.letter(source.Topic, subscription, m)
			if err != nil {
				return err
			}
			held = append(held, l)
			bytes += len(m.Message.GetData())
		}
	}
	slices.SortStableFunc(held, func(a, b letter) int { return b.At.Compare(a.At) })
	done, err := fn(source.Topic, held)
	if err != nil || len(done) == 0 {
		return err
	}
	if err := c.SubscriptionAdminClient.Acknowledge(ctx, &pb.AcknowledgeRequest{Subscription: path, AckIds: done}); err != nil {
		return gcp.Problem(ctx, err, "a dead letter of %s was put back, but stays", subscription)
	}
	held = slices.DeleteFunc(held, func(l letter) bool { return slices.Contains(done, l.ackID) })
	return nil
}

// pull gives what comes within PeekWait, nothing when nothing does.
func (d *Driver) pull(ctx context.Context, path string, limit int) ([]*pb.ReceivedMessage, error) {
	c, err := d.get(ctx)
	if err != nil {
		return nil, err
	}
	waiting, cancel := context.WithTimeout(ctx, d.opt.PeekWait)
	defer cancel()
	r, err := c.SubscriptionAdminClient.Pull(waiting, &pb.PullRequest{Subscription: path, MaxMessages: int32(limit)})
	// The server may notice the end of the wait before this side does.
	if ended := waiting.Err() != nil || status.Code(err) == codes.DeadlineExceeded; err != nil && ended && endsFirst(waiting, ctx) {
		return nil, nil
	}
	return r.GetReceivedMessages(), err
}

// endsFirst says whether inner, made of outer, ends by a deadline of its own.
func endsFirst(inner, outer context.Context) bool {
	in, _ := inner.Deadline()
	out, bounded := outer.Deadline()
	return outer.Err() == nil && (!bounded || in.Before(out))
}

func ackIDs(held []letter) []string {
	ids := make([]string, len(held))
	for i, l := range held {
		ids[i] = l.ackID
	}
	return ids
}

// letter reads a dead letter, of ours or one that Pub/Sub forwarded.
func (d *Driver) letter(topic, subscription string, m *pb.ReceivedMessage) (letter, error) {
	v := receivedOf(m.Message)
	a := v.attributes
	l := letter{DeadLetter: events.DeadLetter{Subscription: subscription, Reason: a[reasonAttribute], At: v.published}, ackID: m.AckId}
	attempts := a[attemptsAttribute]
	if forwarded := a[countAttribute]; attempts == "" && forwarded != "" {
		attempts = forwarded
		l.Reason = fmt.Sprintf("%s deliveries failed; the log of %s has the reason of each", forwarded, subscription)
	}
	if at, err := time.Parse(time.RFC3339Nano, a[atAttribute]); err == nil {
		l.At = at
	}
	if n, err := strconv.Atoi(attempts); err == nil {
		v.attempt = n
	}
	v.attributes = own(a)
	l.received = v
	name := topic[strings.LastIndex(topic, "/")+1:]
	var err error
	if l.Message, err = d.decode(name, subscription, v); err != nil {
		l.Message, err = d.raw(name, subscription, v)
	}
	return l, err
}
