package folder

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/events/sqlite"
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

func newDriver(t *testing.T, dir string, bus *events.Bus) *Driver {
	t.Helper()
	d, err := Open("uploads", dir, bus)
	if err != nil {
		t.Fatal(err)
	}
	d.Settle = 40 * time.Millisecond
	return d
}

func TestConformance(t *testing.T) {
	objectstest.Run(t, func(t *testing.T) (*objects.Bucket, *events.Bus) {
		bus := newBus(t)
		return objects.NewBucket("uploads", newDriver(t, t.TempDir(), bus)), bus
	})
}

// heard counts deliveries of finalize events by key.
type heard struct {
	mu sync.Mutex
	n  map[string]int
}

func hear(t *testing.T, bus *events.Bus) *heard {
	t.Helper()
	h := &heard{n: map[string]int{}}
	topic := objects.TopicFinalized("uploads")
	err := bus.Subscribe(events.Subscription{Name: "hear", Topic: topic.Name, Handler: func(_ context.Context, m events.Message) error {
		v, err := events.Decode(topic, m)
		h.mu.Lock()
		defer h.mu.Unlock()
		h.n[v.Key]++
		return err
	}})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *heard) count(key string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.n[key]
}

func (h *heard) wait(t *testing.T, key string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); h.count(key) == 0; time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no event of %q", key)
		}
	}
}

func put(t *testing.T, dir, key, content string) {
	t.Helper()
	name := filepath.Join(dir, key)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestKeysThatLeaveTheFolder(t *testing.T) {
	outside := t.TempDir()
	put(t, outside, "secret", "outside")
	dir := filepath.Join(outside, "bucket")
	d := newDriver(t, dir, newBus(t))
	if err := os.Symlink(filepath.Join(outside, "secret"), filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "linkdir")); err != nil {
		t.Fatal(err)
	}
	b := objects.NewBucket("uploads", d)
	for _, key := range []string{"../secret", "a/../../secret", "/secret", "..", ".", "a//b", "a/", "./a", `..\secret`, "a\x00b", "a\nb", "\xff", ".b2brecs/tmp/x", ".B2BRECS/x", strings.Repeat("x", 256), strings.Repeat("x/", 600) + "x"} {
		if err := b.Write(t.Context(), key, []byte("x")); !problem.Is(err, problem.InvalidArgument) {
			t.Errorf("write %q: %v", key, err)
		}
		if _, err := b.Read(t.Context(), key); !problem.Is(err, problem.InvalidArgument) {
			t.Errorf("read %q: %v", key, err)
		}
		if got := b.URI(key); got != "" {
			t.Errorf("address of %q: %s", key, got)
		}
	}
	for _, key := range []string{"link", "linkdir/secret"} {
		if got, err := b.Read(t.Context(), key); err == nil {
			t.Errorf("%q leads outside: %q", key, got)
		}
	}
	if err := b.Write(t.Context(), "linkdir/planted", []byte("x")); err == nil {
		t.Error("a write followed a link out of the folder")
	}
	if entries, _ := os.ReadDir(outside); len(entries) != 2 {
		t.Errorf("outside the folder: %v", entries)
	}
}

func TestFileAndFolderOfOneName(t *testing.T) {
	b := objects.NewBucket("uploads", newDriver(t, t.TempDir(), newBus(t)))
	if err := b.Write(t.Context(), "a/b", nil); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"a", "a/b/c"} {
		if err := b.Write(t.Context(), key, nil); !problem.Is(err, problem.FailedPrecondition) {
			t.Errorf("write %q: %v", key, err)
		}
	}
}

func TestMetadataIsRefused(t *testing.T) {
	b := newDriver(t, t.TempDir(), newBus(t)).Blob()
	err := b.WriteAll(t.Context(), "x", nil, &blob.WriterOptions{Metadata: map[string]string{"a": "b"}})
	if gcerrors.Code(err) != gcerrors.Unimplemented {
		t.Fatal(err)
	}
}

// TestInterrupted puts the folder into every state a killed process can leave.
func TestInterrupted(t *testing.T) {
	for name, tc := range map[string]struct {
		placed, noted, torn bool
		events              int
	}{
		"while writing":             {},
		"with a torn intent":        {noted: true, torn: true},
		"between intent and rename": {noted: true},
		"between rename and event":  {noted: true, placed: true, events: 1},
		"after everything":          {placed: true},
	} {
		t.Run(name, func(t *testing.T) {
			bus, dir := newBus(t), t.TempDir()
			newDriver(t, dir, bus)
			h := hear(t, bus)
			where := tempDir + "/id"
			if tc.placed {
				where = "key"
			}
			put(t, dir, where, "content")
			fi, err := os.Stat(filepath.Join(dir, where))
			if err != nil {
				t.Fatal(err)
			}
			if tc.noted {
				note, _ := json.Marshal(intent{"key", generation(fi)})
				if tc.torn {
					note = note[:len(note)/2]
				}
				put(t, dir, intentDir+"/id", string(note))
			}
			d := newDriver(t, dir, bus)
			if err := d.Recover(t.Context()); err != nil { // nothing is owed any more
				t.Fatal(err)
			}
			if err := objects.NewBucket("uploads", d).Write(t.Context(), "end", nil); err != nil {
				t.Fatal(err)
			}
			h.wait(t, "end")
			if got := h.count("key"); got != tc.events {
				t.Errorf("%d events, want %d", got, tc.events)
			}
			for _, sub := range []string{tempDir, intentDir} {
				if left, _ := os.ReadDir(filepath.Join(dir, sub)); len(left) != 0 {
					t.Errorf("%s holds %v", sub, left)
				}
			}
		})
	}
}

