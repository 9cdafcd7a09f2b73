package cloudscheduler

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/url"
	"path"
	"regexp"
	"strings"
	"time"

	"cloud.google.com/go/scheduler/apiv1/schedulerpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/schedule"
)

// Limits of a job, and what this driver makes of them
// (https://cloud.google.com/scheduler/docs/reference/rest/v1/projects.locations.jobs).
const (
	maxJobID  = 500  // characters
	maxURI    = 2083 // characters
	retries   = 5    // the most there are
	firstWait = 30 * time.Second
	maxWait   = 10 * time.Minute
	doublings = 5
	// attemptDeadline is the longest there is: the function's own time limit ends it.
	attemptDeadline = 30 * time.Minute
)

// plain is what needs no escape in one part of a path.
var plain = regexp.MustCompile(`^[A-Za-z0-9._~-]+$`)

// job gives the job of a schedule; InvalidArgument for one that cannot be read back.
func (d *Driver) job(s schedule.Schedule) (*schedulerpb.Job, error) {
	p := problem.New(problem.InvalidArgument, "Cloud Scheduler cannot keep schedule %.40q", s.ID)
	if len(Prefix+s.ID) > maxJobID {
		p = p.WithField("id", "has %d characters; at most %d are allowed", len(s.ID), maxJobID-len(Prefix))
	}
	if !plain.MatchString(s.Function) || strings.Trim(s.Function, ".") == "" {
		p = p.WithField("function", "%q is not the name of a function", s.Function)
	}
	base := d.opts.FunctionsURL + "/" + s.Function
	uri := base + s.Path
	u, err := url.Parse(uri)
	switch {
	case s.Path != "" && s.Path[0] != '/':
		p = p.WithField("path", "%q does not begin with a slash", s.Path)
	case err != nil || u.String() != uri || u.Fragment != "" || !clean(u.Path):
		p = p.WithField("path", "%q is not the path of a URL", s.Path)
	case len(uri) > maxURI:
		p = p.WithField("path", "makes an address of %d characters; at most %d are allowed", len(uri), maxURI)
	}
	if len(p.Fields) > 0 {
		p.Cause = p.Fields[0].Location + ": " + p.Fields[0].Message
		return nil, p
	}
	body := []byte(s.Body)
	if len(body) == 0 {
		body = []byte("{}")
	}
	audience := d.opts.Audience
	if audience == "" {
		audience = base
	}
	return &schedulerpb.Job{
		Name: d.name(s.ID), Schedule: s.Cron, TimeZone: s.TimeZone,
		Description: "Made by b2brecs; changes here are lost.",
		Target: &schedulerpb.Job_HttpTarget{HttpTarget: &schedulerpb.HttpTarget{
			Uri: uri, HttpMethod: schedulerpb.HttpMethod_POST, Body: body,
			Headers: map[string]string{"Content-Type": "application/json", schedule.HeaderID: s.ID},
			AuthorizationHeader: &schedulerpb.HttpTarget_OidcToken{OidcToken: &schedulerpb.OidcToken{
				ServiceAccountEmail: d.opts.ServiceAccount, Audience: audience}},
		}},
		RetryConfig: &schedulerpb.RetryConfig{RetryCount: retries, MaxDoublings: doublings,
			MinBackoffDuration: durationpb.New(firstWait), MaxBackoffDuration: durationpb.New(maxWait)},
		AttemptDeadline: durationpb.New(attemptDeadline),
	}, nil
}

// clean refuses paths that lead elsewhere ("/../other-function").
func clean(p string) bool { return path.Clean(p) == strings.TrimSuffix(p, "/") }

// changes names the fields of a job that are not as wanted.
func changes(have, want *schedulerpb.Job) []string {
	failed := have.GetState() == schedulerpb.Job_UPDATE_FAILED // what it shows may not be what it does
	var paths []string
	differ := func(path string, yes bool) {
		if yes || failed {
			paths = append(paths, path)
		}
	}
	differ("schedule", have.GetSchedule() != want.GetSchedule())
	differ("time_zone", have.GetTimeZone() != want.GetTimeZone())
	differ("description", have.GetDescription() != want.GetDescription())
	differ("http_target", !sameTarget(have.GetHttpTarget(), want.GetHttpTarget()))
	differ("attempt_deadline", !proto.Equal(have.GetAttemptDeadline(), want.GetAttemptDeadline()))
	a, b := have.GetRetryConfig(), want.GetRetryConfig()
	differ("retry_config", a.GetRetryCount() != b.GetRetryCount() || a.GetMaxDoublings() != b.GetMaxDoublings() || a.GetMaxRetryDuration().AsDuration() != 0 ||
		!proto.Equal(a.GetMinBackoffDuration(), b.GetMinBackoffDuration()) || !proto.Equal(a.GetMaxBackoffDuration(), b.GetMaxBackoffDuration()))
	return paths
}

// sameTarget compares what this driver sets; the service adds its own User-Agent.
func sameTarget(have, want *schedulerpb.HttpTarget) bool {
	headers := maps.Clone(have.GetHeaders())
	delete(headers, "User-Agent")
	return have.GetUri() == want.GetUri() && have.GetHttpMethod() == want.GetHttpMethod() && bytes.Equal(have.GetBody(), want.GetBody()) &&
		maps.Equal(headers, want.GetHeaders()) && proto.Equal(have.GetOidcToken(), want.GetOidcToken())
}

// ours reports whether a job is one of this driver's.
func ours(j *schedulerpb.Job) bool { return strings.HasPrefix(path.Base(j.GetName()), Prefix) }

// schedule reads a job back.
func (d *Driver) schedule(j *schedulerpb.Job) (schedule.Schedule, error) {
	s := schedule.Schedule{
		ID: strings.TrimPrefix(path.Base(j.GetName()), Prefix), Cron: j.GetSchedule(), TimeZone: j.GetTimeZone(),
		Body: json.RawMessage(j.GetHttpTarget().GetBody()), Paused: j.GetState() == schedulerpb.Job_PAUSED,
	}
	rest, ok := strings.CutPrefix(j.GetHttpTarget().GetUri(), d.opts.FunctionsURL+"/")
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	times, err := schedule.Parse(s.Cron, s.TimeZone)
	if !ok || end == 0 || err != nil {
		return s, problem.New(problem.FailedPrecondition, "schedule %q was changed outside of the product", s.ID).
			WithCause("its job calls %q at %q in %q", j.GetHttpTarget().GetUri(), s.Cron, s.TimeZone).
			WithNext(problem.TurnYou, "Save the schedule again.")
	}
	s.Function, s.Path = rest[:end], rest[end:]
	if j.GetState() == schedulerpb.Job_ENABLED {
		s.Next = times.Next(d.now())
	}
	code := codes.Code(j.GetStatus().GetCode())
	switch {
	case j.GetState() == schedulerpb.Job_DISABLED:
		s.LastError = "Cloud Scheduler has disabled the schedule; delete it and make it again"
	case j.GetState() == schedulerpb.Job_UPDATE_FAILED:
		s.LastError = "the last change failed half-way; save the schedule again"
	case code != codes.OK && j.GetStatus().GetMessage() != "":
		s.LastError = s.Function + " failed: " + j.GetStatus().GetMessage()
	case code != codes.OK:
		s.LastError = s.Function + " failed: " + code.String()
	case j.GetLastAttemptTime() != nil && j.GetUserUpdateTime() != nil:
		s.Last = times.Newest(j.GetUserUpdateTime().AsTime(), j.GetLastAttemptTime().AsTime())
	}
	return s, nil
}
