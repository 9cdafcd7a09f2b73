package scheduler

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"cloud.google.com/go/scheduler/apiv1/schedulerpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/b2brecs/b2brecs/shared/schedule"
)

// Limits and defaults of the fields of Job
// (https://cloud.google.com/scheduler/docs/reference/rpc/google.cloud.scheduler.v1#job).
const (
	maxJobBytes     = 1 << 20
	maxDescription  = 500
	maxURI          = 2083
	maxHeaderBytes  = 80 << 10
	maxRetryCount   = 5
	minDeadline     = 15 * time.Second
	maxDeadline     = 30 * time.Minute
	defaultDeadline = 3 * time.Minute
	defaultMinWait  = 5 * time.Second
	defaultMaxWait  = time.Hour
	defaultDoubling = 5
)

// check refuses a job that the service would refuse, and fills in its defaults.
func check(j *schedulerpb.Job) (schedule.Times, error) {
	bad := func(format string, args ...any) (schedule.Times, error) {
		return schedule.Times{}, status.Errorf(codes.InvalidArgument, format, args...)
	}
	if j.State != 0 || j.UserUpdateTime != nil || j.Status != nil || j.ScheduleTime != nil || j.LastAttemptTime != nil {
		return bad("job has output-only fields")
	}
	if len(j.Description) > maxDescription {
		return bad("description has %d characters", len(j.Description))
	}
	if j.TimeZone == "" {
		j.TimeZone = "Etc/UTC"
	}
	times, err := schedule.Parse(j.Schedule, j.TimeZone)
	if err != nil {
		return bad("schedule or time_zone: %v", err)
	}
	if j.AttemptDeadline == nil {
		j.AttemptDeadline = durationpb.New(defaultDeadline)
	}
	if d := j.AttemptDeadline.AsDuration(); d < minDeadline || d > maxDeadline {
		return bad("attempt_deadline is %v", d)
	}
	if err := checkRetry(j); err != nil {
		return schedule.Times{}, err
	}
	if err := checkTarget(j.GetHttpTarget()); err != nil {
		return schedule.Times{}, err
	}
	if n := proto.Size(j); n > maxJobBytes {
		return bad("the job has %d bytes", n)
	}
	return times, nil
}

func checkRetry(j *schedulerpb.Job) error {
	if j.RetryConfig == nil {
		j.RetryConfig = &schedulerpb.RetryConfig{}
	}
	r := j.RetryConfig
	if r.MinBackoffDuration == nil {
		r.MinBackoffDuration = durationpb.New(defaultMinWait)
	}
	if r.MaxBackoffDuration == nil {
		r.MaxBackoffDuration = durationpb.New(defaultMaxWait)
	}
	if r.MaxRetryDuration == nil {
		r.MaxRetryDuration = durationpb.New(0)
	}
	if r.MaxDoublings == 0 {
		r.MaxDoublings = defaultDoubling
	}
	low, high := r.MinBackoffDuration.AsDuration(), r.MaxBackoffDuration.AsDuration()
	if r.RetryCount < 0 || r.RetryCount > maxRetryCount || r.MaxDoublings < 0 || low < 0 || high < low || r.MaxRetryDuration.AsDuration() < 0 {
		return status.Errorf(codes.InvalidArgument, "retry_config is %v", r)
	}
	return nil
}

// checkTarget refuses targets, and headers that the service would replace.
func checkTarget(h *schedulerpb.HttpTarget) error {
	if h == nil {
		return status.Error(codes.InvalidArgument, "this fake wants an http_target")
	}
	u, err := url.Parse(h.Uri)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || len(h.Uri) > maxURI || u.String() != h.Uri {
		return status.Errorf(codes.InvalidArgument, "uri %.60q is not an http or https URL of at most %d characters", h.Uri, maxURI)
	}
	switch h.HttpMethod {
	case schedulerpb.HttpMethod_HTTP_METHOD_UNSPECIFIED:
		h.HttpMethod = schedulerpb.HttpMethod_POST
	case schedulerpb.HttpMethod_POST, schedulerpb.HttpMethod_PUT, schedulerpb.HttpMethod_PATCH:
	default:
		if len(h.Body) > 0 {
			return status.Errorf(codes.InvalidArgument, "method %s takes no body", h.HttpMethod)
		}
	}
	size := 0
	for k, v := range h.Headers {
		size += len(k) + len(v)
		name := http.CanonicalHeaderKey(k)
		switch {
		case name == "Host", name == "Content-Length", name == "Authorization",
			strings.HasPrefix(name, "X-Google-"), strings.HasPrefix(name, "X-Appengine-"), strings.HasPrefix(name, "X-Cloudscheduler"),
			name == "User-Agent" && v != "Google-Cloud-Scheduler":
			return status.Errorf(codes.InvalidArgument, "header %s is the service's own", k)
		}
	}
	if size >= maxHeaderBytes {
		return status.Errorf(codes.InvalidArgument, "the headers have %d bytes", size)
	}
	if h.GetOauthToken() != nil {
		return status.Error(codes.InvalidArgument, "this fake gives OIDC tokens only")
	}
	if t := h.GetOidcToken(); t != nil && !strings.Contains(t.ServiceAccountEmail, "@") {
		return status.Errorf(codes.InvalidArgument, "%q is not the e-mail address of a service account", t.ServiceAccountEmail)
	}
	if h.Headers == nil {
		h.Headers = map[string]string{}
	}
	h.Headers["User-Agent"] = "Google-Cloud-Scheduler"
	return nil
}
