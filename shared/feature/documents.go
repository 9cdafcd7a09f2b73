package feature

import (
	"github.com/b2brecs/b2brecs/shared/versioned"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// Collection gives the path of a project's feature configs; VersionsCollection of
// their versions (id = config + "-v" + number).
func Collection(project string) string { return "projects/" + project + "/feature_configs" }
func VersionsCollection(project string) string {
	return "projects/" + project + "/feature_config_versions"
}

// DataType decides which transforms a feature may have.
type DataType string

const (
	Text     DataType = "text"     // vocabulary and embedding
	Numeric  DataType = "numeric"  // normalisation, buckets
	Temporal DataType = "temporal" // Unix seconds: normalisation, buckets, calendar cycles
)

// Feature is one column of one tower.
type Feature struct {
	Column      string         `json:"column"` // output name of the dataset
	Type        warehouse.Type `json:"type"`
	DataType    DataType       `json:"data_type"`
	PrimaryID   bool           `json:"primary_id,omitempty"` // exactly one per tower, text
	Embedding   *Embedding     `json:"embedding,omitempty"`  // text: required
	Normalize   *Normalize     `json:"normalize,omitempty"`
	Bucketize   *Bucketize     `json:"bucketize,omitempty"`
	Cyclical    *Cyclical      `json:"cyclical,omitempty"`
	Cardinality int64          `json:"cardinality,omitempty"` // from the profile; 0 unknown
	// Confirmed acknowledges a leakage warning on an outcome column.
	Confirmed bool `json:"confirmed,omitempty"`
}

// Embedding of a text feature or cross: vocabulary by frequency, then a table.
type Embedding struct {
	Dim          int `json:"dim"`                     // 4..1024
	MaxSize      int `json:"max_size,omitempty"`      // vocabulary cap; 0 = none
	OOVBuckets   int `json:"oov_buckets,omitempty"`   // 1..1000; 0 means 1
	MinFrequency int `json:"min_frequency,omitempty"` // 0 means 1
}

// Normalize gives one float. Kind is zscore, minmax, log_zscore or log_minmax.
type Normalize struct {
	Kind string `json:"kind"`
	// Range of minmax kinds: [-1,1] or [0,1].
	Range [2]float64 `json:"range,omitempty"`
}

// Bucketize gives a bucket id and an embedding: by quantiles (Buckets) or by Boundaries.
type Bucketize struct {
	Buckets    int       `json:"buckets,omitempty"`    // 2..1000
	Boundaries []float64 `json:"boundaries,omitempty"` // strictly increasing; overrides Buckets
	Dim        int       `json:"dim"`                  // 4..128
}

// Cyclical gives sine and cosine of calendar positions, UTC.
type Cyclical struct {
	Yearly    bool `json:"yearly,omitempty"`
	Quarterly bool `json:"quarterly,omitempty"`
	Monthly   bool `json:"monthly,omitempty"`
	Weekly    bool `json:"weekly,omitempty"`
	Daily     bool `json:"daily,omitempty"`
}

// Cross joins 2 or 3 features of one tower, hashes and embeds them.
type Cross struct {
	Features    []CrossMember `json:"features"`
	HashBuckets int           `json:"hash_buckets"` // 100..100000
	Dim         int           `json:"dim"`          // 4..64
}

// CrossMember names a feature of the tower. Numeric and temporal members need Buckets (5..100).
type CrossMember struct {
	Column  string `json:"column"`
	Buckets int    `json:"buckets,omitempty"`
}

// Tower is one side: ordered features, primary id first, and crosses.
type Tower struct {
	Features []Feature `json:"features"`
	Crosses  []Cross   `json:"crosses"`
}

// Definition is what versions freeze.
type Definition struct {
	Dataset        string `json:"dataset"`
	DatasetVersion int    `json:"dataset_version"`
	Query          Tower  `json:"query"`     // the customer side
	Candidate      Tower  `json:"candidate"` // the product side
}

// Config is the named document and what follows from its definition.
type Config struct {
	versioned.Record[Definition]
	QueryDim     int      `json:"query_dim"` // width of the tower's input
	CandidateDim int      `json:"candidate_dim"`
	Warnings     []string `json:"warnings,omitempty"`
}

// Version is an immutable definition.
type Version = versioned.Version[Definition]
