package statetest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
)

// raw is a document with fields of any type.
type raw map[string]any

func rawCollection(t *testing.T, db *state.DB, docs map[string]raw) *state.Collection[raw] {
	t.Helper()
	c := state.Of[raw](db, "raw-"+state.NewID())
	for id, d := range docs {
		d["id"] = id
		must(t, c.Put(t.Context(), id, d))
	}
	return c
}

// ids runs a query to its end with small pages.
func ids(t *testing.T, c *state.Collection[raw], q state.Query) []string {
	t.Helper()
	if q.Limit == 0 {
		q.Limit = 2
	}
	out := []string{}
	for v, err := range c.All(t.Context(), q) {
		must(t, err)
		out = append(out, v["id"].(string))
	}
	return out
}

func filters(t *testing.T, db *state.DB) {
	type status string // callers compare with their own string types
	c := rawCollection(t, db, map[string]raw{
		"s1":   {"v": "1", "k": "x", "deep": raw{"kind": "in"}},
		"sa":   {"v": "a", "k": "x", "n": 1},
		"sb":   {"v": "b'; --", "k": "x", "n": 2},
		"n1":   {"v": 1, "k": "y", "n": 2},
		"n2":   {"v": 2.5, "k": "y", "n": 3},
		"nbig": {"v": 9007199254740993, "k": "y"},
		"neg":  {"v": -3, "k": "y"},
		"t":    {"v": true, "k": "z"},
		"f":    {"v": false, "k": "z"},
		"null": {"v": nil},
		"none": {"k": "x"},
		"arr":  {"v": []int{1}},
		"obj":  {"v": raw{"v": 1}},
	})
	for _, tc := range []struct {
		where []state.Where
		want  string
	}{
		{[]state.Where{{Field: "v", Op: state.Eq, Value: "1"}}, "s1"},
		{[]state.Where{{Field: "v", Op: state.Eq, Value: status("a")}}, "sa"},
		{[]state.Where{{Field: "v", Op: state.Eq, Value: "b'; --"}}, "sb"},
		{[]state.Where{{Field: "v", Op: state.Eq, Value: 1}}, "n1"},
		{[]state.Where{{Field: "v", Op: state.Eq, Value: 1.0}}, "n1"},
		{[]state.Where{{Field: "v", Op: state.Eq, Value: uint8(1)}}, "n1"},
		{[]state.Where{{Field: "v", Op: state.Eq, Value: int64(9007199254740993)}}, "nbig"},
		{[]state.Where{{Field: "v", Op: state.Eq, Value: int64(9007199254740992)}}, ""},
		{[]state.Where{{Field: "v", Op: state.Eq, Value: true}}, "t"},
		{[]state.Where{{Field: "v", Op: state.Eq, Value: false}}, "f"},
		{[]state.Where{{Field: "v", Op: state.Gt, Value: 1}}, "n2 nbig"},
		{[]state.Where{{Field: "v", Op: state.Ge, Value: 1}}, "n1 n2 nbig"},
		{[]state.Where{{Field: "v", Op: state.Lt, Value: 1}}, "neg"},
		{[]state.Where{{Field: "v", Op: state.Le, Value: 1.5}}, "n1 neg"},
		{[]state.Where{{Field: "v", Op: state.Gt, Value: "1"}}, "sa sb"},
		{[]state.Where{{Field: "v", Op: state.Le, Value: "a"}}, "s1 sa"},
		{[]state.Where{{Field: "v", Op: state.Gt, Value: -3}, {Field: "v", Op: state.Lt, Value: 2.5}}, "n1"},
		{[]state.Where{{Field: "k", Op: state.Eq, Value: "x"}, {Field: "n", Op: state.Ge, Value: 2}}, "sb"},
		{[]state.Where{{Field: "deep.kind", Op: state.Eq, Value: "in"}}, "s1"},
		{[]state.Where{{Field: "absent", Op: state.Eq, Value: "x"}}, ""},
	} {
		got := strings.Join(ids(t, c, state.Query{Where: tc.where}), " ")
		if got != tc.want {
			t.Errorf("%v: got %q, want %q", tc.where, got, tc.want)
		}
	}
}

func order(t *testing.T, db *state.DB) {
	c := rawCollection(t, db, map[string]raw{
		"a": {"v": 3}, "b": {"v": 1}, "c": {"v": 2}, "d": {"v": 1}, "e": {"v": 1.5},
		"f": {"v": "Z"}, "g": {"v": "a"}, "h": {"v": "ä"}, "i": {"v": ""},
	})
	for _, tc := range []struct {
		q    state.Query
		want string
	}{
		{state.Query{}, "a b c d e f g h i"},
		{state.Query{Desc: true}, "i h g f e d c b a"},
		{state.Query{OrderBy: "v"}, "b d e c a i f g h"},
		{state.Query{OrderBy: "v", Desc: true}, "h g f i a c e d b"},
		{state.Query{OrderBy: "v", Where: []state.Where{{Field: "v", Op: state.Gt, Value: 1}}}, "e c a"},
		{state.Query{OrderBy: "v", Limit: 1}, "b d e c a i f g h"},
		{state.Query{OrderBy: "v", Limit: 9}, "b d e c a i f g h"},
	} {
		if got := strings.Join(ids(t, c, tc.q), " "); got != tc.want {
			t.Errorf("%+v: got %q, want %q", tc.q, got, tc.want)
		}
	}
	p, err := c.Query(t.Context(), state.Query{Limit: 9})
	must(t, err)
	if len(p.Items) != 9 || p.Next != "" {
		t.Errorf("a page that ends with the list has a cursor %q after %d items", p.Next, len(p.Items))
	}
}

