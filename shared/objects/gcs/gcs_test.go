package gcs

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/events/cloudevent"
	"github.com/b2brecs/b2brecs/shared/events/sqlite"
	fake "github.com/b2brecs/b2brecs/shared/internal/gcpfake/storage"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/objects/objectstest"
	"github.com/b2brecs/b2brecs/shared/problem"
)

func newBus(t *testing.T) *events.Bus {
	t.Helper()
	drv, err := sqlite.Open(filepath.Join(t.TempDir(), "events.db"))
	if err != nil {
		t.Fatal(err)
	}
	bus := events.New(drv)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 5*time.Second)
		defer cancel()
		if err := bus.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return bus
}

// announce carries notifications to a bus by both ways the platform delivers them:
// Eventarc's event and Pub/Sub's push, which MUST become the same message.
func announce(t *testing.T, bus *events.Bus) func(context.Context, fake.Notification) {
	d := cloudevent.Decoder{Buckets: map[string]string{"acme-uploads": objects.Uploads}}
	return func(ctx context.Context, n fake.Notification) {
		direct, err := d.FromEvent(n.Event())
		if err != nil {
			t.Error(err)
			return
		}
		body, err := json.Marshal(map[string]any{"subscription": "projects/p/subscriptions/uploads", "message": map[string]any{
			"attributes": n.Attributes, "data": n.Data, "messageId": n.ID, "publishTime": n.Time}})
		if err != nil {
			t.Error(err)
			return
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://function/", bytes.NewReader(body))
		if err != nil {
			t.Error(err)
			return
		}
		pushed, err := d.FromRequest(r)
		if err != nil || pushed.ID != direct.ID || !bytes.Equal(pushed.Data, direct.Data) {
			t.Errorf("%v: %+v and %+v", err, direct, pushed)
		}
		if err := bus.PublishMessages(ctx, direct); err != nil {
			t.Error(err)
		}
	}
}

func start(t *testing.T, o fake.Options) *fake.Server {
	t.Helper()
	o.Buckets = []string{"acme-uploads"}
	s, err := fake.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func newBucket(t *testing.T, o Options) *objects.Bucket {
	t.Helper()
	d, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	b := objects.NewBucket(objects.Uploads, d)
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func TestConformance(t *testing.T) {
	signer := newSigner(t)
	objectstest.Run(t, func(t *testing.T) (*objects.Bucket, *events.Bus) {
		bus := newBus(t)
		s := start(t, fake.Options{Notify: announce(t, bus), Signers: signer.public})
		return newBucket(t, Options{Bucket: "acme-uploads", Signer: signer.Signer, Client: s.Options()}), bus
	})
}

// TestInParts writes an object in several requests.
func TestInParts(t *testing.T) {
	var n atomic.Int64
	s := start(t, fake.Options{Notify: func(_ context.Context, f fake.Notification) {
		if n.Add(1); !strings.Contains(string(f.Data), `"1048577"`) {
			t.Errorf("%s", f.Data)
		}
	}})
	b := newBucket(t, Options{Bucket: "acme-uploads", Client: s.Options()})
	data := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	data = append(data, 'x')
	if err := b.WriteAll(t.Context(), "big", data, &blob.WriterOptions{BufferSize: 256 << 10}); err != nil {
		t.Fatal(err)
	}
	if got, err := b.Read(t.Context(), "big"); err != nil || !bytes.Equal(got, data) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	if n.Load() != 1 {
		t.Errorf("%d announcements of one object", n.Load())
	}
}

// TestStoredAsIs: an object that says it is gzip is read as it is stored.
func TestStoredAsIs(t *testing.T) {
	b := newBucket(t, Options{Bucket: "acme-uploads", Client: start(t, fake.Options{}).Options()})
	data := []byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\x01\x00\x00\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00")
	if err := b.WriteAll(t.Context(), "x.gz", data, &blob.WriterOptions{ContentEncoding: "gzip"}); err != nil {
		t.Fatal(err)
	}
	if got, err := b.Read(t.Context(), "x.gz"); err != nil || !bytes.Equal(got, data) {
		t.Fatalf("%q, %v", got, err)
	}
}

// TestBrokenDownloads: a reader whose connection breaks goes on in the generation it
// began with, or fails.
func TestBrokenDownloads(t *testing.T) {
	var cut atomic.Int64
	s := start(t, fake.Options{Fault: func(r *http.Request) fake.Fault {
		if r.Method == http.MethodGet {
			return fake.Fault{Cut: int(cut.Swap(0))}
		}
		return fake.Fault{}
	}})
	b := newBucket(t, Options{Bucket: "acme-uploads", Client: s.Options()})
	first, second := bytes.Repeat([]byte("1"), 300_000), bytes.Repeat([]byte("2"), 300_000)
	for _, overwritten := range []bool{false, true} {
		if err := b.Write(t.Context(), "k", first); err != nil {
			t.Fatal(err)
		}
		cut.Store(100_000)
		r, err := b.NewReader(t.Context(), "k", nil)
		if err != nil {
			t.Fatal(err)
		}
		if overwritten {
			if err := b.Write(t.Context(), "k", second); err != nil {
				t.Fatal(err)
			}
		}
		got, err := io.ReadAll(r)
		if bytes.Contains(got, []byte("2")) || overwritten == (err == nil) || !overwritten && !bytes.Equal(got, first) {
			t.Errorf("overwritten %t: %d bytes, %v", overwritten, len(got), err)
		}
		if e := r.Close(); e != nil && err == nil {
			t.Error(e)
		}
	}
}

func TestAddress(t *testing.T) {
	b := newBucket(t, Options{Bucket: "acme-uploads"})
	if got := b.URI("in/sales 2026.csv"); got != "gs://acme-uploads/in/sales 2026.csv" {
		t.Error(got)
	}
}

func TestOptions(t *testing.T) {
	_, err := New(Options{Bucket: "a/b", Signer: Signer{Account: "a@b"}})
	if !problem.Is(err, problem.InvalidArgument) || len(problem.Of(err).Fields) != 2 {
		t.Errorf("%+v", err)
	}
	// No endpoint, no credentials: making a driver dials nothing, and so does a wrong key.
	b := newBucket(t, Options{Bucket: "acme-uploads"})
	for _, key := range []string{"", ".", "..", "a\nb", strings.Repeat("x", 1025), ".well-known/acme-challenge/x"} {
		if err := b.Write(t.Context(), key, nil); !problem.Is(err, problem.InvalidArgument) {
			t.Errorf("write %q: %v", key, err)
		}
		if _, err := b.Generation(t.Context(), key); !problem.Is(err, problem.InvalidArgument) {
			t.Errorf("generation of %q: %v", key, err)
		}
	}
}

func TestProblems(t *testing.T) {
	var code atomic.Int64
	s := start(t, fake.Options{Fault: func(*http.Request) fake.Fault { return fake.Fault{Before: int(code.Load())} }})
	b := newBucket(t, Options{Bucket: "acme-uploads", Client: s.Options()})
	for status, want := range map[int]problem.Code{
		http.StatusBadRequest: problem.InvalidArgument, http.StatusUnauthorized: problem.PermissionDenied,
		http.StatusForbidden: problem.PermissionDenied, http.StatusPreconditionFailed: problem.FailedPrecondition,
		http.StatusTooManyRequests: problem.ResourceExhausted, http.StatusServiceUnavailable: problem.Unavailable,
	} {
		code.Store(int64(status))
		// What may pass is repeated until the caller's time is up.
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		_, read := b.Read(ctx, "k")
		_, list := b.List(ctx, "")
		_, gen := b.Generation(ctx, "k")
		there, exists := b.Exists(ctx, "k")
		for what, err := range map[string]error{"write": b.Write(ctx, "k", nil), "read": read, "list": list, "generation": gen} {
			if got := problem.CodeOf(err); got != want && ctx.Err() == nil {
				t.Errorf("%d: %s is %s, want %s: %v", status, what, got, want, err)
			} else if ctx.Err() != nil && got != want && got != problem.Unavailable {
				t.Errorf("%d: %s is %s after the time is up: %v", status, what, got, err)
			}
		}
		if there || exists == nil {
			t.Errorf("%d: whether it exists is not known, got %v, %v", status, there, exists)
		}
		cancel()
	}
	code.Store(0)
	gone := newBucket(t, Options{Bucket: "nowhere", Client: s.Options()})
	_, list := gone.List(t.Context(), "")
	for what, err := range map[string]error{"write": gone.Write(t.Context(), "k", nil), "list": list} {
		if !problem.Is(err, problem.FailedPrecondition) {
			t.Errorf("%s in a bucket that is missing: %v", what, err)
		}
	}
	if _, err := newBucket(t, Options{Bucket: "acme-uploads", Client: s.Options()}).SignedURL(t.Context(), "k", nil); err == nil {
		t.Error("an address without a bound was signed")
	}
}

// TestLostReplies: the effect is there, the reply is not, and the call says success.
func TestLostReplies(t *testing.T) {
	var lose atomic.Bool
	var requests atomic.Int64
	s := start(t, fake.Options{Fault: func(*http.Request) fake.Fault {
		requests.Add(1)
		if lose.CompareAndSwap(true, false) {
			return fake.Fault{After: http.StatusServiceUnavailable}
		}
		return fake.Fault{}
	}})
	b := newBucket(t, Options{Bucket: "acme-uploads", Client: s.Options()})
	lost := func(what string, call func(ctx context.Context) error) {
		t.Helper()
		was := requests.Load()
		lose.Store(true)
		if err := call(t.Context()); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if lose.Load() || requests.Load() < was+2 {
			t.Errorf("%s was not repeated", what)
		}
	}
	lost("write", func(ctx context.Context) error { return b.Write(ctx, "k", []byte("content")) })
	lost("read", func(ctx context.Context) error {
		got, err := b.Read(ctx, "k")
		if string(got) != "content" {
			t.Errorf("%q", got)
		}
		return err
	})
	lost("copy", func(ctx context.Context) error { return b.Copy(ctx, "c", "k", nil) })
	lost("delete", func(ctx context.Context) error { return b.Delete(ctx, "k") })
	if err := b.Delete(t.Context(), "k"); gcerrors.Code(err) != gcerrors.NotFound {
		t.Errorf("a second deletion: %v", err)
	}
	// The one call whose lost reply shows: it finds its own object.
	lose.Store(true)
	err := b.WriteAll(t.Context(), "once", []byte("x"), &blob.WriterOptions{IfNotExist: true})
	if gcerrors.Code(err) != gcerrors.FailedPrecondition {
		t.Errorf("conditional write: %v", err)
	}
	if got, err := b.Read(t.Context(), "once"); err != nil || string(got) != "x" {
		t.Errorf("%q, %v", got, err)
	}
}
