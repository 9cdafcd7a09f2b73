package sqlitefile

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the database/sql driver named "sqlite"

	"github.com/b2brecs/b2brecs/shared/problem"
)

const (
	// BusyTimeout is how long a write waits for another process's write lock.
	BusyTimeout = 5 * time.Second
	// writerWait is how long a write waits for another one of this process. Writes
	// take milliseconds: reaching it means that one was started inside another.
	writerWait = 30 * time.Second
)

// File is an open SQLite file. It is safe for concurrent use.
type File struct {
	path   string
	write  *sql.DB
	read   *sql.DB
	writer chan struct{} // holds one token: whoever has it may write
	closed chan struct{}
	once   sync.Once
	dirty  int           // statements since the last checkpoint; with the token
	full   chan struct{} // one slot: a checkpoint is due
	folded chan struct{} // closed: the checkpointer ended
	wstmts stmts
	rstmts stmts
}

// Open opens or creates the file and runs the schema steps it has not seen yet.
// Steps are append-only: step n MUST NOT change once released.
func Open(path string, schema ...string) (*File, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, problem.Wrap(err, problem.InvalidArgument, "open %s", path)
	}
	if err := os.MkdirAll(filepath.Dir(abs), 0o700); err != nil {
		return nil, problem.Wrap(err, problem.PermissionDenied, "make the folder of %s", path)
	}
	f := &File{path: path, writer: make(chan struct{}, 1), closed: make(chan struct{}),
		full: make(chan struct{}, 1), folded: make(chan struct{})}
	f.writer <- struct{}{}
	if f.write, err = open(abs, "_txlock=immediate&_pragma=wal_autocheckpoint(0)", 1); err != nil {
		return nil, Problem(err, "open %s", path)
	}
	// Readers are cheap and mostly wait for the page cache; two per core keep lists fast while a load runs.
	if f.read, err = open(abs, "_pragma=query_only(1)", max(4, 2*runtime.NumCPU())); err != nil {
		return nil, Problem(err, "open %s", path)
	}
	f.wstmts = stmts{db: f.write, byText: map[string]*sql.Stmt{}}
	f.rstmts = stmts{db: f.read, byText: map[string]*sql.Stmt{}}
	if err := f.migrate(schema); err != nil {
		f.write.Close()
		f.read.Close()
		return nil, err
	}
	go f.checkpoints()
	return f, nil
}

func open(abs, extra string, conns int) (*sql.DB, error) {
	u := url.URL{Scheme: "file", Path: abs}
	db, err := sql.Open("sqlite", fmt.Sprintf("%s?_pragma=busy_timeout(%d)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=cache_size(-16000)&%s",
		u.String(), BusyTimeout.Milliseconds(), extra))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

func (f *File) migrate(schema []string) error {
	tx, err := f.write.Begin()
	if err != nil {
		return Problem(err, "open %s", f.path)
	}
	defer func() { _ = tx.Rollback() }()
	var have int
	if err := tx.QueryRow("PRAGMA user_version").Scan(&have); err != nil {
		return Problem(err, "read the schema version of %s", f.path)
	}
	if have > len(schema) {
		return problem.New(problem.FailedPrecondition, "%s has schema %d, this version knows %d", f.path, have, len(schema)).
			WithCause("a newer version of the product wrote it").
			WithNext(problem.TurnYou, "Start the newer version, or use another data folder.")
	}
	if have == len(schema) {
		return nil
	}
	for i, step := range schema[have:] {
		if _, err := tx.Exec(step); err != nil {
			return Problem(err, "schema step %d of %s", have+i+1, f.path)
		}
	}
	// PRAGMA takes no parameters; the value is an int.
	if _, err := tx.Exec(fmt.Sprintf("PRAGMA user_version = %d", len(schema))); err != nil {
		return Problem(err, "schema of %s", f.path)
	}
	return Problem(tx.Commit(), "schema of %s", f.path)
}

// Close waits for the running write, then folds the log into the file. Later
// calls of the File fail with Unavailable.
func (f *File) Close() error {
	var err error
	f.once.Do(func() {
		close(f.closed)
		<-f.folded
		<-f.writer
		f.read.Close()
		_, err = f.write.Exec("PRAGMA wal_checkpoint(TRUNCATE)")
		if e := f.write.Close(); err == nil {
			err = e
		}
	})
	return Problem(err, "close %s", f.path)
}

// Rows runs a query on a reader connection and calls scan for every row.
func (f *File) Rows(ctx context.Context, scan func(*sql.Rows) error, query string, args ...any) error {
	s, err := f.rstmts.get(query)
	if err != nil {
		return f.problem(ctx, err)
	}
	rows, err := s.QueryContext(ctx, args...)
	if err != nil {
		return f.problem(ctx, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return f.problem(ctx, err)
		}
	}
	return f.problem(ctx, rows.Err())
}

// problem prefers the context's own error: SQLite reports both as an interrupt.
func (f *File) problem(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return Problem(err, "%s", f.path)
}

// stmts prepares each query text once.
type stmts struct {
	db     *sql.DB
	mu     sync.Mutex
	byText map[string]*sql.Stmt
}

// maxStmts bounds the cache: query texts vary with the fields they name.
const maxStmts = 256

func (s *stmts) get(query string) (*sql.Stmt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st := s.byText[query]; st != nil {
		return st, nil
	}
	st, err := s.db.Prepare(query)
	if err != nil {
		return nil, err
	}
	if len(s.byText) >= maxStmts {
		for k, old := range s.byText {
			old.Close() // database/sql delays it while the statement is in use
			delete(s.byText, k)
			break
		}
	}
	s.byText[query] = st
	return st, nil
}
