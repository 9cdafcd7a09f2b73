package sqlite

import (
	"context"
	"database/sql"

	"github.com/b2brecs/b2brecs/shared/internal/sqlitefile"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
)

// schema steps are append-only. A rowid table keeps large documents out of the
// index pages that lists walk.
var schema = []string{`
CREATE TABLE documents (
  collection TEXT NOT NULL,
  id         TEXT NOT NULL,
  version    INTEGER NOT NULL,
  data       TEXT NOT NULL CHECK (json_valid(data)),
  UNIQUE (collection, id)
);
CREATE TABLE counter (n INTEGER NOT NULL);
INSERT INTO counter VALUES (0);`}

const (
	sqlGet    = `SELECT version, data FROM documents WHERE collection = ? AND id = ?`
	sqlPut    = `INSERT INTO documents (collection, id, version, data) VALUES (?, ?, ?, ?) ON CONFLICT (collection, id) DO UPDATE SET version = excluded.version, data = excluded.data`
	sqlDelete = `DELETE FROM documents WHERE collection = ? AND id = ?`
	sqlCount  = `UPDATE counter SET n = n + 1 RETURNING n`
)

// Driver implements state.Driver. It is safe for concurrent use.
type Driver struct {
	file    *sqlitefile.File
	watches watches
	indexes indexes
}

var _ state.Driver = (*Driver)(nil)

// Open opens or creates the store in the file at path. A damaged file and one
// of a newer version are errors that say what to do.
func Open(path string) (*Driver, error) {
	f, err := sqlitefile.Open(path, schema...)
	if err != nil {
		return nil, err
	}
	if err := f.Prepare(sqlGet, sqlPut, sqlDelete, sqlCount); err != nil {
		f.Close()
		return nil, err
	}
	return &Driver{file: f, watches: watches{all: map[*watch]bool{}}, indexes: indexes{have: map[string]bool{}}}, nil
}

// Close ends the watches and releases the file. A running transaction ends first.
func (d *Driver) Close() error {
	d.watches.close()
	return d.file.Close()
}

// Get implements state.Driver.
func (d *Driver) Get(ctx context.Context, collection, id string) (state.Document, error) {
	doc := state.Document{Collection: collection, ID: id}
	err := d.file.Rows(ctx, func(r *sql.Rows) error { return r.Scan(&doc.Version, &doc.Data) }, sqlGet, collection, id)
	if err == nil && doc.Data == nil {
		err = notFound(collection, id)
	}
	return doc, err
}

func notFound(collection, id string) error {
	return problem.New(problem.NotFound, "%s/%s does not exist", collection, id)
}

// Transact implements state.Driver.
func (d *Driver) Transact(ctx context.Context, fn func(state.DriverTx) error) error {
	return d.file.Write(ctx, func(t *sqlitefile.Tx) error {
		x := &tx{t: t}
		if err := fn(x); err != nil {
			return err
		}
		if len(x.changes) > 0 {
			t.OnCommit(func() { d.watches.publish(x.changes) })
		}
		return nil
	})
}

// tx implements state.DriverTx.
type tx struct {
	t       *sqlitefile.Tx
	changes []state.Change
}

func (x *tx) Get(collection, id string) (state.Document, error) {
	doc := state.Document{Collection: collection, ID: id}
	found, err := x.t.Row(sqlGet, []any{collection, id}, &doc.Version, &doc.Data)
	if err == nil && !found {
		err = notFound(collection, id)
	}
	return doc, err
}

func (x *tx) Put(collection, id string, data []byte) error {
	var version int64
	if _, err := x.t.Row(sqlCount, nil, &version); err != nil {
		return err
	}
	// As a string, for SQLite's JSON functions take a blob for their binary form.
	if _, err := x.t.Exec(sqlPut, collection, id, version, string(data)); err != nil {
		return err
	}
	x.changes = append(x.changes, state.Change{Document: state.Document{Collection: collection, ID: id, Data: data, Version: version}})
	return nil
}

func (x *tx) Delete(collection, id string) error {
	n, err := x.t.Exec(sqlDelete, collection, id)
	if err != nil || n == 0 {
		return err
	}
	var version int64
	if _, err := x.t.Row(sqlCount, nil, &version); err != nil {
		return err
	}
	x.changes = append(x.changes, state.Change{Document: state.Document{Collection: collection, ID: id, Version: version}})
	return nil
}
