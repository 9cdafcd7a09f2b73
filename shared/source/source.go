package source

import (
	"context"
	"io"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/b2brecs/b2brecs/shared/etl"
)

// BatchRows is the number of rows in a full record batch: half of DuckDB's row
// group of 122,880, so that groups stay aligned.
const BatchRows = 61_440

// TestTimeout bounds Source.Test, whatever the source does.
const TestTimeout = 15 * time.Second

// Object names what a job copies: a table, or the files of a pattern.
type Object struct {
	Schema string
	Table  string
	Files  *etl.FileOptions
}

// ObjectOf gives the object of a job.
func ObjectOf(j etl.Job) Object { return Object{Schema: j.Schema, Table: j.Table, Files: j.Files} }

// Table is one entry of a source's catalogue.
type Table struct {
	Schema   string    `json:"schema"`
	Name     string    `json:"name"`
	Kind     string    `json:"kind"`          // "table", "view", "materialized view", "foreign table", "file"
	Rows     int64     `json:"rows_estimate"` // from statistics, never counted; -1 unknown
	Bytes    int64     `json:"bytes"`         // -1 unknown
	Modified time.Time `json:"modified,omitzero"`
}

// Description is what is known of an object before it is read.
type Description struct {
	Columns []etl.Column `json:"columns"`
	// Keys are the source names of the primary key.
	Keys []string `json:"keys"`
	// Timestamps are the source names of columns that can drive a watermark.
	Timestamps []string `json:"timestamps"`
	// Recommended is the one of Timestamps that creation dates most likely are in; "" when there is none.
	Recommended string `json:"recommended_timestamp"`
	// Rows is an estimate; -1 unknown.
	Rows     int64    `json:"rows_estimate"`
	Warnings []string `json:"warnings"`
	// Format, Delimiter, Encoding and Header tell how a file was understood.
	Format    string `json:"format,omitempty"`
	Delimiter string `json:"delimiter,omitempty"`
	Encoding  string `json:"encoding,omitempty"`
	Header    bool   `json:"header,omitempty"`
}

// PlanRequest asks for the chunks of one read.
type PlanRequest struct {
	Object  Object
	Columns []etl.Column
	// TimeColumn is the source name of the watermark column; "" reads everything.
	TimeColumn string
	// From is the exclusive lower bound, "" for none: RFC 3339 with microseconds, or an integer in text.
	From string
	// To is the inclusive upper bound. "" lets the source fix it as
	// min(its clock − Lag, the greatest value); a value is kept as it is.
	To  string
	Lag time.Duration
	// Files are the files to read, for kinds that read files.
	Files []etl.File
	// FileColumns adds _file and _generation to every row.
	FileColumns bool
	// Unheld says that nobody can keep Plan.Hold open: the source MUST leave it nil and
	// cut chunks that each see a picture of their own, so that a row which is there all
	// the time, under one key, is in exactly one of them.
	Unheld bool
	// ChunkRows and ChunkBytes are targets; 0 means the kind's default.
	ChunkRows  int64
	ChunkBytes int64
}

// Chunk is one unit of reading. Spec is the kind's own and survives JSON.
type Chunk struct {
	Spec  map[string]any
	Label string
}

// Plan is how an object will be read. The chunks together hold every row of the
// window exactly once, as it was when the plan was made, or, Unheld, when its chunk is read.
type Plan struct {
	Chunks   []Chunk
	Snapshot string
	// To is the upper bound in force; "" when there is no window.
	To       string
	Estimate int64 // rows; -1 unknown
	Warnings []string
	// FileProblems names files that cannot be read, by key.
	FileProblems map[string]error
	// Hold keeps the snapshot alive until it is closed; nil when there is none.
	Hold io.Closer
}

// ReadRequest names one chunk to read.
type ReadRequest struct {
	Object   Object
	Columns  []etl.Column
	Spec     map[string]any
	Snapshot string
}

// Reject is a row that cannot be loaded.
type Reject struct {
	Row    string `json:"row"`            // the row as text, cut to RejectBytes
	Reason string `json:"reason"`         // one sentence
	Kind   string `json:"kind"`           // short stable name for counting, e.g. "not an integer"
	Column string `json:"column"`         // warehouse name, "" when the whole row is bad
	File   string `json:"file,omitempty"` // key
	Line   int64  `json:"line,omitempty"` // from 1
}

// RejectBytes is where the text of a rejected row is cut.
const RejectBytes = 2000

// Sink takes what a chunk gives.
type Sink interface {
	// Batch takes one record batch with the schema of Schema(columns). It is
	// valid during the call; a sink that keeps it MUST Retain it.
	Batch(rec arrow.RecordBatch) error
	// Reject takes one bad row.
	Reject(r Reject) error
}

// Stats counts one chunk. Rows is the source's own count where it gives one, so
// that it can be held against what the sink received.
type Stats struct {
	Rows  int64
	Bytes int64
	// Nulled counts values that have no counterpart in the warehouse and became
	// NULL, by "column: reason".
	Nulled map[string]int64
}

// Source is an open connection to one system. All methods MUST be safe for
// concurrent use, MUST only read, and MUST end soon after ctx does.
type Source interface {
	// Test proves that the address and the credential work and lists some objects.
	// It uses catalogue statistics only, and ends within TestTimeout.
	Test(ctx context.Context) ([]Table, error)
	// Tables lists the objects of a schema; "" means the kind's default or all.
	Tables(ctx context.Context, schema string) ([]Table, error)
	// Describe tells an object's columns with their proposed mapping, and samples.
	Describe(ctx context.Context, o Object) (Description, error)
	// Plan cuts an object into chunks.
	Plan(ctx context.Context, r PlanRequest) (Plan, error)
	// Read gives one chunk's rows to the sink. FailedPrecondition wrapping
	// ErrSnapshotLost means that the plan has to be made anew.
	Read(ctx context.Context, r ReadRequest, to Sink) (Stats, error)
	Close() error
}
