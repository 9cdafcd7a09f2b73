package sqlite

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
)

// cursor is a place in an ordered query: right after the document with this
// order value and id.
type cursor struct {
	rank  int64
	value any // int64, float64 or string
	id    string
}

type wireCursor struct {
	Shape string `json:"q"`
	Rank  int64  `json:"r"`
	Value any    `json:"v"`
	ID    string `json:"i"`
}

// shapeOf tells queries apart, so that a cursor of one is refused by another.
// The page size may change between pages.
func shapeOf(collection string, q state.Query) string {
	q.Cursor, q.Limit = "", 0
	b, _ := json.Marshal([]any{collection, q}) // strings, numbers and bools always encode
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:6])
}

// String encodes the cursor for one query shape.
func (c cursor) String(shape string) string {
	v := c.value
	if b, ok := v.([]byte); ok {
		v = string(b)
	}
	b, _ := json.Marshal(wireCursor{shape, c.rank, v, c.id})
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
	if err := dec.Decode(&w); err != nil || w.Shape != shape {
		return cursor{}, bad
	}
	c := cursor{rank: w.Rank, id: w.ID}
	switch v := w.Value.(type) {
	case string:
		c.value = v
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
