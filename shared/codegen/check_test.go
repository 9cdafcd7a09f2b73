package codegen_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/b2brecs/b2brecs/shared/codegen"
	"github.com/b2brecs/b2brecs/shared/feature"
	"github.com/b2brecs/b2brecs/shared/model"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

var schema = []warehouse.Column{
	{Name: "customer_id", Type: warehouse.String}, {Name: "product_id", Type: warehouse.String}, {Name: "date", Type: warehouse.Date},
	{Name: "revenue", Type: warehouse.Float64}, {Name: "city", Type: warehouse.String}, {Name: "tags", Type: warehouse.String, Repeated: true},
	{Name: "shape", Type: warehouse.Geography},
}

func TestCheck(t *testing.T) {
	text := func(column string) feature.Feature {
		return feature.Feature{Column: column, DataType: feature.Text, Embedding: &feature.Embedding{Dim: 8}}
	}
	tests := []struct {
		name   string
		change func(*feature.Definition)
		want   []string // "location: part of the message"
	}{
		{"a good one", func(*feature.Definition) {}, nil},
		{"no primary id", func(d *feature.Definition) { d.Query.Features[0].PrimaryID = false }, []string{"query.features: exactly one primary id"}},
		{"two primary ids", func(d *feature.Definition) {
			f := text("city")
			f.PrimaryID = true
			d.Query.Features = append(d.Query.Features, f)
		}, []string{"query.features[3].primary_id: primary id of this tower already"}},
		{"a numeric primary id", func(d *feature.Definition) {
			d.Candidate.Features[0] = feature.Feature{Column: "revenue", PrimaryID: true, DataType: feature.Numeric, Normalize: &feature.Normalize{Kind: "zscore"}}
		}, []string{"candidate.features[0].data_type: must be text"}},
		{"an empty tower", func(d *feature.Definition) { d.Candidate = feature.Tower{} }, []string{"candidate.features: exactly one primary id"}},
		{"unknown column", func(d *feature.Definition) { d.Query.Features[2].Column = "day" }, []string{"query.features[2].column: no column \"day\""}},
		{"other case", func(d *feature.Definition) { d.Query.Features[2].Column = "Date" }, []string{"query.features[2].column: it has \"date\""}},
		{"a name that is code", func(d *feature.Definition) { d.Query.Features[2].Column = `x"]; import os` }, []string{"query.features[2].column: is not a column name", "query.features[2].column: no column"}},
		{"twice in a tower", func(d *feature.Definition) { d.Query.Features = append(d.Query.Features, text("customer_id")) }, []string{"query.features[3].column: in this tower already"}},
		{"a list", func(d *feature.Definition) { d.Query.Features = append(d.Query.Features, text("tags")) }, []string{"query.features[3].column: holds lists"}},
		{"a geography", func(d *feature.Definition) { d.Query.Features = append(d.Query.Features, text("shape")) }, []string{"query.features[3].column: cannot be a feature"}},
		{"unknown data type", func(d *feature.Definition) { d.Query.Features[2].DataType = "history" }, []string{"query.features[2].cyclical: no cyclical", "query.features[2].normalize: no normalize", "query.features[2].data_type: must be text, numeric or temporal"}},
		{"no transform", func(d *feature.Definition) { d.Query.Features[1].Normalize, d.Query.Features[1].Bucketize = nil, nil }, []string{"query.features[1]: has no transform"}},
		{"text without embedding", func(d *feature.Definition) { d.Query.Features[0].Embedding = nil }, []string{"query.features[0].embedding: needs an embedding"}},
		{"foreign transforms", func(d *feature.Definition) { d.Query.Features[0].Bucketize = &feature.Bucketize{Buckets: 5, Dim: 4} }, []string{"query.features[0].bucketize: a text feature has no bucketize"}},
		{"an id as a number", func(d *feature.Definition) {
			d.Query.Features = append(d.Query.Features, feature.Feature{Column: "product_id", DataType: feature.Numeric, Normalize: &feature.Normalize{Kind: "zscore"}})
		}, []string{"query.features[3].data_type: is an id and reaches the model as text"}},
		{"a date as a number", func(d *feature.Definition) {
			d.Query.Features[2] = feature.Feature{Column: "date", DataType: feature.Numeric, Normalize: &feature.Normalize{Kind: "zscore"}}
		}, []string{"query.features[2].data_type: cannot be numeric"}},
		{"a text as a time", func(d *feature.Definition) {
			d.Query.Features[2] = feature.Feature{Column: "city", DataType: feature.Temporal, Cyclical: &feature.Cyclical{Weekly: true}}
		}, []string{"query.features[2].data_type: cannot be temporal"}},
		{"limits", func(d *feature.Definition) {
			d.Query.Features[0].Embedding = &feature.Embedding{Dim: 2, OOVBuckets: 2000, MinFrequency: -1, MaxSize: -5}
			d.Query.Features[1].Bucketize = &feature.Bucketize{Buckets: 1, Dim: 200}
		}, []string{"query.features[0].embedding.dim: between 4 and 1024", "embedding.max_size", "embedding.oov_buckets: between 0 and 1000", "embedding.min_frequency", "bucketize.dim: between 4 and 128", "bucketize.buckets: between 2 and 1000"}},
		{"boundaries", func(d *feature.Definition) {
			d.Query.Features[1].Bucketize = &feature.Bucketize{Boundaries: []float64{1, 1 + 1e-12}, Dim: 8}
		}, []string{"query.features[1].bucketize.boundaries: increase strictly"}},
		{"infinite boundaries", func(d *feature.Definition) {
			d.Query.Features[1].Bucketize = &feature.Bucketize{Boundaries: []float64{1, math.Inf(1)}, Dim: 8}
		}, []string{"query.features[1].bucketize.boundaries: finite"}},
		{"normalisation", func(d *feature.Definition) {
			d.Query.Features[1].Normalize = &feature.Normalize{Kind: "robust"}
			d.Query.Features[2].Normalize = &feature.Normalize{Kind: "log_minmax", Range: [2]float64{0, 2}}
		}, []string{"query.features[1].normalize.kind: zscore, minmax", "query.features[2].normalize.range: -1 to 1 or 0 to 1", "query.features[2].normalize.kind: a time has no logarithm"}},
		{"crosses", func(d *feature.Definition) {
			d.Query.Crosses = []feature.Cross{
				{Features: []feature.CrossMember{{Column: "customer_id"}}, HashBuckets: 10, Dim: 100},
				{Features: []feature.CrossMember{{Column: "customer_id"}, {Column: "product_id"}}, HashBuckets: 100, Dim: 8},
				{Features: []feature.CrossMember{{Column: "customer_id", Buckets: 5}, {Column: "revenue"}}, HashBuckets: 100, Dim: 8},
				{Features: []feature.CrossMember{{Column: "customer_id"}, {Column: "customer_id"}}, HashBuckets: 100, Dim: 8},
				{Features: []feature.CrossMember{{Column: "customer_id"}, {Column: "date", Buckets: 5}}, HashBuckets: 100, Dim: 8},
				{Features: []feature.CrossMember{{Column: "date", Buckets: 5}, {Column: "customer_id"}}, HashBuckets: 200, Dim: 16},
			}
		}, []string{
			"query.crosses[0].hash_buckets: between 100", "query.crosses[0].dim: between 4 and 64", "query.crosses[0].features: 2 or 3 members",
			"query.crosses[1].features[1].column: not a feature of this tower", "query.crosses[2].features[0].buckets: no buckets", "query.crosses[2].features[1].buckets: between 5 and 100",
			"query.crosses[3].features: member once", "query.crosses[5]: the same cross",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := definition()
			tt.change(&d)
			got := codegen.Check(d, schema)
			for _, w := range tt.want {
				where, what, _ := strings.Cut(w, ": ")
				if !slices.ContainsFunc(got, func(f problem.Field) bool {
					return strings.HasSuffix(f.Location, where) && strings.Contains(f.Message, what)
				}) {
					t.Errorf("missing: %s", w)
				}
			}
			if len(got) != len(tt.want) {
				t.Errorf("%d findings, want %d: %v", len(got), len(tt.want), got)
			}
		})
	}
}

