package warehousetest

import (
	"fmt"
	"sync"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

func testAppend(t *testing.T, h Harness) {
	r := create(t, h, saleColumns...)
	got := commit(t, h, warehouse.Commit{ID: "c-" + r.Name, Target: r, Mode: warehouse.Append,
		URIs: []string{sales(t, h, sale{1, "a", 1, "x"}, sale{2, "b", 1, "x"}), sales(t, h, sale{3, "c", 1, "y"})}})
	same(t, got, warehouse.CommitResult{ID: "c-" + r.Name, Read: 3, Inserted: 3})
	commit(t, h, warehouse.Commit{Target: r, Mode: warehouse.Append, URIs: []string{sales(t, h, sale{4, "d", 1, "z"})}})
	same(t, rows(t, h, r, "id", "id", "name"), [][]any{{int64(1), "a"}, {int64(2), "b"}, {int64(3), "c"}, {int64(4), "d"}})
	empty := commit(t, h, warehouse.Commit{Target: r, Mode: warehouse.Append, URIs: []string{sales(t, h)}})
	if empty.Read != 0 || empty.Inserted != 0 {
		t.Errorf("an empty object gave %+v", empty)
	}
	nothing := commit(t, h, warehouse.Commit{Target: r, Mode: warehouse.Append})
	if nothing.Read != 0 || nothing.Inserted != 0 {
		t.Errorf("no object gave %+v", nothing)
	}
}

func testByName(t *testing.T, h Harness) {
	r := create(t, h, append([]warehouse.Column{{Name: "extra", Type: warehouse.Float64}}, saleColumns...)...)
	short := arrow.NewSchema([]arrow.Field{{Name: "name", Type: arrow.BinaryTypes.String}, {Name: "id", Type: arrow.PrimitiveTypes.Int64}}, nil)
	uri := h.Put(t, r.Name+".parquet", Parquet(t, short, func(b *array.RecordBuilder) {
		b.Field(0).(*array.StringBuilder).Append("b")
		b.Field(1).(*array.Int64Builder).Append(2)
	}))
	commit(t, h, warehouse.Commit{Target: r, Mode: warehouse.Append, URIs: []string{sales(t, h, sale{1, "a", 7, "x"}), uri}})
	same(t, rows(t, h, r, "id", "id", "name", "seq", "extra"), [][]any{{int64(1), "a", int64(7), nil}, {int64(2), "b", nil, nil}})
}

func testRepeated(t *testing.T, h Harness) {
	r := create(t, h, saleColumns...)
	c := warehouse.Commit{ID: state.NewID(), Target: r, Mode: warehouse.Append, URIs: []string{sales(t, h, sale{id: 1}, sale{id: 2})}}
	_, err := h.Warehouse.Committed(t.Context(), c.ID)
	wantCode(t, err, problem.NotFound)
	first := commit(t, h, c)
	second := commit(t, h, c)
	if first.Repeated || !second.Repeated || second.Inserted != 2 {
		t.Errorf("first %+v, second %+v", first, second)
	}
	looked, err := h.Warehouse.Committed(t.Context(), c.ID)
	must(t, err)
	if looked.Read != 2 || looked.Inserted != 2 {
		t.Errorf("looked up %+v", looked)
	}
	if n := len(rows(t, h, r, "id", "id")); n != 2 {
		t.Errorf("%d rows after a repeated commit", n)
	}
}

func testUnknownColumn(t *testing.T, h Harness) {
	r := create(t, h, saleColumns[:2]...)
	_, err := h.Warehouse.Commit(t.Context(), warehouse.Commit{ID: state.NewID(), Target: r, Mode: warehouse.Append, URIs: []string{sales(t, h, sale{id: 1})}})
	wantCode(t, err, problem.InvalidArgument)
	if n := len(rows(t, h, r, "id", "id")); n != 0 {
		t.Errorf("%d rows after a refused commit", n)
	}
}

func testAddColumns(t *testing.T, h Harness) {
	r := create(t, h, saleColumns[:2]...)
	c := warehouse.Commit{Target: r, Mode: warehouse.Append, URIs: []string{sales(t, h, sale{1, "a", 5, "x"})}, AddColumns: saleColumns[2:]}
	commit(t, h, c)
	c.ID, c.URIs = state.NewID(), []string{sales(t, h, sale{2, "b", 6, "y"})}
	commit(t, h, c) // columns that are there already are fine
	same(t, rows(t, h, r, "id", "id", "seq", "file"), [][]any{{int64(1), int64(5), "x"}, {int64(2), int64(6), "y"}})
	info, err := h.Warehouse.Table(t.Context(), r)
	must(t, err)
	same(t, info.Columns, saleColumns)
	c.ID, c.AddColumns = state.NewID(), []warehouse.Column{{Name: "seq", Type: warehouse.String}}
	_, err = h.Warehouse.Commit(t.Context(), c)
	wantCode(t, err, problem.FailedPrecondition)
}

func testUpsert(t *testing.T, h Harness) {
	r := create(t, h, saleColumns...)
	c := warehouse.Commit{Target: r, Mode: warehouse.Upsert, Keys: []string{"id"}, OrderBy: "seq"}
	c.ID, c.URIs = state.NewID(), []string{sales(t, h, sale{1, "a", 1, ""}, sale{2, "b", 1, ""})}
	got := commit(t, h, c)
	same(t, got, warehouse.CommitResult{ID: c.ID, Read: 2, Inserted: 2})
	c.ID, c.URIs = state.NewID(), []string{sales(t, h, sale{2, "B", 2, ""}, sale{3, "c", 2, ""})}
	got = commit(t, h, c)
	same(t, got, warehouse.CommitResult{ID: c.ID, Read: 2, Inserted: 1, Updated: 1})
	same(t, rows(t, h, r, "id", "id", "name"), [][]any{{int64(1), "a"}, {int64(2), "B"}, {int64(3), "c"}})
}

func testUpsertOrder(t *testing.T, h Harness) {
	r := create(t, h, saleColumns...)
	got := commit(t, h, warehouse.Commit{Target: r, Mode: warehouse.Upsert, Keys: []string{"id", "file"}, OrderBy: "seq", URIs: []string{
		sales(t, h, sale{1, "newest", 9, "k"}, sale{1, "old", 1, "k"}), sales(t, h, sale{1, "older", 5, "k"}, sale{1, "other key", 1, "m"}),
	}})
	if got.Read != 4 || got.Inserted != 2 || got.Updated != 0 {
		t.Errorf("%+v", got)
	}
	same(t, rows(t, h, r, "file", "name"), [][]any{{"newest"}, {"other key"}})
}

func testReplace(t *testing.T, h Harness) {
	r := create(t, h, saleColumns...)
	commit(t, h, warehouse.Commit{Target: r, Mode: warehouse.Append, URIs: []string{sales(t, h, sale{id: 1}, sale{id: 2}, sale{id: 3})}})
	got := commit(t, h, warehouse.Commit{Target: r, Mode: warehouse.Replace, URIs: []string{sales(t, h, sale{id: 9})}})
	if got.Read != 1 || got.Inserted != 1 || got.Deleted != 3 {
		t.Errorf("%+v", got)
	}
	same(t, rows(t, h, r, "id", "id"), [][]any{{int64(9)}})
}

func testReplaceFiles(t *testing.T, h Harness) {
	r := create(t, h, saleColumns...)
	commit(t, h, warehouse.Commit{Target: r, Mode: warehouse.Append, URIs: []string{sales(t, h, sale{1, "a", 0, "it's 1.csv"}, sale{2, "b", 0, "2.csv"}, sale{3, "c", 0, "it's 1.csv"})}})
	got := commit(t, h, warehouse.Commit{Target: r, Mode: warehouse.ReplaceFiles, FileColumn: "file", Files: []string{"it's 1.csv", "new.csv"},
		URIs: []string{sales(t, h, sale{4, "d", 0, "it's 1.csv"}, sale{5, "e", 0, "new.csv"})}})
	if got.Read != 2 || got.Inserted != 2 || got.Deleted != 2 {
		t.Errorf("%+v", got)
	}
	same(t, rows(t, h, r, "id", "id"), [][]any{{int64(2)}, {int64(4)}, {int64(5)}})
}

func testRefusedCommits(t *testing.T, h Harness) {
	r := create(t, h, saleColumns...)
	uri := sales(t, h, sale{id: 1})
	for name, c := range map[string]warehouse.Commit{
		"no id":           {Target: r, Mode: warehouse.Append},
		"bad id":          {ID: "a b", Target: r, Mode: warehouse.Append},
		"no mode":         {ID: state.NewID(), Target: r},
		"no keys":         {ID: state.NewID(), Target: r, Mode: warehouse.Upsert},
		"no file column":  {ID: state.NewID(), Target: r, Mode: warehouse.ReplaceFiles},
		"unknown key":     {ID: state.NewID(), Target: r, Mode: warehouse.Upsert, Keys: []string{"nope"}, URIs: []string{uri}},
		"required column": {ID: state.NewID(), Target: r, Mode: warehouse.Append, AddColumns: []warehouse.Column{{Name: "q", Type: warehouse.Int64, Required: true}}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := h.Warehouse.Commit(t.Context(), c)
			wantCode(t, err, problem.InvalidArgument)
		})
	}
	_, err := h.Warehouse.Commit(t.Context(), warehouse.Commit{ID: state.NewID(), Target: fresh(), Mode: warehouse.Append, URIs: []string{uri}})
	wantCode(t, err, problem.NotFound)
}

