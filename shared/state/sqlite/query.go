package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"

	"github.com/b2brecs/b2brecs/shared/internal/sqlitefile"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
)

// jsonPath writes a validated field as a quoted SQLite JSON path literal, e.g.
// '$."run"."id"'. A literal, not a parameter, so that an index on it is found.
func jsonPath(field string) (string, error) {
	for _, r := range field {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '_', r == '-', r == '.':
		default:
			return "", problem.New(problem.InvalidArgument, "%q is not a field name", field)
		}
	}
	return `'$."` + strings.ReplaceAll(field, ".", `"."`) + `"'`, nil
}

// rankOf sorts values of unlike type as Firestore does: null, bools, numbers,
// strings. Objects and arrays have no rank and are left out of ordered queries.
const rankOf = `CASE json_type(data, %s) WHEN 'null' THEN 0 WHEN 'false' THEN 1 WHEN 'true' THEN 1 WHEN 'integer' THEN 2 WHEN 'real' THEN 2 WHEN 'text' THEN 3 END`

// Query implements state.Driver. All parts of the text are constants, validated
// field names and comparison signs of a closed set; every value is a parameter.
func (d *Driver) Query(ctx context.Context, collection string, q state.Query) ([]state.Document, string, error) {
	where := []string{"collection = ?"}
	args := []any{collection}
	for _, w := range q.Where {
		text, value, err := condition(w)
		if err != nil {
			return nil, "", err
		}
		where, args = append(where, text), append(args, value)
		if w.Op == state.Eq {
			d.indexes.ensure(d.file, w.Field)
		}
	}
	rank, value := "3", "id" // the id is a string like any other
	if q.OrderBy != "" {
		path, err := jsonPath(q.OrderBy)
		if err != nil {
			return nil, "", err
		}
		rank = fmt.Sprintf(rankOf, path)
		value = fmt.Sprintf("coalesce(json_extract(data, %s), 0)", path) // null compares with nothing
		where = append(where, "("+rank+") IS NOT NULL")
	}
	sign, dir := ">", "ASC"
	if q.Desc {
		sign, dir = "<", "DESC"
	}
	if q.Cursor != "" {
		p, err := q.Place(collection)
		if err != nil {
			return nil, "", err
		}
		if q.OrderBy == "" {
			where, args = append(where, "id "+sign+" ?"), append(args, p.ID)
		} else {
			r, v := ranked(p.Value)
			where = append(where, fmt.Sprintf("(%s, %s, id) %s (?, ?, ?)", rank, value, sign))
			args = append(args, r, v, p.ID)
		}
	}
	order := "id " + dir
	if q.OrderBy != "" {
		order = fmt.Sprintf("r %[1]s, v %[1]s, id %[1]s", dir)
	}
	// The inner query sorts keys only; the bodies of one page are read after it.
	text := fmt.Sprintf(`SELECT d.id, d.version, d.data, o.r, o.v FROM
 (SELECT rowid AS n, id, %s AS r, %s AS v FROM documents WHERE %s ORDER BY %s LIMIT ?) o
 JOIN documents d ON d.rowid = o.n ORDER BY o.%s`, rank, value, strings.Join(where, " AND "), order, strings.ReplaceAll(order, ", ", ", o."))
	args = append(args, q.Limit+1)

	var docs []state.Document
	var last state.Place
	more := false
	err := d.file.Rows(ctx, func(r *sql.Rows) error {
		if len(docs) == q.Limit {
			more = true
			return nil
		}
		doc := state.Document{Collection: collection}
		var rank int64
		var value any
		if err := r.Scan(&doc.ID, &doc.Version, &doc.Data, &rank, &value); err != nil {
			return err
		}
		docs = append(docs, doc)
		last = state.Place{ID: doc.ID}
		if q.OrderBy != "" {
			last.Value = unranked(rank, value)
		}
		return nil
	}, text, args...)
	if err != nil || !more {
		return docs, "", err
	}
	return docs, q.CursorAt(collection, last), nil
}

// ranked gives a value as rankOf and json_extract do: SQLite's bools are numbers.
func ranked(value any) (rank int64, v any) {
	switch x := value.(type) {
	case bool:
		if x {
			return 1, int64(1)
		}
		return 1, int64(0)
	case int64, float64:
		return 2, x
	case string:
		return 3, x
	}
	return 0, int64(0)
}

// unranked is the inverse of ranked.
func unranked(rank int64, v any) any {
	switch rank {
	case 0:
		return nil
	case 1:
		return v == int64(1)
	}
	if b, ok := v.([]byte); ok {
		return string(b)
	}
	return v
}

// condition is one comparison and its parameter. The type test keeps "1", 1 and
// true apart, which SQLite would mix.
func condition(w state.Where) (text string, value any, err error) {
	path, err := jsonPath(w.Field)
	if err != nil {
		return "", nil, err
	}
	sign, ok := map[state.Op]string{state.Eq: "=", state.Lt: "<", state.Le: "<=", state.Gt: ">", state.Ge: ">="}[w.Op]
	if !ok {
		return "", nil, problem.New(problem.InvalidArgument, "unknown comparison %q", w.Op)
	}
	types := "'text'"
	value = w.Value
	switch v := w.Value.(type) {
	case string:
	case bool:
		types, value = "'true', 'false'", 0
		if v {
			value = 1
		}
	case int64, float64:
		types = "'integer', 'real'"
	default:
		return "", nil, problem.New(problem.InvalidArgument, "cannot compare %s with a %T", w.Field, w.Value)
	}
	return fmt.Sprintf("json_extract(data, %[1]s) %[2]s ? AND json_type(data, %[1]s) IN (%[3]s)", path, sign, types), value, nil
}

// indexes remembers which fields have an index.
type indexes struct {
	mu   sync.Mutex
	have map[string]bool
}

// maxIndexes bounds what a write pays for: some microseconds per index.
const maxIndexes = 24

// ensure makes the index of a field compared with ==, once. It never waits: a
// query may run while this goroutine's own transaction holds the writer, and
// without the index it is only slower. A failure is left to the next start.
func (x *indexes) ensure(f *sqlitefile.File, field string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.have[field] || len(x.have) >= maxIndexes {
		return
	}
	path, err := jsonPath(field)
	if err != nil {
		return
	}
	ran, _ := f.TryWrite(func(t *sqlitefile.Tx) error {
		_, err := t.Exec(fmt.Sprintf(`CREATE INDEX IF NOT EXISTS "documents_by_%s" ON documents (collection, json_extract(data, %s), id)`, field, path))
		return err
	})
	if ran {
		x.have[field] = true
	}
}
