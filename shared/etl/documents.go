package etl

import (
	"time"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// Collections of the ETL domain in state. They are system-wide, not per project.
const (
	ConnectionsCollection = "etl_connections"
	JobsCollection        = "etl_jobs"
	RunsCollection        = "etl_runs"
	ChunksCollection      = "etl_chunks"
	FilesCollection       = "etl_files"
	ChunkListsCollection  = "etl_chunk_lists"
)

// Columns that rows of transactional file jobs carry besides their own: the file
// they came from, so that a file loaded again takes the place of its earlier rows.
const (
	FileColumn           = "_file"
	FileGenerationColumn = "_generation"
)

// UploadsConnection is the built-in connection to the uploads bucket.
const UploadsConnection = "uploads"

// Connection holds the address of a source; its credential is a secret.
type Connection struct {
	ID          string         `json:"id"`
	Name        string         `json:"name"`
	Type        string         `json:"type"` // a registered source kind: "uploads", "postgresql"
	Description string         `json:"description,omitempty"`
	Params      map[string]any `json:"params"`                // fields of the kind's form that are not secret
	SecretID    string         `json:"secret_id,omitempty"`   // where the secret fields are kept
	TestStatus  string         `json:"test_status,omitempty"` // "", "success", "failed", "error"
	TestMessage string         `json:"test_message,omitempty"`
	TestedAt    time.Time      `json:"tested_at,omitzero"`
	CreatedAt   time.Time      `json:"created_at"`
	UpdatedAt   time.Time      `json:"updated_at"`
	CreatedBy   string         `json:"created_by,omitempty"`
}

// LoadType says what a run does with the destination.
type LoadType string

const (
	Transactional LoadType = "transactional" // incremental, append or upsert
	Catalog       LoadType = "catalog"       // full snapshot, atomic replace
)

// Column maps one source column to one warehouse column.
type Column struct {
	Source     string         `json:"source"`      // original name at the source
	SourceType string         `json:"source_type"` // as the source calls it
	Name       string         `json:"name"`        // sanitised warehouse name, unique in the job
	Type       warehouse.Type `json:"type"`
	Confidence string         `json:"confidence,omitempty"` // "high", "medium"
	Note       string         `json:"note,omitempty"`       // why the type was chosen, warnings
	Format     string         `json:"format,omitempty"`     // how a file writes it: "dmy", "mdy", "decimal-comma", "group-comma", "group-point", or several
	Samples    []string       `json:"samples,omitempty"`    // at most 3; only in API replies, never stored
}

// FileOptions say how files are found and read.
type FileOptions struct {
	Prefix     string `json:"prefix"`              // folder in the bucket, "" or ending in "/"
	Pattern    string `json:"pattern"`             // glob on the base name, e.g. "*.csv"
	Format     string `json:"format"`              // "csv", "parquet"; "" = by content
	Delimiter  string `json:"delimiter,omitempty"` // one character; "" = detected
	Encoding   string `json:"encoding,omitempty"`  // "utf-8", "latin-1", "windows-1252", "windows-1251", "utf-16"; "" = detected
	NoHeader   bool   `json:"no_header,omitempty"`
	LatestOnly bool   `json:"latest_only,omitempty"` // catalog: only the newest file counts
}

// Job copies one source object to one warehouse table.
type Job struct {
	ID          string        `json:"id"`
	Name        string        `json:"name"`
	Connection  string        `json:"connection"`
	Kind        string        `json:"kind"`             // the connection's type, copied for filtering
	Schema      string        `json:"schema,omitempty"` // database sources
	Table       string        `json:"table,omitempty"`  // database sources
	Files       *FileOptions  `json:"files,omitempty"`  // file sources
	Destination warehouse.Ref `json:"destination"`
	Load        LoadType      `json:"load"`
	Columns     []Column      `json:"columns,omitempty"` // the contract; empty until the first infer-schema
	// ColumnsChosen says that a person chose among a table's columns: new ones are then left alone.
	ColumnsChosen bool `json:"columns_chosen,omitempty"`
	// TimestampColumn (warehouse name) drives the watermark of transactional database jobs.
	TimestampColumn string    `json:"timestamp_column,omitempty"`
	StartDate       string    `json:"start_date,omitempty"` // YYYY-MM-DD; the first run begins here
	Watermark       string    `json:"watermark,omitempty"`  // RFC 3339 with microseconds, or an integer in text; of the last committed run
	SafetyLag       int       `json:"safety_lag_seconds"`
	Keys            []string  `json:"keys,omitempty"`         // warehouse names; non-empty means upsert
	MaxRejectShare  float64   `json:"max_reject_share"`       // a run with a larger share of rejected rows fails; 0..1
	AcceptEmpty     bool      `json:"accept_empty,omitempty"` // catalog: an empty source empties the table
	Schedule        *Schedule `json:"schedule,omitempty"`
	Enabled         bool      `json:"enabled"`
	ActiveRun       string    `json:"active_run,omitempty"` // at most one run at a time
	// RunAgain is set when a file arrives during a run: the next run follows at once.
	RunAgain   bool      `json:"run_again,omitempty"`
	LastRun    string    `json:"last_run,omitempty"`
	LastStatus RunStatus `json:"last_status,omitempty"`
	LastRunAt  time.Time `json:"last_run_at,omitzero"`
	CreatedAt  time.Time `json:"created_at"`
	UpdatedAt  time.Time `json:"updated_at"`
	CreatedBy  string    `json:"created_by,omitempty"`
}

// Schedule of a job.
type Schedule struct {
	Cron     string `json:"cron"`
	TimeZone string `json:"time_zone"` // IANA
}

// RunStatus of a run (spec of the run's life: pending, running, then one of the rest).
type RunStatus string

const (
	Pending   RunStatus = "pending"
	Running   RunStatus = "running"
	Completed RunStatus = "completed"
	Partial   RunStatus = "partial" // some rows or files were rejected
	Failed    RunStatus = "failed"
	Cancelled RunStatus = "cancelled"
)

// Ended reports whether the status is final.
func (s RunStatus) Ended() bool {
	return s == Completed || s == Partial || s == Failed || s == Cancelled
}

// Phase of a running run: its position in the life of a load.
type Phase struct {
	Name    string    `json:"name"` // "infer", "plan", "extract", "load", "commit"
	Started time.Time `json:"started,omitzero"`
	Ended   time.Time `json:"ended,omitzero"`
}

// Run is one execution of a job.
type Run struct {
	ID          string        `json:"id"`
	Number      int64         `json:"number"` // #n, system-wide
	Job         string        `json:"job"`
	JobName     string        `json:"job_name"` // kept when the job is deleted
	Destination warehouse.Ref `json:"destination"`
	Load        LoadType      `json:"load"`
	Trigger     string        `json:"trigger"` // "manual", "schedule", "upload", "api"
	By          string        `json:"by,omitempty"`
	Status      RunStatus     `json:"status"`
	Phases      []Phase       `json:"phases"`
	// Plan, fixed by plan-run.
	Epoch    int    `json:"epoch"`              // grows when the plan is made anew
	From     string `json:"from,omitempty"`     // watermark window: rows > From …
	To       string `json:"to,omitempty"`       // … and <= To
	Snapshot string `json:"snapshot,omitempty"` // the source's snapshot id, where it has one
	Files    []File `json:"files,omitempty"`    // the files this run covers
	Estimate int64  `json:"estimate_rows"`      // -1 unknown
	Chunks   int    `json:"chunks"`
	// Progress; written by chunks.
	ChunksExtracted int   `json:"chunks_extracted"`
	ChunksLoaded    int   `json:"chunks_loaded"`
	RowsRead        int64 `json:"rows_read"`   // rows the source gave
	RowsStaged      int64 `json:"rows_staged"` // rows in Parquet
	RowsRejected    int64 `json:"rows_rejected"`
	BytesRead       int64 `json:"bytes_read"`
	// Result of the commit: RowsRead = RowsStaged + RowsRejected and Commit.Read = RowsStaged, or the run is not green.
	Commit        *warehouse.CommitResult `json:"commit,omitempty"`
	RejectReasons map[string]int64        `json:"reject_reasons,omitempty"`
	RejectsKey    string                  `json:"rejects_prefix,omitempty"` // prefix in the staging bucket: JSON lines {"row","reason","file","line"}
	// FileProblems are files that could not be read, by key; they are tried again by the next run.
	FileProblems    map[string]string `json:"file_problems,omitempty"`
	Warnings        []string          `json:"warnings,omitempty"`
	CallbackURL     string            `json:"callback_url,omitempty"`
	CancelRequested bool              `json:"cancel_requested,omitempty"`
	Error           *problem.Error    `json:"error,omitempty"`
	CreatedAt       time.Time         `json:"created_at"`
	StartedAt       time.Time         `json:"started_at,omitzero"`
	EndedAt         time.Time         `json:"ended_at,omitzero"`
	UpdatedAt       time.Time         `json:"updated_at,omitzero"`
}

// File is one file of a run or a processed-file record.
type File struct {
	Key        string    `json:"key"`
	Generation string    `json:"generation"`
	Size       int64     `json:"size"`
	ModifiedAt time.Time `json:"modified_at"`
}

// ChunkState of a chunk.
type ChunkState string

const (
	ChunkWaiting   ChunkState = "planned"
	ChunkRunning   ChunkState = "running"
	ChunkExtracted ChunkState = "extracted"
	ChunkLoaded    ChunkState = "loaded"
	ChunkFailed    ChunkState = "failed"
	ChunkCancelled ChunkState = "cancelled"
)

// Chunk is one unit of extraction. Its id is run + "-" + epoch + "-" + number.
type Chunk struct {
	ID     string     `json:"id"`
	Run    string     `json:"run"`
	Job    string     `json:"job"`
	Epoch  int        `json:"epoch"`
	Number int        `json:"number"` // from 0
	State  ChunkState `json:"state"`
	// Spec is what to read, in the source kind's own terms (key range, ctid range, byte range, row groups).
	Spec      map[string]any `json:"spec"`
	Label     string         `json:"label"` // for people: "ctid 0 to 1,023", "orders.csv 0 to 64 MiB"
	Attempts  int            `json:"attempts"`
	Rows      int64          `json:"rows"` // read
	Staged    int64          `json:"staged"`
	Rejected  int64          `json:"rejected"`
	Bytes     int64          `json:"bytes"`
	Objects   []string       `json:"objects,omitempty"` // keys in the staging bucket
	Error     *problem.Error `json:"error,omitempty"`
	StartedAt time.Time      `json:"started_at,omitzero"`
	EndedAt   time.Time      `json:"ended_at,omitzero"`
	// SnapshotLost is set before the chunk asks for a new plan.
	SnapshotLost bool `json:"snapshot_lost,omitempty"`
	// Lease says who reads the chunk; nil when nobody does.
	Lease *Lease `json:"lease,omitempty" hidden:"true"`
}

// Lease keeps a chunk for one reading.
type Lease struct {
	Process string    `json:"process"` // the reader's
	Reader  string    `json:"reader"`  // one attempt of one process
	Until   time.Time `json:"until"`
}

// ChunkList keeps what is to be told of the chunks of an ended run, see Store.Fold.
type ChunkList struct {
	Chunks []Chunk `json:"chunks"`
}

// ChunkPlanned asks for the extraction of a chunk.
type ChunkPlanned struct {
	Run   string `json:"run"`
	Chunk string `json:"chunk"`
	Epoch int    `json:"epoch"`
}

// RunEnded tells that a run reached a final status.
type RunEnded struct {
	Run         string        `json:"run"`
	Job         string        `json:"job"`
	Status      RunStatus     `json:"status"`
	Destination warehouse.Ref `json:"destination"`
}

// Topics of the ETL domain.
var (
	TopicChunkPlanned = events.Topic[ChunkPlanned]{Name: "etl-chunk-planned", Type: "b2brecs.etl.chunk.planned.v1"}
	TopicRunEnded     = events.Topic[RunEnded]{Name: "etl-run-ended", Type: "b2brecs.etl.run.ended.v1"}
)
