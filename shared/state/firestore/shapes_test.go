package firestore_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	fake "github.com/b2brecs/b2brecs/shared/internal/gcpfake/firestore"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/state/firestore"
)

var update = flag.Bool("update", false, "rewrite the index files")

// The index files are derived: the product's, and the one that the conformance suite
// needs in a real database.
func TestIndexFiles(t *testing.T) {
	for name, shapes := range map[string][]firestore.Shape{"indexes.json": firestore.Shapes(), "testdata/suite.indexes.json": suite} {
		got, err := firestore.Indexes(shapes)
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(name, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), string(got)); d != "" {
			t.Errorf("%s is not what the queries need; run go test -update (-file +queries):\n%s", name, d)
		}
	}
}

// ask sends every query of a shape.
func ask(t *testing.T, d *firestore.Driver, s firestore.Shape) error {
	t.Helper()
	for subset := range 1 << len(s.Equal) {
		q := state.Query{OrderBy: s.OrderBy, Desc: s.Desc, Limit: 10}
		for i, f := range s.Equal {
			if subset&(1<<i) != 0 {
				q.Where = append(q.Where, state.Where{Field: f, Op: state.Eq, Value: "x"})
			}
		}
		for _, f := range s.Range {
			q.Where = append(q.Where, state.Where{Field: f, Op: state.Lt, Value: "x"})
		}
		if _, _, err := d.Query(t.Context(), "docs", q); err != nil {
			return fmt.Errorf("%+v: %w", q, err)
		}
	}
	return nil
}

// Every query of the list is served by the file, and every index of it is needed.
func TestIndexesServeTheQueries(t *testing.T) {
	file, err := os.ReadFile("indexes.json")
	if err != nil {
		t.Fatal(err)
	}
	var x struct {
		Indexes        []json.RawMessage `json:"indexes"`
		FieldOverrides json.RawMessage   `json:"fieldOverrides"`
	}
	if err := json.Unmarshal(file, &x); err != nil {
		t.Fatal(err)
	}
	served := func(file []byte) (refused int) {
		s, err := fake.Start(fake.Options{Project: "acme", Database: "b2brecs", Indexes: file})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		d := driver(t, s, nil)
		for _, shape := range firestore.Shapes() {
			if err := ask(t, d, shape); problem.Is(err, problem.FailedPrecondition) {
				refused++
			} else if err != nil {
				t.Fatal(err)
			}
		}
		return refused
	}
	if n := served(file); n != 0 {
		t.Errorf("%d shapes have no index", n)
	}
	for i, index := range x.Indexes {
		y := x
		y.Indexes = slices.Delete(slices.Clone(x.Indexes), i, i+1)
		b, err := json.Marshal(map[string]any{"indexes": y.Indexes, "fieldOverrides": y.FieldOverrides})
		if err != nil {
			t.Fatal(err)
		}
		if served(b) == 0 {
			t.Errorf("no query needs the index %s", bytes.ReplaceAll(index, []byte("\n"), nil))
		}
	}
}

func TestQueriesOutsideTheList(t *testing.T) {
	docs := state.Of[doc](state.New(driver(t, start(t, firestore.Shapes()), nil)), "docs")
	for _, q := range []state.Query{
		{OrderBy: "created_at"},
		{Where: []state.Where{{Field: "owner", Op: state.Eq, Value: "x"}}},
		{Where: []state.Where{{Field: "connection", Op: state.Eq, Value: "x"}}, OrderBy: "number"}, // known fields, no index
	} {
		if _, err := docs.Query(t.Context(), q); !problem.Is(err, problem.FailedPrecondition) {
			t.Errorf("%+v: %v", q, err)
		}
	}
}

// elsewhere run on SQLite alone: drivers of the embedded platform, fakes, benchmarks.
var elsewhere = []string{"shared/state/", "shared/identity/local/", "shared/pipeline/local/", "shared/workflow/interpreter/", "shared/schedule/cron/", "shared/internal/"}

