package vertex

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"cloud.google.com/go/aiplatform/apiv1/aiplatformpb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/b2brecs/b2brecs/shared/pipeline/kfp"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// job makes the resource to create from our spec.
func (d *Driver) job(spec json.RawMessage, labels map[string]string) (*aiplatformpb.PipelineJob, error) {
	j, err := kfp.Parse(spec)
	if err != nil {
		return nil, err
	}
	p := problem.New(problem.InvalidArgument, "the pipeline job is not one Vertex AI runs")
	if !strings.HasPrefix(j.RuntimeConfig.GCSOutputDirectory, "gs://") {
		p = p.WithField("runtimeConfig.gcsOutputDirectory", "must be a folder of Cloud Storage, gs://…")
	}
	all := maps.Clone(j.Labels)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, labels)
	for _, k := range slices.Sorted(maps.Keys(all)) {
		if !labelKey.MatchString(k) || !labelValue.MatchString(all[k]) {
			p = p.WithField("labels."+k, "a label is at most 63 of [a-z0-9_-], its key begins with a letter")
		}
	}
	if len(all) > maxLabels {
		p = p.WithField("labels", "are %d; at most %d are accepted", len(all), maxLabels)
	}
	values := map[string]*structpb.Value{}
	for _, name := range slices.Sorted(maps.Keys(j.RuntimeConfig.ParameterValues)) {
		v, why := value(j.RuntimeConfig.ParameterValues[name])
		if why != "" {
			p = p.WithField("runtimeConfig.parameterValues."+name, "%s", why)
		}
		values[name] = v
	}
	pipelineSpec, err := graph(j.PipelineSpec, func(where, why string) { p = p.WithField("pipelineSpec."+where, "%s", why) })
	if err != nil {
		return nil, err
	}
	if len(p.Fields) > 0 {
		return nil, p.WithCause("%s %s", p.Fields[0].Location, p.Fields[0].Message)
	}
	return &aiplatformpb.PipelineJob{
		DisplayName: j.DisplayName, PipelineSpec: pipelineSpec, Labels: all,
		RuntimeConfig: &aiplatformpb.PipelineJob_RuntimeConfig{
			GcsOutputDirectory: j.RuntimeConfig.GCSOutputDirectory, ParameterValues: values,
			// No task begins after one has failed, as with every other runner.
			FailurePolicy: aiplatformpb.PipelineFailurePolicy_PIPELINE_FAILURE_POLICY_FAIL_FAST,
		},
		ServiceAccount: d.opts.ServiceAccount, Network: d.opts.Network,
	}, nil
}

// graph makes the spec as Vertex takes it; refuse is told what it cannot.
func graph(s kfp.Spec, refuse func(where, why string)) (*structpb.Struct, error) {
	s.Root.DAG.Tasks = maps.Clone(s.Root.DAG.Tasks)
	for name, t := range s.Root.DAG.Tasks {
		t.CachingOptions = kfp.CachingOptions{} // see the package comment
		s.Root.DAG.Tasks[name] = t
		for in, p := range t.Inputs.Parameters {
			if p.RuntimeValue == nil {
				continue
			}
			if _, why := value(p.RuntimeValue.Constant); why != "" {
				refuse("root.dag.tasks."+name+".inputs.parameters."+in, why)
			}
		}
	}
	limits := map[string]map[string]any{}
	executors := maps.Clone(s.DeploymentSpec.Executors)
	for _, label := range slices.Sorted(maps.Keys(executors)) {
		x := executors[label]
		if x.Container.Resources == nil {
			continue
		}
		at := "deploymentSpec.executors." + label + ".container.resources."
		limits[label] = map[string]any{}
		for field, q := range map[string]string{"cpuLimit": x.Container.Resources.ResourceCPULimit, "memoryLimit": x.Container.Resources.ResourceMemoryLimit} {
			if q == "" {
				continue
			}
			n, ok := quantity(q)
			if !ok {
				refuse(at+field, strconv.Quote(q)+" is not a quantity such as 4, 500m or 16Gi")
			}
			if field == "memoryLimit" {
				n /= 1e9 // Vertex takes gigabytes
			}
			limits[label][field] = n
		}
		x.Container.Resources = nil
		executors[label] = x
	}
	s.DeploymentSpec.Executors = executors
	text, err := json.Marshal(s)
	if err != nil {
		return nil, problem.Wrap(err, problem.Internal, "the pipeline spec cannot be written")
	}
	out := &structpb.Struct{}
	if err := out.UnmarshalJSON(text); err != nil {
		return nil, problem.Wrap(err, problem.InvalidArgument, "the pipeline spec is not one Vertex AI runs")
	}
	for label, l := range limits {
		v, err := structpb.NewValue(l)
		if err != nil {
			return nil, problem.Wrap(err, problem.Internal, "the limits of %s", label)
		}
		container := out
		for _, step := range []string{"deploymentSpec", "executors", label, "container"} {
			container = container.GetFields()[step].GetStructValue()
		}
		container.Fields["resources"] = v
	}
	return out, nil
}

// value makes a protobuf value, whose numbers are doubles; why says that one cannot be.
func value(raw json.RawMessage) (v *structpb.Value, why string) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var x any
	if err := dec.Decode(&x); err != nil {
		return nil, "is not JSON"
	}
	if n, ok := x.(json.Number); ok {
		if i, err := n.Int64(); err == nil && (i > 1<<53 || i < -1<<53) {
			return nil, "is a whole number beyond 2^53, which Vertex AI does not keep"
		}
	}
	v = &structpb.Value{}
	if err := v.UnmarshalJSON(raw); err != nil {
		return nil, "is not a value Vertex AI takes"
	}
	return v, ""
}

// quantity reads a Kubernetes quantity
// (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/).
func quantity(s string) (float64, bool) {
	i := strings.IndexFunc(s, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	if i < 0 {
		i = len(s)
	}
	n, err := strconv.ParseFloat(s[:i], 64)
	unit, ok := map[string]float64{
		"m": 1e-3, "": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40,
	}[s[i:]]
	return n * unit, err == nil && ok && n > 0 && !math.IsInf(n*unit, 0)
}
