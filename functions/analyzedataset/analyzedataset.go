// Package analyzedataset prepares the data of an experiment: the profile of its
// dataset version, the labelled examples in the warehouse, and the Parquet files
// of its run folder.
//
// It MUST be safe to repeat: the profile is made once per version, the examples'
// table and the files are replaced as a whole. A dataset that cannot be trained on
// ends the experiment as failed, with the reason; a failure that may pass is
// returned only, to be retried.
package analyzedataset

import (
	"context"
	"time"

	"github.com/b2brecs/b2brecs/shared/dataset"
	"github.com/b2brecs/b2brecs/shared/experiment"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// Services is what the function asks of its platform.
type Services struct {
	State     *state.DB
	Datasets  *dataset.Service
	Warehouse *warehouse.Warehouse
	Pipelines *objects.Bucket
}

// Request names the experiment.
type Request struct {
	Project    string `json:"project"`
	Experiment string `json:"experiment"`
}

// Reply counts the examples by split.
type Reply struct {
	Rows map[string]int64 `json:"rows"`
}

// Handle prepares the experiment's data. One that has ended is left as it is.
func Handle(ctx context.Context, s Services, in Request) (Reply, error) {
	all := experiment.Of(s.State, in.Project)
	e, err := all.Update(ctx, in.Experiment, func(e *experiment.Experiment) error { e.Prepare(time.Now().UTC()); return nil })
	if err != nil {
		return Reply{}, problem.Of(err).WithStep("analyze-dataset")
	}
	if e.Status.Ended() {
		return Reply{}, nil
	}
	ex, err := s.prepare(ctx, e)
	if err != nil {
		p := problem.Of(err).WithStep("analyze-dataset")
		if problem.Retryable(err) {
			return Reply{}, p
		}
		_, ferr := all.Update(ctx, e.ID, func(e *experiment.Experiment) error { e.Fail("prepare", p, time.Now().UTC()); return nil })
		if ferr != nil {
			return Reply{}, ferr
		}
		return Reply{}, p
	}
	_, err = all.Update(ctx, e.ID, func(e *experiment.Experiment) error { e.Examples = &ex; return nil })
	return Reply{ex.Rows}, err
}

func (s Services) prepare(ctx context.Context, e experiment.Experiment) (dataset.Examples, error) {
	version := e.Snapshot.DatasetVersion
	_, err := s.Datasets.Profile(ctx, e.Project, version.Dataset, version.Number)
	if problem.Is(err, problem.NotFound) {
		_, err = s.Datasets.Analyze(ctx, e.Project, version.Dataset, version.Number)
	}
	if err != nil {
		return dataset.Examples{}, err
	}
	// The experiment's own time decides which dates are in the future, so that a
	// repeat makes the same examples.
	ex, err := dataset.MaterializeExamples(ctx, s.Warehouse, e.Project, e.ID, version, e.Settings.Split, e.CreatedAt)
	if err != nil {
		return ex, err
	}
	return ex, dataset.ExportExamples(ctx, s.Warehouse, ex, s.Pipelines, e.Root)
}
