// Package analyzedataset prepares the data of an experiment: the profile of its
// dataset version, the labelled examples in the warehouse, and the Parquet files
// of its run folder. Asked for a dataset alone, it makes the profile.
//
// It MUST be safe to repeat: the profile is made once per version, the examples'
// table and the files are replaced as a whole, and an experiment that has its
// examples keeps them. A dataset that cannot be trained on ends the experiment as
// failed, with the reason; a failure that may pass is returned only, to be retried.
package analyzedataset

import (
	"context"
	"fmt"
	"time"

	"github.com/b2brecs/b2brecs/shared/dataset"
	"github.com/b2brecs/b2brecs/shared/experiment"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

const step = "analyze-dataset"

// Services is what the function asks of its platform.
type Services struct {
	State     *state.DB
	Datasets  *dataset.Service
	Warehouse *warehouse.Warehouse
	Pipelines *objects.Bucket
}

// Request names an experiment, or a dataset whose profile is made anew.
type Request struct {
	Project    string `json:"project"`
	Experiment string `json:"experiment,omitempty"`
	Dataset    string `json:"dataset,omitempty"`
	Version    int    `json:"version,omitempty"` // of Dataset; 0 means the newest
}

// Reply counts the examples by split, and tells the readiness of the dataset.
type Reply struct {
	Rows   map[string]int64 `json:"rows,omitempty"`
	Score  int              `json:"score"`
	Rating string           `json:"rating,omitempty"`
}

// Handle prepares an experiment's data or profiles a dataset. An experiment that
// has ended is left as it is.
func Handle(ctx context.Context, s Services, in Request) (Reply, error) {
	switch {
	case (in.Experiment == "") == (in.Dataset == ""):
		return Reply{}, problem.New(problem.InvalidArgument, "the request names neither an experiment nor a dataset, or both").WithStep(step)
	case in.Dataset != "":
		p, err := s.Datasets.Analyze(ctx, in.Project, in.Dataset, in.Version)
		if err != nil {
			return Reply{}, problem.Of(err).WithStep(step)
		}
		return Reply{Score: p.Score, Rating: p.Rating}, nil
	}
	reply, err := s.experiment(ctx, in.Project, in.Experiment)
	if err != nil {
		return Reply{}, problem.Of(err).WithStep(step)
	}
	return reply, nil
}

func (s Services) experiment(ctx context.Context, project, id string) (Reply, error) {
	all := experiment.Of(s.State, project)
	e, err := all.Update(ctx, id, func(e *experiment.Experiment) error { e.Prepare(time.Now().UTC()); return nil })
	if err != nil {
		return Reply{}, err
	}
	if e.Status.Ended() {
		return Reply{}, nil
	}
	if e.Examples != nil {
		return Reply{Rows: e.Examples.Rows}, nil
	}
	profile, ex, err := s.prepare(ctx, e)
	if err != nil {
		return Reply{}, experiment.Unprepared(ctx, s.State, e, step, err)
	}
	_, err = all.Update(ctx, id, func(e *experiment.Experiment) error {
		if e.Examples == nil {
			e.Examples = &ex
			e.Warnings = append(e.Warnings, warnings(profile, ex)...)
		}
		return nil
	})
	return Reply{ex.Rows, profile.Score, profile.Rating}, err
}

// prepare makes the profile where it is missing, the examples and their files.
func (s Services) prepare(ctx context.Context, e experiment.Experiment) (dataset.Profile, dataset.Examples, error) {
	var ex dataset.Examples
	version := e.Snapshot.DatasetVersion
	profile, err := s.Datasets.Profile(ctx, e.Project, version.Dataset, version.Number)
	if problem.Is(err, problem.NotFound) {
		profile, err = s.Datasets.Analyze(ctx, e.Project, version.Dataset, version.Number)
	}
	if err != nil {
		return profile, ex, err
	}
	// The experiment's own time decides which dates are in the future, so that a
	// repeat makes the same examples.
	ex, err = dataset.MaterializeExamples(ctx, s.Warehouse, e.Project, e.ID, version, e.Settings.Split, e.CreatedAt)
	if err != nil {
		return profile, ex, err
	}
	return profile, ex, dataset.ExportExamples(ctx, s.Warehouse, ex, s.Pipelines, e.Root)
}

// badRatings are told with the experiment: its figures say little.
var badRatings = map[string]bool{"poor": true, "blocked": true}

func warnings(p dataset.Profile, ex dataset.Examples) []string {
	var out []string
	if badRatings[p.Rating] && len(p.Findings) > 0 {
		out = append(out, fmt.Sprintf("the dataset's readiness is %s (%d of 100): %s", p.Rating, p.Score, p.Findings[0].Message))
	}
	kept := ex.Rows["train"] + ex.Rows["eval"] + ex.Rows["test"]
	if ex.Dropped*20 > kept {
		out = append(out, fmt.Sprintf("%d rows without a customer, a product or a usable time are left out", ex.Dropped))
	}
	return out
}
