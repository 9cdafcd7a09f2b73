package vertex

import (
	"encoding/json"
	"strings"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// LogFilter selects what the sink of pipeline.LogTopic sends
// (https://cloud.google.com/vertex-ai/docs/pipelines/logging).
const LogFilter = `resource.type="aiplatform.googleapis.com/PipelineJob" AND log_id("aiplatform.googleapis.com/pipeline_job_events")`

// Noticed makes the product's event of an entry that the log sink delivered. The entry
// is used for the job's name alone. ok is false for a job that is not the product's.
// InvalidArgument for what is no entry of a pipeline job.
func Noticed(m events.Message) (notice events.Message, ok bool, err error) {
	var entry struct {
		Resource struct {
			Type   string `json:"type"`
			Labels struct {
				Job string `json:"pipeline_job_id"`
			} `json:"labels"`
		} `json:"resource"`
	}
	if err := json.Unmarshal(m.Data, &entry); err != nil {
		return notice, false, problem.Wrap(err, problem.InvalidArgument, "message %s is not a log entry", m.ID)
	}
	if entry.Resource.Type != "aiplatform.googleapis.com/PipelineJob" || entry.Resource.Labels.Job == "" {
		return notice, false, problem.New(problem.InvalidArgument, "message %s is not about a pipeline job", m.ID)
	}
	id, ours := strings.CutPrefix(entry.Resource.Labels.Job, Prefix)
	if !ours || !idText.MatchString(id) {
		return notice, false, nil
	}
	notice, err = events.Encode(pipeline.TopicNoticed, m.ID, id, pipeline.Noticed{Job: id})
	notice.Time, notice.Attempt = m.Time, m.Attempt
	return notice, err == nil, err
}
