package codegen_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/b2brecs/b2brecs/shared/codegen"
	"github.com/b2brecs/b2brecs/shared/feature"
	"github.com/b2brecs/b2brecs/shared/model"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

func dense(units int) model.Layer {
	return model.Layer{Type: "dense", Units: units, Activation: "relu"}
}

// The sums are Keras's own, for an input of 100 and an output of 32.
func TestLayersParams(t *testing.T) {
	tests := []struct {
		name          string
		layers        []model.Layer
		input, output int
		want, fixed   int64
	}{
		{"minimal", []model.Layer{dense(64)}, 100, 32, 8_544, 0},
		{"standard", []model.Layer{dense(128), dense(64)}, 100, 32, 23_264, 0},
		{"deep", []model.Layer{dense(256), dense(128), dense(64)}, 100, 32, 69_088, 0},
		{"a rating head's sizes", []model.Layer{dense(256), dense(64)}, 64, 1, 33_153, 0},
		{"output only", nil, 100, 64, 6_464, 0},
		{"norms and dropout", []model.Layer{dense(10), {Type: "batch_norm"}, {Type: "dropout", Rate: 0.2}, {Type: "layer_norm"}}, 4, 8, 50 + 40 + 20 + 88, 20},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := codegen.LayersParams(tt.layers, tt.input, tt.output)
			if got.Dense != tt.want || got.NonTrainable != tt.fixed || got.Input != tt.input {
				t.Errorf("got %d parameters (%d fixed) for an input of %d, want %d (%d) for %d", got.Dense, got.NonTrainable, got.Input, tt.want, tt.fixed, tt.input)
			}
			if len(got.Layers) != len(tt.layers)+1 {
				t.Errorf("%d rows for %d layers and the output", len(got.Layers), len(tt.layers))
			}
		})
	}
}

func definition() feature.Definition {
	return feature.Definition{
		Query: feature.Tower{
			Features: []feature.Feature{
				{Column: "customer_id", Type: warehouse.String, DataType: feature.Text, PrimaryID: true, Cardinality: 1000, Embedding: &feature.Embedding{Dim: 64, MinFrequency: 2}},
				{Column: "revenue", Type: warehouse.Float64, DataType: feature.Numeric, Normalize: &feature.Normalize{Kind: "zscore"}, Bucketize: &feature.Bucketize{Buckets: 100, Dim: 32}},
				{Column: "date", Type: warehouse.Date, DataType: feature.Temporal, Normalize: &feature.Normalize{Kind: "zscore"}, Cyclical: &feature.Cyclical{Quarterly: true, Monthly: true, Weekly: true}},
			},
			Crosses: []feature.Cross{{Features: []feature.CrossMember{{Column: "customer_id"}, {Column: "revenue", Buckets: 10}}, HashBuckets: 5000, Dim: 16}},
		},
		Candidate: feature.Tower{Features: []feature.Feature{
			{Column: "product_id", Type: warehouse.String, DataType: feature.Text, PrimaryID: true, Cardinality: 500, Embedding: &feature.Embedding{Dim: 32, MaxSize: 300, OOVBuckets: 5}},
		}},
	}
}

func TestDims(t *testing.T) {
	d := definition()
	query, candidate := codegen.Dims(d)
	want := codegen.Width{Total: 104 + 16, Parts: []codegen.Part{
		{Name: "customer_id", Dim: 64}, {Name: "revenue_norm", Dim: 1}, {Name: "revenue_bucket", Dim: 32},
		{Name: "date_norm", Dim: 1}, {Name: "date_cyclical", Dim: 6}, {Name: "customer_id x revenue", Dim: 16, Cross: true},
	}}
	if d := cmp.Diff(want, query); d != "" {
		t.Errorf("query (-want +got):\n%s", d)
	}
	if candidate.Total != 32 {
		t.Errorf("candidate: %+v", candidate)
	}
	d.Query.Features[2].Cyclical.Yearly, d.Query.Features[2].Cyclical.Daily = true, true
	if query, _ := codegen.Dims(d); query.Total != 124 {
		t.Errorf("with all cycles the query tower is %d wide, want 124", query.Total)
	}
	// An unfinished definition still has widths.
	d.Query.Features[0].Embedding = nil
	d.Query.Features[1].DataType = "history"
	if query, _ := codegen.Dims(d); query.Total != 1+10+16 {
		t.Errorf("an unfinished query tower is %d wide, want 27", query.Total)
	}
}

func TestParams(t *testing.T) {
	m := model.Defaults()
	m.OutputDim = 64
	query, candidate := codegen.Params(definition(), m)
	if want := int64(120*64 + 64); query.Dense != want || query.Input != 120 {
		t.Errorf("query: %d dense parameters of %d inputs, want %d of 120", query.Dense, query.Input, want)
	}
	if want := int64(1001*64 + 101*32 + 5000*16); query.EmbeddingTotal != want {
		t.Errorf("query: %d embedding parameters, want %d", query.EmbeddingTotal, want)
	}
	// The vocabulary is capped at 300 of 500 values.
	if want := int64(305 * 32); candidate.EmbeddingTotal != want {
		t.Errorf("candidate: %d embedding parameters, want %d", candidate.EmbeddingTotal, want)
	}
}
