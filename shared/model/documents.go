package model

import "github.com/b2brecs/b2brecs/shared/versioned"

// Collection gives the path of a project's model configs; VersionsCollection of
// their versions (id = config + "-v" + number).
func Collection(project string) string { return "projects/" + project + "/model_configs" }
func VersionsCollection(project string) string {
	return "projects/" + project + "/model_config_versions"
}

// Layer of a tower.
type Layer struct {
	Type       string  `json:"type"`                 // dense, dropout, batch_norm, layer_norm
	Units      int     `json:"units,omitempty"`      // dense: 1..2048
	Activation string  `json:"activation,omitempty"` // dense: "" = linear, relu, leaky_relu, elu, selu, tanh, sigmoid, swish
	L1         float64 `json:"l1,omitempty"`
	L2         float64 `json:"l2,omitempty"`
	Rate       float64 `json:"rate,omitempty"`    // dropout: 0 < rate < 1
	Epsilon    float64 `json:"epsilon,omitempty"` // layer_norm; 0 means 1e-6
}

// Definition is what versions freeze. Only retrieval models exist so far.
type Definition struct {
	Type         string  `json:"type"`  // "retrieval"
	Query        []Layer `json:"query"` // hidden layers; the linear output layer of OutputDim follows
	Candidate    []Layer `json:"candidate"`
	OutputDim    int     `json:"output_dim"` // learned numbers of a vector, 8..512
	Optimizer    string  `json:"optimizer"`  // adam, adagrad, sgd, rmsprop, adamw, ftrl
	LearningRate float64 `json:"learning_rate"`
	BatchSize    int     `json:"batch_size"`   // 2..65536
	Epochs       int     `json:"epochs"`       // the default of a run, 1..500
	EmbeddingL2  float64 `json:"embedding_l2"` // on the embeddings of the batch
	// LogQ subtracts log sampling probability of in-batch negatives (Bengio & Senécal 2008; Yi et al. 2019).
	LogQ        bool    `json:"log_q"`
	Temperature float64 `json:"temperature"` // logits are divided by it; 1 = none
	Normalize   bool    `json:"normalize"`   // L2-normalise tower outputs
	// ClipNorm bounds the global gradient norm; 0 = none.
	ClipNorm float64 `json:"clip_norm"`
	// Patience of early stopping on evaluation recall, in epochs; 0 = off. The best epoch is restored either way.
	Patience int `json:"patience"`
	// TopK of the served list, 10..1000.
	TopK int `json:"top_k"`
	// Index is brute_force or scann.
	Index string `json:"index"`
}

// Config is the named document.
type Config = versioned.Record[Definition]

// Version is an immutable definition.
type Version = versioned.Version[Definition]
