package pubsub

import (
	"context"
	"net/url"
	"regexp"
	"strings"
	"time"

	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Limits of resources
// (https://cloud.google.com/pubsub/docs/reference/rpc/google.pubsub.v1).
const (
	minRetention   = 10 * time.Minute
	maxRetention   = 31 * 24 * time.Hour
	defRetention   = 7 * 24 * time.Hour
	minAckDeadline = 10  // seconds
	maxAckDeadline = 600 // seconds
	maxBackoff     = 600 * time.Second
	defMinBackoff  = 10 * time.Second
	minAttempts    = 5
	maxAttempts    = 100
)

type topic struct {
	proto *pb.Topic
	kept  []*pb.PubsubMessage // in publish order; only with a retention
}

// Resource names (https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names).
var (
	topicName        = regexp.MustCompile(`^projects/[a-z][a-z0-9:.-]+/topics/([A-Za-z][A-Za-z0-9_.~+%-]{2,254})$`)
	subscriptionName = regexp.MustCompile(`^projects/[a-z][a-z0-9:.-]+/subscriptions/([A-Za-z][A-Za-z0-9_.~+%-]{2,254})$`)
)

func checkName(form *regexp.Regexp, name string) error {
	m := form.FindStringSubmatch(name)
	if m == nil || strings.HasPrefix(m[1], "goog") {
		return bad("invalid resource name %q", name)
	}
	return nil
}

func bad(format string, args ...any) error {
	return status.Errorf(codes.InvalidArgument, format, args...)
}

// only refuses a request with fields that the fake does not act on.
func only(m proto.Message, known ...protoreflect.Name) error {
	var err error
	m.ProtoReflect().Range(func(f protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		for _, k := range known {
			if f.Name() == k {
				return true
			}
		}
		err = status.Errorf(codes.Unimplemented, "the fake does not do %s", f.FullName())
		return false
	})
	if err == nil && len(m.ProtoReflect().GetUnknown()) > 0 {
		err = bad("%s has unknown fields", m.ProtoReflect().Descriptor().FullName())
	}
	return err
}

func checkRetention(d *durationpb.Duration) error {
	if d != nil && (d.AsDuration() < minRetention || d.AsDuration() > maxRetention) {
		return bad("message_retention_duration %v is not within 10 minutes and 31 days", d.AsDuration())
	}
	return nil
}

// CreateTopic implements pb.PublisherServer.
func (s *Server) CreateTopic(_ context.Context, t *pb.Topic) (*pb.Topic, error) {
	if err := only(t, "name", "labels", "message_retention_duration"); err != nil {
		return nil, err
	}
	if err := checkName(topicName, t.Name); err != nil {
		return nil, err
	}
	if err := checkRetention(t.MessageRetentionDuration); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.topics[t.Name] != nil {
		return nil, status.Errorf(codes.AlreadyExists, "topic %s exists", t.Name)
	}
	s.topics[t.Name] = &topic{proto: proto.CloneOf(t)}
	return t, nil
}

// GetTopic implements pb.PublisherServer.
func (s *Server) GetTopic(_ context.Context, r *pb.GetTopicRequest) (*pb.Topic, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.topic(r.Topic)
	if err != nil {
		return nil, err
	}
	return proto.CloneOf(t.proto), nil
}

// DeleteTopic implements pb.PublisherServer. Its subscriptions stay and keep their messages.
func (s *Server) DeleteTopic(_ context.Context, r *pb.DeleteTopicRequest) (*emptypb.Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.topic(r.Topic); err != nil {
		return nil, err
	}
	for _, sub := range s.subs {
		if sub.proto.Topic == r.Topic {
			sub.proto.Topic = "_deleted-topic_"
		}
	}
	delete(s.topics, r.Topic)
	return &emptypb.Empty{}, nil
}

// topic finds a topic. The caller holds mu.
func (s *Server) topic(name string) (*topic, error) {
	if err := checkName(topicName, name); err != nil {
		return nil, err
	}
	t := s.topics[name]
	if t == nil {
		return nil, status.Errorf(codes.NotFound, "topic %s does not exist", name)
	}
	return t, nil
}

// CreateSubscription implements pb.SubscriberServer.
func (s *Server) CreateSubscription(_ context.Context, r *pb.Subscription) (*pb.Subscription, error) {
	if err := checkSubscription(r); err != nil {
		return nil, err
	}
	p := proto.CloneOf(r)
	if p.AckDeadlineSeconds == 0 {
		p.AckDeadlineSeconds = minAckDeadline
	}
	if p.MessageRetentionDuration == nil {
		p.MessageRetentionDuration = durationpb.New(defRetention)
	}
	if d := p.DeadLetterPolicy; d != nil && d.MaxDeliveryAttempts == 0 {
		d.MaxDeliveryAttempts = minAttempts
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.subs[p.Name] != nil {
		return nil, status.Errorf(codes.AlreadyExists, "subscription %s exists", p.Name)
	}
	if _, err := s.topic(p.Topic); err != nil {
		return nil, err
	}
	if p.DeadLetterPolicy != nil {
		if _, err := s.topic(p.DeadLetterPolicy.DeadLetterTopic); err != nil {
			return nil, err
		}
	}
	sub := &subscription{proto: p, leases: map[string]*delivery{}, gone: make(chan struct{})}
	s.subs[p.Name] = sub
	if p.GetPushConfig().GetPushEndpoint() != "" && s.life.Err() == nil {
		s.work.Go(func() { s.push(sub) })
	}
	return proto.CloneOf(p), nil
}

func checkSubscription(p *pb.Subscription) error {
	if err := only(p, "name", "topic", "labels", "push_config", "ack_deadline_seconds", "message_retention_duration",
		"enable_message_ordering", "expiration_policy", "dead_letter_policy", "retry_policy"); err != nil {
		return err
	}
	if err := checkName(subscriptionName, p.Name); err != nil {
		return err
	}
	if err := checkRetention(p.MessageRetentionDuration); err != nil {
		return err
	}
	if a := p.AckDeadlineSeconds; a != 0 && (a < minAckDeadline || a > maxAckDeadline) {
		return bad("ack_deadline_seconds %d is not within 10 and 600", a)
	}
	if d := p.DeadLetterPolicy; d != nil && d.MaxDeliveryAttempts != 0 && (d.MaxDeliveryAttempts < minAttempts || d.MaxDeliveryAttempts > maxAttempts) {
		return bad("max_delivery_attempts %d is not within 5 and 100", d.MaxDeliveryAttempts)
	}
	if r := p.RetryPolicy; r != nil {
		low, high := backoffs(r)
		if low < 0 || high > maxBackoff || low > high {
			return bad("back-offs %v and %v are not within 0 and 600 seconds in this order", low, high)
		}
	}
	if c := p.PushConfig; c != nil {
		if err := only(c, "push_endpoint"); err != nil {
			return err
		}
		if u, err := url.Parse(c.PushEndpoint); c.PushEndpoint != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
			return bad("invalid push endpoint %q", c.PushEndpoint)
		}
	}
	return nil
}

func backoffs(r *pb.RetryPolicy) (low, high time.Duration) {
	low, high = defMinBackoff, maxBackoff
	if r.MinimumBackoff != nil {
		low = r.MinimumBackoff.AsDuration()
	}
	if r.MaximumBackoff != nil {
		high = r.MaximumBackoff.AsDuration()
	}
	return low, high
}

// GetSubscription implements pb.SubscriberServer.
func (s *Server) GetSubscription(_ context.Context, r *pb.GetSubscriptionRequest) (*pb.Subscription, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sub, err := s.subscription(r.Subscription)
	if err != nil {
		return nil, err
	}
	return proto.CloneOf(sub.proto), nil
}

// DeleteSubscription implements pb.SubscriberServer.
func (s *Server) DeleteSubscription(_ context.Context, r *pb.DeleteSubscriptionRequest) (*emptypb.Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sub, err := s.subscription(r.Subscription)
	if err != nil {
		return nil, err
	}
	close(sub.gone)
	delete(s.subs, r.Subscription)
	s.wake()
	return &emptypb.Empty{}, nil
}

// subscription finds a subscription. The caller holds mu.
func (s *Server) subscription(name string) (*subscription, error) {
	if err := checkName(subscriptionName, name); err != nil {
		return nil, err
	}
	sub := s.subs[name]
	if sub == nil {
		return nil, status.Errorf(codes.NotFound, "subscription %s does not exist", name)
	}
	return sub, nil
}
