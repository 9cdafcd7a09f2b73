package names_test

import (
	"path/filepath"
	"testing"

	"github.com/b2brecs/b2brecs/shared/names"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/state/sqlite"
)

func TestRename(t *testing.T) {
	drv, err := sqlite.Open(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	db := state.New(drv)
	t.Cleanup(func() { _ = db.Close() })
	jobs := names.Of(db, "jobs", "job")
	for _, c := range []struct {
		why, id, old, name string
		taken              bool
	}{
		{"new", "a", "", "Sales", false},
		{"again", "a", "", "Sales", false},
		{"taken", "b", "", "Sales", true},
		{"in another case, with blanks", "b", "", " sALES ", true},
		{"other letters of one name", "a", "Sales", "SALES", false},
		{"new", "b", "", "Orders", false},
		{"to a taken one", "b", "Orders", "sales", true},
		{"it kept its own", "a", "SALES", "orders", true},
		{"to a free one", "a", "SALES", "Größe", false},
		{"the old one is free", "b", "Orders", "Sales", false},
		{"and so on", "c", "", "orders", false},
		{"given up", "c", "orders", "", false},
		{"free again", "d", "", "orders", false},
		{"other alphabets", "e", "", "GRÖßE", true},
	} {
		err := db.Transact(t.Context(), func(tx *state.Tx) error { return jobs.Rename(tx, c.id, c.old, c.name) })
		if c.taken && (!problem.Is(err, problem.AlreadyExists) || problem.Of(err).Fields[0].Location != "name") || !c.taken && err != nil {
			t.Errorf("%s: %q to %q: %v", c.why, c.old, c.name, err)
		}
	}
	// Names of another collection are others.
	if err := db.Transact(t.Context(), func(tx *state.Tx) error {
		return names.Of(db, "connections", "connection").Rename(tx, "x", "", "Sales")
	}); err != nil {
		t.Error(err)
	}
}
