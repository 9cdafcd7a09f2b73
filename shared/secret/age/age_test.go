package age

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/secret"
	"github.com/b2brecs/b2brecs/shared/secret/secrettest"
)

func store(t *testing.T, dir, key string) *secret.Store {
	t.Helper()
	d, err := Open(dir, key)
	if err != nil {
		t.Fatal(err)
	}
	return secret.New(d)
}

func TestConformance(t *testing.T) {
	secrettest.Run(t, func(t *testing.T) *secret.Store {
		return store(t, filepath.Join(t.TempDir(), "secrets"), filepath.Join(t.TempDir(), "key"))
	})
}

func TestFilesTellNothing(t *testing.T) {
	dir, key := t.TempDir(), filepath.Join(t.TempDir(), "sub", "key")
	s := store(t, dir, key)
	for _, payload := range []string{"first-hunter2", "second-hunter2"} {
		if err := s.Put(t.Context(), "c", []byte(payload)); err != nil {
			t.Fatal(err)
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v; a new version MUST leave nothing of the old one", files, err)
	}
	name := filepath.Join(dir, files[0].Name())
	sealed, err := os.ReadFile(name)
	if err != nil || bytes.Contains(sealed, []byte("hunter2")) {
		t.Errorf("the file shows the secret (%v)", err)
	}
	for _, f := range []string{name, key} {
		if fi, err := os.Stat(f); err != nil || fi.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f, fi.Mode(), err)
		}
	}
	if fi, err := os.Stat(filepath.Dir(key)); err != nil || fi.Mode().Perm() != 0o700 {
		t.Errorf("key folder: %v, %v", fi.Mode(), err)
	}
	if got, err := store(t, dir, key).Get(t.Context(), "c"); err != nil || string(got) != "second-hunter2" {
		t.Errorf("after reopening: %q, %v", got, err)
	}
}

func TestKeyFiles(t *testing.T) {
	text := func(t *testing.T, key string) string {
		b, err := os.ReadFile(key)
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(b))
	}
	for name, tc := range map[string]struct {
		change func(t *testing.T, key string) error
		code   problem.Code
	}{
		"lost":             {func(_ *testing.T, key string) error { return os.Remove(key) }, problem.FailedPrecondition},
		"readable by all":  {func(_ *testing.T, key string) error { return os.Chmod(key, 0o644) }, problem.FailedPrecondition},
		"readable by some": {func(_ *testing.T, key string) error { return os.Chmod(key, 0o640) }, problem.FailedPrecondition},
		"empty":            {func(_ *testing.T, key string) error { return os.WriteFile(key, nil, 0o600) }, problem.FailedPrecondition},
		"cut off":          {func(t *testing.T, key string) error { return os.WriteFile(key, []byte(text(t, key)[:30]), 0o600) }, problem.FailedPrecondition},
	} {
		t.Run(name, func(t *testing.T) {
			dir, key := t.TempDir(), filepath.Join(t.TempDir(), "key")
			if err := store(t, dir, key).Put(t.Context(), "c", []byte("x")); err != nil {
				t.Fatal(err)
			}
			was := text(t, key)
			if err := tc.change(t, key); err != nil {
				t.Fatal(err)
			}
			_, err := Open(dir, key)
			if !problem.Is(err, tc.code) || problem.Of(err).Next == "" {
				t.Errorf("got %v, want %s that says what to do", err, tc.code)
			}
			if err != nil && strings.Contains(err.Error(), was[16:30]) {
				t.Errorf("the error shows the key: %v", err)
			}
		})
	}
	if _, err := Open("data", filepath.Join("data", "keys", "key")); !problem.Is(err, problem.InvalidArgument) {
		t.Errorf("a key inside the folder: %v", err)
	}
}

func TestOtherKeyAndDamage(t *testing.T) {
	dir, key, other := t.TempDir(), filepath.Join(t.TempDir(), "key"), filepath.Join(t.TempDir(), "key")
	if err := store(t, dir, key).Put(t.Context(), "c", []byte("payload-of-c")); err != nil {
		t.Fatal(err)
	}
	store(t, t.TempDir(), other)
	if _, err := store(t, dir, other).Get(t.Context(), "c"); !problem.Is(err, problem.FailedPrecondition) {
		t.Errorf("another key: %v", err)
	}
	name := filepath.Join(dir, "c.age")
	sealed, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, cut := range []int{0, 10, len(sealed) / 2, len(sealed) - 1} {
		if err := os.WriteFile(name, sealed[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := store(t, dir, key).Get(t.Context(), "c"); !problem.Is(err, problem.FailedPrecondition) {
			t.Errorf("cut to %d bytes: %q, %v", cut, got, err)
		}
	}
}

func TestLeftoversAreRemoved(t *testing.T) {
	dir, key := t.TempDir(), filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(filepath.Join(dir, tempPrefix+"123"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	store(t, dir, key)
	if files, err := os.ReadDir(dir); err != nil || len(files) != 0 {
		t.Errorf("%v, %v", files, err)
	}
}
