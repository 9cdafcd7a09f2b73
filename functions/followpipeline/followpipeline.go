// Package followpipeline says how a pipeline job changed when its back end says only
// that it did: it reads the job and publishes the transitions that brought it there.
//
// It MUST be safe to repeat: a transition is the same event however often the job is
// read, and its consumer ignores what it has seen.
package followpipeline

import (
	"context"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// Topic of Handle.
var Topic = pipeline.TopicNoticed

// Services is what the function asks of its platform.
type Services struct {
	Runner *pipeline.Runner
	Events *events.Bus
}

// Handle publishes every transition of the job so far: a back end may show one late,
// after another that followed it. A job that is gone has none.
func Handle(ctx context.Context, s Services, n pipeline.Noticed) error {
	job, err := s.Runner.Get(ctx, n.Job)
	if problem.Is(err, problem.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return pipeline.PublishChanges(ctx, s.Events, job.Changes(0))
}
