package storage

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	gcs "cloud.google.com/go/storage"
	"github.com/google/go-cmp/cmp"
)

// TestNotifications: each way to make a generation is announced once, nothing else is.
func TestNotifications(t *testing.T) {
	var got []Notification
	s, err := Start(Options{Buckets: []string{"b"}, Notify: func(_ context.Context, n Notification) { got = append(got, n) }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c, err := gcs.NewClient(t.Context(), s.Options()...)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var want []string
	made := func(key string, a *gcs.ObjectAttrs, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if want = append(want, key); len(got) != len(want) {
			t.Fatalf("%d announcements after %v", len(got), want)
		}
		n := got[len(got)-1]
		var o struct{ Bucket, Name, Generation, Size string }
		if err := json.Unmarshal(n.Data, &o); err != nil || o.Name != key || o.Bucket != "b" || n.Attributes["objectGeneration"] != o.Generation || n.Attributes["objectId"] != key {
			t.Errorf("%v: %v %s", err, n.Attributes, n.Data)
		}
		if e := n.Event(); e.Validate() != nil || e.Subject() != "objects/"+key || !bytes.Equal(e.Data(), n.Data) {
			t.Errorf("%+v", e)
		}
		if a.Size == 0 || o.Size == "0" {
			t.Errorf("%q has no size: %s", key, n.Data)
		}
	}
	write := func(key string, size, chunk int) {
		t.Helper()
		w := c.Bucket("b").Object(key).NewWriter(t.Context())
		w.ChunkSize = chunk
		_, err := w.Write(bytes.Repeat([]byte("x"), size))
		if e := w.Close(); err == nil {
			err = e
		}
		made(key, w.Attrs(), err)
	}
	write("one request", 10, 0)
	write("one buffer", 10, 256<<10)
	write("in parts/ä", 600<<10, 256<<10)
	write("one request", 11, 0)
	a, err := c.Bucket("b").Object("copy").CopierFrom(c.Bucket("b").Object("one request")).Run(t.Context())
	made("copy", a, err)
	a, err = c.Bucket("b").Object("composed").ComposerFrom(c.Bucket("b").Object("copy"), c.Bucket("b").Object("one buffer")).Run(t.Context())
	made("composed", a, err)

	if _, err := c.Bucket("b").Object("copy").Update(t.Context(), gcs.ObjectAttrsToUpdate{ContentType: "text/plain"}); err != nil {
		t.Fatal(err)
	}
	if w := c.Bucket("b").Object("copy").If(gcs.Conditions{DoesNotExist: true}).NewWriter(t.Context()); w.Close() == nil {
		t.Error("a write whose condition does not hold")
	}
	if w := c.Bucket("nowhere").Object("x").NewWriter(t.Context()); w.Close() == nil {
		t.Error("a write to a bucket that is missing")
	}
	if err := c.Bucket("b").Object("copy").Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, n := range got {
		keys = append(keys, n.Attributes["objectId"])
	}
	if d := cmp.Diff(want, keys); d != "" {
		t.Error(d)
	}
}

// TestNoPartOfIt: what is left out says so, and nothing is written.
func TestNoPartOfIt(t *testing.T) {
	s, err := Start(Options{Buckets: []string{"b"}, Notify: func(_ context.Context, n Notification) { t.Errorf("announced %+v", n) }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, tc := range []struct {
		method, path string
		want         int
	}{
		{http.MethodPut, "/b/unsigned", http.StatusNotImplemented},
		{http.MethodPost, "/b", http.StatusNotImplemented},
		{http.MethodPost, "/_internal/delete_all", http.StatusNotImplemented},
		{http.MethodGet, "/_internal/healthcheck", http.StatusNotImplemented},
		{http.MethodPut, "/b/k?X-Goog-Algorithm=GOOG4-RSA-SHA256", http.StatusBadRequest},
		{http.MethodGet, "/storage/v1/b/b/o/unsigned", http.StatusNotFound},
	} {
		r, err := http.NewRequestWithContext(t.Context(), tc.method, s.URL()+tc.path, strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != tc.want {
			t.Errorf("%s %s: %s %s", tc.method, tc.path, resp.Status, text)
		}
	}
	if _, err := Start(Options{Address: "0.0.0.0:0"}); err == nil {
		t.Error("it listens to other machines")
	}
}