func orderMissingField(t *testing.T, db *state.DB) {
	c := rawCollection(t, db, map[string]raw{
		"a": {"v": 2}, "b": {}, "c": {"v": 1}, "d": {"w": raw{"v": 1}}, "e": {"w": raw{"x": "in"}},
	})
	if d := cmp.Diff([]string{"c", "a"}, ids(t, c, state.Query{OrderBy: "v"})); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"d"}, ids(t, c, state.Query{OrderBy: "w.v", Desc: true})); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{}, ids(t, c, state.Query{OrderBy: "absent"})); d != "" {
		t.Error(d)
	}
}

func badQueries(t *testing.T, db *state.DB) {
	c := fresh(db, "bad")
	must(t, c.Put(t.Context(), "a", item{}))
	for _, q := range []state.Query{
		{Limit: -1}, {Limit: 1001}, {Cursor: "nonsense"}, {Cursor: "e30"},
		{OrderBy: "a b"}, {OrderBy: `v"), 1; DROP TABLE documents; --`}, {OrderBy: "a..b"}, {OrderBy: "a'b"},
		{Where: []state.Where{{Field: "", Op: state.Eq, Value: 1}}},
		{Where: []state.Where{{Field: "v[0]", Op: state.Eq, Value: 1}}},
		{Where: []state.Where{{Field: "v", Op: "like", Value: "x"}}},
		{Where: []state.Where{{Field: "v", Op: state.Eq, Value: nil}}},
		{Where: []state.Where{{Field: "v", Op: state.Eq, Value: []int{1}}}},
	} {
		_, err := c.Query(t.Context(), q)
		if !problem.Is(err, problem.InvalidArgument) {
			t.Errorf("%+v: %v", q, err)
		}
	}
}

// cursorUnderInserts: a reader that pages while others write sees every document
// that was there all along exactly once.
func cursorUnderInserts(t *testing.T, db *state.DB) {
	ctx := t.Context()
	c := fresh(db, "paged")
	const stay = 120
	for i := range stay {
		must(t, c.Put(ctx, fmt.Sprintf("stay-%03d", i), item{Name: "stay", Count: i / 3, Text: fmt.Sprint(i)}))
	}
	for k, q := range []state.Query{{Limit: 7}, {Limit: 7, Desc: true}, {OrderBy: "count", Limit: 5}, {OrderBy: "count", Desc: true, Limit: 11}} {
		var wg sync.WaitGroup
		for w := range 3 {
			wg.Go(func() { churn(t, c, uint64(10*k+w)) })
		}
		seen := map[string]int{}
		for v, err := range c.All(ctx, q) {
			if err != nil {
				t.Error(err)
				break
			}
			if v.Name == "stay" {
				seen[v.Text]++
			}
		}
		wg.Wait()
		for i := range stay {
			if seen[fmt.Sprint(i)] != 1 {
				t.Errorf("%+v: document %d was seen %d times", q, i, seen[fmt.Sprint(i)])
			}
		}
	}
}

// churn writes and deletes documents all over the collection. Its number is
// bounded: a reader slower than the writers must still come to an end.
func churn(t *testing.T, c *state.Collection[item], seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 7))
	for n := range 80 {
		id := fmt.Sprintf("%c-%d-%d", 'a'+rune(rng.IntN(26)), seed, n)
		if err := c.Put(t.Context(), id, item{Name: "new", Count: rng.IntN(40)}); err != nil {
			t.Error(err)
			return
		}
		if n%3 == 0 {
			if err := c.Delete(t.Context(), id); err != nil {
				t.Error(err)
				return
			}
		}
	}
}

func foreignCursor(t *testing.T, db *state.DB) {
	ctx := t.Context()
	c := fresh(db, "foreign")
	for i := range 4 {
		must(t, c.Put(ctx, fmt.Sprint(i), item{Count: i}))
	}
	p, err := c.Query(ctx, state.Query{OrderBy: "count", Limit: 1})
	must(t, err)
	_, err = c.Query(ctx, state.Query{OrderBy: "count", Limit: 3, Cursor: p.Next})
	must(t, err) // another page size is the same query
	for _, q := range []state.Query{{}, {OrderBy: "name"}, {OrderBy: "count", Desc: true}, {OrderBy: "count", Where: []state.Where{{Field: "done", Op: state.Eq, Value: false}}}} {
		q.Cursor = p.Next
		_, err := c.Query(ctx, q)
		want(t, err, problem.InvalidArgument)
	}
}
