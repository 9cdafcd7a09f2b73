package rpc

import (
	"context"
	"errors"
	"net"
	"path"
	"sync"

	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Fault makes a call fail when it gives an error. It is asked with the method's short
// name, e.g. "CreateJob": first before the effect, then, with after set, when the
// effect has happened and the reply would be sent.
type Fault func(method string, after bool) error

// Server is a running fake.
type Server struct {
	listener net.Listener
	grpc     *grpc.Server
	done     chan struct{}

	mu    sync.Mutex
	fault Fault
}

// Serve starts a server on a loopback address, e.g. "127.0.0.1:0"; register adds its
// services.
func Serve(address string, register func(*grpc.Server)) (*Server, error) {
	l, err := Listen(address)
	if err != nil {
		return nil, err
	}
	s := &Server{listener: l, done: make(chan struct{})}
	s.grpc = grpc.NewServer(grpc.UnaryInterceptor(s.intercept))
	register(s.grpc)
	go func() {
		defer close(s.done)
		_ = s.grpc.Serve(l) // it ends by Close
	}()
	return s, nil
}

// Listen listens on a loopback address; "" is a free port.
func Listen(address string) (net.Listener, error) {
	if address == "" {
		address = "127.0.0.1:0"
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, errors.New("a fake listens on a loopback address only, not on " + address)
	}
	return net.Listen("tcp", address)
}

// Fail sets the fault of all later calls; nil ends it.
func (s *Server) Fail(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// Addr is the address the server listens on.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Options take an official client to the server.
func (s *Server) Options() []option.ClientOption {
	return []option.ClientOption{
		option.WithEndpoint(s.Addr()), option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())),
	}
}

// Close ends running calls and the server.
func (s *Server) Close() error {
	s.grpc.Stop()
	<-s.done
	return nil
}

func (s *Server) intercept(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	s.mu.Lock()
	fault := s.fault
	s.mu.Unlock()
	method := path.Base(info.FullMethod)
	if m, ok := req.(proto.Message); ok && unknown(m.ProtoReflect()) {
		return nil, status.Errorf(codes.InvalidArgument, "%s: the request has fields that the service does not know", method)
	}
	if fault != nil {
		if err := fault(method, false); err != nil {
			return nil, err
		}
	}
	reply, err := handler(ctx, req)
	if err == nil && fault != nil {
		if err := fault(method, true); err != nil {
			return nil, err
		}
	}
	return reply, err
}

// unknown reports whether a message, or one inside it, has fields without a name.
func unknown(m protoreflect.Message) bool {
	if len(m.GetUnknown()) > 0 {
		return true
	}
	found := false
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsMap():
			if f.MapValue().Message() != nil {
				v.Map().Range(func(_ protoreflect.MapKey, e protoreflect.Value) bool {
					found = found || unknown(e.Message())
					return !found
				})
			}
		case f.IsList():
			if f.Message() != nil {
				for i := range v.List().Len() {
					found = found || unknown(v.List().Get(i).Message())
				}
			}
		case f.Message() != nil:
			found = unknown(v.Message())
		}
		return !found
	})
	return found
}
