package folder

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settleTime is how long a file must keep its size before it counts as complete:
// a copy by hand gives no other sign.
const settleTime = time.Second

// WatchFolder announces what lies in the folder now, and then every file that
// somebody copies into it, until ctx ends. An object announced twice is one event,
// its id being its generation.
func (d *Driver) WatchFolder(ctx context.Context) error {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("bucket %s: %w", d.name, err)
	}
	pending := map[string]seen{}
	if err := d.scan(w, d.root, pending); err != nil {
		return fmt.Errorf("bucket %s: %w", d.name, err)
	}
	go func() {
		defer w.Close()
		ticker := time.NewTicker(settleTime / 2)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case e, open := <-w.Events:
				if !open {
					return
				}
				if e.Has(fsnotify.Create) || e.Has(fsnotify.Write) {
					d.notice(w, e.Name, pending)
				}
			case err, open := <-w.Errors:
				if !open {
					return
				}
				// Events were lost: what is there now is looked at again.
				slog.WarnContext(ctx, "watching a folder", "bucket", d.name, "error", err.Error())
				if err := d.scan(w, d.root, pending); err != nil {
					slog.WarnContext(ctx, "scanning a folder", "bucket", d.name, "error", err.Error())
				}
			case <-ticker.C:
				d.announceSettled(ctx, pending)
			}
		}
	}()
	return nil
}

type seen struct {
	size int64
	mod  time.Time
	at   time.Time
}

// scan watches a folder and those below it, and takes note of their files.
func (d *Driver) scan(w *fsnotify.Watcher, dir string, pending map[string]seen) error {
	return filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() {
			if base := filepath.Base(name); filepath.Dir(name) == d.root && (base == tempDir || base == notesDir) {
				return fs.SkipDir
			}
			return w.Add(name)
		}
		d.note(name, pending)
		return nil
	})
}

func (d *Driver) notice(w *fsnotify.Watcher, name string, pending map[string]seen) {
	st, err := os.Stat(name)
	if err != nil {
		return // gone again
	}
	if st.IsDir() {
		if err := d.scan(w, name, pending); err != nil {
			slog.Warn("watching a folder", "bucket", d.name, "error", err.Error())
		}
		return
	}
	d.note(name, pending)
}

func (d *Driver) note(name string, pending map[string]seen) {
	st, err := os.Stat(name)
	if err != nil || !st.Mode().IsRegular() || strings.HasPrefix(filepath.Base(name), ".") {
		return
	}
	pending[name] = seen{st.Size(), st.ModTime(), time.Now()}
}

func (d *Driver) announceSettled(ctx context.Context, pending map[string]seen) {
	for name, was := range pending {
		if time.Since(was.at) < settleTime {
			continue
		}
		st, err := os.Stat(name)
		if err != nil {
			delete(pending, name)
			continue
		}
		if st.Size() != was.size || !st.ModTime().Equal(was.mod) {
			pending[name] = seen{st.Size(), st.ModTime(), time.Now()}
			continue
		}
		rel, err := filepath.Rel(d.root, name)
		if err == nil {
			err = d.announce(ctx, filepath.ToSlash(rel), st)
		}
		if err != nil {
			slog.WarnContext(ctx, "a file is not announced yet", "bucket", d.name, "error", err.Error())
			continue
		}
		delete(pending, name)
	}
}
