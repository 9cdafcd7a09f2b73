package pubsub

import (
	"context"
	"net/http"
	"path"
	"sync"
	"time"

	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/b2brecs/b2brecs/shared/internal/gcpfake/rpc"
	"github.com/b2brecs/b2brecs/shared/internal/lifetime"
)

// Server is a running fake. It is safe for concurrent use.
type Server struct {
	pb.UnimplementedPublisherServer
	pb.UnimplementedSubscriberServer

	// Second is how long one second of an acknowledgement deadline takes; tests of
	// dead processes shorten it before the first call.
	Second time.Duration
	// Acknowledged, unless nil, hears of each message that a subscription is done with,
	// under the server's lock: it MUST be quick and MUST NOT call the server. It is set
	// before the first call.
	Acknowledged func(subscription string, m *pb.PubsubMessage)

	address string
	grpc    *grpc.Server
	life    *lifetime.Lifetime
	work    sync.WaitGroup // pushes
	http    *http.Client

	mu      sync.Mutex
	changed chan struct{} // closed and made anew when a message may have become deliverable
	topics  map[string]*topic
	subs    map[string]*subscription
	ids     int64
	fault   rpc.Fault
}

// maxRequest is the largest gRPC message taken, in bytes; larger than any limit of
// Pub/Sub, so that its own errors show.
const maxRequest = 64 << 20

// Start runs a fake on a loopback address; "" is a free port.
func Start(address string) (*Server, error) {
	l, err := rpc.Listen(address)
	if err != nil {
		return nil, err
	}
	s := &Server{
		Second:  time.Second,
		address: l.Addr().String(),
		life:    lifetime.New(),
		http:    &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		changed: make(chan struct{}),
		topics:  map[string]*topic{}, subs: map[string]*subscription{},
	}
	s.grpc = grpc.NewServer(grpc.MaxRecvMsgSize(maxRequest), grpc.UnaryInterceptor(s.intercept))
	pb.RegisterPublisherServer(s.grpc, s)
	pb.RegisterSubscriberServer(s.grpc, s)
	go func() { _ = s.grpc.Serve(l) }() // ends with Stop
	return s, nil
}

// Addr is the address the fake listens on.
func (s *Server) Addr() string { return s.address }

// Options take an official client to the fake.
func (s *Server) Options() []option.ClientOption { return Options(s.address) }

// Options take an official client to a fake of another process.
func Options(address string) []option.ClientOption {
	return []option.ClientOption{
		option.WithEndpoint(address),
		option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())),
	}
}

// Fail sets the fault of all later unary calls; nil ends it.
func (s *Server) Fail(f rpc.Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// Close stops the fake and waits for pushes under way; everything it held is gone.
func (s *Server) Close() error {
	s.life.End()
	s.grpc.Stop()
	s.work.Wait()
	s.http.CloseIdleConnections()
	return nil
}

func (s *Server) intercept(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	s.mu.Lock()
	fault := s.fault
	s.mu.Unlock()
	if fault == nil {
		return next(ctx, req)
	}
	method := path.Base(info.FullMethod)
	if err := fault(method, false); err != nil {
		return nil, err
	}
	reply, err := next(ctx, req)
	if err == nil {
		err = fault(method, true)
	}
	if err != nil {
		return nil, err
	}
	return reply, nil
}

// wake tells those who wait that something may be deliverable. The caller holds mu.
func (s *Server) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}
