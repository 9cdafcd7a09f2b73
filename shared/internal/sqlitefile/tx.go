package sqlitefile

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/b2brecs/b2brecs/shared/problem"
)

// Tx is the running write.
type Tx struct {
	f        *File
	tx       *sql.Tx
	onCommit []func()
	execs    int
}

// Write runs fn in the one write transaction: it sees every commit before it,
// and nothing else writes until it ends. An error or a panic of fn undoes it.
// ctx bounds the wait for the turn; once fn runs it is not interrupted.
func (f *File) Write(ctx context.Context, fn func(*Tx) error) error {
	if err := f.lock(ctx); err != nil {
		return err
	}
	return f.run(fn)
}

// TryWrite is Write for work that can be left for later: when another write is
// running it does nothing and reports false.
func (f *File) TryWrite(fn func(*Tx) error) (ran bool, err error) {
	select {
	case <-f.closed:
		return false, f.closedProblem()
	default:
	}
	select {
	case <-f.writer:
		if err := f.locked(); err != nil {
			return false, err
		}
		return true, f.run(fn)
	default:
		return false, nil
	}
}

// run holds the token.
func (f *File) run(fn func(*Tx) error) error {
	defer func() { f.writer <- struct{}{} }()
	tx, err := f.write.Begin()
	if err != nil {
		return Problem(err, "%s", f.path)
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	t := &Tx{f: f, tx: tx}
	if err := fn(t); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return Problem(err, "commit to %s", f.path)
	}
	if f.dirty += t.execs; f.dirty >= checkpointAfter {
		f.dirty = 0
		select {
		case f.full <- struct{}{}:
		default:
		}
	}
	for _, fn := range t.onCommit {
		fn()
	}
	return nil
}

func (f *File) lock(ctx context.Context) error {
	select {
	case <-f.closed:
		return f.closedProblem()
	case <-ctx.Done():
		return ctx.Err()
	default:
	}
	select { // the common case needs no timer
	case <-f.writer:
		return f.locked()
	default:
	}
	timer := time.NewTimer(writerWait)
	defer timer.Stop()
	select {
	case <-f.writer:
		return f.locked()
	case <-f.closed:
		return f.closedProblem()
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return problem.New(problem.Internal, "%s: another write did not end within %s", f.path, writerWait).
			WithCause("a transaction was started inside another one, or the disk hangs")
	}
}

// locked gives the token back when the file closed while it was waited for.
func (f *File) locked() error {
	select {
	case <-f.closed:
		f.writer <- struct{}{}
		return f.closedProblem()
	default:
		return nil
	}
}

func (f *File) closedProblem() error {
	return problem.New(problem.Unavailable, "%s is closed", f.path)
}

// OnCommit registers fn to run after the commit, before the next write begins:
// what it does happens in commit order. It MUST be quick and MUST NOT write.
func (t *Tx) OnCommit(fn func()) { t.onCommit = append(t.onCommit, fn) }

// Exec runs a statement and gives the number of rows it changed.
func (t *Tx) Exec(query string, args ...any) (int64, error) {
	s, err := t.stmt(query)
	if err != nil {
		return 0, err
	}
	t.execs++
	res, err := s.Exec(args...)
	if err != nil {
		return 0, Problem(err, "%s", t.f.path)
	}
	n, err := res.RowsAffected()
	return n, Problem(err, "%s", t.f.path)
}

// Row runs a query for one row and scans it into dest. Without a row, found is false.
func (t *Tx) Row(query string, args []any, dest ...any) (found bool, err error) {
	s, err := t.stmt(query)
	if err != nil {
		return false, err
	}
	t.execs++ // it may be an INSERT … RETURNING
	err = s.QueryRow(args...).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, Problem(err, "%s", t.f.path)
}

// Rows runs a query and calls scan for every row.
func (t *Tx) Rows(scan func(*sql.Rows) error, query string, args ...any) error {
	s, err := t.stmt(query)
	if err != nil {
		return err
	}
	rows, err := s.Query(args...)
	if err != nil {
		return Problem(err, "%s", t.f.path)
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return Problem(err, "%s", t.f.path)
		}
	}
	return Problem(rows.Err(), "%s", t.f.path)
}

// stmt finds the prepared statement. The write connection is busy with the
// transaction, so a text seen for the first time is prepared through it.
func (t *Tx) stmt(query string) (*sql.Stmt, error) {
	c := &t.f.wstmts
	c.mu.Lock()
	defer c.mu.Unlock()
	st := c.byText[query]
	if st == nil {
		s, err := t.tx.Prepare(query)
		if err != nil {
			return nil, Problem(err, "%s", t.f.path)
		}
		return s, nil
	}
	return t.tx.Stmt(st), nil
}

// Prepare keeps statements ready for Tx; unprepared texts work too, slower.
func (f *File) Prepare(queries ...string) error {
	for _, q := range queries {
		if _, err := f.wstmts.get(q); err != nil {
			return Problem(err, "%s", f.path)
		}
	}
	return nil
}

// Problem turns an error of SQLite into a problem; problems pass as they are.
func Problem(err error, format string, args ...any) error {
	var p *problem.Error
	if err == nil || errors.As(err, &p) {
		return err
	}
	code := problem.Internal
	var next string
	var turn problem.Turn
	var e *sqlite.Error
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, sql.ErrConnDone), errors.Is(err, sql.ErrTxDone), err.Error() == "sql: database is closed":
		code = problem.Unavailable
	case errors.As(err, &e):
		switch e.Code() & 0xff { // the low byte is the primary code
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_INTERRUPT:
			code = problem.Unavailable
		case sqlite3.SQLITE_FULL:
			code, turn, next = problem.ResourceExhausted, problem.TurnYou, "Free some space on the disk of the data folder."
		case sqlite3.SQLITE_IOERR:
			code, turn, next = problem.Unavailable, problem.TurnYou, "Check that the disk of the data folder is healthy and has space."
		case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
			code, turn, next = problem.PermissionDenied, problem.TurnYou, "Make the data folder writable for the user who runs the product."
		case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
			turn, next = problem.TurnYou, "Restore the data folder from a backup."
		case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH:
			code = problem.InvalidArgument
		}
	}
	out := problem.Of(problem.Wrap(err, code, format, args...))
	out.Turn, out.Next = turn, next
	return out
}
