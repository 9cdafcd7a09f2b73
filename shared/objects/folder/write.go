package folder

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"gocloud.dev/blob/driver"
	"gocloud.dev/gcerrors"

	"github.com/b2brecs/b2brecs/shared/state"
)

const (
	tempDir   = reserved + "/tmp"
	intentDir = reserved + "/intents"
)

// intent stands in intentDir from before an object appears until its event is published.
type intent struct {
	Key        string `json:"key"`
	Generation string `json:"generation"`
}

// NewTypedWriter implements driver.Bucket.
func (b *bucket) NewTypedWriter(ctx context.Context, key, _ string, opts *driver.WriterOptions) (driver.Writer, error) {
	if err := validKey(key); err != nil {
		return nil, err
	}
	if len(opts.Metadata) > 0 || opts.CacheControl != "" || opts.ContentDisposition != "" || opts.ContentEncoding != "" || opts.ContentLanguage != "" {
		return nil, fail(gcerrors.Unimplemented, "this bucket keeps content only, no metadata")
	}
	if opts.BeforeWrite != nil {
		if err := opts.BeforeWrite(noAs); err != nil {
			return nil, err
		}
	}
	id := state.NewID()
	f, err := b.d.root.OpenFile(tempDir+"/"+id, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return &writer{ctx: ctx, d: b.d, id: id, key: key, file: f, ifNotExist: opts.IfNotExist}, nil
}

type writer struct {
	ctx        context.Context
	d          *Driver
	id, key    string
	file       *os.File
	ifNotExist bool
}

func (w *writer) Write(p []byte) (int, error) { return w.file.Write(p) }

// Upload implements driver.Uploader: the kernel copies where it can.
func (w *writer) Upload(r io.Reader) error {
	_, err := io.Copy(w.file, r)
	return err
}

// Close puts the object in place and publishes its event, or removes what was
// written when the writer's context has ended.
func (w *writer) Close() error {
	temp := tempDir + "/" + w.id
	err := w.file.Close()
	if e := w.ctx.Err(); e != nil {
		err = e
	}
	if err != nil {
		_ = w.d.root.Remove(temp)
		return err
	}
	if err := w.d.place(w.ctx, w.id, w.key, w.ifNotExist); err != nil {
		_ = w.d.root.Remove(temp) // absent once it was renamed
		return err
	}
	return nil
}

// place is the life of a write: time stamp, intent, rename, event, end of intent.
func (d *Driver) place(ctx context.Context, id, key string, ifNotExist bool) error {
	temp, note := tempDir+"/"+id, intentDir+"/"+id
	stamp := d.now()
	if err := d.root.Chtimes(temp, stamp, stamp); err != nil {
		return err
	}
	fi, err := d.root.Stat(temp) // the file system may have rounded the time
	if err != nil {
		return err
	}
	text, err := json.Marshal(intent{key, generation(fi)})
	if err != nil {
		return err
	}
	if err := d.root.WriteFile(note, text, 0o600); err != nil {
		return err
	}
	if err := d.move(temp, key, ifNotExist); err != nil {
		_ = d.root.Remove(note)
		return err
	}
	// The object is visible: from here on the event MUST go out, so the caller's
	// cancellation no longer counts. If the bus fails, the intent stays for Open.
	if err := d.publish(context.WithoutCancel(ctx), key, fi); err != nil {
		return err
	}
	if err := d.root.Remove(note); err != nil && !notExist(err) {
		return err
	}
	return nil
}

// maxMoves bounds the repetitions of move.
const maxMoves = 5

// move renames the temporary file into place. People may remove an empty folder
// between the two steps, so they are repeated a few times.
func (d *Driver) move(temp, key string, ifNotExist bool) error {
	d.tree.RLock()
	defer d.tree.RUnlock()
	target := filepath.FromSlash(key)
	for attempt := 0; ; attempt++ {
		if dir := filepath.Dir(target); dir != "." {
			err := d.root.MkdirAll(dir, 0o700)
			switch {
			case err == nil:
			case notExist(err) && attempt < maxMoves:
				continue
			case errors.Is(err, fs.ErrExist), errors.Is(err, syscall.ENOTDIR):
				return fail(gcerrors.FailedPrecondition, "a part of %s is an object already", key)
			default:
				return err
			}
		}
		var err error
		if ifNotExist {
			if err = d.root.Link(temp, target); err == nil {
				return d.root.Remove(temp)
			}
		} else {
			err = d.root.Rename(temp, target)
		}
		switch {
		case err == nil:
			return nil
		case notExist(err) && attempt < maxMoves:
			continue
		case d.isDir(target):
			return fail(gcerrors.FailedPrecondition, "%s is the folder of other objects", key)
		}
		return err
	}
}

func (d *Driver) isDir(target string) bool {
	fi, err := d.root.Stat(target)
	return err == nil && fi.IsDir()
}

// Copy implements driver.Bucket: a write like any other.
func (b *bucket) Copy(ctx context.Context, dstKey, srcKey string, opts *driver.CopyOptions) error {
	if opts.BeforeCopy != nil {
		if err := opts.BeforeCopy(noAs); err != nil {
			return err
		}
	}
	if _, err := b.d.stat(srcKey); err != nil {
		return err
	}
	src, err := b.d.root.Open(filepath.FromSlash(srcKey))
	if err != nil {
		return err
	}
	defer src.Close()
	w, err := b.NewTypedWriter(ctx, dstKey, "", &driver.WriterOptions{})
	if err != nil {
		return err
	}
	if err := w.(*writer).Upload(src); err != nil {
		w.(*writer).file.Close()
		_ = b.d.root.Remove(tempDir + "/" + w.(*writer).id)
		return err
	}
	return w.Close()
}

// Delete implements driver.Bucket. Folders left empty are removed.
func (b *bucket) Delete(_ context.Context, key string, opts *driver.DeleteOptions) error {
	if _, err := b.d.stat(key); err != nil {
		return err
	}
	if opts.BeforeDelete != nil {
		if err := opts.BeforeDelete(noAs); err != nil {
			return err
		}
	}
	if err := b.d.root.Remove(filepath.FromSlash(key)); err != nil {
		return err
	}
	b.d.tree.Lock()
	defer b.d.tree.Unlock()
	for dir := path.Dir(key); dir != "." && !strings.HasPrefix(dir, reserved); dir = path.Dir(dir) {
		if b.d.root.Remove(filepath.FromSlash(dir)) != nil {
			break // not empty
		}
	}
	return nil
}

func noAs(any) bool { return false }
