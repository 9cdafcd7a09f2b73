// Package followprogress takes a trainer's epochs into its experiment where they come
// as an object: the trainer replaces a file in the run folder after each one.
//
// It MUST be safe to repeat: an epoch that is there already changes nothing, and a
// file that was replaced meanwhile tells a later one. Progress is advice, so a file
// that cannot be understood is left.
package followprogress

import (
	"context"
	"log/slog"
	"strings"

	"github.com/b2brecs/b2brecs/shared/experiment"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/telemetry"
)

// Topic of Handle.
var Topic = objects.TopicFinalized(objects.Pipelines)

// Services is what the function asks of its platform.
type Services struct {
	State     *state.DB
	Pipelines *objects.Bucket
}

// Handle takes a finalized object; all but progress files are no business of it.
func Handle(ctx context.Context, s Services, f objects.Finalized) error {
	project, id, ok := experiment.OfRoot(strings.TrimSuffix(f.Key, pipeline.ProgressFile))
	if !ok || !strings.HasSuffix(f.Key, pipeline.ProgressFile) {
		return nil
	}
	telemetry.Add(ctx, slog.String("project", project), slog.String("experiment", id))
	file, err := s.Pipelines.Read(ctx, f.Key)
	if problem.Is(err, problem.NotFound) {
		return nil // the experiment was deleted
	}
	if err != nil {
		return err
	}
	p, err := pipeline.ReadProgress(id, nil, f.Time, file)
	if err != nil {
		return err
	}
	return experiment.Follow(ctx, s.State, project, id, p)
}
