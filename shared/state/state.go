package state

import (
	"context"
	"encoding/json"
	"iter"

	"github.com/b2brecs/b2brecs/shared/internal/retry"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// MaxDocumentBytes is the largest encoded document. Firestore's limit is 1 MiB
// (https://firebase.google.com/docs/firestore/quotas); the difference is head-room
// for its per-field overhead.
const MaxDocumentBytes = 1_000_000

// DB is a document store: collections of JSON documents, read-modify-write
// transactions, queries with cursors, watch. It is safe for concurrent use.
type DB struct{ drv Driver }

// New makes a DB on a driver.
func New(drv Driver) *DB { return &DB{drv} }

// Driver is what the store runs on, for who wraps it.
func (db *DB) Driver() Driver { return db.drv }

// Close releases the driver.
func (db *DB) Close() error { return db.drv.Close() }

// Driver is the smallest store behind a DB. All methods MUST be safe for
// concurrent use. Errors MUST carry problem codes: NotFound, AlreadyExists,
// Unavailable. Retries are the portable type's business, never a driver's: it makes
// every call again that is Unavailable, a few times, Watch apart.
type Driver interface {
	// Get returns the document. NotFound when absent.
	Get(ctx context.Context, collection, id string) (Document, error)
	// Query returns up to q.Limit documents in order, after q.Cursor.
	Query(ctx context.Context, collection string, q Query) (docs []Document, next string, err error)
	// Transact runs fn in a serializable transaction: all reads of fn happen
	// before its writes. The driver calls fn once; on a conflict it returns an
	// Unavailable problem and the portable type runs fn again. So Unavailable MUST
	// mean that nothing was written: a commit whose reply is lost is looked up.
	Transact(ctx context.Context, fn func(DriverTx) error) error
	// Watch sends a Change for every committed write in the collections whose
	// name begins with prefix, in commit order per document, until ctx ends.
	// A slow reader MAY miss intermediate versions, never the last one. The
	// channel is closed when ctx ends or the store is closed.
	Watch(ctx context.Context, prefix string) (<-chan Change, error)
	Close() error
}

// DriverTx is a running transaction. The portable type calls Get first, then
// Put and Delete, each document at most once, with valid names and data.
type DriverTx interface {
	Get(collection, id string) (Document, error)
	Put(collection, id string, data []byte) error // creates or replaces
	Delete(collection, id string) error           // absent is not an error
}

// Document is one stored JSON object.
type Document struct {
	Collection string
	ID         string
	Data       []byte
	Version    int64 // grows with every write of this document
}

// Change is one committed write. Data is nil after a delete.
type Change struct{ Document }

// Op compares a field with a value.
type Op string

const (
	Eq Op = "=="
	Lt Op = "<"
	Le Op = "<="
	Gt Op = ">"
	Ge Op = ">="
)

// Where is one condition on a top-level field (dots reach into nested objects)
// whose value is a string, a number or a bool. Only fields of the value's own
// type match: "1", 1 and true are three different values.
type Where struct {
	Field string
	Op    Op
	Value any
}

// Query selects documents. Documents without the order field are left out.
type Query struct {
	Where []Where
	// OrderBy is a field, "" for the document id. Values of unlike type sort as
	// null, bools, numbers, strings (by UTF-8 bytes); equal ones by document id.
	OrderBy string
	Desc    bool
	// Limit is 1..1000; 0 means 100.
	Limit int
	// Cursor continues a former page of the same query; opaque. It marks a place
	// between two documents: what is written meanwhile neither repeats nor skips
	// the documents that stay as they were.
	Cursor string
}

// Page is one page of a query. Next is empty on the last page.
type Page[T any] struct {
	Items []T
	Next  string
}

// Collection is a typed view of one collection. T is a struct with JSON tags.
type Collection[T any] struct {
	db   *DB
	name string
}

// Of makes the typed view of a collection, e.g. Of[etl.Run](db, "etl_runs").
// Sub-collections are written as paths: "projects/p1/datasets".
func Of[T any](db *DB, name string) *Collection[T] { return &Collection[T]{db, name} }

// Name is the collection's path.
func (c *Collection[T]) Name() string { return c.name }

// Get reads one document. NotFound when absent.
func (c *Collection[T]) Get(ctx context.Context, id string) (T, error) {
	var v T
	if err := validName(c.name, id); err != nil {
		return v, err
	}
	d, err := retry.Read(ctx, func() (Document, error) { return c.db.drv.Get(ctx, c.name, id) })
	if err != nil {
		return v, err
	}
	return v, decode(d, &v)
}

// Create writes a document that must not exist yet. AlreadyExists otherwise.
func (c *Collection[T]) Create(ctx context.Context, id string, v T) error {
	return c.db.Transact(ctx, func(tx *Tx) error { return Create(tx, c, id, v) })
}

// Put creates or replaces a document.
func (c *Collection[T]) Put(ctx context.Context, id string, v T) error {
	return c.db.Transact(ctx, func(tx *Tx) error { return Put(tx, c, id, v) })
}

// Delete removes a document; an absent one is not an error.
func (c *Collection[T]) Delete(ctx context.Context, id string) error {
	return c.db.Transact(ctx, func(tx *Tx) error { return Delete(tx, c, id) })
}

// Update reads, changes and writes one document in a transaction. fn may run
// more than once and MUST have no other effect. An error from fn leaves the
// document as it was. NotFound when absent.
func (c *Collection[T]) Update(ctx context.Context, id string, fn func(*T) error) (T, error) {
	var out T
	err := c.db.Transact(ctx, func(tx *Tx) error {
		v, err := Get(tx, c, id)
		if err != nil {
			return err
		}
		if err := fn(&v); err != nil {
			return err
		}
		out = v
		return Put(tx, c, id, v)
	})
	return out, err
}

// Query reads one page.
func (c *Collection[T]) Query(ctx context.Context, q Query) (Page[T], error) {
	var p Page[T]
	q, err := q.normal(c.name)
	if err != nil {
		return p, err
	}
	docs, err := retry.Read(ctx, func() (docs []Document, err error) {
		docs, p.Next, err = c.db.drv.Query(ctx, c.name, q)
		return docs, err
	})
	if err != nil {
		return p, err
	}
	p.Items = make([]T, len(docs))
	for i, d := range docs {
		if err := decode(d, &p.Items[i]); err != nil {
			return p, err
		}
	}
	return p, nil
}

// All iterates over every document of a query, page by page.
func (c *Collection[T]) All(ctx context.Context, q Query) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			p, err := c.Query(ctx, q)
			if err != nil {
				var zero T
				yield(zero, err)
				return
			}
			for _, v := range p.Items {
				if !yield(v, nil) {
					return
				}
			}
			if p.Next == "" {
				return
			}
			q.Cursor = p.Next
		}
	}
}

// Watch sends every committed write in the collections whose path begins with
// prefix until ctx ends; see Driver.Watch.
func (db *DB) Watch(ctx context.Context, prefix string) (<-chan Change, error) {
	return db.drv.Watch(ctx, prefix)
}

func decode(d Document, v any) error {
	if err := json.Unmarshal(d.Data, v); err != nil {
		return problem.Wrap(err, problem.Internal, "%s/%s cannot be read", d.Collection, d.ID)
	}
	return nil
}
