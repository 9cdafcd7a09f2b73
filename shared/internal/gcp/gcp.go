package gcp

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"google.golang.org/api/googleapi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/b2brecs/b2brecs/shared/problem"
)

// Location is where an installation lives.
type Location struct {
	Project string // the Google Cloud project's id, e.g. "acme-b2brecs"
	Region  string // e.g. "europe-west1"
}

// Parent gives "projects/P/locations/R".
func (l Location) Parent() string { return "projects/" + l.Project + "/locations/" + l.Region }

// Lazy is a value that is made at its first use. It is safe for concurrent use.
// A failure is returned and not kept: the next use tries again.
type Lazy[T any] struct {
	make func(context.Context) (T, error)

	mu    sync.Mutex
	made  bool
	value T
}

// NewLazy makes a Lazy. make gets a context that does not end with the call that
// happens to be the first.
func NewLazy[T any](make func(context.Context) (T, error)) *Lazy[T] { return &Lazy[T]{make: make} }

// Get gives the value.
func (l *Lazy[T]) Get(ctx context.Context) (T, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.made {
		v, err := l.make(context.WithoutCancel(ctx))
		if err != nil {
			var zero T
			return zero, err
		}
		l.value, l.made = v, true
	}
	return l.value, nil
}

// Close closes the value if it was made.
func (l *Lazy[T]) Close(closeValue func(T) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.made {
		return nil
	}
	l.made = false
	return closeValue(l.value)
}

// Problem wraps an error of a Google client; format says what was being done. A nil
// error gives nil, a problem stays what it is.
func Problem(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	var p *problem.Error
	if errors.As(err, &p) {
		return err
	}
	return problem.Wrap(err, Code(err), format, args...)
}

// Code gives the problem code of an error of a Google client, gRPC or REST
// (https://cloud.google.com/apis/design/errors#handling_errors). What carries no
// status is a connection that failed: Unavailable.
func Code(err error) problem.Code {
	if err == nil {
		return ""
	}
	switch {
	case errors.Is(err, context.Canceled):
		return problem.Cancelled
	case errors.Is(err, context.DeadlineExceeded):
		return problem.Unavailable
	}
	var rest *googleapi.Error
	if errors.As(err, &rest) {
		return ofHTTP(rest.Code)
	}
	// A gax error carries its gRPC status; so does one that fmt wrapped.
	var grpc interface{ GRPCStatus() *status.Status }
	if errors.As(err, &grpc) && grpc.GRPCStatus() != nil {
		return ofGRPC(grpc.GRPCStatus().Code())
	}
	return problem.Unavailable
}

func ofGRPC(c codes.Code) problem.Code {
	switch c {
	case codes.NotFound:
		return problem.NotFound
	case codes.AlreadyExists:
		return problem.AlreadyExists
	case codes.FailedPrecondition:
		return problem.FailedPrecondition
	case codes.InvalidArgument, codes.OutOfRange, codes.Unimplemented:
		return problem.InvalidArgument
	case codes.PermissionDenied:
		return problem.PermissionDenied
	case codes.Unauthenticated:
		return problem.Unauthenticated
	case codes.ResourceExhausted:
		return problem.ResourceExhausted
	case codes.Canceled:
		return problem.Cancelled
	case codes.Internal, codes.DataLoss:
		return problem.Internal
	}
	return problem.Unavailable // Aborted, Unavailable, DeadlineExceeded, Unknown
}

func ofHTTP(c int) problem.Code {
	switch c {
	case http.StatusNotFound, http.StatusGone:
		return problem.NotFound
	case http.StatusConflict:
		return problem.AlreadyExists
	case http.StatusPreconditionFailed:
		return problem.FailedPrecondition
	case http.StatusBadRequest, http.StatusNotImplemented, http.StatusRequestEntityTooLarge:
		return problem.InvalidArgument
	case http.StatusForbidden:
		return problem.PermissionDenied
	case http.StatusUnauthorized:
		return problem.Unauthenticated
	case http.StatusTooManyRequests:
		return problem.ResourceExhausted
	}
	return problem.Unavailable
}
