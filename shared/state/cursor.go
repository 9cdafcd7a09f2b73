package state

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strconv"

	"github.com/b2brecs/b2brecs/shared/problem"
)

// Place is a place in an ordered query: right behind the document with this id and
// order value, one of nil, bool, int64, float64 and string; nil for the id alone.
// Drivers make their cursors of it.
type Place struct {
	Value any
	ID    string
}

// wirePlace is a cursor. The value is text of a kind: JSON numbers would mix integers
// with floats, and have no infinity, which the text 1e999 of a document is to SQLite.
type wirePlace struct {
	Shape string `json:"q"`
	Kind  string `json:"k,omitempty"`
	Value string `json:"v,omitempty"`
	ID    string `json:"i"`
}

// CursorAt gives the cursor that continues the query behind a place.
func (q Query) CursorAt(collection string, p Place) string {
	w := wirePlace{Shape: q.shape(collection), ID: p.ID}
	switch v := p.Value.(type) {
	case bool:
		w.Kind, w.Value = "b", strconv.FormatBool(v)
	case int64:
		w.Kind, w.Value = "i", strconv.FormatInt(v, 10)
	case float64:
		w.Kind, w.Value = "f", strconv.FormatFloat(v, 'g', -1, 64)
	case string:
		w.Kind, w.Value = "s", v
	}
	b, _ := json.Marshal(w) // strings always encode
	return base64.RawURLEncoding.EncodeToString(b)
}

// Place reads the query's cursor. InvalidArgument when it is none of this query of
// this collection.
func (q Query) Place(collection string) (Place, error) {
	bad := problem.New(problem.InvalidArgument, "the page cursor is not one of this list").
		WithNext(problem.TurnYou, "Start again from the first page.")
	raw, err := base64.RawURLEncoding.DecodeString(q.Cursor)
	if err != nil {
		return Place{}, bad
	}
	var w wirePlace
	if json.Unmarshal(raw, &w) != nil || w.Shape != q.shape(collection) || w.ID == "" {
		return Place{}, bad
	}
	p := Place{ID: w.ID}
	switch w.Kind {
	case "":
	case "b":
		p.Value, err = strconv.ParseBool(w.Value)
	case "i":
		p.Value, err = strconv.ParseInt(w.Value, 10, 64)
	case "f":
		p.Value, err = strconv.ParseFloat(w.Value, 64)
	case "s":
		p.Value = w.Value
	default:
		return Place{}, bad
	}
	if err != nil {
		return Place{}, bad
	}
	return p, nil
}

// shape tells queries apart, so that a cursor of one is refused by another. The page
// size may change between pages.
func (q Query) shape(collection string) string {
	q.Cursor, q.Limit = "", 0
	b, _ := json.Marshal([]any{collection, q}) // strings, numbers and bools always encode
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:6])
}
