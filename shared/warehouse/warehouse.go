package warehouse

import (
	"context"
	"time"
)

// Datasets (namespaces) of an installation.
const (
	Raw = "raw_data" // tables that loads fill
	ML  = "ml"       // what the product derives: labelled examples, recommendations
)

// Type is a column type; the set and the names are BigQuery's.
type Type string

const (
	String     Type = "STRING"
	Int64      Type = "INT64"
	Float64    Type = "FLOAT64"
	Numeric    Type = "NUMERIC"    // 38 digits, 9 decimals
	BigNumeric Type = "BIGNUMERIC" // 76 digits, 38 decimals
	Bool       Type = "BOOL"
	Date       Type = "DATE"
	DateTime   Type = "DATETIME"
	Timestamp  Type = "TIMESTAMP" // microseconds, UTC
	Time       Type = "TIME"
	JSON       Type = "JSON"
	Bytes      Type = "BYTES"
	Geography  Type = "GEOGRAPHY"
)

// Column of a table.
type Column struct {
	Name        string `json:"name"`
	Type        Type   `json:"type"`
	Repeated    bool   `json:"repeated,omitempty"` // ARRAY<Type>
	Required    bool   `json:"required,omitempty"`
	Description string `json:"description,omitempty"`
}

// Ref names a table. Dataset and Name match ^[A-Za-z_][A-Za-z0-9_]{0,299}$.
type Ref struct {
	Dataset string `json:"dataset"`
	Name    string `json:"name"`
}

// String gives "dataset.name".
func (r Ref) String() string { return r.Dataset + "." + r.Name }

