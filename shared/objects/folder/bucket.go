package folder

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // the checksum object stores use, not a secret
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gocloud.dev/blob/driver"
	"gocloud.dev/gcerrors"

	"github.com/b2brecs/b2brecs/shared/problem"
)

// bucket implements gocloud.dev's driver.Bucket.
type bucket struct{ d *Driver }

const contentType = "application/octet-stream"

var errUnsupported = errors.New("a folder signs no addresses")

func (b *bucket) ErrorCode(err error) gcerrors.ErrorCode {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return gcerrors.NotFound
	case errors.Is(err, fs.ErrExist):
		return gcerrors.FailedPrecondition // what IfNotExist answers elsewhere
	case errors.Is(err, fs.ErrPermission):
		return gcerrors.PermissionDenied
	case errors.Is(err, errUnsupported):
		return gcerrors.Unimplemented
	case problem.Is(err, problem.InvalidArgument):
		return gcerrors.InvalidArgument
	case errors.Is(err, context.Canceled):
		return gcerrors.Canceled
	}
	return gcerrors.Unknown
}

func (b *bucket) As(any) bool             { return false }
func (b *bucket) ErrorAs(error, any) bool { return false }
func (b *bucket) Close() error            { return nil }

func (b *bucket) stat(key string) (string, fs.FileInfo, error) {
	name, err := b.d.path(key)
	if err != nil {
		return "", nil, err
	}
	st, err := os.Stat(name)
	if err == nil && st.IsDir() {
		err = fs.ErrNotExist
	}
	return name, st, err
}

func (b *bucket) Attributes(_ context.Context, key string) (*driver.Attributes, error) {
	_, st, err := b.stat(key)
	if err != nil {
		return nil, err
	}
	return &driver.Attributes{ContentType: contentType, ModTime: st.ModTime(), Size: st.Size(), ETag: `"` + generation(st) + `"`}, nil
}

func (b *bucket) ListPaged(_ context.Context, o *driver.ListOptions) (*driver.ListPage, error) {
	if o.BeforeList != nil {
		if err := o.BeforeList(b.As); err != nil {
			return nil, err
		}
	}
	all, err := b.list(o.Prefix, o.Delimiter)
	if err != nil {
		return nil, err
	}
	size := o.PageSize
	if size == 0 {
		size = 1000
	}
	from, _ := slices.BinarySearchFunc(all, string(o.PageToken), func(x *driver.ListObject, token string) int {
		if x.Key <= token && token != "" {
			return -1
		}
		return 1
	})
	page := &driver.ListPage{Objects: all[from:min(len(all), from+size)]}
	if from+size < len(all) {
		page.NextPageToken = []byte(page.Objects[size-1].Key)
	}
	return page, nil
}

