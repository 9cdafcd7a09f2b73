package storage

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/fsouza/fake-gcs-server/fakestorage"
	"google.golang.org/api/option"

	"github.com/b2brecs/b2brecs/shared/internal/gcpfake/rpc"
)

// Options of a server.
type Options struct {
	// Address is a loopback address; default: a free port.
	Address string
	// Buckets are there from the start.
	Buckets []string
	// Notify gets every finalized object; nil: nobody listens. The write waits for it.
	Notify func(context.Context, Notification)
	// Signers are the service accounts, by e-mail address, whose signatures count.
	Signers map[string]*rsa.PublicKey
	// Fault says what goes wrong with a request; nil: nothing does.
	Fault func(*http.Request) Fault
}

// Fault is a failure on demand; 0 is none.
type Fault struct {
	Before int // the HTTP status answered instead of doing anything
	After  int // the HTTP status answered after the effect: the reply is lost
	Cut    int // the bytes of a download after which the connection breaks
}

// Server is a running Cloud Storage.
type Server struct {
	opts Options
	addr string
	fake *fakestorage.Server
	http *http.Server
	done chan struct{}
	sent atomic.Int64 // notifications
}

// Start starts a server; Close ends it.
func Start(o Options) (*Server, error) {
	l, err := rpc.Listen(o.Address)
	if err != nil {
		return nil, fmt.Errorf("listen for Cloud Storage: %w", err)
	}
	s := &Server{opts: o, addr: l.Addr().String(), done: make(chan struct{})}
	s.fake, err = fakestorage.NewServerWithOptions(fakestorage.Options{
		Scheme: "http", NoListener: true, ExternalURL: s.URL(), PublicHost: s.addr,
		AllowedCORSHeaders: []string{sizeRange},
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start Cloud Storage: %w", err), l.Close())
	}
	for _, b := range o.Buckets {
		s.fake.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: b})
	}
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		defer close(s.done)
		_ = s.http.Serve(l) // ends with Close
	}()
	return s, nil
}

// URL is the server's address, without a slash at the end.
func (s *Server) URL() string { return "http://" + s.addr }

// Options take an official client to the server.
func (s *Server) Options() []option.ClientOption {
	return []option.ClientOption{option.WithEndpoint(s.URL() + "/storage/v1/"), option.WithoutAuthentication()}
}

// Close ends the server and every connection.
func (s *Server) Close() error {
	err := s.http.Close()
	<-s.done
	s.fake.Stop()
	return err
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var fault Fault
	if s.opts.Fault != nil {
		fault = s.opts.Fault(r)
	}
	if fault.Before != 0 {
		fail(w, fault.Before, "a fault on demand")
		return
	}
	reply := &recorder{header: http.Header{}, code: http.StatusOK}
	switch path := r.URL.EscapedPath(); {
	case r.Method == http.MethodOptions: // a browser's question
		s.fake.HTTPHandler().ServeHTTP(w, r)
		return
	case r.URL.Query().Has("X-Goog-Algorithm"):
		if code, err := s.checkSigned(r); err != nil {
			fail(w, code, err.Error())
			return
		}
		s.write(reply, r)
		reply.asXML()
	case strings.HasPrefix(path, "/upload/storage/v1/b/"), r.Method == http.MethodPost && writes(path):
		s.write(reply, r)
	case strings.HasPrefix(path, "/storage/v1/"), reads(r.Method, path):
		if s.fake.HTTPHandler().ServeHTTP(reply, r); fault.Cut != 0 && reply.body.Len() > fault.Cut {
			reply.body.Truncate(fault.Cut)
			reply.send(w)
			panic(http.ErrAbortHandler)
		}
	default:
		fail(w, http.StatusNotImplemented, r.Method+" "+path+" is no part of this server")
		return
	}
	if fault.After != 0 {
		fail(w, fault.After, "the reply is lost, on demand")
		return
	}
	reply.send(w)
}

// writes says whether a POST to the path of an object makes an object.
func writes(path string) bool {
	return strings.Contains(path, "/rewriteTo/b/") || strings.Contains(path, "/copyTo/b/") || strings.HasSuffix(path, "/compose")
}

// reads says whether a request reads an object by the XML API, the client's default.
func reads(method, path string) bool {
	return (method == http.MethodGet || method == http.MethodHead) && strings.Count(path, "/") > 1 && !strings.HasPrefix(path, "/_internal/")
}

func fail(w http.ResponseWriter, code int, text string) {
	http.Error(w, text, code)
}
