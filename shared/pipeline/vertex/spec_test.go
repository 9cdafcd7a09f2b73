package vertex

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"cloud.google.com/go/aiplatform/apiv1/aiplatformpb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/b2brecs/b2brecs/shared/pipeline/kfp"
	"github.com/b2brecs/b2brecs/shared/problem"
)

func build(t *testing.T, change func(*kfp.Experiment)) []byte {
	t.Helper()
	e := kfp.Experiment{Name: "Wholesale #1", Root: "gs://b/run", Config: []byte(`{}`), TransformModule: "gs://b/t.py", TrainerModule: "gs://b/m.py",
		Epochs: 10, BatchSize: 128, LearningRate: 0.01, Labels: map[string]string{"project": "p"}}
	if change != nil {
		change(&e)
	}
	spec, err := kfp.Build(e)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

func TestSpec(t *testing.T) {
	d := driver(t)
	spec := build(t, func(e *kfp.Experiment) {
		e.Resources = map[string]kfp.Resources{"trainer": {ResourceCPULimit: "4", ResourceMemoryLimit: "16Gi"}, "schema": {ResourceCPULimit: "500m"}}
		e.CacheKeys = map[string]string{"examples": "k"}
		e.Seed = 1 << 53
	})
	j, err := d.job(spec, map[string]string{"experiment": "e"})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[string]string{"project": "p", "experiment": "e"}, j.Labels); d != "" {
		t.Error(d)
	}
	if j.DisplayName != "Wholesale #1" || j.ServiceAccount != "a@acme.example" || j.Network != "projects/12345/global/networks/vpc" ||
		j.RuntimeConfig.GcsOutputDirectory != "gs://b/run" || j.RuntimeConfig.FailurePolicy != aiplatformpb.PipelineFailurePolicy_PIPELINE_FAILURE_POLICY_FAIL_FAST {
		t.Errorf("%v", j)
	}
	values := (&structpb.Struct{Fields: j.RuntimeConfig.ParameterValues}).AsMap()
	if values["epochs"] != 10.0 || values["learning_rate"] != 0.01 || values["seed"] != float64(1<<53) || values["root"] != "gs://b/run" {
		t.Errorf("%v", values)
	}
	// Nothing else of the spec changes.
	var want, got map[string]any
	text, err := j.PipelineSpec.MarshalJSON()
	if err != nil || json.Unmarshal(text, &got) != nil {
		t.Fatal(err)
	}
	var whole map[string]any
	if err := json.Unmarshal(spec, &whole); err != nil {
		t.Fatal(err)
	}
	want = whole["pipelineSpec"].(map[string]any)
	at := func(m map[string]any, path string) map[string]any {
		for step := range strings.SplitSeq(path, ".") {
			m = m[step].(map[string]any)
		}
		return m
	}
	at(want, "deploymentSpec.executors.exec-trainer.container")["resources"] = map[string]any{"cpuLimit": 4.0, "memoryLimit": 17.179869184}
	at(want, "deploymentSpec.executors.exec-schema.container")["resources"] = map[string]any{"cpuLimit": 0.5}
	at(want, "root.dag.tasks.examples")["cachingOptions"] = map[string]any{}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestSpecRefuses(t *testing.T) {
	d := driver(t)
	for name, c := range map[string]struct {
		spec   []byte
		labels map[string]string
		where  string
	}{
		"a folder":      {build(t, func(e *kfp.Experiment) { e.Root = "/data/run" }), nil, "runtimeConfig.gcsOutputDirectory"},
		"a large seed":  {build(t, func(e *kfp.Experiment) { e.Seed = 1<<53 + 1 }), nil, "runtimeConfig.parameterValues.seed"},
		"a small seed":  {build(t, func(e *kfp.Experiment) { e.Seed = -1<<53 - 1 }), nil, "runtimeConfig.parameterValues.seed"},
		"label's key":   {build(t, nil), map[string]string{"9a": "x"}, "labels.9a"},
		"label's value": {build(t, nil), map[string]string{"a": "X"}, "labels.a"},
		"no quantity": {build(t, func(e *kfp.Experiment) {
			e.Resources = map[string]kfp.Resources{"schema": {ResourceMemoryLimit: "16GB"}}
		}), nil, "pipelineSpec.deploymentSpec.executors.exec-schema.container.resources.memoryLimit"},
		"too many labels": {build(t, nil), many(65), "labels"},
	} {
		_, err := d.job(c.spec, c.labels)
		if p := problem.Of(err); err == nil || p.Code != problem.InvalidArgument || len(p.Fields) != 1 || p.Fields[0].Location != c.where {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

func many(n int) map[string]string {
	out := map[string]string{}
	for i := range n {
		out[fmt.Sprintf("l%d", i)] = ""
	}
	return out
}

func TestQuantity(t *testing.T) {
	for s, want := range map[string]float64{"4": 4, "0.5": 0.5, "250m": 0.25, "16Gi": 16 << 30, "2G": 2e9, "1.5Ti": 1.5 * (1 << 40)} {
		if got, ok := quantity(s); !ok || got != want {
			t.Errorf("%s: %v, %t", s, got, ok)
		}
	}
	for _, s := range []string{"", "0", "-1", "Gi", "1e400", "4 cores", "1.2.3", "NaN", "Inf"} {
		if got, ok := quantity(s); ok {
			t.Errorf("%q is %v", s, got)
		}
	}
}
