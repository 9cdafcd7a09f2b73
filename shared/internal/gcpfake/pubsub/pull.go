package pubsub

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

// pullWait is how long a pull waits for a first message. Google documents "a bounded
// amount of time"; observed are tens of seconds.
const pullWait = 30 * time.Second

func project(name string) string { return strings.Split(name, "/")[1] }

// pullable finds a subscription that is pulled from. The caller holds mu.
func (s *Server) pullable(name string) (*subscription, error) {
	sub, err := s.subscription(name)
	if err == nil && sub.proto.GetPushConfig().GetPushEndpoint() != "" {
		return nil, status.Errorf(codes.FailedPrecondition, "subscription %s is pushed", name)
	}
	return sub, err
}

// Pull implements pb.SubscriberServer.
func (s *Server) Pull(ctx context.Context, r *pb.PullRequest) (*pb.PullResponse, error) {
	if err := only(r, "subscription", "max_messages"); err != nil {
		return nil, err
	}
	if r.MaxMessages <= 0 {
		return nil, bad("max_messages %d is not positive", r.MaxMessages)
	}
	ctx, cancel := context.WithTimeout(ctx, pullWait)
	defer cancel()
	s.mu.Lock()
	sub, err := s.pullable(r.Subscription)
	if err != nil {
		s.mu.Unlock()
		return nil, err
	}
	deadline := time.Duration(sub.proto.AckDeadlineSeconds) * s.Second
	s.mu.Unlock()
	out, err := s.await(ctx, sub, nil, func() ([]*pb.ReceivedMessage, time.Time) {
		return s.take(sub, int(r.MaxMessages), deadline, nil)
	})
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return nil, err
	}
	return &pb.PullResponse{ReceivedMessages: out}, nil
}

// await calls take under mu until it gives something, its time or ctx ends, or ping
// speaks. It gives nothing and no error after a ping.
func (s *Server) await(ctx context.Context, sub *subscription, ping <-chan struct{}, take func() ([]*pb.ReceivedMessage, time.Time)) ([]*pb.ReceivedMessage, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s.mu.Lock()
		out, later := take()
		changed := s.changed
		s.mu.Unlock()
		if len(out) > 0 {
			return out, nil
		}
		var timer <-chan time.Time
		if !later.IsZero() {
			timer = time.After(time.Until(later))
		}
		select {
		case <-changed:
		case <-timer:
		case <-ping:
			return nil, nil
		case <-ctx.Done():
		case <-s.life.Done():
			return nil, status.Error(codes.Unavailable, "the fake was closed")
		case <-sub.gone:
			return nil, status.Errorf(codes.NotFound, "subscription %s was deleted", sub.proto.Name)
		}
	}
}

// Acknowledge implements pb.SubscriberServer.
func (s *Server) Acknowledge(_ context.Context, r *pb.AcknowledgeRequest) (*emptypb.Empty, error) {
	if len(r.AckIds) == 0 {
		return nil, bad("no ack_ids")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sub, err := s.pullable(r.Subscription)
	if err != nil {
		return nil, err
	}
	s.ack(sub, r.AckIds)
	return &emptypb.Empty{}, nil
}

// ModifyAckDeadline implements pb.SubscriberServer.
func (s *Server) ModifyAckDeadline(_ context.Context, r *pb.ModifyAckDeadlineRequest) (*emptypb.Empty, error) {
	if len(r.AckIds) == 0 {
		return nil, bad("no ack_ids")
	}
	if r.AckDeadlineSeconds < 0 || r.AckDeadlineSeconds > maxAckDeadline {
		return nil, bad("ack_deadline_seconds %d is not within 0 and 600", r.AckDeadlineSeconds)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sub, err := s.pullable(r.Subscription)
	if err != nil {
		return nil, err
	}
	s.extend(sub, r.AckIds, r.AckDeadlineSeconds)
	return &emptypb.Empty{}, nil
}

// stream is the flow control of one streaming pull, guarded by the server's mu.
type stream struct {
	maxMessages, messages int64 // maxima of 0 are none
	maxBytes, bytes       int64
}

func (st *stream) fits(d *delivery) bool {
	return (st.maxMessages == 0 || st.messages < st.maxMessages) &&
		(st.maxBytes == 0 || st.messages == 0 || st.bytes+int64(len(d.msg.Data)) <= st.maxBytes)
}

func (st *stream) count(d *delivery, sign int64) {
	st.messages += sign
	st.bytes += sign * int64(len(d.msg.Data))
}

// streamPage is how many messages one reply of a stream holds at most.
const streamPage = 100

// StreamingPull implements pb.SubscriberServer.
func (s *Server) StreamingPull(g pb.Subscriber_StreamingPullServer) error {
	first, err := g.Recv()
	if err != nil {
		return err
	}
	if a := first.StreamAckDeadlineSeconds; a < minAckDeadline || a > maxAckDeadline {
		return bad("stream_ack_deadline_seconds %d is not within 10 and 600", a)
	}
	s.mu.Lock()
	sub, err := s.pullable(first.Subscription)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	st := &stream{maxMessages: max(0, first.MaxOutstandingMessages), maxBytes: max(0, first.MaxOutstandingBytes)}
	deadline := time.Duration(first.StreamAckDeadlineSeconds) * s.Second
	ctx, cancel := context.WithCancel(g.Context())
	defer cancel()
	ping, ended := make(chan struct{}), make(chan error, 1)
	go func() { // requests after the first
		defer cancel()
		for {
			r, err := g.Recv()
			if err != nil {
				ended <- err
				return
			}
			if len(r.AckIds) > 0 || len(r.ModifyDeadlineAckIds) > 0 {
				ended <- status.Error(codes.Unimplemented, "the fake acknowledges by unary calls only")
				return
			}
			select {
			case ping <- struct{}{}:
			case <-ctx.Done():
				return
			}
		}
	}()
	for {
		out, err := s.await(ctx, sub, ping, func() ([]*pb.ReceivedMessage, time.Time) { return s.take(sub, streamPage, deadline, st) })
		if err != nil {
			select {
			case err = <-ended:
				if errors.Is(err, io.EOF) {
					return nil
				}
			default:
			}
			return err
		}
		// A reply without messages answers a ping.
		if err := g.Send(&pb.StreamingPullResponse{ReceivedMessages: out, SubscriptionProperties: &pb.StreamingPullResponse_SubscriptionProperties{
			MessageOrderingEnabled: sub.proto.EnableMessageOrdering,
		}}); err != nil {
			return err
		}
	}
}
