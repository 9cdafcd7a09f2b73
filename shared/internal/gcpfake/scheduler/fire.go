package scheduler

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"path"
	"time"

	"cloud.google.com/go/scheduler/apiv1/schedulerpb"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// attempt makes the request of a job and gives its outcome.
func (s *Server) attempt(j *schedulerpb.Job, planned time.Time) codes.Code {
	ctx, cancel := context.WithTimeout(s.ctx, j.GetAttemptDeadline().AsDuration())
	defer cancel()
	h := j.GetHttpTarget()
	r, err := http.NewRequestWithContext(ctx, h.GetHttpMethod().String(), h.GetUri(), bytes.NewReader(h.GetBody()))
	if err != nil {
		return codes.InvalidArgument
	}
	if len(h.GetBody()) > 0 {
		r.Header.Set("Content-Type", "application/octet-stream")
	}
	for k, v := range h.GetHeaders() {
		r.Header.Set(k, v)
	}
	r.Header.Set("X-CloudScheduler", "true")
	r.Header.Set("X-CloudScheduler-JobName", path.Base(j.GetName()))
	r.Header.Set("X-CloudScheduler-ScheduleTime", planned.UTC().Format(time.RFC3339))
	if t := h.GetOidcToken(); t != nil {
		audience := t.GetAudience()
		if audience == "" {
			audience = h.GetUri()
		}
		token, err := s.opts.Token(ctx, t.GetServiceAccountEmail(), audience)
		if err != nil {
			return codes.Unauthenticated
		}
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := s.opts.HTTP.Do(r)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return codes.DeadlineExceeded
	case err != nil:
		return codes.Unavailable
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20)) // the status decides
	return ofHTTP(resp.StatusCode)
}

// ofHTTP is the code of an answer
// (https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto).
func ofHTTP(status int) codes.Code {
	if status >= 200 && status < 300 {
		return codes.OK
	}
	code, ok := map[int]codes.Code{
		http.StatusBadRequest: codes.InvalidArgument, http.StatusUnauthorized: codes.Unauthenticated, http.StatusForbidden: codes.PermissionDenied,
		http.StatusNotFound: codes.NotFound, http.StatusConflict: codes.Aborted, http.StatusTooManyRequests: codes.ResourceExhausted,
		http.StatusInternalServerError: codes.Internal, http.StatusNotImplemented: codes.Unimplemented,
		http.StatusServiceUnavailable: codes.Unavailable, http.StatusGatewayTimeout: codes.DeadlineExceeded,
	}[status]
	if !ok {
		return codes.Unknown
	}
	return code
}

// finish writes the outcome of a planned firing down and plans what follows.
func (s *Server) finish(j *job, began time.Time, code codes.Code) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j.running = false
	j.outcome(began, code)
	if j.State == schedulerpb.Job_ENABLED && !j.next.After(began) { // else an update or a pause planned anew
		j.after(s.opts.Now(), code != codes.OK)
	}
}

func (j *job) outcome(began time.Time, code codes.Code) {
	j.LastAttemptTime = timestamppb.New(began)
	j.Status = &rpcstatus.Status{}
	if code != codes.OK {
		j.Status.Code = int32(code)
	}
}
