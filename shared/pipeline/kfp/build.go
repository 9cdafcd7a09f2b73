package kfp

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"

	"github.com/b2brecs/b2brecs/shared/problem"
)

const (
	// SchemaVersion of the pipeline spec that Build writes.
	SchemaVersion = "2.1.0"
	// SDKVersion tells back ends which dialect the spec speaks: the kfp release
	// whose schema testdata/check_spec.py parses it with.
	SDKVersion = "kfp-2.17.0"
	// PipelineName is the same for every experiment, so that a back end keeps
	// their runs together.
	PipelineName = "experiment"
	// Module is the Python package that every component runs.
	Module = "b2brecs_runtime"
	// DefaultImage holds the Python package with its locked dependencies.
	DefaultImage = "b2brecs/runtime:1"
)

// Tasks of an experiment in order.
var Tasks = []string{"examples", "statistics", "schema", "transform", "trainer", "evaluator"}

// Experiment is what a run's graph is built from.
type Experiment struct {
	// Name is shown to people, e.g. "Wholesale #12"; at most 128 characters are kept.
	Name string
	// Root is the URI of the run folder, without a trailing slash.
	Root string
	// Config is the one JSON document all components read: roles, columns, split, cut-offs.
	Config json.RawMessage
	// TransformModule and TrainerModule are URIs of the generated modules.
	TransformModule, TrainerModule string
	Epochs, BatchSize              int
	LearningRate                   float64
	Seed                           int64
	// Image of the components; "" means DefaultImage.
	Image string
	// Resources by task; a task without an entry takes the back end's default.
	Resources map[string]Resources
	// CacheKeys by task allow a back end to use an earlier run's outputs. A
	// task without one always runs.
	CacheKeys map[string]string
	Labels    map[string]string
}

const (
	typeDataset  = "system.Dataset"
	typeArtifact = "system.Artifact"
	typeModel    = "system.Model"
	typeMetrics  = "system.Metrics"
)

// outputs gives every artefact's type; an artefact's name is unique in the graph.
var outputs = map[string]string{
	"examples": typeDataset, "statistics": typeArtifact, "schema": typeArtifact,
	"transform_graph": typeArtifact, "transformed_examples": typeDataset,
	"model": typeModel, "model_run": typeArtifact,
	"evaluation": typeMetrics, "recommendations": typeDataset,
}

// graph declares each task's interface.
var graph = map[string]struct {
	params []string          // beside root and config
	in     map[string]string // artefact -> producing task
	out    []string
}{
	"examples":   {out: []string{"examples"}},
	"statistics": {in: map[string]string{"examples": "examples"}, out: []string{"statistics"}},
	"schema":     {in: map[string]string{"statistics": "statistics"}, out: []string{"schema"}},
	"transform": {
		params: []string{"module"},
		in:     map[string]string{"examples": "examples", "schema": "schema"},
		out:    []string{"transform_graph", "transformed_examples"},
	},
	"trainer": {
		params: []string{"module", "epochs", "batch_size", "learning_rate", "seed"},
		in:     map[string]string{"transformed_examples": "transform", "transform_graph": "transform", "schema": "schema"},
		out:    []string{"model", "model_run"},
	},
	"evaluator": {
		in:  map[string]string{"model": "trainer", "examples": "examples", "transform_graph": "transform"},
		out: []string{"evaluation", "recommendations"},
	},
}

// parameters of the whole graph.
var parameters = map[string]ParameterType{
	"root": String, "config": String, "transform_module": String, "trainer_module": String,
	"epochs": NumberInteger, "batch_size": NumberInteger, "learning_rate": NumberDouble, "seed": NumberInteger,
}

// graphParameter names the graph's parameter behind a component's.
func graphParameter(task, parameter string) string {
	if parameter == "module" {
		return task + "_module"
	}
	return parameter
}

// labelText is what Google Cloud accepts in a label value
// (https://cloud.google.com/resource-manager/docs/labels-overview#requirements).
var labelText = regexp.MustCompile(`^[a-z0-9_-]{0,63}$`)

