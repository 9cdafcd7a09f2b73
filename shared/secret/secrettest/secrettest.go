// Package secrettest is the conformance suite of secret drivers.
package secrettest

import (
	"bytes"
	"strings"
	"sync"
	"testing"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/secret"
)

// Run checks a driver; open gives an empty store.
func Run(t *testing.T, open func(*testing.T) *secret.Store) {
	for _, c := range []struct {
		name string
		fn   func(*testing.T, *secret.Store)
	}{
		{"Absent", absent}, {"LatestVersion", latestVersion}, {"Destroyed", destroyed},
		{"IDs", ids}, {"TooLarge", tooLarge}, {"Concurrent", concurrent},
	} {
		t.Run(c.name, func(t *testing.T) { c.fn(t, open(t)) })
	}
}

func absent(t *testing.T, s *secret.Store) {
	if _, err := s.Get(t.Context(), "nothing"); !problem.Is(err, problem.NotFound) {
		t.Errorf("Get of an absent secret: %v", err)
	}
	if err := s.Destroy(t.Context(), "nothing"); err != nil {
		t.Errorf("Destroy of an absent secret: %v", err)
	}
}

func latestVersion(t *testing.T, s *secret.Store) {
	for _, p := range []string{"first", "", "line\r\n\x00\xff", strings.Repeat("x\x00\xff", 20_000), "last"} {
		if err := s.Put(t.Context(), "conn_1", []byte(p)); err != nil {
			t.Fatal(err)
		}
		got, err := s.Get(t.Context(), "conn_1")
		if err != nil || string(got) != p {
			t.Fatalf("got %d bytes, %v; want %d bytes", len(got), err, len(p))
		}
	}
}

func destroyed(t *testing.T, s *secret.Store) {
	for range 2 { // an id can be used again
		for _, p := range []string{"1", "2"} {
			if err := s.Put(t.Context(), "a", []byte(p)); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Destroy(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get(t.Context(), "a"); !problem.Is(err, problem.NotFound) {
			t.Errorf("Get after Destroy: %v", err)
		}
	}
}

func ids(t *testing.T, s *secret.Store) {
	const payload = "hunter2-hunter2"
	for _, id := range []string{"", ".", "..", "../up", "a/b", `a\b`, "a b", "a.b", "ä", "a\x00", "~", strings.Repeat("a", 256)} {
		_, get := s.Get(t.Context(), id)
		for what, err := range map[string]error{"Put": s.Put(t.Context(), id, []byte(payload)), "Get": get, "Destroy": s.Destroy(t.Context(), id)} {
			if !problem.Is(err, problem.InvalidArgument) {
				t.Errorf("%s(%q): %v", what, id, err)
			} else if strings.Contains(err.Error(), payload) {
				t.Errorf("%s(%q): the error shows the payload", what, id)
			}
		}
	}
	long := strings.Repeat("a", 254)
	good := []string{"a", "A-b_9", "-", long + "b", long + "c"}
	for _, id := range good {
		if err := s.Put(t.Context(), id, []byte(id)); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range good {
		if got, err := s.Get(t.Context(), id); err != nil || string(got) != id {
			t.Errorf("%.20s…: %.20q, %v", id, got, err)
		}
	}
}

func tooLarge(t *testing.T, s *secret.Store) {
	if err := s.Put(t.Context(), "a", make([]byte, secret.MaxPayloadBytes)); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), "a", make([]byte, secret.MaxPayloadBytes+1)); !problem.Is(err, problem.InvalidArgument) {
		t.Fatal(err)
	}
	if got, err := s.Get(t.Context(), "a"); err != nil || len(got) != secret.MaxPayloadBytes {
		t.Fatal(len(got), err)
	}
}

// concurrent: a reader sees one whole version or another.
func concurrent(t *testing.T, s *secret.Store) {
	version := func(i int) []byte { return bytes.Repeat([]byte{byte('a' + i)}, 5000) }
	if err := s.Put(t.Context(), "c", version(0)); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for range 3 {
				if err := s.Put(t.Context(), "c", version(i)); err != nil {
					t.Error(err)
				}
				got, err := s.Get(t.Context(), "c")
				if err != nil || len(got) != 5000 || !bytes.Equal(got, bytes.Repeat(got[:1], 5000)) {
					t.Errorf("a torn version of %d bytes, %v", len(got), err)
				}
			}
		})
	}
	wg.Wait()
}
