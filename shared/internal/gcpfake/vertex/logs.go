package vertex

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"cloud.google.com/go/logging/apiv2/loggingpb"
	monitoredres "google.golang.org/genproto/googleapis/api/monitoredres"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// logService answers for the entries of custom jobs.
type logService struct {
	loggingpb.UnimplementedLoggingServiceV2Server
	s *Server
}

// logFilter is the one form of filter that is understood.
var logFilter = regexp.MustCompile(`^resource\.type="ml_job" AND resource\.labels\.job_id=\(("[0-9]+"(?: OR "[0-9]+")*)\) AND resource\.labels\.task_name="([a-z0-9-]+)" AND timestamp>="([^"]+)"$`)

// ListLogEntries implements the service.
func (l *logService) ListLogEntries(ctx context.Context, r *loggingpb.ListLogEntriesRequest) (*loggingpb.ListLogEntriesResponse, error) {
	if !slices.Equal(r.GetResourceNames(), []string{"projects/" + l.s.opts.Location.Project}) {
		return nil, status.Errorf(codes.PermissionDenied, "Permission 'logging.logEntries.list' denied on %v", r.GetResourceNames())
	}
	m := logFilter.FindStringSubmatch(r.GetFilter())
	if m == nil {
		return nil, invalid("this fake does not understand the filter %q", r.GetFilter())
	}
	since, err := time.Parse(time.RFC3339Nano, m[3])
	if err != nil {
		return nil, invalid("timestamp %q: %v", m[3], err)
	}
	if r.GetPageSize() < 0 || r.GetPageSize() > 1000 {
		return nil, invalid("page_size is %d; at most 1000 is accepted", r.GetPageSize())
	}
	var all []*loggingpb.LogEntry
	for quoted := range strings.SplitSeq(m[1], " OR ") {
		id, _ := strconv.Unquote(quoted) // the filter's form holds it
		es, err := l.entries(ctx, id, m[2])
		if err != nil {
			return nil, err
		}
		all = append(all, es...)
	}
	all = slices.DeleteFunc(all, func(e *loggingpb.LogEntry) bool { return e.GetTimestamp().AsTime().Before(since) })
	slices.SortStableFunc(all, func(a, b *loggingpb.LogEntry) int {
		return a.GetTimestamp().AsTime().Compare(b.GetTimestamp().AsTime())
	})
	switch r.GetOrderBy() {
	case "", "timestamp asc":
	case "timestamp desc":
		slices.Reverse(all)
	default:
		return nil, invalid("order_by %q", r.GetOrderBy())
	}
	from := 0
	if r.GetPageToken() != "" {
		if from, err = strconv.Atoi(r.GetPageToken()); err != nil || from < 0 || from > len(all) {
			return nil, invalid("page_token %q is not one of this query", r.GetPageToken())
		}
	}
	size := int(r.GetPageSize())
	if size == 0 {
		size = 50
	}
	out := &loggingpb.ListLogEntriesResponse{Entries: all[from:min(len(all), from+size)]}
	if from+size < len(all) {
		out.NextPageToken = fmt.Sprint(from + size)
	}
	return out, nil
}

// entries gives the lines of a custom job's container, or what the service says of it.
func (l *logService) entries(ctx context.Context, id, taskName string) ([]*loggingpb.LogEntry, error) {
	l.s.mu.Lock()
	c, ok := l.s.containers[id]
	l.s.mu.Unlock()
	if !ok || taskName != "workerpool0-0" && taskName != "service" {
		return nil, nil
	}
	lines, err := l.s.opts.Runner.Logs(ctx, c.job, c.task, 1000)
	if err != nil {
		return nil, status.Errorf(codes.Internal, "the runner: %v", err)
	}
	if n := len(lines); n > 0 && strings.Contains(lines[n-1], "Z error: ") {
		lines = lines[:n-1] // the runner's own word, as the service's below
	}
	var out []*loggingpb.LogEntry
	for i, line := range lines {
		at, text, _ := strings.Cut(line, " ")
		when, err := time.Parse(time.RFC3339Nano, at)
		if err != nil {
			return nil, status.Errorf(codes.Internal, "the runner's line has no time: %v", err)
		}
		if taskName == "service" {
			text = "Job is running."
		}
		out = append(out, &loggingpb.LogEntry{
			InsertId: fmt.Sprintf("%s-%06d", id, i), LogName: "projects/" + l.s.opts.Location.Project + "/logs/" + taskName,
			Timestamp: timestamppb.New(when.Add(time.Duration(i))),
			Resource: &monitoredres.MonitoredResource{Type: "ml_job", Labels: map[string]string{
				"job_id": id, "project_id": l.s.opts.Location.Project, "task_name": taskName,
			}},
			Payload: &loggingpb.LogEntry_JsonPayload{JsonPayload: &structpb.Struct{Fields: map[string]*structpb.Value{
				"message": structpb.NewStringValue(text), "levelname": structpb.NewStringValue("INFO"),
			}}},
		})
	}
	return out, nil
}
