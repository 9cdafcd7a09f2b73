package gcp

import (
	"context"
	"errors"
	"net/http"

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

// Problem wraps an error of a Google client; format says what was being done. A nil
// error gives nil, a problem stays what it is. ctx is the call's own: only when it was
// cancelled did the caller stop the call. A service, a proxy or a connection that gives
// up says CANCELLED too, and that passes.
func Problem(ctx context.Context, err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	var p *problem.Error
	if errors.As(err, &p) {
		return err
	}
	code := Code(err)
	switch stopped := errors.Is(ctx.Err(), context.Canceled); {
	case stopped && code == problem.Unavailable:
		code = problem.Cancelled
	case !stopped && code == problem.Cancelled:
		code = problem.Unavailable
	}
	return problem.Wrap(err, code, format, args...)
}

// Code gives the problem code of an error of a Google client, gRPC or REST
// (https://cloud.google.com/apis/design/errors#handling_errors). What carries no
// status is a connection that failed: Unavailable. So is a status that says CANCELLED
// or DEADLINE_EXCEEDED, whoever's it is; Problem tells them apart.
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
	case codes.Internal, codes.DataLoss:
		return problem.Internal
	}
	return problem.Unavailable // Aborted, Unavailable, Canceled, DeadlineExceeded, Unknown
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
