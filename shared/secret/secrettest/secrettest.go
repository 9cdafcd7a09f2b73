// Package secrettest is the conformance suite of secret drivers.
package secrettest

import (
	"strings"
	"testing"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/secret"
)

// Run checks a driver; open gives an empty store.
func Run(t *testing.T, open func(*testing.T) *secret.Store) {
	t.Run("absent", func(t *testing.T) {
		s := open(t)
		if _, err := s.Get(t.Context(), "nothing"); !problem.Is(err, problem.NotFound) {
			t.Errorf("Get of an absent secret: %v", err)
		}
		if err := s.Destroy(t.Context(), "nothing"); err != nil {
			t.Errorf("Destroy of an absent secret: %v", err)
		}
	})
	t.Run("latest version", func(t *testing.T) {
		s := open(t)
		payload := strings.Repeat("x\x00\xff", 10_000)
		for _, p := range []string{"first", "", payload} {
			if err := s.Put(t.Context(), "conn_1", []byte(p)); err != nil {
				t.Fatal(err)
			}
			got, err := s.Get(t.Context(), "conn_1")
			if err != nil || string(got) != p {
				t.Fatalf("got %d bytes, %v; want %d bytes", len(got), err, len(p))
			}
		}
	})
	t.Run("destroyed", func(t *testing.T) {
		s := open(t)
		if err := s.Put(t.Context(), "a", []byte("1")); err != nil {
			t.Fatal(err)
		}
		if err := s.Destroy(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get(t.Context(), "a"); !problem.Is(err, problem.NotFound) {
			t.Errorf("Get after Destroy: %v", err)
		}
	})
	t.Run("bad ids", func(t *testing.T) {
		s := open(t)
		for _, id := range []string{"", "../up", "a/b", "a b", strings.Repeat("a", 256)} {
			if err := s.Put(t.Context(), id, nil); !problem.Is(err, problem.InvalidArgument) {
				t.Errorf("Put(%q): %v", id, err)
			}
		}
	})
}
