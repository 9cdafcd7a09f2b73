package model

import (
	"slices"

	"github.com/b2brecs/b2brecs/shared/problem"
)

// Preset is a named starting point.
type Preset struct {
	Name        string     `json:"name"`
	Title       string     `json:"title"`
	Description string     `json:"description"`
	Definition  Definition `json:"definition"`
}

// Defaults are the training settings every preset shares: log-Q correction, Adam,
// a batch of about a thousand, L2 on the embeddings of the batch, early stopping
// with the best epoch restored.
func Defaults() Definition {
	return Definition{
		Type: "retrieval", OutputDim: 64, Optimizer: "adam", LearningRate: 0.004, BatchSize: 1024, Epochs: 10,
		EmbeddingL2: 0.03, LogQ: true, Temperature: 1, ClipNorm: 0, Patience: 3, TopK: 100, Index: "brute_force",
		Query: []Layer{}, Candidate: []Layer{},
	}
}

// DefaultPreset is what a project starts with.
const DefaultPreset = "compact"

// Presets lists the starting points, smallest first. The output layer of each
// tower is linear and not part of the lists.
func Presets() []Preset {
	dense := func(units int, l2 float64) Layer {
		return Layer{Type: "dense", Units: units, Activation: "relu", L2: l2}
	}
	drop := func(rate float64) Layer { return Layer{Type: "dropout", Rate: rate} }
	make := func(name, title, text string, dim int, query, candidate []Layer) Preset {
		d := Defaults()
		d.OutputDim, d.Query, d.Candidate = dim, query, candidate
		return Preset{name, title, text, d}
	}
	same := func(name, title, text string, dim int, layers ...Layer) Preset {
		return make(name, title, text, dim, slices.Clone(layers), slices.Clone(layers))
	}
	return []Preset{
		same("compact", "Compact", "Embeddings and one linear layer. The strongest start for catalogues of a few thousand products.", 64),
		same("minimal", "Minimal", "One hidden layer of 64.", 32, dense(64, 0)),
		same("standard", "Standard", "Hidden layers of 128 and 64.", 32, dense(128, 0.001), dense(64, 0)),
		same("deep", "Deep", "Hidden layers of 256, 128 and 64, for large data.", 32, dense(256, 0.001), dense(128, 0), dense(64, 0)),
		make("asymmetric", "Asymmetric", "A deep customer tower beside a standard product tower.", 32,
			[]Layer{dense(256, 0.001), dense(128, 0), dense(64, 0)}, []Layer{dense(128, 0.001), dense(64, 0)}),
		same("regularized", "Regularized", "Dropout and stronger L2, for small data.", 32, dense(128, 0.01), drop(0.2), dense(64, 0), drop(0.1)),
	}
}

// PresetNamed gives one preset. NotFound for an unknown name.
func PresetNamed(name string) (Preset, error) {
	for _, p := range Presets() {
		if p.Name == name {
			return p, nil
		}
	}
	return Preset{}, problem.New(problem.NotFound, "there is no model preset %q", name).
		WithNext(problem.TurnYou, "Use compact, minimal, standard, deep, asymmetric or regularized.")
}
