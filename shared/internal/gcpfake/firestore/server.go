package firestore

import (
	"context"
	"net"
	"path"
	"sync"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// Options say what the fake serves.
type Options struct {
	Project  string
	Database string // "" is "(default)"
	// Indexes is a file in the format of the Firebase CLI
	// (https://firebase.google.com/docs/reference/firestore/indexes). Empty means the
	// automatic indexes alone.
	Indexes []byte
	// Locks makes transactions lock what they read, Firestore's default for servers;
	// without it they are optimistic, and conflicts the more frequent
	// (https://firebase.google.com/docs/firestore/transaction-data-contention).
	Locks bool
}

// Fault decides the fate of one call: an error instead of its effect, or one after
// it, which is a lost reply. req is nil for calls that answer with a stream. It MUST
// be safe for concurrent use.
type Fault func(method string, req proto.Message) (before, after error)

// Server is a running fake.
type Server struct {
	pb.UnimplementedFirestoreServer

	database string // projects/P/databases/D
	root     string // database + "/documents"
	indexes  indexes
	locks    bool
	grpc     *grpc.Server
	addr     string

	mu          sync.Mutex
	fault       Fault
	clock       int64 // microseconds of the last commit
	collections map[string]map[string]*doc
	txs         map[string]*tx
	log         []change // the latest changes, and when the last one was that is no longer in it
	forgotten   int64
	resets      int64      // listeners that come back from before this time get everything anew
	released    *sync.Cond // of mu: a transaction has ended
	listens     map[*listen]bool
}

// maxRequest is the largest API request, 10 MiB
// (https://firebase.google.com/docs/firestore/quotas#writes_and_transactions).
const maxRequest = 10 << 20

// Start serves an empty database on a port of its own on loopback.
func Start(o Options) (*Server, error) {
	if o.Database == "" {
		o.Database = "(default)"
	}
	x, err := parseIndexes(o.Indexes)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	database := "projects/" + o.Project + "/databases/" + o.Database
	s := &Server{
		database: database, root: database + "/documents", indexes: x, locks: o.Locks, addr: l.Addr().String(), clock: time.Now().UnixMicro(),
		collections: map[string]map[string]*doc{}, txs: map[string]*tx{}, listens: map[*listen]bool{},
	}
	s.released = sync.NewCond(&s.mu)
	s.grpc = grpc.NewServer(grpc.MaxRecvMsgSize(maxRequest), grpc.UnaryInterceptor(s.unary), grpc.StreamInterceptor(s.stream))
	pb.RegisterFirestoreServer(s.grpc, s)
	go func() { _ = s.grpc.Serve(l) }() // ends with Close
	return s, nil
}

// Close ends every call and stops.
func (s *Server) Close() { s.grpc.Stop() }

// Addr is the address the server listens on.
func (s *Server) Addr() string { return s.addr }

// Client gives the options that lead an official client here.
func (s *Server) Client() []option.ClientOption {
	return []option.ClientOption{
		option.WithEndpoint(s.addr),
		option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())),
	}
}

// SetFault sets what goes wrong from now on; nil is nothing.
func (s *Server) SetFault(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

func (s *Server) fate(method string, req proto.Message) (before, after error) {
	s.mu.Lock()
	f := s.fault
	s.mu.Unlock()
	if f == nil {
		return nil, nil
	}
	return f(path.Base(method), req)
}

func (s *Server) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	m, _ := req.(proto.Message)
	before, after := s.fate(info.FullMethod, m)
	if before != nil {
		return nil, before
	}
	resp, err := handle(ctx, req)
	if err == nil && after != nil {
		return nil, after
	}
	return resp, err
}

func (s *Server) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
	before, after := s.fate(info.FullMethod, nil)
	if before != nil {
		return before
	}
	if err := handle(srv, ss); err != nil {
		return err
	}
	return after
}

func invalid(format string, args ...any) error {
	return status.Errorf(codes.InvalidArgument, format, args...)
}

func absent(what string) error {
	return status.Errorf(codes.Unimplemented, "the fake has no %s", what)
}