// Table describes a table to create.
type Table struct {
	Ref         Ref               `json:"ref"`
	Columns     []Column          `json:"columns"`
	PartitionBy string            `json:"partition_by,omitempty"` // a DATE, DATETIME or TIMESTAMP column, by day
	ClusterBy   []string          `json:"cluster_by,omitempty"`
	Description string            `json:"description,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
}

// Info is what is known of an existing table. Rows and Bytes are -1 for views.
type Info struct {
	Table
	Rows     int64     `json:"rows"`
	Bytes    int64     `json:"bytes"`
	Modified time.Time `json:"modified"`
}

// Mode of a commit.
type Mode string

const (
	Append  Mode = "append"  // add all rows
	Upsert  Mode = "upsert"  // replace rows with equal Keys, add the rest; within the batch the greatest OrderBy wins
	Replace Mode = "replace" // the table holds exactly these rows afterwards
	// ReplaceFiles deletes the rows whose FileColumn is one of Files' values, then appends:
	// a re-loaded file takes the place of its earlier rows.
	ReplaceFiles Mode = "replace_files"
)

// Commit makes staged Parquet visible in one atomic step.
type Commit struct {
	// ID makes the commit idempotent: a second commit with the same ID changes
	// nothing and reports the first one's result. At most 128 of [A-Za-z0-9_-].
	ID     string
	Target Ref
	// URIs are Parquet objects (objects.Bucket.URI). Their columns are bound by
	// name; a column the table lacks is an error; a table column they lack is NULL.
	URIs []string
	Mode Mode
	// Keys are needed by Upsert; OrderBy breaks its ties (greatest wins).
	Keys    []string
	OrderBy string
	// FileColumn and Files are needed by ReplaceFiles.
	FileColumn string
	Files      []string
	// AddColumns are added to the table (nullable) in the same step.
	AddColumns []Column
}

// CommitResult counts what one commit did.
type CommitResult struct {
	ID       string `json:"id"`
	Read     int64  `json:"read"`     // rows in the Parquet objects
	Inserted int64  `json:"inserted"` // rows that are new in the table
	Updated  int64  `json:"updated"`  // rows that replaced an earlier one
	Deleted  int64  `json:"deleted"`  // rows removed by Replace or ReplaceFiles
	Repeated bool   `json:"repeated"` // true when an earlier call did it
}

// Statement is SQL in the warehouse's dialect with named parameters (@name).
// Text from people MUST come only through Params or quoted by the Dialect.
type Statement struct {
	SQL    string
	Params map[string]any // string, int64, float64, bool, time.Time, []string, []int64
	// Labels mark the job (project, run); at most 64.
	Labels map[string]string
	// MaxBytes refuses a statement that would read more, where reading is charged
	// for; 0 means the limit of the installation (Billing).
	MaxBytes int64
	// Lookup says that the statement is the product's own, small and frequent: nobody
	// asks what it costs, so it is not estimated first. Its limit holds all the same.
	Lookup bool
}

// Estimate is what a dry run tells.
type Estimate struct {
	Bytes   int64    `json:"bytes"` // read, at most; 0 where reading costs nothing
	Columns []Column `json:"columns"`
}

// Rows is a result in memory, at most the number of rows asked for.
type Rows struct {
	Columns []Column
	// Values by row, column. nil, string, int64, float64, bool, time.Time (UTC),
	// []any; NUMERIC as decimal text, DATE as time.Time at midnight, TIME, JSON as text, BYTES as []byte.
	Values    [][]any
	Truncated bool // more rows existed
	// Cost is the portable type's; nil where reading is free, or was not estimated.
	Cost *Cost
}

// Driver is a warehouse. All methods MUST be safe for concurrent use. Errors
// MUST carry problem codes; a statement the engine refuses is InvalidArgument.
type Driver interface {
	Dialect() Dialect
	// Create makes a table. AlreadyExists when one with other columns is there; the same is fine.
	Create(ctx context.Context, t Table) error
	// Table describes a table. NotFound when absent.
	Table(ctx context.Context, r Ref) (Info, error)
	// Tables lists a dataset, most rows first; empty when the dataset does not exist.
	Tables(ctx context.Context, dataset string) ([]Info, error)
	// Drop removes a table; absent is not an error.
	Drop(ctx context.Context, r Ref) error
	// Commit applies c once; see Commit.
	Commit(ctx context.Context, c Commit) (CommitResult, error)
	// Committed looks a commit up. NotFound when it did not happen.
	Committed(ctx context.Context, id string) (CommitResult, error)
	// Head gives some rows of a table, at most maxRows, without a charge for reading
	// the rest. NotFound when absent. It is for tables, not for views.
	Head(ctx context.Context, r Ref, maxRows int) (Rows, error)
	// Query runs a statement and returns up to maxRows rows. A driver whose engine
	// charges for reading MUST let it refuse a statement that exceeds MaxBytes.
	Query(ctx context.Context, s Statement, maxRows int) (Rows, error)
	// DryRun checks a statement and tells its columns and cost.
	DryRun(ctx context.Context, s Statement) (Estimate, error)
	// Materialize replaces a table by a statement's result in one atomic step; it gives the row count.
	Materialize(ctx context.Context, r Ref, s Statement) (int64, error)
	// Export writes a statement's result as zstd Parquet objects under prefix
	// (a URI ending in "/"), replacing what an earlier call wrote there. It gives
	// the objects' URIs, in order, and the row count. No rows still give one object.
	Export(ctx context.Context, s Statement, prefix string) (uris []string, rows int64, err error)
	Close() error
}

// Warehouse is the portable type; it validates (validate.go), keeps to what reading
// may cost (billing.go), and delegates.
type Warehouse struct {
	Driver
	billing *Billing // nil: reading is free
	known   *estimates
}

// New makes a warehouse on a driver where reading is free.
func New(drv Driver) *Warehouse { return &Warehouse{Driver: drv} }

// Dialect writes the parts of SQL in which the engines differ. Every method
// returns SQL text; arguments are SQL expressions unless they say otherwise. In
// ORDER BY, NULL is smaller than every value.
type Dialect interface {
	Name() string // "bigquery" or "duckdb"
	// Ident quotes an identifier of any text.
	Ident(name string) string
	// Table quotes a table name.
	Table(r Ref) string
	// Type names a column type in DDL and casts.
	Type(t Type) string
	// SafeCast converts, NULL where impossible.
	SafeCast(expr string, t Type) string
	// Hash gives a stable non-negative INT64 of a STRING expression: the first 60
	// bits of its MD5, on every engine. NULL gives NULL.
	Hash(expr string) string
	// UnixSeconds gives INT64 seconds of a DATE, DATETIME or TIMESTAMP expression.
	UnixSeconds(expr string, t Type) string
	// FromUnixSeconds gives a TIMESTAMP of an INT64 expression.
	FromUnixSeconds(expr string) string
	// DateOf gives the UTC DATE of a DATE, DATETIME or TIMESTAMP expression.
	DateOf(expr string, t Type) string
	// ApproxQuantiles gives an ARRAY of n+1 values from minimum to maximum.
	ApproxQuantiles(expr string, n int) string
	// CountIf counts rows where the condition holds.
	CountIf(cond string) string
	// ApproxDistinct counts distinct non-null values, approximately.
	ApproxDistinct(expr string) string
	// InArray tests membership in an array parameter, e.g. "x IN UNNEST(@p)".
	InArray(expr, param string) string
	// ArrayAgg collects expr ordered by orderBy, at most limit, no NULLs.
	ArrayAgg(expr, orderBy string, limit int) string
	// IntDiv divides two INT64 expressions; the quotient is truncated toward zero.
	IntDiv(a, b string) string
}
