package model

import (
	"fmt"
	"slices"

	"github.com/b2brecs/b2brecs/shared/problem"
)

// Activations of a dense layer; "" and "linear" are the same.
var Activations = []string{"", "linear", "relu", "leaky_relu", "elu", "selu", "tanh", "sigmoid", "swish"}

// Optimizers and the learning rate each usually starts with.
var Optimizers = map[string]float64{
	"adam": 0.004, "adagrad": 0.1, "sgd": 0.01, "rmsprop": 0.001, "adamw": 0.004, "ftrl": 0.1,
}

// Check reports every finding about a definition; none means it can be trained.
func Check(d Definition) []problem.Field {
	var out []problem.Field
	bad := func(at, format string, args ...any) {
		out = append(out, problem.Field{Location: at, Message: fmt.Sprintf(format, args...)})
	}
	if d.Type != "retrieval" {
		bad("type", "must be retrieval")
	}
	for _, t := range []struct {
		name   string
		layers []Layer
	}{{"query", d.Query}, {"candidate", d.Candidate}} {
		if len(t.layers) > 20 {
			bad(t.name, "has %d layers; at most 20", len(t.layers))
		}
		for i, l := range t.layers {
			checkLayer(fmt.Sprintf("%s[%d]", t.name, i), l, bad)
		}
	}
	between(bad, "output_dim", d.OutputDim, 8, 512)
	between(bad, "batch_size", d.BatchSize, 2, 65536)
	between(bad, "epochs", d.Epochs, 1, 500)
	between(bad, "top_k", d.TopK, 10, 1000)
	between(bad, "patience", d.Patience, 0, 100)
	if _, ok := Optimizers[d.Optimizer]; !ok {
		bad("optimizer", "must be adam, adagrad, sgd, rmsprop, adamw or ftrl")
	}
	if !(d.LearningRate > 0 && d.LearningRate <= 1) {
		bad("learning_rate", "must be above 0 and at most 1")
	}
	if !(d.EmbeddingL2 >= 0 && d.EmbeddingL2 <= 1) {
		bad("embedding_l2", "must be between 0 and 1")
	}
	if !(d.Temperature >= 0.01 && d.Temperature <= 10) {
		bad("temperature", "must be between 0.01 and 10")
	}
	if !(d.ClipNorm >= 0 && d.ClipNorm <= 1000) {
		bad("clip_norm", "must be between 0 and 1000; 0 is off")
	}
	if d.Index != "brute_force" && d.Index != "scann" {
		bad("index", "must be brute_force or scann")
	}
	return out
}

func checkLayer(at string, l Layer, bad func(string, string, ...any)) {
	switch l.Type {
	case "dense":
		between(bad, at+".units", l.Units, 1, 2048)
		if !slices.Contains(Activations, l.Activation) {
			bad(at+".activation", "must be one of linear, relu, leaky_relu, elu, selu, tanh, sigmoid, swish")
		}
		if !(l.L1 >= 0 && l.L1 <= 1) || !(l.L2 >= 0 && l.L2 <= 1) {
			bad(at, "l1 and l2 must be between 0 and 1")
		}
	case "dropout":
		if !(l.Rate > 0 && l.Rate < 1) {
			bad(at+".rate", "must be above 0 and below 1")
		}
	case "batch_norm":
	case "layer_norm":
		if !(l.Epsilon >= 0 && l.Epsilon <= 0.1) {
			bad(at+".epsilon", "must be between 0 and 0.1; 0 means 1e-6")
		}
	default:
		bad(at+".type", "must be dense, dropout, batch_norm or layer_norm")
	}
}

func between(bad func(string, string, ...any), at string, v, low, high int) {
	if v < low || v > high {
		bad(at, "must be between %d and %d, not %d", low, high, v)
	}
}

// Warnings about settings that tend to diverge; they never block.
func Warnings(d Definition) []string {
	depth := 0
	for _, l := range d.Query {
		if l.Type == "dense" {
			depth++
		}
	}
	var out []string
	switch {
	case d.LearningRate >= 0.1 && depth >= 3:
		out = append(out, "A learning rate of 0.1 or more with three dense layers tends to diverge: use 0.01 to 0.05.")
	case d.LearningRate >= 0.1 && depth == 2, d.LearningRate >= 0.05 && depth >= 4:
		out = append(out, "The learning rate is high for this depth: watch the loss of the first epochs.")
	}
	if !d.LogQ {
		out = append(out, "Without the log-Q correction popular products are pushed away as negatives: such models often lose to a best-seller list.")
	}
	return out
}