func testAtomic(t *testing.T, h Harness) {
	cols := append([]warehouse.Column{}, saleColumns...)
	cols[1].Required = true
	r := create(t, h, cols...)
	commit(t, h, warehouse.Commit{Target: r, Mode: warehouse.Append, URIs: []string{sales(t, h, sale{1, "kept", 0, "f"})}})
	schema := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}, {Name: "name", Type: arrow.BinaryTypes.String, Nullable: true}}, nil)
	bad := h.Put(t, r.Name+".parquet", Parquet(t, schema, func(b *array.RecordBuilder) {
		b.Field(0).(*array.Int64Builder).Append(2)
		b.Field(1).AppendNull()
	}))
	for _, mode := range []warehouse.Mode{warehouse.Append, warehouse.Replace} {
		id := state.NewID()
		_, err := h.Warehouse.Commit(t.Context(), warehouse.Commit{ID: id, Target: r, Mode: mode, URIs: []string{sales(t, h, sale{3, "ok", 0, "f"}), bad},
			AddColumns: []warehouse.Column{{Name: "later", Type: warehouse.Int64}}})
		if err == nil {
			t.Fatalf("%s: a NULL went into a required column", mode)
		}
		_, err = h.Warehouse.Committed(t.Context(), id)
		wantCode(t, err, problem.NotFound)
		same(t, rows(t, h, r, "id", "name"), [][]any{{"kept"}})
		info, err := h.Warehouse.Table(t.Context(), r)
		must(t, err)
		same(t, info.Columns, cols)
	}
}

