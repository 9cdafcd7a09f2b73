package codegen

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/b2brecs/b2brecs/shared/model"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// Version of the generator. It is part of the header and of the hash: it MUST
// grow whenever the same input gives other bytes.
const Version = "1.1"

// Program is what two configurations mean, with every name resolved. The
// modules, the manifest, Dims and Params are all computed from it.
type Program struct {
	Version   string    `json:"version"`
	Columns   []*Column `json:"columns"` // in order of first use: query tower, then candidate tower
	Query     Tower     `json:"query"`
	Candidate Tower     `json:"candidate"`
	Training  Training  `json:"training"`
}

// Column of the dataset that a tower reads, and what the transform makes of it.
// A column of both towers is one Column with the union of its operations.
type Column struct {
	Key  string         `json:"key"`  // f00, f01, …
	Name string         `json:"name"` // output name of the dataset
	Type warehouse.Type `json:"type"` // as it reaches the pipeline: STRING, INT64 or FLOAT64
	Ops  []*Op          `json:"ops"`
}

// Kinds of Op.
const (
	Vocabulary = "vocabulary" // text -> int64 id: vocabulary rank, or an out-of-vocabulary bucket after it
	Normalize  = "normalize"  // number -> float32
	Quantiles  = "quantiles"  // number -> int64 bucket of equal share
	Boundaries = "boundaries" // number -> int64 bucket between given boundaries
	Cycle      = "cycle"      // time -> two float32: sine and cosine of a calendar position
)

// Op derives one value (a cycle: two) per row from a column.
type Op struct {
	Kind string `json:"kind"`
	// Key names the result; a cycle's results are Key_sin and Key_cos.
	Key string `json:"key"`
	// Local results feed crosses only and do not leave the transform.
	Local bool `json:"local,omitempty"`

	MaxSize      int       `json:"max_size,omitempty"`      // Vocabulary: 0 is unbounded
	MinFrequency int       `json:"min_frequency,omitempty"` // Vocabulary
	OOV          int       `json:"oov,omitempty"`           // Vocabulary
	Scale        string    `json:"scale,omitempty"`         // Normalize: zscore, minmax, log_zscore, log_minmax
	Range        []float64 `json:"range,omitempty"`         // Normalize, minmax kinds: low and high
	Buckets      int       `json:"buckets,omitempty"`       // Quantiles
	Bounds       []float64 `json:"bounds,omitempty"`        // Boundaries
	Period       string    `json:"period,omitempty"`        // Cycle: yearly, quarterly, monthly, weekly, daily
	Temporal     bool      `json:"temporal,omitempty"`      // the number is a time, counted in days
}

// Vocab is the name of a vocabulary's file.
func (o *Op) Vocab() string { return o.Key + "_vocab" }

// Cross hashes the texts of two or three members together.
type Cross struct {
	Key     string        `json:"key"` // qx00, cx00
	Members []CrossMember `json:"members"`
	Buckets int           `json:"buckets"`
}

// CrossMember is a column's text, or the bucket that Bucket computes.
type CrossMember struct {
	Column *Column `json:"-"`
	Key    string  `json:"key"` // of the column
	Bucket *Op     `json:"bucket,omitempty"`
}

// Tower is one side of the model.
type Tower struct {
	Name      string        `json:"name"` // "query", "candidate"
	ID        *Op           `json:"id"`   // vocabulary of the primary id
	IDColumn  *Column       `json:"-"`
	Columns   []*Column     `json:"-"` // raw inputs of the tower, in feature order
	Inputs    []TowerInput  `json:"inputs"`
	Crosses   []Cross       `json:"crosses"`
	Layers    []model.Layer `json:"layers"`
	OutputDim int           `json:"output_dim"` // learned numbers of a vector; VectorDim counts all
}

// TowerInput is one part of the concatenated vector that enters a tower's layers.
type TowerInput struct {
	Key    string `json:"key"`             // transformed feature
	Column string `json:"column"`          // key of the column; empty for a cross
	Label  string `json:"label"`           // for people: column name, or names joined with " x "
	Dim    int    `json:"dim"`             // width
	Embed  bool   `json:"embed"`           // looked up in a table; otherwise one float
	Vocab  string `json:"vocab,omitempty"` // table rows = size of this vocabulary + Rows
	Rows   int    `json:"rows,omitempty"`  // table rows, or what is added to the vocabulary
	// Expected is the number of table rows estimated from the profile, for Params.
	Expected int64 `json:"-"`
	Cross    bool  `json:"cross,omitempty"`
}

// Training settings, as the trainer's CONFIG has them.
type Training struct {
	Optimizer    string  `json:"optimizer"`
	LearningRate float64 `json:"learning_rate"`
	BatchSize    int     `json:"batch_size"`
	Epochs       int     `json:"epochs"`
	EmbeddingL2  float64 `json:"embedding_l2"`
	LogQ         bool    `json:"log_q"`
	Temperature  float64 `json:"temperature"`
	Normalize    bool    `json:"normalize"`
	ClipNorm     float64 `json:"clip_norm"`
	Patience     int     `json:"patience"`
	TopK         int     `json:"top_k"`
	Index        string  `json:"index"`
}

// Prior reports whether the model starts from the best-seller list: the last
// number of a product's vector is then its log share of the training rows, and of
// a customer's 1. That needs scores that are log probabilities, which is what
// log-Q gives and unit vectors cannot reach.
func (t Training) Prior() bool { return t.LogQ && !t.Normalize }

// VectorDim is the width of the vectors that leave both towers.
func (p *Program) VectorDim() int {
	if p.Training.Prior() {
		return p.Query.OutputDim + 1
	}
	return p.Query.OutputDim
}

// Width of the vector that enters the tower's layers.
func (t *Tower) Width() int {
	n := 0
	for _, in := range t.Inputs {
		n += in.Dim
	}
	return n
}

// hash is the SHA-256 of the program's JSON, which has a fixed field order.
func (p *Program) hash() (ir []byte, sum string) {
	ir, err := json.MarshalIndent(p, "", "  ")
	if err != nil { // only NaN and infinity, which the builder refuses
		panic(err)
	}
	h := sha256.Sum256(ir)
	return append(ir, '\n'), hex.EncodeToString(h[:])
}
