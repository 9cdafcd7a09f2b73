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

	"github.com/b2brecs/b2brecs/shared/codegen"
	"github.com/b2brecs/b2brecs/shared/experiment"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
)

const step = "generate-code"

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
	all := experiment.Of(s.State, in.Project)
	e, err := all.Get(ctx, in.Experiment)
	if err != nil {
		return Reply{}, problem.Of(err).WithStep(step)
	}
	if e.Status.Ended() {
		return Reply{Hash: e.CodeHash}, nil
	}
	reply, err := s.generate(ctx, e)
	if err == nil {
		_, err = all.Update(ctx, e.ID, func(e *experiment.Experiment) error { e.CodeHash = reply.Hash; return nil })
	}
	if err != nil {
		return Reply{}, experiment.Unprepared(ctx, s.State, e, step, err)
	}
	return reply, nil
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
