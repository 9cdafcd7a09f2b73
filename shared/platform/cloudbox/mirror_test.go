package cloudbox

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"cloud.google.com/go/storage"
	"google.golang.org/api/option"

	fakestorage "github.com/b2brecs/b2brecs/shared/internal/gcpfake/storage"
)

// TestMirror: what is written on one side is on the other, once, and gone there when
// it is gone here.
func TestMirror(t *testing.T) {
	var m *mirror
	var written atomic.Int64
	s, err := fakestorage.Start(fakestorage.Options{Buckets: []string{"runs", "other"},
		Notify: func(ctx context.Context, n fakestorage.Notification) {
			written.Add(1)
			if err := m.finalized(ctx, n); err != nil {
				t.Error(err)
			}
		},
		Fault: func(r *http.Request) fakestorage.Fault {
			if err := m.observe(r); err != nil {
				t.Error(err)
			}
			return fakestorage.Fault{}
		}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c, err := storage.NewClient(t.Context(), append([]option.ClientOption{storage.WithXMLReads()}, s.Options()...)...)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if m, err = newMirror(t.TempDir(), c, "runs"); err != nil {
		t.Fatal(err)
	}
	put := func(bucket, key, text string) {
		t.Helper()
		w := c.Bucket(bucket).Object(key).NewWriter(t.Context())
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	object := func(key, want string) {
		t.Helper()
		r, err := c.Bucket("runs").Object(key).NewReader(t.Context())
		if want == "" && errors.Is(err, storage.ErrObjectNotExist) {
			return
		}
		if err != nil {
			t.Errorf("object %s: %v", key, err)
			return
		}
		defer r.Close()
		if text, err := io.ReadAll(r); err != nil || string(text) != want {
			t.Errorf("object %s is %q, %v; want %q", key, text, err, want)
		}
	}
	file := func(name, want string) {
		t.Helper()
		text, err := os.ReadFile(m.file(name))
		if want == "" && errors.Is(err, os.ErrNotExist) {
			return
		}
		if err != nil || string(text) != want {
			t.Errorf("file %s is %q, %v; want %q", name, text, err, want)
		}
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(m.file(name)), 0o700); err != nil {
			t.Fatal(err)
		}
		// Components replace files as a whole.
		if err := errors.Join(os.WriteFile(m.file(name)+".tmp", []byte(text), 0o600), os.Rename(m.file(name)+".tmp", m.file(name))); err != nil {
			t.Fatal(err)
		}
	}
	push := func(want int64) {
		t.Helper()
		before := written.Load()
		if err := m.push(t.Context(), "runs"); err != nil {
			t.Fatal(err)
		}
		if got := written.Load() - before; got != want {
			t.Errorf("%d objects were written, want %d", got, want)
		}
	}

	put("runs", "a/in ö.txt", "one")
	put("other", "a/in.txt", "not mounted")
	file("runs/a/in ö.txt", "one")
	file("other/a/in.txt", "")
	push(0)

	write("runs/a/out.txt", "two")
	write("runs/a/model.new-0123abcd/part", "unfinished")
	write("runs/a/.hidden", "unfinished")
	push(1)
	object("a/out.txt", "two")
	object("a/model.new-0123abcd/part", "")
	object("a/.hidden", "")
	push(0)

	write("runs/a/out.txt", "three")
	push(1)
	object("a/out.txt", "three")
	put("runs", "a/out.txt", "four")
	file("runs/a/out.txt", "four")
	push(0)

	if err := c.Bucket("runs").Object("a/in ö.txt").Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	file("runs/a/in ö.txt", "")
	if err := os.Remove(m.file("runs/a/out.txt")); err != nil {
		t.Fatal(err)
	}
	push(0)
	object("a/in ö.txt", "")
	object("a/out.txt", "")
}