func TestGenerateReportsEverythingAtOnce(t *testing.T) {
	d := definition()
	d.Query.Features[0].Embedding.Dim = 1
	m := model.Defaults()
	m.LearningRate, m.OutputDim = math.NaN(), 7
	_, err := codegen.Generate(codegen.Input{Features: d, Model: m, Columns: schema})
	if !problem.Is(err, problem.InvalidArgument) {
		t.Fatal(err)
	}
	var at []string
	for _, f := range problem.Of(err).Fields {
		at = append(at, f.Location)
	}
	for _, want := range []string{"features.query.features[0].embedding.dim", "model.learning_rate", "model.output_dim"} {
		if !slices.Contains(at, want) {
			t.Errorf("%s is missing in %v", want, at)
		}
	}
}

func TestSameInputSameBytes(t *testing.T) {
	for dir, in := range cases(t) {
		first, err := codegen.Generate(in)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			again, err := codegen.Generate(in)
			if err != nil || fmt.Sprint(first.Files()) != fmt.Sprint(again.Files()) {
				t.Fatalf("%s: another generation differs: %v", dir, err)
			}
		}
		in.FeatureConfig.Version++
		next, err := codegen.Generate(in)
		if err != nil || next.Hash != first.Hash || next.Transform == first.Transform {
			t.Errorf("%s: a new version with the same meaning keeps the hash and changes the header", dir)
		}
		in.Model.LearningRate /= 2
		if next, err = codegen.Generate(in); err != nil || next.Hash == first.Hash {
			t.Errorf("%s: another learning rate keeps the hash", dir)
		}
	}
}

func TestWarnings(t *testing.T) {
	d := definition()
	d.Candidate.Features = append(d.Candidate.Features, d.Query.Features[1])
	got := strings.Join(codegen.Warnings(d), "\n")
	for _, want := range []string{`"revenue" is in both towers`, `"date" as a position in time`} {
		if !strings.Contains(got, want) {
			t.Errorf("missing %q in:\n%s", want, got)
		}
	}
	if strings.Contains(got, "customer_id") {
		t.Errorf("an id with a minimum frequency of 2 is warned about:\n%s", got)
	}
}

// One configuration stays below 5 ms: BenchmarkGenerate gives the figure.
func BenchmarkGenerate(b *testing.B) {
	in := cases(b)["testdata/golden/crosses"]
	for b.Loop() {
		if _, err := codegen.Generate(in); err != nil {
			b.Fatal(err)
		}
	}
}