func testConcurrent(t *testing.T, h Harness) {
	r := create(t, h, saleColumns...)
	const writers, commits, batch = 4, 5, 50
	var wg, readers sync.WaitGroup
	stop := make(chan struct{})
	count := warehouse.Statement{SQL: "SELECT COUNT(*) FROM " + h.Warehouse.Dialect().Table(r)}
	readers.Go(func() {
		for last := int64(0); ; {
			select {
			case <-stop:
				return
			default:
			}
			out, err := h.Warehouse.Query(t.Context(), count, 1)
			if err != nil {
				t.Error(err)
				return
			}
			if n := out.Values[0][0].(int64); n%batch != 0 || n < last {
				t.Errorf("a reader saw %d rows after %d", n, last)
				return
			} else {
				last = n
			}
		}
	})
	for w := range writers {
		list := make([]sale, batch)
		for i := range list {
			list[i] = sale{id: int64(w)}
		}
		uri := sales(t, h, list...)
		wg.Go(func() {
			for n := range commits {
				// Every commit is made twice, as a repeated event would.
				for range 2 {
					c := warehouse.Commit{ID: fmt.Sprintf("%s-%d-%d", r.Name, w, n), Target: r, Mode: warehouse.Append, URIs: []string{uri}}
					if _, err := h.Warehouse.Commit(t.Context(), c); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	close(stop)
	readers.Wait()
	same(t, query(t, h, count).Values, [][]any{{int64(writers * commits * batch)}})
}
