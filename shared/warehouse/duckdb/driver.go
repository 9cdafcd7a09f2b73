package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"time"

	duck "github.com/duckdb/duckdb-go/v2"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/warehouse/dialect"
)

// DefaultMemoryLimit is enough to sort and join tens of millions of rows with
// spilling, and leaves room for training on a machine with 4 GiB.
const DefaultMemoryLimit = 1 << 30

// Options of Open. The zero value is usable.
type Options struct {
	// MemoryLimit is DuckDB's buffer limit in bytes; what does not fit spills to
	// a folder beside the file. 0 means DefaultMemoryLimit.
	MemoryLimit int64
	// Threads of the engine; 0 means one per CPU.
	Threads int
}

// Driver is a warehouse in one DuckDB file. Reads run side by side; writes wait
// for each other, so that two loads share neither memory nor locks.
type Driver struct {
	db      *sql.DB
	path    string        // "" when in memory
	scratch string        // exports are written here first
	write   chan struct{} // holds a token while nobody writes

	mu    sync.Mutex
	sizes map[warehouse.Ref]size
}

type size struct {
	modified time.Time
	bytes    int64
}

var _ warehouse.Driver = (*Driver)(nil)

// schemaSQL makes the driver's own tables and the installation's datasets.
var schemaSQL = []string{
	`CREATE SCHEMA IF NOT EXISTS _b2brecs`,
	`CREATE SCHEMA IF NOT EXISTS ` + warehouse.Raw,
	`CREATE SCHEMA IF NOT EXISTS ` + warehouse.ML,
	`CREATE TABLE IF NOT EXISTS _b2brecs.commits (id VARCHAR PRIMARY KEY, dataset VARCHAR, name VARCHAR,
		read BIGINT, inserted BIGINT, updated BIGINT, deleted BIGINT, committed TIMESTAMPTZ)`,
	`CREATE TABLE IF NOT EXISTS _b2brecs.tables (dataset VARCHAR, name VARCHAR, doc VARCHAR, modified TIMESTAMPTZ,
		PRIMARY KEY (dataset, name))`,
}

// Open opens or creates the file at path; "" keeps everything in memory.
// FailedPrecondition when another process holds the file.
func Open(path string, o Options) (*Driver, error) {
	if o.MemoryLimit == 0 {
		o.MemoryLimit = DefaultMemoryLimit
	}
	if o.Threads == 0 {
		o.Threads = runtime.NumCPU()
	}
	if path != "" {
		abs, err := filepath.Abs(path)
		if err != nil {
			return nil, problem.Wrap(err, problem.InvalidArgument, "the warehouse file %q cannot be found", path)
		}
		if strings.ContainsAny(abs, "?%#") {
			return nil, problem.New(problem.InvalidArgument, "the warehouse file's path %q holds one of ? %% #", abs).
				WithNext(problem.TurnYou, "Use a data folder whose path has none of these characters.")
		}
		path = abs
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, problem.Wrap(err, problem.FailedPrecondition, "the folder of the warehouse file %s cannot be made", path)
		}
	}
	settings := []string{
		`SET GLOBAL TimeZone = 'UTC'`,
		`SET GLOBAL preserve_insertion_order = false`,
		// NULL is smaller than every value, as in BigQuery
		// (https://cloud.google.com/bigquery/docs/reference/standard-sql/query-syntax#order_by_clause).
		`SET GLOBAL default_null_order = 'nulls_first_on_asc_last_on_desc'`,
		fmt.Sprintf(`SET GLOBAL memory_limit = '%dB'`, o.MemoryLimit),
		fmt.Sprintf(`SET GLOBAL threads = %d`, o.Threads),
		// Nothing is fetched, and nothing but what is linked is loaded.
		`SET GLOBAL autoinstall_known_extensions = false`,
		`SET GLOBAL autoload_known_extensions = false`,
	}
	connector, err := duck.NewConnector(path, nil)
	if err != nil {
		return nil, openProblem(err, path)
	}
	d := &Driver{db: sql.OpenDB(connector), path: path, write: make(chan struct{}, 1), sizes: map[warehouse.Ref]size{}}
	for _, s := range settings {
		if _, err := d.db.Exec(s); err != nil {
			d.db.Close()
			return nil, openProblem(err, path)
		}
	}
	for _, s := range schemaSQL {
		if _, err := d.db.Exec(s); err != nil {
			d.db.Close()
			return nil, openProblem(err, path)
		}
	}
	if path != "" {
		// What an earlier process left half written has no reader.
		d.scratch = path + ".export"
		if err := os.RemoveAll(d.scratch); err != nil {
			d.db.Close()
			return nil, problem.Wrap(err, problem.FailedPrecondition, "the folder %s cannot be cleared", d.scratch)
		}
	}
	d.write <- struct{}{}
	return d, nil
}

// Dialect is DuckDB's.
func (d *Driver) Dialect() warehouse.Dialect { return dialect.DuckDB{} }

// Close writes the log into the file and lets it go.
func (d *Driver) Close() error {
	if err := d.db.Close(); err != nil {
		return problem.Wrap(err, problem.Internal, "the warehouse file %s did not close", d.path)
	}
	return nil
}

// inTx runs fn alone among the writers, in one transaction.
func (d *Driver) inTx(ctx context.Context, what string, fn func(tx *sql.Tx) error) error {
	select {
	case <-d.write:
	case <-ctx.Done():
		return engineProblem(ctx, ctx.Err(), what)
	}
	defer func() { d.write <- struct{}{} }()
	tx, err := d.db.BeginTx(ctx, nil)
	if err != nil {
		return engineProblem(ctx, err, what)
	}
	if err := fn(tx); err != nil {
		_ = tx.Rollback()
		return engineProblem(ctx, err, what)
	}
	if err := tx.Commit(); err != nil {
		return engineProblem(ctx, err, what)
	}
	return nil
}

var reHolder = regexp.MustCompile(`\(PID (\d+)\)`)

func openProblem(err error, path string) error {
	text := err.Error()
	if strings.Contains(text, "Conflicting lock") || strings.Contains(text, "Could not set lock") {
		who := "another process"
		if m := reHolder.FindStringSubmatch(text); m != nil {
			who = "process " + m[1]
		}
		return problem.New(problem.FailedPrecondition, "the warehouse file %s is in use by %s", path, who).
			WithNext(problem.TurnYou, "Stop that process, or choose another data folder.")
	}
	if strings.Contains(text, "not a valid DuckDB database file") {
		return problem.New(problem.FailedPrecondition, "%s is not a warehouse file", path).
			WithNext(problem.TurnYou, "Choose another data folder, or move the file away.")
	}
	var p *problem.Error
	if errors.As(err, &p) {
		return err
	}
	return problem.Wrap(err, problem.FailedPrecondition, "the warehouse file %s cannot be opened", path)
}
