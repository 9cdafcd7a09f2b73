package folder

import (
	"context"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/b2brecs/b2brecs/shared/objects"
)

const (
	defaultSettle = time.Second
	// rescanEvery finds files on file systems that give no notice (network and
	// container mounts) and after notices were lost.
	rescanEvery = time.Minute
)

// partial marks the names that browsers, editors and copy tools give unfinished files.
var partial = []string{".part", ".partial", ".crdownload", ".download", ".tmp", ".swp", "~"}

// WatchFolder publishes the events of files that people put into the folder: those
// that lie there now and have had none, and every one that comes, once it has kept
// its size and time for Settle. It returns when the watch stands; ctx or Close ends
// it. Hidden and unfinished files, and names that are no keys, are left alone.
func (d *Driver) WatchFolder(ctx context.Context) error {
	err := d.seen.open(func(key, gen string) bool {
		fi, err := d.stat(key)
		return err == nil && generation(fi) == gen
	})
	if err != nil {
		return objects.Problem(err, seenFile)
	}
	notify, err := fsnotify.NewWatcher()
	if err != nil { // e.g. no inotify instances left: the rescan still finds files
		slog.WarnContext(ctx, "the folder is looked through every minute, for it cannot be watched", "bucket", d.name, "error", err)
	}
	w := &watcher{d: d, notify: notify, pending: map[string]sight{}, refused: map[string]bool{}, settle: d.Settle}
	if w.settle <= 0 {
		w.settle = defaultSettle
	}
	w.scan("")
	go w.run(ctx)
	return nil
}

// watcher is used by one goroutine.
type watcher struct {
	d       *Driver
	notify  *fsnotify.Watcher // nil where there is none
	settle  time.Duration
	pending map[string]sight // by key
	refused map[string]bool  // names already warned about
}

// sight is how a file looked, and since when.
type sight struct {
	gen   string
	since time.Time
}

func (w *watcher) run(ctx context.Context) {
	var found chan fsnotify.Event // nil channels are never ready
	var failed chan error
	if w.notify != nil {
		defer w.notify.Close()
		found, failed = w.notify.Events, w.notify.Errors
	}
	rescan := time.NewTicker(rescanEvery)
	defer rescan.Stop()
	for {
		var check <-chan time.Time
		if len(w.pending) > 0 {
			check = time.After(w.settle / 2)
		}
		select {
		case <-ctx.Done():
			return
		case <-w.d.life.Done():
			return
		case e := <-found:
			w.notice(e.Name)
		case <-failed: // notices were lost
			w.scan("")
		case <-rescan.C:
			w.scan("")
		case <-check:
		}
		w.publishSettled(ctx)
	}
}

// notice looks at a path that changed.
func (w *watcher) notice(name string) {
	rel, err := filepath.Rel(w.d.dir, name)
	if err != nil {
		return
	}
	key := filepath.ToSlash(rel)
	fi, err := w.d.root.Stat(rel)
	switch {
	case err != nil: // gone again
		delete(w.pending, key)
	case fi.IsDir():
		w.scan(key)
	default:
		w.look(key)
	}
}

// scan looks at every file below dir and watches the folders.
func (w *watcher) scan(dir string) {
	start := dir
	if start == "" || start == "." {
		start = "."
	}
	_ = fs.WalkDir(w.d.root.FS(), start, func(key string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil // removed meanwhile, or not ours to read
		}
		if !e.IsDir() {
			w.look(key)
			return nil
		}
		if key != "." && strings.HasPrefix(e.Name(), ".") {
			return fs.SkipDir
		}
		if w.notify != nil {
			if err := w.notify.Add(filepath.Join(w.d.dir, filepath.FromSlash(key))); err != nil {
				w.warn(key, err)
			}
		}
		return nil
	})
}

// look remembers a file that has had no event yet.
func (w *watcher) look(key string) {
	for _, part := range strings.Split(key, "/") {
		if strings.HasPrefix(part, ".") {
			return
		}
	}
	for _, suffix := range partial {
		if strings.HasSuffix(strings.ToLower(key), suffix) {
			return
		}
	}
	if err := validKey(key); err != nil {
		w.warn(key, err)
		return
	}
	fi, err := w.d.stat(key)
	if err != nil {
		delete(w.pending, key)
		return
	}
	gen := generation(fi)
	if w.d.seen.has(key, gen) {
		delete(w.pending, key)
		return
	}
	if old, ok := w.pending[key]; !ok || old.gen != gen {
		w.pending[key] = sight{gen, time.Now()}
	}
}

func (w *watcher) publishSettled(ctx context.Context) {
	for key, s := range w.pending {
		if time.Since(s.since) < w.settle {
			continue
		}
		w.look(key) // it may have grown, gone, or been written by the product itself
		if now, ok := w.pending[key]; !ok || now.gen != s.gen {
			continue
		}
		fi, err := w.d.stat(key)
		if err != nil || generation(fi) != s.gen {
			continue // the next look tells
		}
		if err := w.d.publish(ctx, key, fi); err != nil {
			slog.WarnContext(ctx, "the event of a new file could not be published; it is tried again", "bucket", w.d.name, "key", key, "error", err)
			w.pending[key] = sight{s.gen, time.Now()}
			continue
		}
		delete(w.pending, key)
	}
}

func (w *watcher) warn(key string, err error) {
	if !w.refused[key] {
		w.refused[key] = true
		slog.Warn("a file in the folder is left alone", "bucket", w.d.name, "name", key, "error", err)
	}
}
