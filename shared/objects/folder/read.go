package folder

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"mime"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"

	"gocloud.dev/blob/driver"
	"gocloud.dev/gcerrors"
)

// bucket implements gocloud.dev's driver.Bucket over the folder.
type bucket struct{ d *Driver }

// As implements driver.Bucket: there is no type to convert to.
func (b *bucket) As(any) bool { return false }

// ErrorAs implements driver.Bucket.
func (b *bucket) ErrorAs(error, any) bool { return false }

// Close implements driver.Bucket.
func (b *bucket) Close() error {
	b.d.life.End()
	b.d.seen.close()
	return b.d.root.Close()
}

// SignedURL implements driver.Bucket: a folder has no server that could check one.
func (b *bucket) SignedURL(context.Context, string, *driver.SignedURLOptions) (string, error) {
	return "", fail(gcerrors.Unimplemented, "this bucket has no URLs")
}

// Attributes implements driver.Bucket.
func (b *bucket) Attributes(_ context.Context, key string) (*driver.Attributes, error) {
	fi, err := b.d.stat(key)
	if err != nil {
		return nil, err
	}
	return &driver.Attributes{ContentType: contentType(key), ModTime: fi.ModTime(), Size: fi.Size(), ETag: `"` + generation(fi) + `"`}, nil
}

func contentType(key string) string {
	switch path.Ext(key) { // the system's table may lack the product's own formats
	case ".csv":
		return "text/csv"
	case ".json":
		return "application/json"
	case ".parquet":
		return "application/vnd.apache.parquet"
	}
	if t := mime.TypeByExtension(path.Ext(key)); t != "" {
		return t
	}
	return "application/octet-stream"
}

// NewRangeReader implements driver.Bucket. The reader keeps the object it opened
// when the key is written again.
func (b *bucket) NewRangeReader(_ context.Context, key string, offset, length int64, opts *driver.ReaderOptions) (driver.Reader, error) {
	if _, err := b.d.stat(key); err != nil {
		return nil, err
	}
	f, err := b.d.root.Open(filepath.FromSlash(key))
	if err != nil {
		return nil, err
	}
	fi, err := f.Stat()
	if err == nil && opts.BeforeRead != nil {
		err = opts.BeforeRead(noAs)
	}
	if err == nil && offset > 0 {
		_, err = f.Seek(offset, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	r := &reader{file: f, Reader: f, attrs: driver.ReaderAttributes{ContentType: contentType(key), ModTime: fi.ModTime(), Size: fi.Size()}}
	if length >= 0 {
		r.Reader = io.LimitReader(f, length)
	}
	return r, nil
}

type reader struct {
	io.Reader
	file  *os.File
	attrs driver.ReaderAttributes
}

func (r *reader) Close() error                         { return r.file.Close() }
func (r *reader) Attributes() *driver.ReaderAttributes { return &r.attrs }
func (r *reader) As(any) bool                          { return false }

// maxPage is the page size when the caller names none.
const maxPage = 1000

// ListPaged implements driver.Bucket. The page token is the last key of the page.
func (b *bucket) ListPaged(ctx context.Context, opts *driver.ListOptions) (*driver.ListPage, error) {
	if opts.BeforeList != nil {
		if err := opts.BeforeList(noAs); err != nil {
			return nil, err
		}
	}
	l := &lister{ctx: ctx, d: b.d, opts: opts, size: opts.PageSize, after: string(opts.PageToken)}
	if l.size == 0 {
		l.size = maxPage
	}
	page := &driver.ListPage{}
	if err := l.walk(""); err != nil && !errors.Is(err, errFull) {
		return nil, err
	}
	page.Objects = l.out
	if len(l.out) > l.size {
		page.Objects = l.out[:l.size]
		page.NextPageToken = []byte(page.Objects[l.size-1].Key)
	}
	return page, nil
}

var errFull = fail(gcerrors.Internal, "page is full") // ends the walk

type lister struct {
	ctx   context.Context
	d     *Driver
	opts  *driver.ListOptions
	size  int
	after string
	out   []*driver.ListObject
}

// walk visits the files below dir ("" or a path that ends with a slash) in key
// order. A folder sorts as its name with the slash, so "a.txt" precedes "a/b".
func (l *lister) walk(dir string) error {
	if err := l.ctx.Err(); err != nil {
		return err
	}
	name := strings.TrimSuffix(dir, "/")
	if name == "" {
		name = "."
	}
	entries, err := fs.ReadDir(l.d.root.FS(), name)
	if err != nil {
		if notExist(err) { // removed meanwhile
			return nil
		}
		return err
	}
	keys := make([]string, 0, len(entries))
	for _, e := range entries {
		key := dir + e.Name()
		if dir == "" && e.Name() == reserved {
			continue
		}
		if e.IsDir() {
			key += "/"
		}
		keys = append(keys, key)
	}
	sort.Strings(keys)
	for _, key := range keys {
		if err := l.visit(key); err != nil {
			return err
		}
	}
	return nil
}

func (l *lister) visit(key string) error {
	prefix, isDir := l.opts.Prefix, strings.HasSuffix(key, "/")
	if isDir {
		if !strings.HasPrefix(key, prefix) && !strings.HasPrefix(prefix, key) {
			return nil
		}
		if key <= l.after && !strings.HasPrefix(l.after, key) {
			return nil // the whole folder was on pages before
		}
	} else if !strings.HasPrefix(key, prefix) {
		return nil
	}
	if delim := l.opts.Delimiter; delim != "" && strings.HasPrefix(key, prefix) {
		if i := strings.Index(key[len(prefix):], delim); i >= 0 {
			return l.collapse(key, key[:len(prefix)+i+len(delim)])
		}
	}
	if isDir {
		return l.walk(key)
	}
	if key <= l.after {
		return nil
	}
	fi, err := l.d.stat(key)
	if err != nil { // removed meanwhile, or a name that is no key
		return nil
	}
	return l.add(&driver.ListObject{Key: key, ModTime: fi.ModTime(), Size: fi.Size()})
}

// collapse lists a "directory" once, if it holds an object.
func (l *lister) collapse(key, group string) error {
	if group <= l.after || len(l.out) > 0 && l.out[len(l.out)-1].Key == group {
		return nil
	}
	if strings.HasSuffix(key, "/") {
		inner := &lister{ctx: l.ctx, d: l.d, opts: &driver.ListOptions{}, size: 0}
		if err := inner.walk(key); err != nil && !errors.Is(err, errFull) {
			return err
		}
		if len(inner.out) == 0 {
			return nil
		}
	} else if _, err := l.d.stat(key); err != nil {
		return nil
	}
	return l.add(&driver.ListObject{Key: group, IsDir: true})
}

func (l *lister) add(o *driver.ListObject) error {
	if l.out = append(l.out, o); len(l.out) > l.size {
		return errFull
	}
	return nil
}