// TestBusAway: an object whose event the bus refused is announced by Recover.
func TestBusAway(t *testing.T) {
	dir := t.TempDir()
	gone := newBus(t)
	d := newDriver(t, dir, gone)
	if err := gone.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := objects.NewBucket("uploads", d).Write(t.Context(), "key", []byte("x")); err == nil {
		t.Fatal("a write without its event reports success")
	}
	bus := newBus(t)
	h := hear(t, bus)
	newDriver(t, dir, bus)
	h.wait(t, "key")
}

func TestWatchFolder(t *testing.T) {
	bus, dir := newBus(t), t.TempDir()
	put(t, dir, "before/a.csv", "lies there already")
	d := newDriver(t, dir, bus)
	h := hear(t, bus)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if err := d.WatchFolder(ctx); err != nil {
		t.Fatal(err)
	}
	put(t, dir, "now.csv", "copied in")
	put(t, dir, "new/deep/b.csv", "into new folders")
	put(t, dir, ".hidden/x", "x")
	put(t, dir, "c.csv.part", "x")
	put(t, dir, `back\slash`, "x")
	if err := objects.NewBucket("uploads", d).Write(t.Context(), "own.csv", []byte("x")); err != nil {
		t.Fatal(err)
	}
	moved := filepath.Join(t.TempDir(), "old.csv")
	put(t, filepath.Dir(moved), "old.csv", "moved in, with an old time")
	old := time.Now().Add(-1000 * time.Hour)
	if err := os.Chtimes(moved, old, old); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(moved, filepath.Join(dir, "old.csv")); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"before/a.csv", "now.csv", "new/deep/b.csv", "own.csv", "old.csv"} {
		h.wait(t, key)
	}
	time.Sleep(3 * d.Settle)
	for _, key := range []string{".hidden/x", "c.csv.part", `back\slash`} {
		if h.count(key) != 0 {
			t.Errorf("%q has an event", key)
		}
	}
	if n := h.count("own.csv"); n != 1 {
		t.Errorf("the product's own write was announced %d times", n)
	}
}

// TestGrowingFile: a slow copy is announced once, when it is whole.
func TestGrowingFile(t *testing.T) {
	bus, dir := newBus(t), t.TempDir()
	d := newDriver(t, dir, bus)
	d.Settle = 200 * time.Millisecond
	topic := objects.TopicFinalized("uploads")
	sizes := make(chan int64, 10)
	err := bus.Subscribe(events.Subscription{Name: "sizes", Topic: topic.Name, Handler: func(_ context.Context, m events.Message) error {
		v, err := events.Decode(topic, m)
		sizes <- v.Size
		return err
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.WatchFolder(t.Context()); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(dir, "slow.csv"))
	if err != nil {
		t.Fatal(err)
	}
	for range 12 {
		if _, err := io.WriteString(f, "0123456789"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Millisecond)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case n := <-sizes:
		if n != 120 {
			t.Errorf("announced at %d of 120 bytes", n)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("no event")
	}
}

// TestNextStart: what was announced stays so, even when the bus has forgotten it;
// what came or changed while nobody watched is announced.
func TestNextStart(t *testing.T) {
	dir := t.TempDir()
	first := newBus(t)
	d := newDriver(t, dir, first)
	h := hear(t, first)
	if err := d.WatchFolder(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"kept", "changed"} {
		put(t, dir, key, "1")
		h.wait(t, key)
	}
	if err := objects.NewBucket("uploads", d).Write(t.Context(), "own", nil); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	put(t, dir, "changed", "22")
	put(t, dir, "came", "1")

	second := newBus(t) // an empty one stands for one past its retention
	d = newDriver(t, dir, second)
	h = hear(t, second)
	if err := objects.NewBucket("uploads", d).Write(t.Context(), "own2", nil); err != nil {
		t.Fatal(err)
	}
	if err := d.WatchFolder(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.wait(t, "changed")
	h.wait(t, "came")
	time.Sleep(3 * d.Settle)
	if h.count("kept") != 0 || h.count("own") != 0 || h.count("own2") != 1 {
		t.Errorf("kept %d, own %d, own2 %d", h.count("kept"), h.count("own"), h.count("own2"))
	}
}

func BenchmarkWrite(b *testing.B) {
	drv, err := sqlite.Open(filepath.Join(b.TempDir(), "events.db"))
	if err != nil {
		b.Fatal(err)
	}
	d, err := Open("staging", b.TempDir(), events.New(drv))
	if err != nil {
		b.Fatal(err)
	}
	bucket := objects.NewBucket("staging", d)
	n := 0
	for b.Loop() {
		n++
		if err := bucket.Write(b.Context(), fmt.Sprintf("run/%d", n), []byte("content")); err != nil {
			b.Fatal(err)
		}
	}
}
