package objectstest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
)

// patience is how long a check waits for an event that must come.
const patience = 30 * time.Second

// Run checks a driver. open gives an empty bucket and the bus of its events.
func Run(t *testing.T, open func(t *testing.T) (*objects.Bucket, *events.Bus)) {
	for _, c := range []struct {
		name string
		fn   func(*testing.T, *objects.Bucket, *finalized)
	}{
		{"RoundTrip", roundTrip},
		{"Absent", absent},
		{"Ranges", ranges},
		{"ListOrder", listOrder},
		{"ListPages", listPages},
		{"Delimiter", delimiter},
		{"DeletePrefix", deletePrefix},
		{"WholeOrNothing", wholeOrNothing},
		{"GivenUp", givenUp},
		{"IfNotExist", ifNotExist},
		{"EventPerWrite", eventPerWrite},
		{"EventAfterObject", eventAfterObject},
		{"CopyIsAWrite", copyIsAWrite},
		{"Concurrent", concurrent},
		{"SignedUpload", signedUpload},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, bus := open(t)
			c.fn(t, b, listen(t, b, bus))
		})
	}
}

// finalized collects the events of a bucket by key and generation.
type finalized struct {
	mu     sync.Mutex
	seen   map[string]objects.Finalized
	during func(objects.Finalized)
}

