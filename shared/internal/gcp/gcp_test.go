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
	if err := Problem(fmt.Errorf("inside: %w", own), "outside"); !problem.Is(err, problem.FailedPrecondition) {
		t.Error(err)
	}
	if Problem(nil, "x") != nil {
		t.Error("nil became an error")
	}
}

func TestLazy(t *testing.T) {
	calls := 0
	l := NewLazy(func(context.Context) (int, error) {
		if calls++; calls == 1 {
			return 0, errors.New("no network yet")
		}
		return calls, nil
	})
	if err := l.Close(func(int) error { return errors.New("closed what was never made") }); err != nil {
		t.Error(err)
	}
	if _, err := l.Get(t.Context()); err == nil || calls != 1 {
		t.Error("the failure is hidden")
	}
	for range 2 {
		if v, err := l.Get(t.Context()); v != 2 || err != nil {
			t.Errorf("%d %v", v, err)
		}
	}
	closed := 0
	if err := l.Close(func(v int) error { closed = v; return nil }); err != nil || closed != 2 {
		t.Error(closed, err)
	}
}
