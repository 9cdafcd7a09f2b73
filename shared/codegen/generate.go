package codegen

import (
	"strings"

	"github.com/b2brecs/b2brecs/shared/feature"
	"github.com/b2brecs/b2brecs/shared/model"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// Pin names an exact version of a configuration. The zero value stands for one
// that is not saved yet.
type Pin struct {
	ID      string `json:"id"`
	Version int    `json:"version"`
}

// Input is all that generation depends on.
type Input struct {
	FeatureConfig Pin                `json:"feature_config"`
	ModelConfig   Pin                `json:"model_config"`
	Features      feature.Definition `json:"features"`
	Model         model.Definition   `json:"model"`
	// Columns of the dataset version; nil skips the checks against them.
	Columns []warehouse.Column `json:"columns,omitempty"`
}

// Output is the generated code and what is known about it.
type Output struct {
	Transform string // transform_module.py
	Trainer   string // trainer_module.py
	Manifest  []byte // manifest.json: synthetic keys to columns, versions, hash
	IR        []byte // ir.json: the program
	// Hash is the SHA-256 of the program, in hex. Equal hashes train equal models
	// from equal data; the modules' headers may still name different versions.
	Hash     string
	Warnings []string
	Program  *Program
}

// Generate makes both modules. InvalidArgument lists every finding, located as
// "features.query.features[1].embedding.dim" or "model.learning_rate".
func Generate(in Input) (Output, error) {
	p, findings := build(in.Features, in.Model, in.Columns)
	e := problem.New(problem.InvalidArgument, "the configurations cannot be turned into code").
		WithNext(problem.TurnYou, "Correct the fields listed, then try again.").WithStep("generate-code")
	for _, f := range findings {
		e = e.WithField("features."+f.Location, "%s", f.Message)
	}
	for _, f := range model.Check(in.Model) {
		e = e.WithField("model."+f.Location, "%s", f.Message)
	}
	if len(e.Fields) > 0 {
		return Output{}, e.WithCause("%d findings, the first at %s: %s", len(e.Fields), e.Fields[0].Location, e.Fields[0].Message)
	}
	out := Output{Program: p, Warnings: append(Warnings(in.Features), model.Warnings(in.Model)...)}
	out.IR, out.Hash = p.hash()
	var err error
	if out.Transform, out.Trainer, err = emit(in, p, out.Hash); err != nil {
		return Output{}, problem.Wrap(err, problem.Internal, "the code templates failed")
	}
	out.Manifest = manifest(in, p, out)
	return out, nil
}

// Check reports every finding about a feature definition on its own, located as
// "query.features[1].embedding.dim". columns are the dataset's; nil skips the
// checks against them.
func Check(d feature.Definition, columns []warehouse.Column) []problem.Field {
	_, findings := build(d, model.Definition{}, columns)
	return findings
}

// File is one artefact of a generation.
type File struct {
	Name string // as stored under code/ of a run folder
	Data []byte
}

// Files gives all artefacts, in a fixed order.
func (o Output) Files() []File {
	return []File{
		{"transform_module.py", []byte(o.Transform)},
		{"trainer_module.py", []byte(o.Trainer)},
		{"ir.json", o.IR},
		{"manifest.json", o.Manifest},
	}
}

// Lines of both modules together.
func (o Output) Lines() int {
	return strings.Count(o.Transform, "\n") + strings.Count(o.Trainer, "\n")
}
