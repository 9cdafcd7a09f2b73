package local

import (
	"context"
	"encoding/json"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/b2brecs/b2brecs/shared/pipeline/kfp"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// The types below are the JSON form of ExecutorInput and ExecutorOutput
// (kfp.pipeline_spec), the contract of a component.

type artifact struct {
	Name     string           `json:"name"`
	Type     kfp.ArtifactType `json:"type"`
	URI      string           `json:"uri"`
	Metadata map[string]any   `json:"metadata,omitempty"`
}

type artifacts struct {
	Artifacts []artifact `json:"artifacts"`
}

type input struct {
	Inputs struct {
		ParameterValues map[string]json.RawMessage `json:"parameterValues,omitempty"`
		Artifacts       map[string]artifacts       `json:"artifacts,omitempty"`
	} `json:"inputs"`
	Outputs struct {
		Artifacts  map[string]artifacts `json:"artifacts,omitempty"`
		OutputFile string               `json:"outputFile"`
	} `json:"outputs"`
}

type output struct {
	Artifacts map[string]artifacts `json:"artifacts"`
}

// fact is the first sentence an artefact's metadata says, by name of artefact.
func (o output) fact() string {
	for _, name := range slices.Sorted(maps.Keys(o.Artifacts)) {
		for _, a := range o.Artifacts[name].Artifacts {
			if fact, ok := a.Metadata["fact"].(string); ok && fact != "" {
				return clip(fact, 200)
			}
		}
	}
	return ""
}

// executor runs a call to its end: nil means the component said it is done.
type executor func(context.Context, *call) error

// call is one run of one component.
type call struct {
	job       string
	task      string
	component string
	dir       string // the task's folder
	input     input
	log       *taskLog
	progress  func(map[string]float64)
}

// newCall resolves a task's inputs from the graph's parameters and the outputs
// of the tasks before it.
func newCall(job kfp.Job, dir, id, name string, done map[string]output) *call {
	t := job.PipelineSpec.Root.DAG.Tasks[name]
	component := job.PipelineSpec.Components[t.ComponentRef.Name]
	c := &call{
		job: id, task: name, dir: filepath.Join(dir, "tasks", name),
		component: job.PipelineSpec.DeploymentSpec.Executors[component.ExecutorLabel].Container.Args[1],
	}
	c.input.Inputs.ParameterValues = map[string]json.RawMessage{}
	for in, p := range t.Inputs.Parameters {
		if p.RuntimeValue != nil {
			c.input.Inputs.ParameterValues[in] = p.RuntimeValue.Constant
		} else {
			c.input.Inputs.ParameterValues[in] = job.RuntimeConfig.ParameterValues[p.ComponentInputParameter]
		}
	}
	c.input.Inputs.Artifacts = map[string]artifacts{}
	for in, a := range t.Inputs.Artifacts {
		c.input.Inputs.Artifacts[in] = done[a.TaskOutputArtifact.ProducerTask].Artifacts[a.TaskOutputArtifact.OutputArtifactKey]
	}
	c.input.Outputs.Artifacts = map[string]artifacts{}
	for out, def := range component.OutputDefinitions.Artifacts {
		c.input.Outputs.Artifacts[out] = artifacts{[]artifact{{
			Name: id + "/" + name + "/" + out, Type: def.ArtifactType, URI: filepath.Join(c.dir, out), Metadata: map[string]any{},
		}}}
	}
	c.input.Outputs.OutputFile = filepath.Join(c.dir, "executor_output.json")
	return c
}

// prepare empties the task's folder and keeps the executor input there, so that
// a person can run the component by hand.
func (c *call) prepare() error {
	if err := os.RemoveAll(c.dir); err != nil {
		return problem.Wrap(err, problem.Unavailable, "the folder of %s cannot be emptied", c.task)
	}
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return problem.Wrap(err, problem.Unavailable, "the folder of %s cannot be made", c.task)
	}
	b, err := json.MarshalIndent(c.input, "", " ")
	if err != nil {
		return problem.Wrap(err, problem.Internal, "the executor input of %s", c.task)
	}
	return problem.Wrap(os.WriteFile(filepath.Join(c.dir, "executor_input.json"), b, 0o644),
		problem.Unavailable, "the executor input of %s cannot be written", c.task)
}

// result reads a complete executor output. Artefacts it does not name are where
// the executor input said.
func (c *call) result() (output, error) {
	var out output
	b, err := os.ReadFile(c.input.Outputs.OutputFile)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		return out, problem.Wrap(err, problem.Internal, "%s ended without a readable executor_output.json", c.task)
	}
	if out.Artifacts == nil {
		out.Artifacts = map[string]artifacts{}
	}
	for name, declared := range c.input.Outputs.Artifacts {
		if len(out.Artifacts[name].Artifacts) == 0 {
			out.Artifacts[name] = declared
		}
	}
	return out, nil
}

// folder gives the absolute path of a job's output directory.
func folder(job kfp.Job) (string, error) {
	dir := job.RuntimeConfig.GCSOutputDirectory
	if u, err := url.Parse(dir); err == nil && u.Scheme == "file" {
		dir = u.Path
	}
	if !filepath.IsAbs(dir) || strings.Contains(dir, "://") {
		return "", problem.New(problem.InvalidArgument, "%q is not an absolute path on this machine", dir)
	}
	return filepath.Clean(dir), nil
}
