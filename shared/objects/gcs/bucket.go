package gcs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sort"
	"strings"

	"cloud.google.com/go/storage"
	"gocloud.dev/blob/driver"
	"gocloud.dev/gcerrors"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/iterator"

	"github.com/b2brecs/b2brecs/shared/problem"
)

// bucket implements gocloud.dev's driver.Bucket. It exposes no types of the client.
type bucket struct{ d *Driver }

// ErrorCode implements driver.Bucket.
func (b *bucket) ErrorCode(err error) gcerrors.ErrorCode { return errorCode(err) }

// As implements driver.Bucket.
func (b *bucket) As(any) bool { return false }

// ErrorAs implements driver.Bucket.
func (b *bucket) ErrorAs(error, any) bool { return false }

func noAs(any) bool { return false }

func before(hook func(func(any) bool) error) error {
	if hook == nil {
		return nil
	}
	return hook(noAs)
}

// Close implements driver.Bucket.
func (b *bucket) Close() error { return b.d.client.Close((*storage.Client).Close) }

// SignedURL implements driver.Bucket: reads and deletions are not given away, and
// uploads go through SignUpload, which bounds them.
func (b *bucket) SignedURL(context.Context, string, *driver.SignedURLOptions) (string, error) {
	return "", problem.New(problem.InvalidArgument, "this bucket signs no such address")
}

// Attributes implements driver.Bucket.
func (b *bucket) Attributes(ctx context.Context, key string) (*driver.Attributes, error) {
	o, err := b.d.object(ctx, key)
	if err != nil {
		return nil, err
	}
	a, err := o.Attrs(ctx)
	if err != nil {
		return nil, err
	}
	return &driver.Attributes{
		CacheControl: a.CacheControl, ContentDisposition: a.ContentDisposition, ContentEncoding: a.ContentEncoding,
		ContentLanguage: a.ContentLanguage, ContentType: typed(a.ContentType), Metadata: a.Metadata,
		CreateTime: a.Created, ModTime: a.Updated, Size: a.Size, MD5: a.MD5, ETag: quoted(a.Etag),
	}, nil
}

// typed: gocloud.dev wants a content type, Cloud Storage does not.
func typed(contentType string) string {
	if contentType == "" {
		return "application/octet-stream"
	}
	return contentType
}

// quoted: the JSON API gives an entity tag without the quotes that make it one.
func quoted(etag string) string {
	if strings.HasPrefix(etag, `"`) || strings.HasPrefix(etag, "W/") {
		return etag
	}
	return `"` + etag + `"`
}

// maxPage is the page size when the caller names none, and the service's largest
// (https://cloud.google.com/storage/docs/json_api/v1/objects/list).
const maxPage = 1000

// ListPaged implements driver.Bucket. The page token is the service's.
func (b *bucket) ListPaged(ctx context.Context, opts *driver.ListOptions) (*driver.ListPage, error) {
	if err := before(opts.BeforeList); err != nil {
		return nil, err
	}
	c, err := b.d.client.Get(ctx)
	if err != nil {
		return nil, err
	}
	q := &storage.Query{Prefix: opts.Prefix, Delimiter: opts.Delimiter, Projection: storage.ProjectionNoACL}
	if err := q.SetAttrSelection([]string{"Name", "Updated", "Size", "MD5"}); err != nil {
		return nil, err
	}
	size := opts.PageSize
	if size == 0 {
		size = maxPage
	}
	var all []*storage.ObjectAttrs
	next, err := iterator.NewPager(c.Bucket(b.d.name).Objects(ctx, q), size, string(opts.PageToken)).NextPage(&all)
	if err != nil {
		return nil, err
	}
	page := &driver.ListPage{NextPageToken: []byte(next)}
	for _, a := range all {
		o := &driver.ListObject{Key: a.Prefix, IsDir: a.Prefix != ""}
		if !o.IsDir {
			o.Key, o.ModTime, o.Size, o.MD5 = a.Name, a.Updated, a.Size, a.MD5
		}
		page.Objects = append(page.Objects, o)
	}
	// The service puts the prefixes of a page behind its objects.
	sort.Slice(page.Objects, func(i, j int) bool { return page.Objects[i].Key < page.Objects[j].Key })
	return page, nil
}

