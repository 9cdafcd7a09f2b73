package vertex

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/aiplatform/apiv1/aiplatformpb"
	"cloud.google.com/go/logging/apiv2/loggingpb"
	"google.golang.org/api/iterator"

	"github.com/b2brecs/b2brecs/shared/internal/gcp"
)

// maxLines is the largest page of Cloud Logging
// (https://cloud.google.com/logging/quotas#api-limits).
const maxLines = 1000

// customJob is the name of the job that runs a task's container; its id is a number.
var customJob = regexp.MustCompile(`^projects/[^/]+/locations/[^/]+/customJobs/([0-9]+)$`)

// filter selects what the containers of a task printed; "" when none was started. It
// holds nothing but digits and times of Vertex's own. The service's own words about
// a job have another task_name.
func filter(t *aiplatformpb.PipelineTaskDetail) string {
	c := t.GetExecutorDetail().GetContainerDetail()
	var ids []string
	for _, name := range append(slices.Clone(c.GetFailedMainJobs()), c.GetMainJob()) {
		if m := customJob.FindStringSubmatch(name); m != nil {
			ids = append(ids, `"`+m[1]+`"`)
		}
	}
	if len(ids) == 0 {
		return ""
	}
	return strings.Join([]string{
		`resource.type="ml_job"`, `resource.labels.job_id=(` + strings.Join(ids, " OR ") + `)`,
		`resource.labels.task_name="workerpool0-0"`,
		// Without a time Cloud Logging looks at all that it keeps.
		`timestamp>="` + t.GetCreateTime().AsTime().UTC().Format(time.RFC3339Nano) + `"`,
	}, " AND ")
}

// tail gives the last lines that a task's containers printed, oldest first.
func (d *Driver) tail(ctx context.Context, t *aiplatformpb.PipelineTaskDetail, lines int, timed bool) ([]string, error) {
	out := []string{}
	lines = min(lines, maxLines)
	f := filter(t)
	if f == "" || lines <= 0 {
		return out, nil
	}
	c, err := d.logs.Get(ctx)
	if err != nil {
		return nil, err
	}
	it := c.ListLogEntries(ctx, &loggingpb.ListLogEntriesRequest{
		ResourceNames: []string{"projects/" + d.opts.Location.Project}, Filter: f, OrderBy: "timestamp desc", PageSize: int32(lines),
	})
	for len(out) < lines {
		e, err := it.Next()
		if errors.Is(err, iterator.Done) {
			break
		}
		if err != nil {
			return nil, gcp.Problem(ctx, err, "the log of task %s cannot be read", t.GetTaskName())
		}
		text := e.GetTextPayload()
		if text == "" {
			text = e.GetJsonPayload().GetFields()["message"].GetStringValue()
		}
		at := ""
		if timed {
			at = e.GetTimestamp().AsTime().UTC().Format("2006-01-02T15:04:05.000Z") + " "
		}
		for _, line := range slices.Backward(strings.Split(strings.TrimRight(text, "\n"), "\n")) {
			out = append(out, at+strings.TrimRight(line, "\r"))
		}
	}
	out = out[:min(len(out), lines)]
	slices.Reverse(out)
	return out, nil
}