// list gives all objects under a prefix in key order, folders folded at the delimiter.
func (b *bucket) list(prefix, delimiter string) ([]*driver.ListObject, error) {
	start := b.d.root
	if i := strings.LastIndexByte(prefix, '/'); i > 0 {
		sub, err := b.d.path(prefix[:i])
		if err != nil {
			return nil, nil //nolint:nilerr // no object can have such a prefix
		}
		start = sub
	}
	folders := map[string]bool{}
	var out []*driver.ListObject
	err := filepath.WalkDir(start, func(name string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // removed while we look, or nothing under the prefix
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(b.d.root, name)
		if err != nil {
			return err
		}
		key := filepath.ToSlash(rel)
		if e.IsDir() {
			if key == tempDir || key == notesDir {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasPrefix(key, prefix) || !e.Type().IsRegular() {
			return nil
		}
		if delimiter != "" {
			if i := strings.Index(key[len(prefix):], delimiter); i >= 0 {
				folder := key[:len(prefix)+i+len(delimiter)]
				if !folders[folder] {
					folders[folder] = true
					out = append(out, &driver.ListObject{Key: folder, IsDir: true})
				}
				return nil
			}
		}
		st, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		out = append(out, &driver.ListObject{Key: key, ModTime: st.ModTime(), Size: st.Size()})
		return nil
	})
	slices.SortFunc(out, func(x, y *driver.ListObject) int { return strings.Compare(x.Key, y.Key) })
	return out, err
}

type reader struct {
	io.Reader
	file  *os.File
	attrs driver.ReaderAttributes
}

func (r *reader) Close() error                         { return r.file.Close() }
func (r *reader) Attributes() *driver.ReaderAttributes { return &r.attrs }
func (r *reader) As(any) bool                          { return false }

func (b *bucket) NewRangeReader(_ context.Context, key string, offset, length int64, o *driver.ReaderOptions) (driver.Reader, error) {
	name, st, err := b.stat(key)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	if o != nil && o.BeforeRead != nil {
		err = o.BeforeRead(b.As)
	}
	if err == nil && offset > 0 {
		_, err = f.Seek(offset, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	r := &reader{Reader: f, file: f, attrs: driver.ReaderAttributes{ContentType: contentType, ModTime: st.ModTime(), Size: st.Size()}}
	if length >= 0 {
		r.Reader = io.LimitReader(f, length)
	}
	return r, nil
}

type writer struct {
	ctx    context.Context
	b      *bucket
	key    string
	file   *os.File
	sum    hash.Hash
	wanted []byte
	absent bool
}

func (b *bucket) NewTypedWriter(ctx context.Context, key, _ string, o *driver.WriterOptions) (driver.Writer, error) {
	if _, err := b.d.path(key); err != nil {
		return nil, err
	}
	if o.BeforeWrite != nil {
		if err := o.BeforeWrite(b.As); err != nil {
			return nil, err
		}
	}
	f, err := os.CreateTemp(filepath.Join(b.d.root, tempDir), "w-*")
	if err != nil {
		return nil, err
	}
	w := &writer{ctx: ctx, b: b, key: key, file: f, wanted: o.ContentMD5, absent: o.IfNotExist}
	if len(w.wanted) > 0 {
		w.sum = md5.New() //nolint:gosec // see the import
	}
	return w, nil
}

func (w *writer) Write(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	if w.sum != nil {
		w.sum.Write(p)
	}
	return w.file.Write(p)
}

// Close makes the object visible, unless the writer's context has ended: that is
// how a caller gives a write up.
func (w *writer) Close() error {
	err := w.file.Close()
	if err == nil {
		err = w.ctx.Err()
	}
	if err == nil && w.sum != nil && !bytes.Equal(w.sum.Sum(nil), w.wanted) {
		err = problem.New(problem.InvalidArgument, "object %q does not have the announced MD5", w.key)
	}
	if err == nil {
		err = w.b.d.place(w.ctx, w.file.Name(), w.key, w.absent)
	}
	if err != nil {
		return errors.Join(err, removed(os.Remove(w.file.Name())))
	}
	return nil
}

func (b *bucket) Copy(ctx context.Context, to, from string, o *driver.CopyOptions) error {
	name, _, err := b.stat(from)
	if err != nil {
		return err
	}
	if o.BeforeCopy != nil {
		if err := o.BeforeCopy(b.As); err != nil {
			return err
		}
	}
	src, err := os.Open(name)
	if err != nil {
		return err
	}
	defer src.Close()
	w, err := b.NewTypedWriter(ctx, to, contentType, &driver.WriterOptions{})
	if err != nil {
		return err
	}
	if _, err := io.Copy(w, src); err != nil {
		f := w.(*writer)
		return errors.Join(err, f.file.Close(), removed(os.Remove(f.file.Name())))
	}
	return w.Close()
}

// Delete removes the object and the folders it leaves empty.
func (b *bucket) Delete(_ context.Context, key string, o *driver.DeleteOptions) error {
	name, _, err := b.stat(key)
	if err != nil {
		return err
	}
	if o != nil && o.BeforeDelete != nil {
		if err := o.BeforeDelete(b.As); err != nil {
			return err
		}
	}
	if err := os.Remove(name); err != nil {
		return err
	}
	for dir := filepath.Dir(name); dir != b.d.root; dir = filepath.Dir(dir) {
		if os.Remove(dir) != nil { // not empty
			break
		}
	}
	return nil
}

func (b *bucket) SignedURL(context.Context, string, *driver.SignedURLOptions) (string, error) {
	return "", errUnsupported
}

func removed(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("a temporary file stays: %w", err)
	}
	return nil
}
