package kfp_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/b2brecs/b2brecs/shared/pipeline/kfp"
	"github.com/b2brecs/b2brecs/shared/problem"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func wholesale() kfp.Experiment {
	return kfp.Experiment{
		Name: "Wholesale #12", Root: "gs://pipelines/experiments/wholesale/01jd", Config: json.RawMessage(`{"customer": "customer_id", "cutoffs": [5, 10]}`),
		TransformModule: "gs://pipelines/experiments/wholesale/01jd/code/transform_module.py",
		TrainerModule:   "gs://pipelines/experiments/wholesale/01jd/code/trainer_module.py",
		Epochs:          2, BatchSize: 1024, LearningRate: 0.001, Seed: 7,
		Labels:    map[string]string{"project": "wholesale", "experiment": "01jd"},
		CacheKeys: map[string]string{"statistics": "sha256-0f"},
		Resources: map[string]kfp.Resources{"trainer": {ResourceCPULimit: "4", ResourceMemoryLimit: "16Gi"}},
	}
}

func TestBuildGolden(t *testing.T) {
	got, err := kfp.Build(wholesale())
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "wholesale.json")
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("job differs from %s (-want +got):\n%s", golden, d)
	}
}

// python finds the interpreter that has kfp, or skips loudly.
func python(t *testing.T) string {
	if p := os.Getenv("B2BRECS_KFP_PYTHON"); p != "" {
		return p
	}
	cache := os.Getenv("XDG_CACHE_HOME")
	if cache == "" {
		home, _ := os.UserHomeDir()
		cache = filepath.Join(home, ".cache")
	}
	p := filepath.Join(cache, "b2brecs", "python-kfp", "bin", "python")
	if _, err := os.Stat(p); err == nil {
		return p
	}
	t.Skip("SKIPPED: no Python with kfp; scripts/python-env --kfp makes one, or B2BRECS_KFP_PYTHON names one")
	return ""
}

// verdicts asks the official schema about several jobs at once: starting Python
// takes longer than checking.
func verdicts(t *testing.T, specs ...[]byte) []string {
	t.Helper()
	var in bytes.Buffer
	for _, s := range specs {
		if err := json.Compact(&in, s); err != nil {
			t.Fatal(err)
		}
		in.WriteByte('\n')
	}
	cmd := exec.CommandContext(t.Context(), python(t), filepath.Join("testdata", "check_spec.py"))
	cmd.Stdin, cmd.Stderr = &in, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != len(specs) {
		t.Fatalf("%d verdicts about %d jobs: %q", len(lines), len(specs), lines)
	}
	return lines
}

func TestOfficialSchema(t *testing.T) {
	spec, err := kfp.Build(wholesale())
	if err != nil {
		t.Fatal(err)
	}
	// The check itself must be able to fail, at each of the four messages.
	specs, typos := [][]byte{spec}, []string{`"displayName"`, `"gcsOutputDirectory"`, `"dependentTasks"`, `"command"`}
	for _, typo := range typos {
		specs = append(specs, bytes.Replace(spec, []byte(typo), []byte(typo[:len(typo)-1]+`x"`), 1))
	}
	got := verdicts(t, specs...)
	if want := "ok evaluator examples schema statistics trainer transform"; got[0] != want {
		t.Errorf("the schema says %q, want %q", got[0], want)
	}
	for i, typo := range typos {
		if !strings.HasPrefix(got[i+1], "refused ") || !strings.Contains(got[i+1], strings.Trim(typo, `"`)+"x") {
			t.Errorf("a job with a misspelt %s: %s", typo, got[i+1])
		}
	}
}

func TestBuildRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*kfp.Experiment)
		field  string
	}{
		"no name":         {func(e *kfp.Experiment) { e.Name = "" }, "name"},
		"no root":         {func(e *kfp.Experiment) { e.Root = "" }, "root"},
		"root with slash": {func(e *kfp.Experiment) { e.Root += "/" }, "root"},
		"bad config":      {func(e *kfp.Experiment) { e.Config = json.RawMessage(`{`) }, "config"},
		"no module":       {func(e *kfp.Experiment) { e.TrainerModule = "" }, "trainer_module"},
		"no epochs":       {func(e *kfp.Experiment) { e.Epochs = 0 }, "epochs"},
		"many epochs":     {func(e *kfp.Experiment) { e.Epochs = 501 }, "epochs"},
		"batch of one":    {func(e *kfp.Experiment) { e.BatchSize = 1 }, "batch_size"},
		"rate zero":       {func(e *kfp.Experiment) { e.LearningRate = 0 }, "learning_rate"},
		"capital label":   {func(e *kfp.Experiment) { e.Labels["project"] = "Wholesale" }, "labels.project"},
	} {
		t.Run(name, func(t *testing.T) {
			e := wholesale()
			c.change(&e)
			_, err := kfp.Build(e)
			p := problem.Of(err)
			if p == nil || p.Code != problem.InvalidArgument || len(p.Fields) != 1 || p.Fields[0].Location != c.field {
				t.Fatalf("error = %+v, want InvalidArgument at %s", p, c.field)
			}
		})
	}
}

func TestParseTakesWhatBuildWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := wholesale()
		e.Name = rapid.StringN(1, 200, -1).Draw(t, "name")
		e.Root = "/" + rapid.StringMatching(`[^/]{1,40}`).Draw(t, "root")
		config, _ := json.Marshal(rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "config"))
		e.Config = config
		e.Epochs = rapid.IntRange(1, 500).Draw(t, "epochs")
		e.BatchSize = rapid.IntRange(2, 65536).Draw(t, "batch")
		e.LearningRate = rapid.Float64Range(1e-12, 10).Draw(t, "rate")
		e.Seed = rapid.Int64().Draw(t, "seed")
		a, err := kfp.Build(e)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := kfp.Build(e)
		if !bytes.Equal(a, b) {
			t.Fatal("equal experiments give different bytes")
		}
		job, err := kfp.Parse(a)
		if err != nil {
			t.Fatal(err)
		}
		order, err := job.Order()
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(kfp.Tasks, order); d != "" {
			t.Fatal(d)
		}
		var got string
		if err := json.Unmarshal(job.RuntimeConfig.ParameterValues["config"], &got); err != nil || got != string(e.Config) {
			t.Fatalf("config = %q, want %q (%v)", got, e.Config, err)
		}
	})
}

func TestParseRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*kfp.Job)
		at     string
	}{
		"schema version":   {func(j *kfp.Job) { j.PipelineSpec.SchemaVersion = "3.0.0" }, "pipelineSpec.schemaVersion"},
		"output folder":    {func(j *kfp.Job) { j.RuntimeConfig.GCSOutputDirectory = "" }, "runtimeConfig.gcsOutputDirectory"},
		"no tasks":         {func(j *kfp.Job) { j.PipelineSpec.Root.DAG.Tasks = nil }, "pipelineSpec.root.dag.tasks"},
		"missing value":    {func(j *kfp.Job) { delete(j.RuntimeConfig.ParameterValues, "root") }, "runtimeConfig.parameterValues.root"},
		"value's type":     {func(j *kfp.Job) { j.RuntimeConfig.ParameterValues["epochs"] = json.RawMessage(`1.5`) }, "runtimeConfig.parameterValues.epochs"},
		"unknown value":    {func(j *kfp.Job) { j.RuntimeConfig.ParameterValues["x"] = json.RawMessage(`1`) }, "runtimeConfig.parameterValues.x"},
		"missing executor": {func(j *kfp.Job) { delete(j.PipelineSpec.DeploymentSpec.Executors, "exec-schema") }, "pipelineSpec.components.comp-schema.executorLabel"},
		"unknown component": {func(j *kfp.Job) {
			edit(j, "schema", func(t *kfp.Task) { t.ComponentRef.Name = "x" })
		}, "pipelineSpec.root.dag.tasks.schema.componentRef"},
		"missing input": {func(j *kfp.Job) {
			edit(j, "trainer", func(t *kfp.Task) { delete(t.Inputs.Parameters, "epochs") })
		}, "pipelineSpec.root.dag.tasks.trainer.inputs.parameters.epochs"},
		"wrong artefact": {func(j *kfp.Job) {
			edit(j, "schema", func(t *kfp.Task) {
				t.Inputs.Artifacts["statistics"] = kfp.ArtifactInput{TaskOutputArtifact: kfp.TaskOutputArtifact{ProducerTask: "examples", OutputArtifactKey: "examples"}}
			})
		}, "pipelineSpec.root.dag.tasks.schema.inputs.artifacts.statistics"},
		"hidden dependency": {func(j *kfp.Job) {
			edit(j, "schema", func(t *kfp.Task) { t.DependentTasks = nil })
		}, "pipelineSpec.root.dag.tasks.schema.dependentTasks"},
	} {
		t.Run(name, func(t *testing.T) {
			spec, err := kfp.Build(wholesale())
			if err != nil {
				t.Fatal(err)
			}
			job, err := kfp.Parse(spec)
			if err != nil {
				t.Fatal(err)
			}
			c.change(&job)
			broken, _ := json.Marshal(job)
			_, err = kfp.Parse(broken)
			p := problem.Of(err)
			if p == nil || p.Code != problem.InvalidArgument || len(p.Fields) == 0 || !strings.HasPrefix(p.Fields[0].Location, c.at) {
				t.Fatalf("error = %+v, want InvalidArgument at %s", p, c.at)
			}
		})
	}
	spec, _ := kfp.Build(wholesale())
	circle := bytes.Replace(spec, []byte(`"cachingOptions": {},`), []byte(`"cachingOptions": {}, "dependentTasks": ["evaluator"],`), 1)
	for name, text := range map[string][]byte{
		"not JSON":  []byte("{"),
		"condition": bytes.Replace(spec, []byte(`"taskInfo"`), []byte(`"triggerPolicy": {"condition": "true"}, "taskInfo"`), 1),
		"circle":    circle,
	} {
		if bytes.Equal(text, spec) {
			t.Fatalf("%s: the case changes nothing", name)
		}
		if _, err := kfp.Parse(text); !problem.Is(err, problem.InvalidArgument) {
			t.Errorf("%s: error = %v, want InvalidArgument", name, err)
		}
	}
}

func edit(j *kfp.Job, task string, fn func(*kfp.Task)) {
	t := j.PipelineSpec.Root.DAG.Tasks[task]
	fn(&t)
	j.PipelineSpec.Root.DAG.Tasks[task] = t
}
