package warehousetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// Harness is a warehouse and a place for objects that it can read and write.
type Harness struct {
	Warehouse *warehouse.Warehouse
	// Put writes an object and gives the address under which the warehouse reads it.
	Put func(t *testing.T, name string, data []byte) string
	// Read gives the object at an address that Export gave.
	Read func(t *testing.T, uri string) []byte
	// Prefix is an address ending in "/" under which exports may write.
	Prefix string
}

// Run runs the whole suite; open gives a fresh harness.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	for _, c := range []struct {
		name string
		fn   func(t *testing.T, h Harness)
	}{
		{"tables", testTables},
		{"refused tables", testRefusedTables},
		{"types", testTypes},
		{"append", testAppend},
		{"append binds by name", testByName},
		{"append twice", testRepeated},
		{"unknown column", testUnknownColumn},
		{"add columns", testAddColumns},
		{"upsert", testUpsert},
		{"upsert orders the batch", testUpsertOrder},
		{"replace", testReplace},
		{"replace files", testReplaceFiles},
		{"refused commits", testRefusedCommits},
		{"failed commit leaves nothing", testAtomic},
		{"commits side by side", testConcurrent},
		{"parameters", testParams},
		{"rows are cut", testTruncated},
		{"head", testHead},
		{"refused statements", testRefusedStatements},
		{"dry run", testDryRun},
		{"dialect", testDialect},
		{"identifiers of any text", testIdent},
		{"materialize", testMaterialize},
		{"export", testExport},
		{"export of nothing", testExportEmpty},
		{"cancelled", testCancelled},
	} {
		t.Run(c.name, func(t *testing.T) { c.fn(t, open(t)) })
	}
}

// Tables begins the names of the suite's tables. A test in a project that others use
// sets it before Run.
var Tables = "t_"

// fresh names a table that no other test uses.
func fresh() warehouse.Ref {
	return warehouse.Ref{Dataset: warehouse.Raw, Name: Tables + state.NewID()}
}

func create(t *testing.T, h Harness, cols ...warehouse.Column) warehouse.Ref {
	t.Helper()
	r := fresh()
	must(t, h.Warehouse.Create(t.Context(), warehouse.Table{Ref: r, Columns: cols}))
	t.Cleanup(func() {
		if err := h.Warehouse.Drop(context.WithoutCancel(t.Context()), r); err != nil {
			t.Error(err)
		}
	})
	return r
}

func commit(t *testing.T, h Harness, c warehouse.Commit) warehouse.CommitResult {
	t.Helper()
	if c.ID == "" {
		c.ID = state.NewID()
	}
	r, err := h.Warehouse.Commit(t.Context(), c)
	must(t, err)
	return r
}

// rows reads a whole table, ordered by the given column.
func rows(t *testing.T, h Harness, r warehouse.Ref, order string, columns ...string) [][]any {
	t.Helper()
	d := h.Warehouse.Dialect()
	list := ""
	for i, c := range columns {
		if i > 0 {
			list += ", "
		}
		list += d.Ident(c)
	}
	return query(t, h, warehouse.Statement{SQL: fmt.Sprintf("SELECT %s FROM %s ORDER BY %s", list, d.Table(r), d.Ident(order))}).Values
}

func query(t *testing.T, h Harness, s warehouse.Statement) warehouse.Rows {
	t.Helper()
	out, err := h.Warehouse.Query(t.Context(), s, 1000)
	must(t, err)
	return out
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t *testing.T, err error, want problem.Code) {
	t.Helper()
	if got := problem.CodeOf(err); got != want {
		t.Errorf("code %q, want %q: %v", got, want, err)
	}
}

func same(t *testing.T, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func day(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }
