package firestore_test

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/state/firestore"
)

func TestOptions(t *testing.T) {
	wide := make([]string, 40)
	for i := range wide {
		wide[i] = fmt.Sprint("field", i)
	}
	t.Setenv("FIRESTORE_EMULATOR_HOST", "localhost:1")
	_, err := firestore.New(firestore.Options{Shapes: []firestore.Shape{{Equal: append(wide, "a.__b__")}}})
	got := map[string]int{}
	for _, f := range problem.Of(err).Fields {
		got[f.Location]++
	}
	if !problem.Is(err, problem.InvalidArgument) || got["project"] != 1 || got["shapes"] != 2 || got["client"] != 1 {
		t.Errorf("%v %v", err, got)
	}
}

// What the client is told reaches the caller under one code.
func TestErrors(t *testing.T) {
	s := start(t, nil)
	db := state.New(driver(t, s, nil))
	docs := state.Of[doc](db, "docs")
	for code, want := range map[codes.Code]problem.Code{
		codes.PermissionDenied: problem.PermissionDenied, codes.Unauthenticated: problem.Unauthenticated,
		codes.ResourceExhausted: problem.ResourceExhausted, codes.FailedPrecondition: problem.FailedPrecondition,
	} {
		s.SetFault(func(string, proto.Message) (error, error) { return status.Error(code, "no"), nil })
		errs := map[string]error{"put": docs.Put(t.Context(), "a", doc{})}
		if code != codes.ResourceExhausted && code != codes.Unauthenticated { // the client waits and tries again
			_, errs["get"] = docs.Get(t.Context(), "a")
			_, errs["query"] = docs.Query(t.Context(), state.Query{})
		}
		if code == codes.PermissionDenied {
			_, errs["watch"] = db.Watch(t.Context(), "docs")
		}
		for what, err := range errs {
			if !problem.Is(err, want) || !strings.Contains(err.Error(), "docs") && what != "put" {
				t.Errorf("%s after %s: %v (%s)", what, code, err, problem.CodeOf(err))
			}
		}
	}
}

func TestClosed(t *testing.T) {
	d := driver(t, start(t, nil), nil)
	db := state.New(d)
	docs := state.Of[doc](db, "docs")
	if err := docs.Put(t.Context(), "a", doc{}); err != nil {
		t.Fatal(err)
	}
	ch, err := db.Watch(t.Context(), "docs")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
	for range ch { // ends
	}
	_, get := docs.Get(t.Context(), "a")
	_, query := docs.Query(t.Context(), state.Query{})
	_, watch := db.Watch(t.Context(), "docs")
	for _, err := range []error{get, query, watch, docs.Put(t.Context(), "a", doc{})} {
		if !problem.Is(err, problem.Unavailable) {
			t.Errorf("use of a closed store: %v", err)
		}
	}
}

// Paths that would meet, or be reserved, when their slashes are escaped.
func TestCollectionsAreApart(t *testing.T) {
	db := state.New(driver(t, start(t, nil), nil))
	names := []string{"a/b/c", "a%2Fb%2Fc", "a%252Fb/b/c", "__a/b/c__", "%5F_a/b/c__", "_", "%", "a b/ł/'"}
	for i, n := range names {
		if err := state.Of[doc](db, n).Put(t.Context(), "x", doc{N: i}); err != nil {
			t.Errorf("%q: %v", n, err)
		}
	}
	for i, n := range names {
		if d, err := state.Of[doc](db, n).Get(t.Context(), "x"); err != nil || d.N != i {
			t.Errorf("%q: %+v, %v", n, d, err)
		}
	}
	long := state.Of[doc](db, "a/"+strings.Repeat("x", 1495)+"/b")
	if err := long.Put(t.Context(), "x", doc{}); !problem.Is(err, problem.InvalidArgument) {
		t.Errorf("a path above an id's length: %v", err)
	}
	if _, err := long.Get(t.Context(), "x"); !problem.Is(err, problem.InvalidArgument) {
		t.Error(err)
	}
}

