package pubsub

import (
	"context"
	"strconv"
	"strings"
	"time"

	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Limits of a publish request (https://cloud.google.com/pubsub/quotas#resource_limits).
const (
	maxPublishMessages  = 1000
	maxPublishBytes     = 10_000_000
	maxAttributes       = 100
	maxAttributeKey     = 256  // bytes
	maxAttributeValue   = 1024 // bytes
	maxOrderingKeyBytes = 1024
)

// Publish implements pb.PublisherServer.
func (s *Server) Publish(_ context.Context, r *pb.PublishRequest) (*pb.PublishResponse, error) {
	if n := len(r.Messages); n == 0 || n > maxPublishMessages {
		return nil, bad("a publish request has 1 to %d messages, not %d", maxPublishMessages, n)
	}
	if n := proto.Size(r); n > maxPublishBytes {
		return nil, bad("the publish request has %d bytes, more than %d", n, maxPublishBytes)
	}
	for _, m := range r.Messages {
		if err := checkMessage(m); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.topic(r.Topic); err != nil {
		return nil, err
	}
	res := &pb.PublishResponse{}
	for _, m := range r.Messages {
		res.MessageIds = append(res.MessageIds, s.append(r.Topic, m))
	}
	return res, nil
}

func checkMessage(m *pb.PubsubMessage) error {
	if len(m.Data) == 0 && len(m.Attributes) == 0 {
		return bad("a message needs data or an attribute")
	}
	if len(m.Attributes) > maxAttributes {
		return bad("a message has %d attributes, more than %d", len(m.Attributes), maxAttributes)
	}
	for k, v := range m.Attributes {
		if k == "" || len(k) > maxAttributeKey || strings.HasPrefix(k, "goog") {
			return bad("invalid attribute key %q", k)
		}
		if len(v) > maxAttributeValue {
			return bad("attribute %q has %d bytes, more than %d", k, len(v), maxAttributeValue)
		}
	}
	if len(m.OrderingKey) > maxOrderingKeyBytes {
		return bad("the ordering key has %d bytes, more than %d", len(m.OrderingKey), maxOrderingKeyBytes)
	}
	return nil
}

// append gives a message its id and puts it into all subscriptions of a topic. The
// caller holds mu.
func (s *Server) append(name string, m *pb.PubsubMessage) string {
	s.ids++
	m = &pb.PubsubMessage{
		Data: m.Data, Attributes: m.Attributes, OrderingKey: m.OrderingKey,
		MessageId: strconv.FormatInt(s.ids, 10), PublishTime: timestamppb.Now(),
	}
	t := s.topics[name]
	if keep := t.proto.MessageRetentionDuration; keep != nil {
		for len(t.kept) > 0 && time.Since(t.kept[0].PublishTime.AsTime()) > keep.AsDuration() {
			t.kept = t.kept[1:]
		}
		t.kept = append(t.kept, m)
	}
	for _, sub := range s.subs {
		if sub.proto.Topic == name {
			sub.queue = append(sub.queue, &delivery{msg: m})
		}
	}
	s.wake()
	return m.MessageId
}

// Seek implements pb.SubscriberServer, to a time: older messages are acknowledged,
// newer ones that the topic keeps come (again).
func (s *Server) Seek(_ context.Context, r *pb.SeekRequest) (*pb.SeekResponse, error) {
	at, ok := r.Target.(*pb.SeekRequest_Time)
	if !ok {
		return nil, status.Error(codes.Unimplemented, "the fake seeks to a time only")
	}
	if err := at.Time.CheckValid(); err != nil {
		return nil, bad("invalid time: %v", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sub, err := s.subscription(r.Subscription)
	if err != nil {
		return nil, err
	}
	held := map[string]*delivery{}
	for _, d := range sub.queue {
		held[d.msg.MessageId] = d
	}
	sub.queue = nil
	if t := s.topics[sub.proto.Topic]; t != nil {
		for _, m := range t.kept {
			if d := held[m.MessageId]; d == nil && !m.PublishTime.AsTime().Before(at.Time.AsTime()) {
				held[m.MessageId] = &delivery{msg: m}
			}
		}
	}
	for _, d := range held {
		if d.msg.PublishTime.AsTime().Before(at.Time.AsTime()) {
			delete(sub.leases, d.ackID)
			continue
		}
		sub.queue = append(sub.queue, d)
	}
	sub.sort()
	s.wake()
	return &pb.SeekResponse{}, nil
}
