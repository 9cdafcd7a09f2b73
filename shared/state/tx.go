package state

import (
	"encoding/json"

	"github.com/b2brecs/b2brecs/shared/problem"
)

// Tx is a running transaction. Its writes are kept back until fn returns, so
// that every read reaches the driver before the first write, and a read sees
// the writes before it in the same transaction.
type Tx struct {
	drv    DriverTx
	writes []write
	at     map[docName]int // index into writes
}

type docName struct{ collection, id string }

type write struct {
	docName
	data []byte // nil deletes
}

func (tx *Tx) get(collection, id string) (Document, error) {
	if err := validName(collection, id); err != nil {
		return Document{}, err
	}
	if i, ok := tx.at[docName{collection, id}]; ok {
		if tx.writes[i].data == nil {
			return Document{}, problem.New(problem.NotFound, "%s/%s does not exist", collection, id)
		}
		return Document{Collection: collection, ID: id, Data: tx.writes[i].data}, nil
	}
	return tx.drv.Get(collection, id)
}

func (tx *Tx) put(collection, id string, data []byte) error {
	if err := validName(collection, id); err != nil {
		return err
	}
	n := docName{collection, id}
	if i, ok := tx.at[n]; ok {
		tx.writes[i].data = data
		return nil
	}
	if tx.at == nil {
		tx.at = map[docName]int{}
	}
	tx.at[n] = len(tx.writes)
	tx.writes = append(tx.writes, write{n, data})
	return nil
}

// flush hands the writes to the driver in the order of their first mention.
func (tx *Tx) flush() error {
	for _, w := range tx.writes {
		var err error
		if w.data == nil {
			err = tx.drv.Delete(w.collection, w.id)
		} else {
			err = tx.drv.Put(w.collection, w.id, w.data)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Get reads a document inside a transaction.
func Get[T any](tx *Tx, c *Collection[T], id string) (T, error) {
	var v T
	d, err := tx.get(c.name, id)
	if err != nil {
		return v, err
	}
	return v, decode(d, &v)
}

// Put creates or replaces a document inside a transaction.
func Put[T any](tx *Tx, c *Collection[T], id string, v T) error {
	b, err := json.Marshal(v)
	if err != nil {
		return problem.Wrap(err, problem.Internal, "encode %s/%s", c.name, id)
	}
	if len(b) > MaxDocumentBytes {
		return problem.New(problem.InvalidArgument, "%s/%s has %d bytes; a document holds at most %d", c.name, id, len(b), MaxDocumentBytes).
			WithNext(problem.TurnSupport, "Store the large part as an object and keep its key.")
	}
	if b[0] != '{' {
		return problem.New(problem.InvalidArgument, "%s/%s is not a JSON object", c.name, id)
	}
	return tx.put(c.name, id, b)
}

// Create writes a document that must not exist yet, inside a transaction.
func Create[T any](tx *Tx, c *Collection[T], id string, v T) error {
	_, err := tx.get(c.name, id)
	if err == nil {
		return problem.New(problem.AlreadyExists, "%s/%s exists already", c.name, id)
	}
	if !problem.Is(err, problem.NotFound) {
		return err
	}
	return Put(tx, c, id, v)
}

// Delete removes a document inside a transaction; an absent one is not an error.
func Delete[T any](tx *Tx, c *Collection[T], id string) error { return tx.put(c.name, id, nil) }
