package age

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/secret"
	"github.com/b2brecs/b2brecs/shared/secret/secrettest"
)

func TestConformance(t *testing.T) {
	secrettest.Run(t, func(t *testing.T) *secret.Store {
		dir := t.TempDir()
		d, err := Open(filepath.Join(dir, "secrets"), filepath.Join(dir, "key"))
		if err != nil {
			t.Fatal(err)
		}
		return secret.New(d)
	})
}

func TestFilesTellNothing(t *testing.T) {
	dir := t.TempDir()
	key := filepath.Join(t.TempDir(), "sub", "key")
	d, err := Open(dir, key)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Put(t.Context(), "c", []byte("hunter2-hunter2")); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "c.age"))
	if err != nil || bytes.Contains(b, []byte("hunter2")) {
		t.Errorf("the file shows the secret (%v)", err)
	}
	if st, err := os.Stat(key); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("key file: %v, %v", st.Mode(), err)
	}
	again, err := Open(dir, key)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := again.Get(t.Context(), "c"); err != nil || string(got) != "hunter2-hunter2" {
		t.Errorf("after reopening: %q, %v", got, err)
	}
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, key); !problem.Is(err, problem.FailedPrecondition) {
		t.Errorf("a lost key is replaced silently: %v", err)
	}
}
