package gcp

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/googleapis/gax-go/v2/apierror"
	"google.golang.org/api/googleapi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/b2brecs/b2brecs/shared/problem"
)

func TestCode(t *testing.T) {
	gax, _ := apierror.FromError(status.Error(codes.NotFound, "gone"))
	for _, tc := range []struct {
		err  error
		want problem.Code
	}{
		{nil, ""},
		{gax, problem.NotFound},
		{fmt.Errorf("commit: %w", status.Error(codes.Aborted, "contention")), problem.Unavailable},
		{status.Error(codes.AlreadyExists, ""), problem.AlreadyExists},
		{status.Error(codes.ResourceExhausted, ""), problem.ResourceExhausted},
		{status.Error(codes.Internal, ""), problem.Internal},
		{status.Error(codes.Canceled, ""), problem.Unavailable},
		{status.Error(codes.DeadlineExceeded, ""), problem.Unavailable},
		{&googleapi.Error{Code: 409}, problem.AlreadyExists},
		{&googleapi.Error{Code: 412}, problem.FailedPrecondition},
		{&googleapi.Error{Code: 503}, problem.Unavailable},
		{fmt.Errorf("x: %w", &googleapi.Error{Code: 403}), problem.PermissionDenied},
		{context.Canceled, problem.Cancelled},
		{context.DeadlineExceeded, problem.Unavailable},
		{errors.New("connection refused"), problem.Unavailable},
	} {
		if got := Code(tc.err); got != tc.want {
			t.Errorf("%v: %s, want %s", tc.err, got, tc.want)
		}
	}
	own := problem.New(problem.FailedPrecondition, "mine")
	if err := Problem(t.Context(), fmt.Errorf("inside: %w", own), "outside"); !problem.Is(err, problem.FailedPrecondition) {
		t.Error(err)
	}
	if Problem(t.Context(), nil, "x") != nil {
		t.Error("nil became an error")
	}
}

// Who gave the call up decides whether it may be made again.
func TestProblemOfACallThatEnded(t *testing.T) {
	stopped, stop := context.WithCancel(t.Context())
	stop()
	late, end := context.WithTimeout(t.Context(), 0)
	defer end()
	canceled, deadline := status.Error(codes.Canceled, "The operation was cancelled."), status.Error(codes.DeadlineExceeded, "")
	for _, tc := range []struct {
		ctx  context.Context
		err  error
		want problem.Code
	}{
		{t.Context(), canceled, problem.Unavailable},
		{t.Context(), deadline, problem.Unavailable},
		{t.Context(), fmt.Errorf("a context of the client's own: %w", context.Canceled), problem.Unavailable},
		{stopped, canceled, problem.Cancelled},
		{stopped, context.Canceled, problem.Cancelled},
		{stopped, status.Error(codes.Unavailable, "transport is closing"), problem.Cancelled},
		{stopped, status.Error(codes.NotFound, "answered before"), problem.NotFound},
		{late, canceled, problem.Unavailable},
		{late, deadline, problem.Unavailable},
	} {
		err := Problem(tc.ctx, tc.err, "read")
		if !problem.Is(err, tc.want) || problem.Retryable(err) != (tc.want == problem.Unavailable) {
			t.Errorf("%v with %v: %s, want %s", tc.err, tc.ctx.Err(), problem.CodeOf(err), tc.want)
		}
	}
}
