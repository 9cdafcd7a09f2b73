package firestore

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
)

// cursor is a place in an ordered query: right after the document with this id and
// order value, one of nil, bool, int64, float64 and string.
type cursor struct {
	value any
	id    string
}

type wireCursor struct {
	Shape string `json:"q"`
	Value any    `json:"v"`
	ID    string `json:"i"`
}

// shapeOf tells queries apart, so that a cursor of one is refused by another. The
// page size may change between pages.
func shapeOf(collection string, q state.Query) string {
	q.Cursor, q.Limit = "", 0
	b, _ := json.Marshal([]any{collection, q}) // strings, numbers and bools always encode
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:6])
}

func (c cursor) String(shape string) string {
	b, _ := json.Marshal(wireCursor{shape, c.value, c.id}) // as above
	return base64.RawURLEncoding.EncodeToString(b)
}

func parseCursor(s, shape string) (cursor, error) {
	bad := problem.New(problem.InvalidArgument, "the page cursor is not one of this list").
		WithNext(problem.TurnYou, "Start again from the first page.")
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return cursor{}, bad
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber() // integers beyond 2^53 keep their digits
	var w wireCursor
	if err := dec.Decode(&w); err != nil || w.Shape != shape || w.ID == "" {
		return cursor{}, bad
	}
	c := cursor{value: w.Value, id: w.ID}
	switch v := w.Value.(type) {
	case nil, bool, string:
	case json.Number:
		if i, err := v.Int64(); err == nil {
			c.value = i
		} else if f, err := v.Float64(); err == nil {
			c.value = f
		} else {
			return cursor{}, bad
		}
	default:
		return cursor{}, bad
	}
	return c, nil
}
