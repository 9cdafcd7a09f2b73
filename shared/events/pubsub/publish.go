package pubsub

import (
	"context"

	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/protobuf/proto"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/events/cloudevent"
	"github.com/b2brecs/b2brecs/shared/internal/gcp"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// Limits of one publish request (https://cloud.google.com/pubsub/quotas#resource_limits).
const (
	maxRequestMessages = 1000
	maxRequestBytes    = 10_000_000
	// messageOverhead bounds the framing of one message within a request, in bytes.
	messageOverhead = 16
)

// Publish implements events.Driver: per topic, in order, as few requests as the
// limits allow, one after the other. Messages of earlier requests stay published
// when a later one fails.
func (d *Driver) Publish(ctx context.Context, ms ...events.Message) error {
	var topics []string
	of := map[string][]*pb.PubsubMessage{}
	for _, m := range ms {
		if err := checkName("topic", m.Topic); err != nil {
			return err
		}
		if of[m.Topic] == nil {
			topics = append(topics, m.Topic)
		}
		of[m.Topic] = append(of[m.Topic], encode(m))
	}
	for _, topic := range topics {
		for rest := of[topic]; len(rest) > 0; {
			n := fit(rest)
			if err := d.publish(ctx, d.topicPath(topic), rest[:n]...); err != nil {
				return err
			}
			rest = rest[n:]
		}
	}
	return nil
}

func encode(m events.Message) *pb.PubsubMessage {
	attributes, data, key := cloudevent.ToPubSub(m)
	return &pb.PubsubMessage{Attributes: attributes, Data: data, OrderingKey: key}
}

// fit says how many messages go into one request; at least one.
func fit(ms []*pb.PubsubMessage) int {
	bytes := maxNameBytes
	for i, m := range ms {
		bytes += proto.Size(m) + messageOverhead
		if i > 0 && (i == maxRequestMessages || bytes > maxRequestBytes) {
			return i
		}
	}
	return len(ms)
}

// maxNameBytes bounds the name of a topic within a request.
const maxNameBytes = 512

// publish makes one request. The client repeats it, until ctx ends or for a minute,
// while the service is away; a repetition can publish twice.
func (d *Driver) publish(ctx context.Context, topic string, ms ...*pb.PubsubMessage) error {
	c, err := d.get(ctx)
	if err != nil {
		return err
	}
	r, err := c.TopicAdminClient.Publish(ctx, &pb.PublishRequest{Topic: topic, Messages: ms})
	if err != nil {
		return gcp.Problem(ctx, err, "%d events cannot be published to %s", len(ms), topic)
	}
	if len(r.MessageIds) != len(ms) {
		return problem.New(problem.Unavailable, "%s took %d of %d events", topic, len(r.MessageIds), len(ms))
	}
	return nil
}
