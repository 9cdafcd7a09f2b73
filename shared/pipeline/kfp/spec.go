package kfp

import "encoding/json"

// The types below are the part of kfp.pipeline_spec (PipelineJob, PipelineSpec,
// PipelineDeploymentConfig; https://github.com/kubeflow/pipelines/tree/master/api/v2alpha1)
// that plain graphs of container components need, in its JSON form.

// Job is a PipelineJob: a graph and the values it runs with.
type Job struct {
	DisplayName   string            `json:"displayName"`
	Labels        map[string]string `json:"labels,omitempty"`
	PipelineSpec  Spec              `json:"pipelineSpec"`
	RuntimeConfig RuntimeConfig     `json:"runtimeConfig"`
}

// RuntimeConfig holds the values of one run.
type RuntimeConfig struct {
	// GCSOutputDirectory is the URI under which artefacts are written.
	GCSOutputDirectory string                     `json:"gcsOutputDirectory"`
	ParameterValues    map[string]json.RawMessage `json:"parameterValues"`
}

// Spec is a PipelineSpec.
type Spec struct {
	PipelineInfo   PipelineInfo         `json:"pipelineInfo"`
	SchemaVersion  string               `json:"schemaVersion"`
	SDKVersion     string               `json:"sdkVersion"`
	Components     map[string]Component `json:"components"`
	DeploymentSpec DeploymentSpec       `json:"deploymentSpec"`
	Root           Root                 `json:"root"`
}

// PipelineInfo names a pipeline: lower-case letters, digits, hyphens, at most 128.
type PipelineInfo struct {
	Name string `json:"name"`
}

// Component declares the interface of one step and names its executor.
type Component struct {
	ExecutorLabel     string      `json:"executorLabel"`
	InputDefinitions  Definitions `json:"inputDefinitions,omitzero"`
	OutputDefinitions Definitions `json:"outputDefinitions,omitzero"`
}

// Definitions are the named parameters and artefacts of a component or a graph.
type Definitions struct {
	Parameters map[string]ParameterDefinition `json:"parameters,omitempty"`
	Artifacts  map[string]ArtifactDefinition  `json:"artifacts,omitempty"`
}

// ParameterDefinition types a parameter.
type ParameterDefinition struct {
	ParameterType ParameterType `json:"parameterType"`
}

// ParameterType is one of the scalar types the product uses.
type ParameterType string

// Scalar parameter types; the names are KFP's.
const (
	String        ParameterType = "STRING"
	NumberInteger ParameterType = "NUMBER_INTEGER"
	NumberDouble  ParameterType = "NUMBER_DOUBLE"
	Boolean       ParameterType = "BOOLEAN"
)

// ArtifactDefinition types an artefact.
type ArtifactDefinition struct {
	ArtifactType ArtifactType `json:"artifactType"`
}

// ArtifactType names a schema, e.g. system.Dataset.
type ArtifactType struct {
	SchemaTitle   string `json:"schemaTitle"`
	SchemaVersion string `json:"schemaVersion"`
}

// DeploymentSpec is a PipelineDeploymentConfig.
type DeploymentSpec struct {
	Executors map[string]Executor `json:"executors"`
}

// Executor runs a component in a container.
type Executor struct {
	Container Container `json:"container"`
}

// Container is an image and its command line; {{$}} in Args is replaced by the
// executor input's JSON.
type Container struct {
	Image     string     `json:"image"`
	Command   []string   `json:"command"`
	Args      []string   `json:"args"`
	Resources *Resources `json:"resources,omitempty"`
}

// Resources bound a container, as Kubernetes quantities, e.g. "4" and "16Gi".
type Resources struct {
	ResourceCPULimit    string `json:"resourceCpuLimit,omitempty"`
	ResourceMemoryLimit string `json:"resourceMemoryLimit,omitempty"`
}

// Root is the graph.
type Root struct {
	InputDefinitions Definitions `json:"inputDefinitions,omitzero"`
	DAG              DAG         `json:"dag"`
}

// DAG holds tasks by name.
type DAG struct {
	Tasks map[string]Task `json:"tasks"`
}

// Task is one use of a component.
type Task struct {
	TaskInfo       TaskInfo       `json:"taskInfo"`
	ComponentRef   ComponentRef   `json:"componentRef"`
	DependentTasks []string       `json:"dependentTasks,omitempty"`
	CachingOptions CachingOptions `json:"cachingOptions"`
	Inputs         Inputs         `json:"inputs,omitzero"`
}

// TaskInfo names a task for people.
type TaskInfo struct {
	Name string `json:"name"`
}

// ComponentRef points at a component.
type ComponentRef struct {
	Name string `json:"name"`
}

// CachingOptions allow the use of an earlier run's outputs. A back end without
// a cache runs the task.
type CachingOptions struct {
	EnableCache bool `json:"enableCache,omitempty"`
	// CacheKey stands for the task's content; two tasks of one component with
	// equal keys have equal outputs.
	CacheKey string `json:"cacheKey,omitempty"`
}

// Inputs bind a task's inputs.
type Inputs struct {
	Parameters map[string]ParameterInput `json:"parameters,omitempty"`
	Artifacts  map[string]ArtifactInput  `json:"artifacts,omitempty"`
}

// ParameterInput takes a parameter of the graph or a constant.
type ParameterInput struct {
	ComponentInputParameter string        `json:"componentInputParameter,omitempty"`
	RuntimeValue            *RuntimeValue `json:"runtimeValue,omitempty"`
}

// RuntimeValue is a constant.
type RuntimeValue struct {
	Constant json.RawMessage `json:"constant"`
}

// ArtifactInput takes an output of an earlier task.
type ArtifactInput struct {
	TaskOutputArtifact TaskOutputArtifact `json:"taskOutputArtifact"`
}

// TaskOutputArtifact names an output.
type TaskOutputArtifact struct {
	ProducerTask      string `json:"producerTask"`
	OutputArtifactKey string `json:"outputArtifactKey"`
}
