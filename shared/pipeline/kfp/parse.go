package kfp

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/b2brecs/b2brecs/shared/problem"
)

// Parse reads a PipelineJob that is a plain graph of container components. It
// refuses, with InvalidArgument, unknown fields and anything a runner of such
// graphs could not honour: it names the place.
func Parse(spec []byte) (Job, error) {
	var j Job
	dec := json.NewDecoder(bytes.NewReader(spec))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&j); err != nil {
		return j, problem.Wrap(err, problem.InvalidArgument, "the pipeline job is not one this runner runs")
	}
	p := problem.New(problem.InvalidArgument, "the pipeline job is not one this runner runs")
	bad := func(where, format string, args ...any) { p = p.WithField(where, format, args...) }
	if j.PipelineSpec.SchemaVersion != SchemaVersion {
		bad("pipelineSpec.schemaVersion", "is %q; %s is accepted", j.PipelineSpec.SchemaVersion, SchemaVersion)
	}
	if j.RuntimeConfig.GCSOutputDirectory == "" {
		bad("runtimeConfig.gcsOutputDirectory", "is missing")
	}
	j.checkParameters(bad)
	if len(j.PipelineSpec.Root.DAG.Tasks) == 0 {
		bad("pipelineSpec.root.dag.tasks", "holds no task")
	}
	for _, name := range sorted(j.PipelineSpec.Root.DAG.Tasks) {
		j.checkTask(name, bad)
	}
	if len(p.Fields) == 0 {
		if _, err := j.Order(); err != nil {
			return j, err
		}
		return j, nil
	}
	return j, p.WithCause("%s %s", p.Fields[0].Location, p.Fields[0].Message)
}

func (j Job) checkParameters(bad func(string, string, ...any)) {
	defs := j.PipelineSpec.Root.InputDefinitions
	if len(defs.Artifacts) > 0 {
		bad("pipelineSpec.root.inputDefinitions.artifacts", "artefacts as inputs of the graph are not accepted")
	}
	for _, name := range sorted(defs.Parameters) {
		v, ok := j.RuntimeConfig.ParameterValues[name]
		if !ok {
			bad("runtimeConfig.parameterValues."+name, "is missing")
		} else if !defs.Parameters[name].ParameterType.accepts(v) {
			bad("runtimeConfig.parameterValues."+name, "is not a %s", defs.Parameters[name].ParameterType)
		}
	}
	for _, name := range sorted(j.RuntimeConfig.ParameterValues) {
		if _, ok := defs.Parameters[name]; !ok {
			bad("runtimeConfig.parameterValues."+name, "is no parameter of the graph")
		}
	}
}

func (j Job) checkTask(name string, bad func(string, string, ...any)) {
	s := j.PipelineSpec
	t := s.Root.DAG.Tasks[name]
	at := "pipelineSpec.root.dag.tasks." + name
	c, ok := s.Components[t.ComponentRef.Name]
	if !ok {
		bad(at+".componentRef", "names no component: %q", t.ComponentRef.Name)
		return
	}
	if x, ok := s.DeploymentSpec.Executors[c.ExecutorLabel]; !ok || x.Container.Image == "" {
		bad("pipelineSpec.components."+t.ComponentRef.Name+".executorLabel", "names no container executor: %q", c.ExecutorLabel)
	}
	if len(c.OutputDefinitions.Parameters) > 0 {
		bad("pipelineSpec.components."+t.ComponentRef.Name+".outputDefinitions.parameters", "output parameters are not accepted")
	}
	for _, in := range sorted(c.InputDefinitions.Parameters) {
		b, ok := t.Inputs.Parameters[in]
		want := c.InputDefinitions.Parameters[in].ParameterType
		switch def, known := s.Root.InputDefinitions.Parameters[b.ComponentInputParameter]; {
		case !ok:
			bad(at+".inputs.parameters."+in, "is missing")
		case b.RuntimeValue != nil && b.ComponentInputParameter == "":
			if !want.accepts(b.RuntimeValue.Constant) {
				bad(at+".inputs.parameters."+in, "is not a %s", want)
			}
		case !known || b.RuntimeValue != nil:
			bad(at+".inputs.parameters."+in, "must take one parameter of the graph or one constant")
		case def.ParameterType != want:
			bad(at+".inputs.parameters."+in, "is a %s, the component takes a %s", def.ParameterType, want)
		}
	}
	for _, in := range sorted(t.Inputs.Parameters) {
		if _, ok := c.InputDefinitions.Parameters[in]; !ok {
			bad(at+".inputs.parameters."+in, "is no parameter of the component")
		}
	}
	for _, in := range sorted(c.InputDefinitions.Artifacts) {
		b, ok := t.Inputs.Artifacts[in]
		if !ok {
			bad(at+".inputs.artifacts."+in, "is missing")
			continue
		}
		from := b.TaskOutputArtifact
		producer, ok := s.Root.DAG.Tasks[from.ProducerTask]
		if !ok {
			bad(at+".inputs.artifacts."+in, "names no task: %q", from.ProducerTask)
			continue
		}
		def, ok := s.Components[producer.ComponentRef.Name].OutputDefinitions.Artifacts[from.OutputArtifactKey]
		if !ok || def != c.InputDefinitions.Artifacts[in] {
			bad(at+".inputs.artifacts."+in, "task %s has no output %q of that type", from.ProducerTask, from.OutputArtifactKey)
		}
		if !slices.Contains(t.DependentTasks, from.ProducerTask) {
			bad(at+".dependentTasks", "lacks %q, whose output the task reads", from.ProducerTask)
		}
	}
	for _, in := range sorted(t.Inputs.Artifacts) {
		if _, ok := c.InputDefinitions.Artifacts[in]; !ok {
			bad(at+".inputs.artifacts."+in, "is no artefact of the component")
		}
	}
	for _, d := range t.DependentTasks {
		if _, ok := s.Root.DAG.Tasks[d]; !ok {
			bad(at+".dependentTasks", "names no task: %q", d)
		}
	}
}

// Order lists the tasks so that each follows those it depends on; ties go by
// name. InvalidArgument when the graph has a cycle.
func (j Job) Order() ([]string, error) {
	tasks := j.PipelineSpec.Root.DAG.Tasks
	var order []string
	done := map[string]bool{}
	for len(order) < len(tasks) {
		before := len(order)
		for _, name := range sorted(tasks) {
			ready := !done[name] && !slices.ContainsFunc(tasks[name].DependentTasks, func(d string) bool { return !done[d] })
			if ready {
				order = append(order, name)
				done[name] = true
				break
			}
		}
		if len(order) == before {
			return nil, problem.New(problem.InvalidArgument, "the pipeline's tasks depend on each other in a circle")
		}
	}
	return order, nil
}

// accepts reports whether a JSON value has the type.
func (t ParameterType) accepts(raw json.RawMessage) bool {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return false
	}
	switch v := v.(type) {
	case string:
		return t == String
	case bool:
		return t == Boolean
	case json.Number:
		_, err := v.Int64()
		return t == NumberDouble || t == NumberInteger && err == nil
	}
	return false
}

func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
