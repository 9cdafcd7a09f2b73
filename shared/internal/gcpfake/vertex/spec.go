package vertex

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"cloud.google.com/go/aiplatform/apiv1/aiplatformpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/b2brecs/b2brecs/shared/pipeline/kfp"
	"github.com/b2brecs/b2brecs/shared/problem"
)

var (
	labelKey   = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)
	labelValue = regexp.MustCompile(`^[a-z0-9_-]{0,63}$`)
)

// spec checks a job as the service does and gives the runner's form of it, with the
// mounted folders in place of buckets.
func (s *Server) spec(j *aiplatformpb.PipelineJob) ([]byte, error) {
	if j == nil {
		return nil, invalid("pipeline_job is required")
	}
	// What remains beside the fields a caller may set is the service's to fill.
	rest := proto.Clone(j).(*aiplatformpb.PipelineJob)
	rest.DisplayName, rest.PipelineSpec, rest.Labels, rest.RuntimeConfig, rest.ServiceAccount, rest.Network = "", nil, nil, nil, "", ""
	if proto.Size(rest) > 0 {
		return nil, invalid("fields are output only, or not known to this fake: %v", rest)
	}
	if utf8.RuneCountInString(j.GetDisplayName()) > 128 {
		return nil, invalid("display_name is longer than 128 characters")
	}
	if len(j.GetLabels()) > 64 {
		return nil, invalid("more than 64 labels")
	}
	for k, v := range j.GetLabels() {
		if !labelKey.MatchString(k) || !labelValue.MatchString(v) {
			return nil, invalid("label %q: %q is invalid", k, v)
		}
	}
	if !slices.Contains(s.opts.ServiceAccounts, j.GetServiceAccount()) {
		return nil, status.Errorf(codes.PermissionDenied, "You do not have permission to act as service_account: %s. (or it may not exist).", j.GetServiceAccount())
	}
	dir := j.GetRuntimeConfig().GetGcsOutputDirectory()
	if !slices.ContainsFunc(slices.Collect(maps.Keys(s.opts.Mounts)), func(m string) bool { return strings.HasPrefix(dir, m) }) {
		return nil, invalid("gcs_output_directory %q is not in a bucket this project can write", dir)
	}
	if len(j.GetRuntimeConfig().GetParameters()) > 0 { //nolint:staticcheck // refused because it is deprecated
		return nil, invalid("runtime_config.parameters is for schema versions up to 2.0.0")
	}
	if err := s.older(j.GetPipelineSpec()); err != nil {
		return nil, err
	}
	text, err := json.Marshal(map[string]any{
		"displayName": j.GetDisplayName(), "pipelineSpec": withoutResources(j.GetPipelineSpec()).AsMap(),
		"runtimeConfig": map[string]any{"gcsOutputDirectory": dir, "parameterValues": (&structpb.Struct{Fields: j.GetRuntimeConfig().GetParameterValues()}).AsMap()},
	})
	if err != nil {
		return nil, invalid("the pipeline spec cannot be read: %v", err)
	}
	if _, err := kfp.Parse(text); err != nil {
		return nil, invalid("The pipeline spec is invalid: %v", problem.Of(err))
	}
	for uri, folder := range s.opts.Mounts {
		text = []byte(strings.ReplaceAll(string(text), uri, strings.TrimSuffix(folder, "/")+"/"))
	}
	return text, nil
}

// older refuses what the pipeline spec has got after the service's version of it.
func (s *Server) older(spec *structpb.Struct) error {
	for label, x := range spec.GetFields()["deploymentSpec"].GetStructValue().GetFields()["executors"].GetStructValue().GetFields() {
		for field, v := range resources(x).GetFields() {
			if _, number := v.GetKind().(*structpb.Value_NumberValue); !number || field != "cpuLimit" && field != "memoryLimit" {
				return invalid("executors.%s: cannot find field %s in message ResourceSpec, or it is no number", label, field)
			}
		}
	}
	for name, t := range spec.GetFields()["root"].GetStructValue().GetFields()["dag"].GetStructValue().GetFields()["tasks"].GetStructValue().GetFields() {
		for field := range t.GetStructValue().GetFields()["cachingOptions"].GetStructValue().GetFields() {
			if field != "enableCache" {
				return invalid("tasks.%s: cannot find field %s in message CachingOptions", name, field)
			}
		}
	}
	return nil
}

func resources(executor *structpb.Value) *structpb.Struct {
	return executor.GetStructValue().GetFields()["container"].GetStructValue().GetFields()["resources"].GetStructValue()
}

// withoutResources leaves out what the runner has no use for.
func withoutResources(spec *structpb.Struct) *structpb.Struct {
	out := proto.Clone(spec).(*structpb.Struct)
	for _, x := range out.GetFields()["deploymentSpec"].GetStructValue().GetFields()["executors"].GetStructValue().GetFields() {
		delete(x.GetStructValue().GetFields()["container"].GetStructValue().GetFields(), "resources")
	}
	return out
}
