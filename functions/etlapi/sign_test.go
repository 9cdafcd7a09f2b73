package etlapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/b2brecs/b2brecs/functions/etlapi"
	"github.com/b2brecs/b2brecs/shared/api"
	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/events/sqlite"
	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/objects/folder"
)

// embeddedUploads is a bucket that signs nothing.
func embeddedUploads(t *testing.T) *objects.Bucket {
	t.Helper()
	queue, err := sqlite.Open(filepath.Join(t.TempDir(), "events.db"))
	if err != nil {
		t.Fatal(err)
	}
	bus := events.New(queue)
	d, err := folder.Open(objects.Uploads, t.TempDir(), bus)
	if err != nil {
		t.Fatal(err)
	}
	b := objects.NewBucket(objects.Uploads, d)
	t.Cleanup(func() { _, _ = b.Close(), bus.Close(context.WithoutCancel(t.Context())) })
	return b
}

// signing is a bucket whose service takes an upload itself: a server of the test's that
// holds the caller to what was signed. That Cloud Storage does so is the gcs suite's to show.
type signing struct {
	objects.Driver
	at string
}

func (s signing) Signs() bool { return true }

func (s signing) SignUpload(_ context.Context, key, contentType string, maxBytes int64, ttl time.Duration) (objects.SignedUpload, error) {
	return objects.SignedUpload{URL: s.at + "/?" + url.Values{"key": {key}, "type": {contentType}, "most": {strconv.FormatInt(maxBytes, 10)}}.Encode(),
		Headers: map[string]string{"Content-Type": contentType, "X-Limit": "on"}, Expires: time.Now().Add(ttl)}, nil
}

func cloudUploads(t *testing.T) *objects.Bucket {
	t.Helper()
	b := embeddedUploads(t)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		data, err := io.ReadAll(r.Body)
		most, bad := strconv.ParseInt(q.Get("most"), 10, 64)
		switch {
		case err != nil || bad != nil || int64(len(data)) > most || r.Header.Get("Content-Type") != q.Get("type") || r.Header.Get("X-Limit") != "on":
			w.WriteHeader(http.StatusForbidden)
		case b.Write(r.Context(), q.Get("key"), data) != nil:
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(s.Close)
	return objects.NewBucket(objects.Uploads, signing{b.Driver(), s.URL})
}

// uploading is the function with a bucket, called by a role.
func uploading(b *objects.Bucket, role identity.Role) http.Handler {
	router := chi.NewRouter()
	etlapi.Register(api.New(router), etlapi.Services{Uploads: b})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		router.ServeHTTP(w, r.WithContext(identity.With(r.Context(), identity.Principal{Subject: "somebody", Role: role})))
	})
}

func sign(t *testing.T, h http.Handler, in map[string]any) (etlapi.UploadWay, int) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/uploads:sign", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var way etlapi.UploadWay
	if err := json.Unmarshal(w.Body.Bytes(), &way); err != nil {
		t.Fatalf("%v: %s", err, w.Body)
	}
	return way, w.Code
}

// A client makes the one request it is told to, on either platform, and the file is there.
func TestUploadWay(t *testing.T) {
	for name, c := range map[string]struct {
		bucket func(*testing.T) *objects.Bucket
		signed bool
	}{"embedded": {embeddedUploads, false}, "cloud": {cloudUploads, true}} {
		t.Run(name, func(t *testing.T) {
			b := c.bucket(t)
			h := uploading(b, identity.Manager)
			const key, content = "sales ü/2026 #1.csv", "a,b\n1,2\n"
			put := func(way etlapi.UploadWay, content string, change func(http.Header)) int {
				t.Helper()
				r, err := http.NewRequestWithContext(t.Context(), way.Method, way.URL, strings.NewReader(content))
				if err != nil {
					t.Fatal(err)
				}
				for k, v := range way.Headers {
					r.Header.Set(k, v)
				}
				change(r.Header)
				if !way.Signed {
					w := httptest.NewRecorder()
					r.RequestURI = way.URL
					h.ServeHTTP(w, r)
					return w.Code
				}
				resp, err := http.DefaultClient.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				return resp.StatusCode
			}
			as := func(http.Header) {}
			way, code := sign(t, h, map[string]any{"key": key, "size": len(content), "content_type": "text/csv"})
			if code != http.StatusOK || way.Signed != c.signed || way.Key != key || way.Signed == way.Expires.IsZero() || way.Headers["Content-Type"] != "text/csv" {
				t.Fatalf("%d %+v", code, way)
			}
			if way.Signed {
				if left := time.Until(way.Expires); left <= 0 || left > time.Hour {
					t.Errorf("it ends in %s", left)
				}
				for what, code := range map[string]int{
					"more than was said":   put(way, content+"x", as),
					"another content type": put(way, content, func(h http.Header) { h.Set("Content-Type", "text/html") }),
					"not all headers":      put(way, content, func(h http.Header) { h.Del("X-Limit") }),
				} {
					if code < 400 {
						t.Errorf("%s: %d", what, code)
					}
				}
				if list, err := b.List(t.Context(), ""); err != nil || len(list) != 0 {
					t.Errorf("%v, %v", list, err)
				}
			}
			if code := put(way, content, as); code != http.StatusOK && code != http.StatusCreated {
				t.Fatalf("the upload ends with %d", code)
			}
			if got, err := b.Read(t.Context(), key); err != nil || string(got) != content {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

func TestUploadRefused(t *testing.T) {
	for platform, b := range map[string]*objects.Bucket{"embedded": embeddedUploads(t), "cloud": cloudUploads(t)} {
		h := uploading(b, identity.Manager)
		for _, key := range []string{"", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", `a\b`, "a\nb", "a\x00b", "a\u0085b", strings.Repeat("x", 256), strings.Repeat("x/", 600) + "y"} {
			if _, code := sign(t, h, map[string]any{"key": key, "size": 1}); code != http.StatusBadRequest {
				t.Errorf("%s signs %q: %d", platform, key, code)
			}
		}
		for what, in := range map[string]map[string]any{
			"no size": {"key": "a"}, "nothing": {"key": "a", "size": 0}, "less": {"key": "a", "size": -1}, "too large": {"key": "a", "size": int64(5<<40 + 1)},
			"a header in a content type": {"key": "a", "size": 1, "content_type": "a/b\r\nx: y"}, "no content type": {"key": "a", "size": 1, "content_type": "csv"},
		} {
			if _, code := sign(t, h, in); code != http.StatusBadRequest {
				t.Errorf("%s signs %s: %d", platform, what, code)
			}
		}
		for _, role := range []identity.Role{identity.Analyst, identity.Viewer} {
			if _, code := sign(t, uploading(b, role), map[string]any{"key": "a", "size": 1}); code != http.StatusForbidden {
				t.Errorf("%s signs for a %s: %d", platform, role, code)
			}
		}
		for _, path := range []string{"/v1/uploads/a%2F..%2Fb", "/v1/uploads/%2Fa", "/v1/uploads/a%5Cb"} { // the other way in keeps the same rules
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPut, path, strings.NewReader("x"))
			w := httptest.NewRecorder()
			if h.ServeHTTP(w, r); w.Code != http.StatusBadRequest {
				t.Errorf("%s takes %s: %d", platform, path, w.Code)
			}
		}
		if list, err := b.List(t.Context(), ""); err != nil || len(list) != 0 {
			t.Errorf("%s holds %v, %v", platform, list, err)
		}
	}
}
