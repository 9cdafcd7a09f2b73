// Package generatecode turns an experiment's snapshot into the two Python modules
// its pipeline runs, and stores them in the run folder.
//
// It MUST be safe to repeat: the snapshot never changes and generation is
// deterministic, so a repeat writes the same bytes under the same names. The
// experiment's hash is set last, when all files are in place.
package generatecode

import (
	"context"
	"path"
	"time"

	"github.com/b2brecs/b2brecs/shared/codegen"
	"github.com/b2brecs/b2brecs/shared/experiment"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
)

// Services is what the function asks of its platform.
type Services struct {
	State     *state.DB
	Pipelines *objects.Bucket
}

// Request names the experiment.
type Request struct {
	Project    string `json:"project"`
	Experiment string `json:"experiment"`
}

// Reply tells what was generated. Lines counts both modules.
type Reply struct {
	Hash     string   `json:"hash"`
	Lines    int      `json:"lines"`
	Warnings []string `json:"warnings,omitempty"`
}

// Handle generates and stores the code. A snapshot that cannot be turned into
// code ends the experiment as failed, with every finding; a failure that may
// pass, such as a store that does not answer, is returned only, to be retried.
// An experiment that has ended is left as it is.
func Handle(ctx context.Context, s Services, in Request) (Reply, error) {
	experiments := state.Of[experiment.Experiment](s.State, experiment.Collection(in.Project))
	e, err := experiments.Get(ctx, in.Experiment)
	if err != nil {
		return Reply{}, problem.Of(err).WithStep("generate-code")
	}
	if e.Status.Ended() {
		return Reply{Hash: e.CodeHash}, nil
	}
	reply, err := s.generate(ctx, e)
	if err == nil {
		_, err = experiments.Update(ctx, e.ID, func(e *experiment.Experiment) error {
			e.CodeHash = reply.Hash
			return nil
		})
	}
	if err == nil {
		return reply, nil
	}
	p := problem.Of(err).WithStep("generate-code")
	if problem.Retryable(p) || p.Code == problem.Cancelled {
		return Reply{}, p
	}
	ended := time.Now().UTC()
	if _, err := experiments.Update(ctx, e.ID, func(e *experiment.Experiment) error {
		if !e.Status.Ended() {
			e.Status, e.Error, e.EndedAt = experiment.Failed, p, ended
		}
		return nil
	}); err != nil {
		return Reply{}, problem.Of(err).WithStep("generate-code")
	}
	return Reply{}, p
}

func (s Services) generate(ctx context.Context, e experiment.Experiment) (Reply, error) {
	out, err := codegen.Generate(codegen.Input{
		FeatureConfig: codegen.Pin{ID: e.Snapshot.FeatureConfig, Version: e.Snapshot.FeatureVersion},
		ModelConfig:   codegen.Pin{ID: e.Snapshot.ModelConfig, Version: e.Snapshot.ModelVersion},
		Features:      e.Snapshot.Features,
		Model:         e.Snapshot.Model,
		Columns:       e.Snapshot.DatasetVersion.Schema,
	})
	if err != nil {
		return Reply{}, err
	}
	for _, f := range out.Files() {
		if err := s.Pipelines.Write(ctx, path.Join(e.Root, "code", f.Name), f.Data); err != nil {
			return Reply{}, err
		}
	}
	return Reply{out.Hash, out.Lines(), out.Warnings}, nil
}