// Build writes the PipelineJob of an experiment. Equal experiments give equal
// bytes. InvalidArgument names every field that is missing or out of range.
func Build(e Experiment) ([]byte, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	if e.Image == "" {
		e.Image = DefaultImage
	}
	job := Job{
		DisplayName: truncate(e.Name, 128), Labels: e.Labels,
		PipelineSpec: Spec{
			PipelineInfo: PipelineInfo{PipelineName}, SchemaVersion: SchemaVersion, SDKVersion: SDKVersion,
			Components:     map[string]Component{},
			DeploymentSpec: DeploymentSpec{map[string]Executor{}},
			Root: Root{
				InputDefinitions: Definitions{Parameters: map[string]ParameterDefinition{}},
				DAG:              DAG{map[string]Task{}},
			},
		},
		RuntimeConfig: RuntimeConfig{GCSOutputDirectory: e.Root, ParameterValues: e.values()},
	}
	for name, t := range parameters {
		job.PipelineSpec.Root.InputDefinitions.Parameters[name] = ParameterDefinition{t}
	}
	for _, task := range Tasks {
		job.PipelineSpec.Components["comp-"+task] = component(task)
		job.PipelineSpec.DeploymentSpec.Executors["exec-"+task] = executor(task, e)
		job.PipelineSpec.Root.DAG.Tasks[task] = dagTask(task, e.CacheKeys[task])
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(job); err != nil {
		return nil, problem.Wrap(err, problem.Internal, "the pipeline job cannot be written")
	}
	return b.Bytes(), nil
}

func (e Experiment) check() error {
	p := problem.New(problem.InvalidArgument, "the pipeline job of %q cannot be built", e.Name)
	for _, f := range []struct{ name, value string }{
		{"name", e.Name}, {"root", e.Root}, {"transform_module", e.TransformModule}, {"trainer_module", e.TrainerModule},
	} {
		if f.value == "" {
			p = p.WithField(f.name, "is missing")
		}
	}
	if !json.Valid(e.Config) {
		p = p.WithField("config", "is not a JSON document")
	}
	if strings.HasSuffix(e.Root, "/") {
		p = p.WithField("root", "ends with a slash")
	}
	if e.Epochs < 1 || e.Epochs > 500 {
		p = p.WithField("epochs", "is %d; 1 to 500 are accepted", e.Epochs)
	}
	if e.BatchSize < 2 || e.BatchSize > 65536 {
		p = p.WithField("batch_size", "is %d; 2 to 65536 are accepted", e.BatchSize)
	}
	if !(e.LearningRate > 0 && e.LearningRate <= 10) {
		p = p.WithField("learning_rate", "is %g; more than 0 and at most 10 is accepted", e.LearningRate)
	}
	for k, v := range e.Labels {
		if !labelText.MatchString(k) || !labelText.MatchString(v) {
			p = p.WithField("labels."+k, "labels hold at most 63 of [a-z0-9_-]")
		}
	}
	if len(p.Fields) > 0 {
		return p
	}
	return nil
}

func (e Experiment) values() map[string]json.RawMessage {
	raw := func(v any) json.RawMessage {
		b, _ := json.Marshal(v) // strings and finite numbers always encode
		return b
	}
	var config bytes.Buffer
	_ = json.Compact(&config, e.Config) // check accepted it
	return map[string]json.RawMessage{
		"root": raw(e.Root), "config": raw(config.String()),
		"transform_module": raw(e.TransformModule), "trainer_module": raw(e.TrainerModule),
		"epochs": raw(e.Epochs), "batch_size": raw(e.BatchSize), "learning_rate": raw(e.LearningRate), "seed": raw(e.Seed),
	}
}

func component(task string) Component {
	g := graph[task]
	c := Component{
		ExecutorLabel: "exec-" + task,
		InputDefinitions: Definitions{Parameters: map[string]ParameterDefinition{
			"root": {String}, "config": {String},
		}},
		OutputDefinitions: Definitions{Artifacts: map[string]ArtifactDefinition{}},
	}
	for _, p := range g.params {
		c.InputDefinitions.Parameters[p] = ParameterDefinition{parameters[graphParameter(task, p)]}
	}
	for name := range g.in {
		if c.InputDefinitions.Artifacts == nil {
			c.InputDefinitions.Artifacts = map[string]ArtifactDefinition{}
		}
		c.InputDefinitions.Artifacts[name] = artifact(name)
	}
	for _, name := range g.out {
		c.OutputDefinitions.Artifacts[name] = artifact(name)
	}
	return c
}

func artifact(name string) ArtifactDefinition {
	return ArtifactDefinition{ArtifactType{outputs[name], "0.0.1"}}
}

func executor(task string, e Experiment) Executor {
	c := Container{
		Image:   e.Image,
		Command: []string{"python", "-m", Module + ".run"},
		Args:    []string{"--component", task, "--executor_input", "{{$}}"},
	}
	if r, ok := e.Resources[task]; ok {
		c.Resources = &r
	}
	return Executor{c}
}

func dagTask(task, cacheKey string) Task {
	g := graph[task]
	t := Task{
		TaskInfo: TaskInfo{task}, ComponentRef: ComponentRef{"comp-" + task},
		CachingOptions: CachingOptions{EnableCache: cacheKey != "", CacheKey: cacheKey},
		Inputs: Inputs{Parameters: map[string]ParameterInput{
			"root": {ComponentInputParameter: "root"}, "config": {ComponentInputParameter: "config"},
		}},
	}
	for _, p := range g.params {
		t.Inputs.Parameters[p] = ParameterInput{ComponentInputParameter: graphParameter(task, p)}
	}
	needs := map[string]bool{}
	for name, producer := range g.in {
		if t.Inputs.Artifacts == nil {
			t.Inputs.Artifacts = map[string]ArtifactInput{}
		}
		t.Inputs.Artifacts[name] = ArtifactInput{TaskOutputArtifact{ProducerTask: producer, OutputArtifactKey: name}}
		needs[producer] = true
	}
	for _, other := range Tasks { // in order, so that equal graphs give equal bytes
		if needs[other] {
			t.DependentTasks = append(t.DependentTasks, other)
		}
	}
	return t
}

func truncate(s string, n int) string {
	r := []rune(s)
	if len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
