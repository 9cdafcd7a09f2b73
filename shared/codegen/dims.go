package codegen

import (
	"fmt"

	"github.com/b2brecs/b2brecs/shared/feature"
	"github.com/b2brecs/b2brecs/shared/model"
)

// Part is one feature's or cross's share of a tower's input.
type Part struct {
	Name  string `json:"name"`            // column, column_norm, column_bucket, column_cyclical, "a × b"
	Dim   int    `json:"dim"`             // numbers per row
	Cross bool   `json:"cross,omitempty"` // a cross of several columns
}

// Width is the size of the vector that enters a tower, and what it is made of.
type Width struct {
	Total int    `json:"total"`
	Parts []Part `json:"parts"`
}

// Dims gives the widths of both towers' inputs: text its embedding, a number 1
// when normalised plus the embedding of its buckets, a time 2 more per calendar
// cycle, a cross its embedding. It works on unfinished definitions too.
func Dims(d feature.Definition) (query, candidate Width) {
	p, _ := build(d, model.Definition{}, nil)
	return width(&p.Query), width(&p.Candidate)
}

func width(t *Tower) Width {
	w := Width{Total: t.Width(), Parts: []Part{}}
	for _, in := range t.Inputs {
		name := in.Label
		switch {
		case in.Cross || in.Vocab != "":
		case in.Embed:
			name += "_bucket"
		case len(in.Key) > 4 && (in.Key[len(in.Key)-4:] == "_sin" || in.Key[len(in.Key)-4:] == "_cos"):
			name += "_cyclical"
		default:
			name += "_norm"
		}
		if n := len(w.Parts); n > 0 && w.Parts[n-1].Name == name && !in.Cross {
			w.Parts[n-1].Dim += in.Dim
			continue
		}
		w.Parts = append(w.Parts, Part{name, in.Dim, in.Cross})
	}
	return w
}

// LayerParams is one row of a parameter table.
type LayerParams struct {
	Name         string `json:"name"` // "dense 64 relu", "embedding of customer_id"
	Output       int    `json:"output"`
	Trainable    int64  `json:"trainable"`
	NonTrainable int64  `json:"non_trainable,omitempty"`
}

// TowerParams counts a tower's parameters as Keras does.
type TowerParams struct {
	Input      int           `json:"input"` // width of the tower's input
	Embeddings []LayerParams `json:"embeddings"`
	Layers     []LayerParams `json:"layers"`
	// Dense sums Layers, EmbeddingTotal sums Embeddings. Embedding rows come from
	// the features' cardinalities and are an estimate until the vocabulary is known.
	Dense          int64 `json:"dense"`
	NonTrainable   int64 `json:"non_trainable"`
	EmbeddingTotal int64 `json:"embedding_total"`
}

// Params counts both towers' parameters.
func Params(d feature.Definition, m model.Definition) (query, candidate TowerParams) {
	p, _ := build(d, m, nil)
	return towerParams(&p.Query), towerParams(&p.Candidate)
}

// LayersParams counts the layers of a tower whose input has the given width,
// with the linear output layer that follows them.
func LayersParams(layers []model.Layer, input, output int) TowerParams {
	return towerParams(&Tower{Inputs: []TowerInput{{Dim: input}}, Layers: layers, OutputDim: output})
}

func towerParams(t *Tower) TowerParams {
	out := TowerParams{Input: t.Width(), Embeddings: []LayerParams{}, Layers: []LayerParams{}}
	for _, in := range t.Inputs {
		if in.Embed {
			n := in.Expected * int64(in.Dim)
			out.Embeddings = append(out.Embeddings, LayerParams{Name: "embedding of " + in.Label, Output: in.Dim, Trainable: n})
			out.EmbeddingTotal += n
		}
	}
	width := out.Input
	add := func(name string, output int, trainable, fixed int64) {
		out.Layers = append(out.Layers, LayerParams{name, output, trainable, fixed})
		out.Dense += trainable + fixed
		out.NonTrainable += fixed
		width = output
	}
	dense := func(units int) int64 { return int64(width)*int64(units) + int64(units) }
	for _, l := range t.Layers {
		switch l.Type {
		case "dense":
			activation := l.Activation
			if activation == "" {
				activation = "linear"
			}
			add(fmt.Sprintf("dense %d %s", l.Units, activation), l.Units, dense(l.Units), 0)
		case "dropout":
			add(fmt.Sprintf("dropout %g", l.Rate), width, 0, 0)
		case "batch_norm":
			add("batch norm", width, 2*int64(width), 2*int64(width))
		case "layer_norm":
			add("layer norm", width, 2*int64(width), 0)
		}
	}
	add(fmt.Sprintf("output %d linear", t.OutputDim), t.OutputDim, dense(t.OutputDim), 0)
	return out
}
