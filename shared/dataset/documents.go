package dataset

import (
	"time"

	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// Collection gives the path of a project's datasets; VersionsCollection of their
// versions (id = dataset + "-v" + number); ProfilesCollection of their profiles
// (same ids as versions).
func Collection(project string) string         { return "projects/" + project + "/datasets" }
func VersionsCollection(project string) string { return "projects/" + project + "/dataset_versions" }
func ProfilesCollection(project string) string { return "projects/" + project + "/dataset_profiles" }

// Role of an output column.
type Role string

const (
	Customer Role = "customer"
	Product  Role = "product"
	Time     Role = "time"
	Value    Role = "value"
)

// Definition says which rows and columns feed training. It is what versions freeze.
type Definition struct {
	// Primary is the transaction table; Joins star around it or chain from each other.
	Primary warehouse.Ref `json:"primary"`
	Joins   []Join        `json:"joins"`
	// Columns in output order.
	Columns []Column `json:"columns"`
	// Roles map a role to an output column name. Customer and Product are required.
	Roles map[Role]string `json:"roles"`
	// Dates is the one date filter; nil keeps all rows.
	Dates *DateFilter `json:"dates,omitempty"`
	// PositiveOnly drops rows whose value role is <= 0 (returns).
	PositiveOnly bool `json:"positive_only"`
}

// What a join may say.
const (
	LeftJoin  = "left"
	InnerJoin = "inner"

	FanOutBlock  = "block"  // a key that is not unique is an error
	FanOutFirst  = "first"  // one row per key, the smallest by all columns, values before NULL
	FanOutAccept = "accept" // rows are multiplied, knowingly
)

// Join adds a secondary table by single-column equality.
type Join struct {
	Table       warehouse.Ref `json:"table"`
	LeftTable   warehouse.Ref `json:"left_table"` // the primary or an earlier joined table
	LeftColumn  string        `json:"left_column"`
	RightColumn string        `json:"right_column"`
	Type        string        `json:"type"` // "left", "inner"
	// FanOut says what to do when RightColumn is not unique: "block" (default: an
	// error), "first" (one row per key, smallest by all columns), "accept".
	FanOut string `json:"fan_out,omitempty"`
}

// Column of the output. Name is unique, ^[A-Za-z_][A-Za-z0-9_]{0,127}$.
type Column struct {
	Table  warehouse.Ref `json:"table"`
	Column string        `json:"column"`
	Name   string        `json:"name"`
}

// DateFilter keeps a window of a time column: exactly one of RollingDays (whole
// UTC days, counted back from the newest date that is not in the future) or Start.
type DateFilter struct {
	Column      string `json:"column"` // output column name
	RollingDays int    `json:"rolling_days,omitempty"`
	Start       string `json:"start,omitempty"` // YYYY-MM-DD
}

// Dataset is the named document; Definition is its newest version.
type Dataset struct {
	ID          string     `json:"id"`
	Project     string     `json:"project"`
	Name        string     `json:"name"`
	Description string     `json:"description,omitempty"`
	Version     int        `json:"version"`
	Definition  Definition `json:"definition"`
	CreatedAt   time.Time  `json:"created_at"`
	UpdatedAt   time.Time  `json:"updated_at"`
	CreatedBy   string     `json:"created_by,omitempty"`
}

// Version is an immutable definition with what it compiled to.
type Version struct {
	Dataset    string             `json:"dataset"`
	Number     int                `json:"number"`
	Definition Definition         `json:"definition"`
	Schema     []warehouse.Column `json:"schema"` // output columns and types
	Hash       string             `json:"hash"`   // SHA-256 of the canonical definition
	CreatedAt  time.Time          `json:"created_at"`
	CreatedBy  string             `json:"created_by,omitempty"`
}

// ColumnProfile is one column's statistics over the dataset's rows.
type ColumnProfile struct {
	Name      string         `json:"name"`
	Type      warehouse.Type `json:"type"`
	Nulls     int64          `json:"nulls"`
	Distinct  int64          `json:"distinct"` // approximate
	Min       string         `json:"min,omitempty"`
	Max       string         `json:"max,omitempty"`
	Mean      *float64       `json:"mean,omitempty"`
	StdDev    *float64       `json:"std_dev,omitempty"`
	Quantiles []float64      `json:"quantiles,omitempty"` // 11 values, 0 % to 100 %
	Top       []ValueCount   `json:"top,omitempty"`       // at most 10, text columns
}

// ValueCount is a value and how often it occurs.
type ValueCount struct {
	Value string `json:"value"`
	Count int64  `json:"count"`
}

// ParetoPoint: the first Share of entities (by value, descending) hold ValueShare of the value.
type ParetoPoint struct {
	Rank       int64   `json:"rank"`
	Share      float64 `json:"share"`
	ValueShare float64 `json:"value_share"`
}

// Finding is one line of the readiness report.
type Finding struct {
	Severity string `json:"severity"` // "blocking", "warning", "info"
	Code     string `json:"code"`
	Message  string `json:"message"` // what and how much
	Why      string `json:"why"`     // the consequence
	Next     string `json:"next"`
	Penalty  int    `json:"penalty"` // points taken from 100
}

// Profile is the one-pass analysis of a dataset version: readiness, statistics, Pareto.
type Profile struct {
	Dataset        string          `json:"dataset"`
	Version        int             `json:"version"`
	Rows           int64           `json:"rows"`
	Customers      int64           `json:"customers"`
	Products       int64           `json:"products"`
	Pairs          int64           `json:"pairs"`          // distinct customer–product pairs
	From           string          `json:"from,omitempty"` // YYYY-MM-DD
	To             string          `json:"to,omitempty"`
	Value          *float64        `json:"value,omitempty"` // sum of the value role
	RowsBefore     int64           `json:"rows_before"`     // of the primary table
	Columns        []ColumnProfile `json:"columns"`
	CustomerPareto []ParetoPoint   `json:"customer_pareto,omitempty"`
	ProductPareto  []ParetoPoint   `json:"product_pareto,omitempty"`
	RowsPerMonth   []ValueCount    `json:"rows_per_month,omitempty"`
	Score          int             `json:"score"`  // 0..100
	Rating         string          `json:"rating"` // "excellent", "good", "fair", "poor", "blocked"
	Findings       []Finding       `json:"findings"`
	Estimate       int64           `json:"bytes_scanned"`
	AnalyzedAt     time.Time       `json:"analyzed_at"`
	Seconds        float64         `json:"seconds"`
}

// Strategies of a split.
const (
	Temporal = "temporal"
	Random   = "random"
)

// Split says how labelled rows are divided.
type Split struct {
	// Strategy is "temporal" (whole last days) or "random" (hash of customer and product).
	Strategy string `json:"strategy"`
	// TestDays and EvalDays of a temporal split: the last TestDays calendar days are
	// test, the EvalDays before them eval; 0 means 10 % and 10 % of the span, at least one day.
	TestDays int `json:"test_days,omitempty"`
	EvalDays int `json:"eval_days,omitempty"`
	// Seed of a random split (80/10/10).
	Seed int64 `json:"seed"`
	// SamplePercent keeps this share of customers, by hash; 0 means 100. Test customers are sampled with them.
	SamplePercent int `json:"sample_percent,omitempty"`
}

// Examples is a materialised, split, null-filled dataset of one run.
type Examples struct {
	Roles   map[Role]string    `json:"roles"`   // as in the definition
	Table   warehouse.Ref      `json:"table"`   // ml.<run>; columns = output names + "split"
	Columns []warehouse.Column `json:"columns"` // as they reach the pipeline: times INT64 seconds, BOOL INT64, no NULL scalars
	Rows    map[string]int64   `json:"rows"`    // by split
	// Dropped counts rows without customer or product and, in a temporal split,
	// those whose time is missing or lies in the future by mistake.
	Dropped   int64 `json:"dropped"`
	Customers int64 `json:"customers"`
	Products  int64 `json:"products"`
	// Bounds, UTC dates, of a temporal split.
	TrainFrom string `json:"train_from,omitempty"`
	EvalFrom  string `json:"eval_from,omitempty"`
	TestFrom  string `json:"test_from,omitempty"`
	To        string `json:"to,omitempty"`
	SQL       string `json:"sql"` // the statement that made the table
}
