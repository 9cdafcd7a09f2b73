package versioned_test

import (
	"path/filepath"
	"testing"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/state/sqlite"
	"github.com/b2brecs/b2brecs/shared/versioned"
)

type definition struct {
	Width int `json:"width"`
}

func TestNamesAreUnique(t *testing.T) {
	drv, err := sqlite.Open(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	db := state.New(drv)
	t.Cleanup(func() { _ = db.Close() })
	s := versioned.New[definition](db, "model config", "p", "models", "model_versions")
	named := func(name string) versioned.Change[definition] {
		return versioned.Change[definition]{Name: &name, Definition: &definition{8}}
	}
	a, err := s.Create(t.Context(), "", named("compact"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Create(t.Context(), "", named(" Compact ")); !problem.Is(err, problem.AlreadyExists) {
		t.Errorf("a second one of the name: %v", err)
	}
	if a, err = s.Update(t.Context(), a.ID, named("Compact")); err != nil || a.Name != "Compact" || a.Version != 1 {
		t.Errorf("another case of its own name: %+v, %v", a, err)
	}
	if _, err := s.Create(t.Context(), "", named("compact")); !problem.Is(err, problem.AlreadyExists) {
		t.Errorf("a second one after that: %v", err)
	}
	if _, err := s.Update(t.Context(), a.ID, named("wide")); err != nil {
		t.Error(err)
	}
	b, err := s.Create(t.Context(), "", named("compact"))
	if err != nil {
		t.Errorf("a name that was given up: %v", err)
	}
	if _, err := s.Update(t.Context(), b.ID, named("WIDE")); !problem.Is(err, problem.AlreadyExists) {
		t.Errorf("to a taken name: %v", err)
	}
	if err := s.Delete(t.Context(), a.ID, nil); err != nil {
		t.Error(err)
	}
	if _, err := s.Update(t.Context(), b.ID, named("wide")); err != nil {
		t.Errorf("to the name of a deleted one: %v", err)
	}
}