// The largest document that the portable type lets through fits with the longest
// name and every field at its longest.
func TestLargestDocument(t *testing.T) {
	shapes := []firestore.Shape{{}}
	for i := range 26 {
		shapes[0].Equal = append(shapes[0].Equal, fmt.Sprint("field", i))
	}
	d := driver(t, start(t, nil), shapes)
	c, id := strings.Repeat("c", 1500), strings.Repeat("i", 1500)
	var b strings.Builder
	b.WriteString("{")
	for _, f := range shapes[0].Equal {
		fmt.Fprintf(&b, "%q:%q,", f, strings.Repeat("x", 1500))
	}
	b.WriteString(`"text":"`)
	b.WriteString(strings.Repeat("x", state.MaxDocumentBytes-b.Len()-2))
	b.WriteString(`"}`)
	for range 9 { // marks add up
		err := d.Transact(t.Context(), func(tx state.DriverTx) error {
			_, _ = tx.Get(c, id)
			return tx.Put(c, id, []byte(b.String()))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if doc, err := d.Get(t.Context(), c, id); err != nil || string(doc.Data) != b.String() {
		t.Errorf("%d of %d bytes, %v", len(doc.Data), b.Len(), err)
	}
	err := d.Transact(t.Context(), func(tx state.DriverTx) error {
		return tx.Put(c, id, []byte(`{"text":"`+strings.Repeat("x", 1<<20)+`"}`))
	})
	if !problem.Is(err, problem.InvalidArgument) {
		t.Errorf("a document above 1 MiB: %v", err)
	}
}

// The stored bytes come back as they were; what queries cannot see is refused.
func TestBytes(t *testing.T) {
	d := driver(t, start(t, nil), nil) // the product's fields: "number", "status", …
	put := func(data string) error {
		return d.Transact(t.Context(), func(tx state.DriverTx) error { return tx.Put("docs", "a", []byte(data)) })
	}
	for _, data := range []string{
		`{ "number" : 1.0, "big": 123456789012345678901234567890, "huge": 1e999, "id": "a" }`,
		`{"number":-0.0,"definition":{"dataset":["x"]},"status":{"code":1},"snapshot":null}`,
		`{"text":"\u0000\ud800 <>","number":9007199254740993}`,
	} {
		if err := put(data); err != nil {
			t.Errorf("%s: %v", data, err)
		}
		if doc, err := d.Get(t.Context(), "docs", "a"); err != nil || string(doc.Data) != data || doc.Version == 0 {
			t.Errorf("%s became %s, %v", data, doc.Data, err)
		}
	}
	for _, data := range []string{`{"number":1e999}`, `{"status":"` + strings.Repeat("x", 1501) + `"}`, "{\"text\":\"\xff\"}", `[]`, `{`} {
		if err := put(data); !problem.Is(err, problem.InvalidArgument) {
			t.Errorf("%.40s: %v", data, err)
		}
	}
}

// A range over another field than the order's is read on until the page is full.
func TestRangeBesideTheOrder(t *testing.T) {
	shapes := []firestore.Shape{{Range: []string{"n"}, Equal: []string{"status"}}}
	db := state.New(driver(t, start(t, shapes), shapes))
	docs := state.Of[doc](db, "docs")
	err := db.Transact(t.Context(), func(tx *state.Tx) error {
		for i := range 450 {
			if err := state.Put(tx, docs, fmt.Sprintf("%03d", i), doc{N: i, Status: string(rune('a' + i%2))}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		where []state.Where
		want  int
	}{
		{[]state.Where{{Field: "n", Op: state.Ge, Value: 445}}, 5},
		{[]state.Where{{Field: "n", Op: state.Lt, Value: 5.5}, {Field: "n", Op: state.Gt, Value: 0}}, 5},
		{[]state.Where{{Field: "n", Op: state.Le, Value: 449}, {Field: "status", Op: state.Eq, Value: "b"}}, 225},
		{[]state.Where{{Field: "n", Op: state.Gt, Value: "0"}}, 0},
		{[]state.Where{{Field: "n", Op: state.Gt, Value: 0}, {Field: "n", Op: state.Lt, Value: "x"}}, 0},
	} {
		for _, limit := range []int{2, 5, 300} {
			n := 0
			for _, err := range docs.All(t.Context(), state.Query{Where: tc.where, Limit: limit}) {
				if err != nil {
					t.Fatal(err)
				}
				n++
			}
			if n != tc.want {
				t.Errorf("%v by %d: %d documents, want %d", tc.where, limit, n, tc.want)
			}
		}
	}
}

func TestVersionsGrow(t *testing.T) {
	d := driver(t, start(t, nil), nil)
	last := int64(0)
	for i := range 6 {
		err := d.Transact(t.Context(), func(tx state.DriverTx) error {
			if i == 3 {
				return tx.Delete("docs", "a")
			}
			return tx.Put("docs", "a", []byte(`{"n":1}`)) // the same each time
		})
		if err != nil {
			t.Fatal(err)
		}
		if i == 3 {
			continue
		}
		doc, err := d.Get(t.Context(), "docs", "a")
		if err != nil || doc.Version <= last {
			t.Errorf("write %d: version %d after %d, %v", i, doc.Version, last, err)
		}
		last = doc.Version
	}
}
