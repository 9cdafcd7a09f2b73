package firestore_test

import (
	"testing"

	"github.com/b2brecs/b2brecs/shared/internal/gcp"
	fake "github.com/b2brecs/b2brecs/shared/internal/gcpfake/firestore"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/state/firestore"
	"github.com/b2brecs/b2brecs/shared/state/statetest"
)

// suite are the queries of the conformance suite.
var suite = suiteShapes()

func suiteShapes() []firestore.Shape {
	out := []firestore.Shape{
		{Equal: []string{"v", "k", "n", "deep.kind", "absent"}, Range: []string{"v", "n"}},
		{OrderBy: "v"}, {OrderBy: "w.v"}, {OrderBy: "absent"},
		{Equal: []string{"done"}, OrderBy: "count"},
	}
	for _, o := range []string{"", "name", "count", "score", "done"} {
		for _, desc := range []bool{false, true} {
			s := firestore.Shape{OrderBy: o, Desc: desc}
			if o != "count" { // that is never both fixed and sorted by
				s.Equal = []string{"count"}
			}
			out = append(out, s)
		}
	}
	return out
}

// start serves a fake that has the indexes of some shapes, and no others.
func start(t testing.TB, shapes []firestore.Shape) *fake.Server {
	t.Helper()
	return serve(t, shapes, false)
}

func serve(t testing.TB, shapes []firestore.Shape, locks bool) *fake.Server {
	t.Helper()
	x, err := firestore.Indexes(shapes)
	if err != nil {
		t.Fatal(err)
	}
	s, err := fake.Start(fake.Options{Project: "acme", Database: "b2brecs", Indexes: x, Locks: locks})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func driver(t testing.TB, s *fake.Server, shapes []firestore.Shape) *firestore.Driver {
	t.Helper()
	d, err := firestore.New(firestore.Options{
		Location: gcp.Location{Project: "acme"}, Database: "b2brecs", Shapes: shapes, Client: s.Client(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func TestConformance(t *testing.T) {
	for name, locks := range map[string]bool{"Optimistic": false, "Locks": true} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, suite, locks)
			statetest.Run(t, func(t *testing.T) *state.DB { return state.New(driver(t, s, suite)) })
			if n := s.Transactions(); n != 0 {
				t.Errorf("%d transactions were never ended", n)
			}
		})
	}
}