func listen(t *testing.T, b *objects.Bucket, bus *events.Bus) *finalized {
	t.Helper()
	f := &finalized{seen: map[string]objects.Finalized{}}
	topic := objects.TopicFinalized(b.Name)
	err := bus.Subscribe(events.Subscription{Name: "objectstest-" + state.NewID(), Topic: topic.Name, Handler: func(_ context.Context, m events.Message) error {
		v, err := events.Decode(topic, m)
		if err != nil {
			t.Errorf("event: %v", err)
			return err
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		f.seen[v.Key+"@"+v.Generation] = v
		if f.during != nil {
			f.during(v)
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *finalized) of(key string) (out []objects.Finalized) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, v := range f.seen {
		if v.Key == key {
			out = append(out, v)
		}
	}
	return out
}

func (f *finalized) wait(t *testing.T, key string, n int) []objects.Finalized {
	t.Helper()
	deadline := time.Now().Add(patience)
	for len(f.of(key)) < n {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d events of %q came", len(f.of(key)), n, key)
		}
		time.Sleep(time.Millisecond)
	}
	return f.of(key)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func keys(t *testing.T, b *objects.Bucket, prefix string) []string {
	t.Helper()
	list, err := b.List(t.Context(), prefix)
	must(t, err)
	out := []string{}
	for _, o := range list {
		out = append(out, o.Key)
	}
	return out
}

func roundTrip(t *testing.T, b *objects.Bucket, f *finalized) {
	ctx := t.Context()
	for _, key := range []string{"a.csv", "runs/r1/part-0.parquet", "with space/Ł ü 日本.csv", "x=1/y=%2F?&#.bin", ".hidden", strings.Repeat("k", 200) + "/" + strings.Repeat("v", 200)} {
		data := []byte("content of " + key + "\x00\r\n\xff")
		must(t, b.Write(ctx, key, data))
		got, err := b.Read(ctx, key)
		must(t, err)
		if !bytes.Equal(got, data) {
			t.Fatalf("%q: read %q", key, got)
		}
		a, err := b.Attributes(ctx, key)
		must(t, err)
		if a.Size != int64(len(data)) || a.ContentType == "" || time.Since(a.ModTime).Abs() > time.Hour {
			t.Errorf("%q: attributes %+v", key, a)
		}
		if b.URI(key) == "" {
			t.Errorf("%q has no address", key)
		}
		must(t, b.Delete(ctx, key))
		if _, err := b.Read(ctx, key); !problem.Is(err, problem.NotFound) {
			t.Errorf("%q after its deletion: %v", key, err)
		}
	}
	must(t, b.Write(ctx, "empty", nil))
	if got, err := b.Read(ctx, "empty"); err != nil || len(got) != 0 {
		t.Errorf("empty object: %q, %v", got, err)
	}
	f.wait(t, "empty", 1)
}

func absent(t *testing.T, b *objects.Bucket, _ *finalized) {
	ctx := t.Context()
	must(t, b.Write(ctx, "dir/file", []byte("x")))
	for _, key := range []string{"nothing", "dir", "dir/file/below", "dir/other"} {
		if _, err := b.Read(ctx, key); !problem.Is(err, problem.NotFound) {
			t.Errorf("read %q: %v", key, err)
		}
		if _, err := b.Generation(ctx, key); !problem.Is(err, problem.NotFound) {
			t.Errorf("generation of %q: %v", key, err)
		}
		if err := b.Delete(ctx, key); gcerrors.Code(err) != gcerrors.NotFound {
			t.Errorf("delete %q: %v", key, err)
		}
		if ok, err := b.Exists(ctx, key); ok || err != nil {
			t.Errorf("exists %q: %v %v", key, ok, err)
		}
	}
	if got := keys(t, b, "none/"); len(got) != 0 {
		t.Errorf("listed %v", got)
	}
}

func ranges(t *testing.T, b *objects.Bucket, _ *finalized) {
	must(t, b.Write(t.Context(), "r", []byte("0123456789")))
	for _, tc := range []struct {
		offset, length int64
		want           string
	}{{0, -1, "0123456789"}, {3, 4, "3456"}, {8, 10, "89"}, {10, -1, ""}, {4, 0, ""}} {
		r, err := b.NewRangeReader(t.Context(), "r", tc.offset, tc.length, nil)
		must(t, err)
		got, err := io.ReadAll(r)
		must(t, err)
		must(t, r.Close())
		if string(got) != tc.want || r.Size() != 10 {
			t.Errorf("%d+%d: %q of %d", tc.offset, tc.length, got, r.Size())
		}
	}
}

// wholeOrNothing: until Close the old object stays, and a reader keeps what it opened.
func wholeOrNothing(t *testing.T, b *objects.Bucket, _ *finalized) {
	ctx := t.Context()
	must(t, b.Write(ctx, "w", []byte("old")))
	r, err := b.NewReader(ctx, "w", nil)
	must(t, err)
	w, err := b.NewWriter(ctx, "w", nil)
	must(t, err)
	for range 1000 {
		_, err = w.Write(bytes.Repeat([]byte("new "), 100))
		must(t, err)
	}
	if got, err := b.Read(ctx, "w"); err != nil || string(got) != "old" {
		t.Fatalf("before Close: %q, %v", got, err)
	}
	if d := cmp.Diff([]string{"w"}, keys(t, b, "")); d != "" {
		t.Errorf("an unfinished write is listed: %s", d)
	}
	must(t, w.Close())
	if got, err := b.Read(ctx, "w"); err != nil || len(got) != 400_000 {
		t.Fatalf("after Close: %d bytes, %v", len(got), err)
	}
	got, err := io.ReadAll(r)
	must(t, err)
	must(t, r.Close())
	if string(got) != "old" {
		t.Fatalf("the open reader got %d bytes", len(got))
	}
}

// givenUp: a write whose context ends before Close leaves no object and no event.
func givenUp(t *testing.T, b *objects.Bucket, f *finalized) {
	ctx, cancel := context.WithCancel(t.Context())
	w, err := b.NewWriter(ctx, "given-up", nil)
	must(t, err)
	_, err = w.Write([]byte("half"))
	must(t, err)
	cancel()
	if err := w.Close(); err == nil {
		t.Fatal("Close of a cancelled write reports success")
	}
	if _, err := b.Read(t.Context(), "given-up"); !problem.Is(err, problem.NotFound) {
		t.Fatalf("read: %v", err)
	}
	must(t, b.Write(t.Context(), "after", nil))
	f.wait(t, "after", 1)
	if got := f.of("given-up"); len(got) != 0 {
		t.Fatalf("event %+v", got)
	}
}

func ifNotExist(t *testing.T, b *objects.Bucket, f *finalized) {
	ctx := t.Context()
	only := &blob.WriterOptions{IfNotExist: true}
	must(t, b.WriteAll(ctx, "one", []byte("first"), only))
	if err := b.WriteAll(ctx, "one", []byte("second"), only); gcerrors.Code(err) != gcerrors.FailedPrecondition {
		t.Fatalf("second conditional write: %v", err)
	}
	if got, err := b.Read(ctx, "one"); err != nil || string(got) != "first" {
		t.Fatalf("%q, %v", got, err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for i := range 8 {
		wg.Go(func() {
			if b.WriteAll(ctx, "race", []byte{byte(i)}, only) == nil {
				mu.Lock()
				won++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if won != 1 {
		t.Fatalf("%d conditional writes of one key succeeded", won)
	}
	f.wait(t, "race", 1)
	if got := f.of("one"); len(got) > 1 {
		t.Fatalf("a refused write has an event: %+v", got)
	}
}

// eventPerWrite: every generation has its event, however fast they follow.
func eventPerWrite(t *testing.T, b *objects.Bucket, f *finalized) {
	ctx := t.Context()
	gens := map[string]bool{}
	const writes = 20
	for i := range writes {
		must(t, b.Write(ctx, "k/1", fmt.Appendf(nil, "%02d", i))) // all of one size
		g, err := b.Generation(ctx, "k/1")
		must(t, err)
		gens[g] = true
	}
	if len(gens) != writes {
		t.Fatalf("%d writes gave %d generations", writes, len(gens))
	}
	for _, v := range f.wait(t, "k/1", writes) {
		if !gens[v.Generation] || v.Bucket != b.Name || v.Size != 2 || time.Since(v.Time).Abs() > time.Hour {
			t.Errorf("%+v", v)
		}
	}
}

// eventAfterObject: a consumer finds the object its event is about, or a newer one.
func eventAfterObject(t *testing.T, b *objects.Bucket, f *finalized) {
	f.mu.Lock()
	f.during = func(v objects.Finalized) {
		if _, err := b.Read(t.Context(), v.Key); err != nil {
			t.Errorf("event of %q before its object: %v", v.Key, err)
		}
	}
	f.mu.Unlock()
	for i := range 50 {
		must(t, b.Write(t.Context(), fmt.Sprint("o/", i), []byte("x")))
	}
	for i := range 50 {
		f.wait(t, fmt.Sprint("o/", i), 1)
	}
}

func copyIsAWrite(t *testing.T, b *objects.Bucket, f *finalized) {
	must(t, b.Write(t.Context(), "from", []byte("content")))
	must(t, b.Copy(t.Context(), "to/here", "from", nil))
	if got, err := b.Read(t.Context(), "to/here"); err != nil || string(got) != "content" {
		t.Fatalf("%q, %v", got, err)
	}
	if v := f.wait(t, "to/here", 1); v[0].Size != 7 {
		t.Errorf("%+v", v)
	}
	if err := b.Copy(t.Context(), "x", "nothing", nil); gcerrors.Code(err) != gcerrors.NotFound {
		t.Errorf("copy of nothing: %v", err)
	}
}

// concurrent writers of one key and of one prefix that is deleted meanwhile: each
// object is one of those written, whole.
func concurrent(t *testing.T, b *objects.Bucket, _ *finalized) {
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			for k := range 15 {
				if err := b.Write(t.Context(), "same", bytes.Repeat([]byte{byte('a' + i)}, 10_000)); err != nil {
					t.Error(err)
				}
				key := fmt.Sprintf("d/e/%d-%d", i, k)
				if err := b.Write(t.Context(), key, []byte("x")); err != nil {
					t.Error(err)
				}
				if err := b.Delete(t.Context(), key); err != nil {
					t.Error(err)
				}
				got, err := b.Read(t.Context(), "same")
				if err != nil || len(got) != 10_000 || !bytes.Equal(got, bytes.Repeat(got[:1], 10_000)) {
					t.Errorf("a torn object of %d bytes, %v", len(got), err)
				}
			}
		})
	}
	wg.Wait()
}