// TestQueriesAreListed reads the product's source. It sees the fields, orders and
// directions that each file writes out, and refuses to guess at a query that is
// changed after it was written. It does not see which conditions meet in one query,
// nor the fields that a variable holds; those two it takes from the list.
func TestQueriesAreListed(t *testing.T) {
	root := filepath.Join("..", "..", "..")
	found := map[string]*seen{}
	for _, dir := range []string{"functions", "shared"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(name string, e fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			rel := strings.TrimPrefix(filepath.ToSlash(name), "../../../")
			if filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") || slices.ContainsFunc(elsewhere, func(p string) bool { return strings.HasPrefix(rel, p) }) {
				return nil
			}
			s, err := read(name)
			if len(s.orders) > 0 || len(s.fields) > 0 {
				found[rel] = s
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for file := range maps.Keys(firestore.Queries) {
		if found[file] == nil {
			t.Errorf("%s is in the list and makes no query", file)
		}
	}
	for file, s := range found {
		listed := &seen{fields: map[string]bool{}, orders: map[string]bool{}}
		for _, q := range firestore.Queries[file] {
			listed.orders[order(q.OrderBy, q.Desc)] = true
			for _, f := range q.Equal {
				listed.fields[f+" =="] = true
			}
			for _, f := range q.Range {
				listed.fields[f+" <>"] = true
			}
		}
		if s.variable {
			s.fields = listed.fields
		}
		if d := cmp.Diff(s.orders, listed.orders); d != "" {
			t.Errorf("%s: orders (-source +list):\n%s", file, d)
		}
		if d := cmp.Diff(s.fields, listed.fields); d != "" {
			t.Errorf("%s: conditions (-source +list):\n%s", file, d)
		}
		if s.changed {
			t.Errorf("%s changes the order of a query after it was written; write it out", file)
		}
	}
}

// seen is what a file says of its queries.
type seen struct {
	fields   map[string]bool // "field ==" or "field <>"
	orders   map[string]bool
	variable bool // a field is no literal
	changed  bool // an order is assigned
}

func order(by string, desc bool) string { return fmt.Sprintf("%q descending %t", by, desc) }

func read(name string) (*seen, error) {
	s := &seen{fields: map[string]bool{}, orders: map[string]bool{}}
	f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
	if err != nil {
		return s, err
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for _, l := range n.Lhs {
				if sel, ok := l.(*ast.SelectorExpr); ok && (sel.Sel.Name == "OrderBy" || sel.Sel.Name == "Desc") {
					s.changed = true
				}
			}
		case *ast.CompositeLit:
			s.literal(n)
		}
		return true
	})
	s.changed = s.changed && len(s.orders) > 0
	return s, nil
}

func (s *seen) literal(n *ast.CompositeLit) {
	typ, elided := typeOf(n.Type)
	if elided == "Where" { // []state.Where{{…}}
		for _, e := range n.Elts {
			s.where(e.(*ast.CompositeLit))
		}
	}
	switch typ {
	case "Where":
		s.where(n)
	case "Query":
		by, desc := "", false
		for _, e := range n.Elts {
			kv := e.(*ast.KeyValueExpr)
			switch kv.Key.(*ast.Ident).Name {
			case "OrderBy":
				by, _ = text(kv.Value)
			case "Desc":
				desc = kv.Value.(*ast.Ident).Name == "true"
			}
		}
		s.orders[order(by, desc)] = true
	}
}

func (s *seen) where(n *ast.CompositeLit) {
	if typ, _ := typeOf(n.Type); n.Type != nil && typ != "Where" {
		return
	}
	field, op := "", ""
	for _, e := range n.Elts {
		kv := e.(*ast.KeyValueExpr)
		switch kv.Key.(*ast.Ident).Name {
		case "Field":
			var ok bool
			if field, ok = text(kv.Value); !ok {
				s.variable = true
			}
		case "Op":
			op = " <>"
			if sel, ok := kv.Value.(*ast.SelectorExpr); ok && sel.Sel.Name == "Eq" {
				op = " =="
			}
		}
	}
	s.fields[field+op] = true
}

// typeOf names state.X, and state.X of []state.X.
func typeOf(e ast.Expr) (typ, element string) {
	if a, ok := e.(*ast.ArrayType); ok {
		element, _ = typeOf(a.Elt)
		return "", element
	}
	if sel, ok := e.(*ast.SelectorExpr); ok {
		if x, ok := sel.X.(*ast.Ident); ok && x.Name == "state" {
			return sel.Sel.Name, ""
		}
	}
	return "", ""
}

func text(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok {
		return "?", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}