// NewRangeReader implements driver.Bucket. The client names the generation it
// opened when it has to ask again, so a reader never mixes two.
func (b *bucket) NewRangeReader(ctx context.Context, key string, offset, length int64, opts *driver.ReaderOptions) (driver.Reader, error) {
	o, err := b.d.object(ctx, key)
	if err != nil {
		return nil, err
	}
	if err := before(opts.BeforeRead); err != nil {
		return nil, err
	}
	r, err := o.ReadCompressed(true).NewRangeReader(ctx, offset, length)
	if err == nil {
		return &reader{r, driver.ReaderAttributes{ContentType: typed(r.Attrs.ContentType), ModTime: r.Attrs.LastModified, Size: r.Attrs.Size}}, nil
	}
	var rest *googleapi.Error
	if !errors.As(err, &rest) || rest.Code != http.StatusRequestedRangeNotSatisfiable {
		return nil, err
	}
	a, err := o.Attrs(ctx)
	if err != nil {
		return nil, err
	}
	if offset > a.Size {
		return nil, rest
	}
	return &reader{io.NopCloser(http.NoBody), driver.ReaderAttributes{ContentType: typed(a.ContentType), ModTime: a.Updated, Size: a.Size}}, nil
}

type reader struct {
	io.ReadCloser
	attrs driver.ReaderAttributes
}

func (r *reader) Attributes() *driver.ReaderAttributes { return &r.attrs }
func (r *reader) As(any) bool                          { return false }

// NewTypedWriter implements driver.Bucket. The client checks the content's CRC32C
// against the service's.
func (b *bucket) NewTypedWriter(ctx context.Context, key, contentType string, opts *driver.WriterOptions) (driver.Writer, error) {
	o, err := b.d.object(ctx, key)
	if err != nil {
		return nil, err
	}
	if err := before(opts.BeforeWrite); err != nil {
		return nil, err
	}
	if opts.IfNotExist {
		o = o.If(storage.Conditions{DoesNotExist: true})
	}
	w := o.NewWriter(ctx)
	w.CacheControl, w.ContentDisposition, w.ContentEncoding, w.ContentLanguage = opts.CacheControl, opts.ContentDisposition, opts.ContentEncoding, opts.ContentLanguage
	w.ContentType, w.ForceEmptyContentType = contentType, opts.DisableContentTypeDetection
	w.Metadata, w.MD5 = opts.Metadata, opts.ContentMD5
	if opts.BufferSize > 0 { // less memory for what is known to be small; never more than the client's own
		w.ChunkSize = min(opts.BufferSize, w.ChunkSize)
	}
	return &writer{w}, nil
}

type writer struct{ *storage.Writer }

// Close ends the upload. What a write cannot find is its bucket.
func (w *writer) Close() error {
	err := w.Writer.Close()
	var rest *googleapi.Error
	if errors.As(err, &rest) && rest.Code == http.StatusNotFound {
		return fmt.Errorf("%w: %w", storage.ErrBucketNotExist, err)
	}
	return err
}

// Copy implements driver.Bucket.
func (b *bucket) Copy(ctx context.Context, dstKey, srcKey string, opts *driver.CopyOptions) error {
	dst, err := b.d.object(ctx, dstKey)
	if err != nil {
		return err
	}
	src, err := b.d.object(ctx, srcKey)
	if err != nil {
		return err
	}
	if err := before(opts.BeforeCopy); err != nil {
		return err
	}
	_, err = dst.CopierFrom(src).Run(ctx)
	return err
}

// Delete implements driver.Bucket.
func (b *bucket) Delete(ctx context.Context, key string, opts *driver.DeleteOptions) error {
	o, err := b.d.object(ctx, key)
	if err != nil {
		return err
	}
	if err := before(opts.BeforeDelete); err != nil {
		return err
	}
	repeated := false
	err = o.Retryer(storage.WithErrorFunc(func(err error) bool {
		again := storage.ShouldRetry(err)
		repeated = repeated || again
		return again
	})).Delete(ctx)
	if repeated && errors.Is(err, storage.ErrObjectNotExist) {
		return nil // an earlier try did it
	}
	return err
}
