package codegen

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"testing"

	"pgregory.net/rapid"

	"github.com/b2brecs/b2brecs/shared/feature"
	"github.com/b2brecs/b2brecs/shared/model"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// readModule parses generated code and lists what it imports, calls by bare name
// and defines; whatever people typed must not turn up there.
const readModule = `
import ast, json, sys
for source in json.load(sys.stdin):
    tree = ast.parse(source)
    imports, names = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports |= {a.name for a in node.names}
        if isinstance(node, ast.ImportFrom):
            imports.add(node.module)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            names.add(node.func.id)
    defined = {n.name for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
    allowed = {"json", "math", "tensorflow", "tensorflow_transform", "tensorflow_recommenders", "b2brecs_runtime"}
    assert imports <= allowed, imports - allowed
    assert names <= defined | {"isinstance", "super", "cast"}, names - defined
    compile(source, "module", "exec")
    print("ok")
`

var column = rapid.StringMatching(`[A-Za-z_][A-Za-z0-9_]{0,20}`)

func featureGen(primary bool) *rapid.Generator[feature.Feature] {
	return rapid.Custom(func(t *rapid.T) feature.Feature {
		f := feature.Feature{Column: column.Draw(t, "column"), PrimaryID: primary}
		kind := "text"
		if !primary {
			kind = rapid.SampledFrom([]string{"text", "numeric", "temporal"}).Draw(t, "kind")
		}
		f.DataType = feature.DataType(kind)
		buckets := func() *feature.Bucketize {
			if rapid.Bool().Draw(t, "bounds") {
				return &feature.Bucketize{Dim: 4, Boundaries: []float64{-1.5, 0, 2, 1e9}}
			}
			return &feature.Bucketize{Dim: 8, Buckets: rapid.IntRange(2, 1000).Draw(t, "buckets")}
		}
		switch f.DataType {
		case feature.Text:
			f.Type = warehouse.String
			f.Embedding = &feature.Embedding{Dim: rapid.IntRange(4, 1024).Draw(t, "dim"), MaxSize: rapid.IntRange(0, 9).Draw(t, "size"), OOVBuckets: rapid.IntRange(0, 9).Draw(t, "oov"), MinFrequency: rapid.IntRange(0, 9).Draw(t, "frequency")}
		case feature.Numeric:
			f.Type = warehouse.Float64
			f.Normalize = &feature.Normalize{Kind: rapid.SampledFrom([]string{"zscore", "minmax", "log_zscore", "log_minmax"}).Draw(t, "scale")}
			f.Bucketize = buckets()
		case feature.Temporal:
			f.Type = warehouse.Timestamp
			f.Cyclical = &feature.Cyclical{Yearly: true, Quarterly: rapid.Bool().Draw(t, "q"), Monthly: rapid.Bool().Draw(t, "m"), Weekly: rapid.Bool().Draw(t, "w"), Daily: rapid.Bool().Draw(t, "d")}
			f.Bucketize = buckets()
		}
		return f
	})
}

func towerGen(t *rapid.T) feature.Tower {
	tower := feature.Tower{Features: append([]feature.Feature{featureGen(true).Draw(t, "id")}, rapid.SliceOfN(featureGen(false), 0, 6).Draw(t, "features")...)}
	if len(tower.Features) > 1 {
		for i := range rapid.IntRange(0, 3).Draw(t, "crosses") {
			x := feature.Cross{HashBuckets: 100 + i, Dim: 8}
			for _, f := range tower.Features[:min(len(tower.Features), 2+i%2)] {
				m := feature.CrossMember{Column: f.Column}
				if f.DataType != feature.Text {
					m.Buckets = 5 + i
				}
				x.Features = append(x.Features, m)
			}
			tower.Crosses = append(tower.Crosses, x)
		}
	}
	return tower
}

func layersGen(t *rapid.T) []model.Layer {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) model.Layer {
		switch l := (model.Layer{Type: rapid.SampledFrom([]string{"dense", "dropout", "batch_norm", "layer_norm"}).Draw(t, "type")}); l.Type {
		case "dense":
			l.Units, l.Activation = rapid.IntRange(1, 2048).Draw(t, "units"), rapid.SampledFrom(model.Activations).Draw(t, "activation")
			l.L1, l.L2 = rapid.Float64Range(0, 1).Draw(t, "l1"), rapid.Float64Range(0, 1).Draw(t, "l2")
			return l
		case "dropout":
			l.Rate = rapid.Float64Range(0.01, 0.99).Draw(t, "rate")
			return l
		default:
			return l
		}
	}), 0, 5).Draw(t, "layers")
}

// TestAnyValidInputIsPython: whatever passes the checks compiles, imports nothing
// but its libraries, and calls nothing it does not define. What the checks refuse
// is refused by problem, never by panic.
func TestAnyValidInputIsPython(t *testing.T) {
	interpreter := python(t)
	var sources []string
	rapid.Check(t, func(t *rapid.T) {
		m := model.Defaults()
		m.Query, m.Candidate = layersGen(t), layersGen(t)
		m.LogQ, m.Normalize = rapid.Bool().Draw(t, "log_q"), rapid.Bool().Draw(t, "normalize")
		in := Input{
			FeatureConfig: Pin{ID: rapid.OneOf(rapid.String(), rapid.SampledFrom(hard)).Draw(t, "id"), Version: 1},
			ModelConfig:   Pin{ID: rapid.OneOf(rapid.String(), rapid.SampledFrom(hard)).Draw(t, "id"), Version: 1},
			Model:         m,
			Features:      feature.Definition{Query: towerGen(t), Candidate: towerGen(t)},
		}
		out, err := Generate(in)
		if err != nil {
			return
		}
		query, candidate := Dims(in.Features)
		if query.Total != out.Program.Query.Width() || candidate.Total != out.Program.Candidate.Width() {
			t.Fatalf("widths shown %d and %d, generated %d and %d", query.Total, candidate.Total, out.Program.Query.Width(), out.Program.Candidate.Width())
		}
		sources = append(sources, out.Transform, out.Trainer)
	})
	if len(sources) < 50 {
		t.Fatalf("only %d modules to read: the generator makes too many refused inputs", len(sources))
	}
	stdin, err := json.Marshal(sources)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(interpreter, "-c", readModule)
	cmd.Stdin = bytes.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	lines, err := cmd.Output()
	if err != nil {
		n := bytes.Count(lines, []byte("ok"))
		t.Fatalf("%v\n%s\n%s", err, stderr.String(), sources[min(n, len(sources)-1)])
	}
	fmt.Fprintf(t.Output(), "%d modules compiled\n", len(sources))
}
