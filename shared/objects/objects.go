package objects

import (
	"context"
	"errors"
	"io"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/b2brecs/b2brecs/shared/internal/retry"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// The buckets of an installation.
const (
	Uploads   = "uploads"   // files people drop in; a finalized object starts a load
	Staging   = "staging"   // Parquet chunks and manifests of loads; a finalized chunk is loaded
	Pipelines = "pipelines" // run folders of experiments: code, data, artefacts, metrics
)

// Bucket is a gocloud.dev bucket plus what the product needs of it.
type Bucket struct {
	*blob.Bucket
	// Name is one of the constants above.
	Name string
	drv  Driver
}

// Driver is what a back end adds to a gocloud.dev bucket. It retries nothing that its
// client does not; the portable type begins reads again. A write through Blob's
// writers MUST be followed by Finalized at least once, after the object is complete
// and visible as a whole; a crash between the two MUST NOT lose the event. Either
// the driver publishes it or the service announces its objects by itself.
type Driver interface {
	// Blob is the bucket itself.
	Blob() *blob.Bucket
	// URI gives an address that the platform's engines can read: gs://bucket/key
	// in the cloud, an absolute path embedded.
	URI(key string) string
	// Generation of the present object. NotFound when absent.
	Generation(ctx context.Context, key string) (string, error)
}

// NewBucket makes a bucket on a driver.
func NewBucket(name string, drv Driver) *Bucket { return &Bucket{drv.Blob(), name, drv} }

// Driver is what the bucket runs on, for who wraps it.
func (b *Bucket) Driver() Driver { return b.drv }

// URI gives an address that warehouse and pipeline engines can read.
func (b *Bucket) URI(key string) string { return b.drv.URI(key) }

// Generation of the present object. NotFound when absent.
func (b *Bucket) Generation(ctx context.Context, key string) (string, error) {
	return retry.Read(ctx, func() (string, error) { return b.drv.Generation(ctx, key) })
}

// NewRangeReader is gocloud.dev's, begun again where the store does not answer. What
// breaks off later is the caller's.
func (b *Bucket) NewRangeReader(ctx context.Context, key string, offset, length int64, opts *blob.ReaderOptions) (*blob.Reader, error) {
	var failed error // as gocloud.dev has it
	r, err := retry.Read(ctx, func() (r *blob.Reader, err error) {
		r, failed = b.Bucket.NewRangeReader(ctx, key, offset, length, opts)
		return r, Problem(failed, key)
	})
	if err != nil {
		return nil, failed
	}
	return r, nil
}

// Read gives a whole small object. NotFound when absent.
func (b *Bucket) Read(ctx context.Context, key string) ([]byte, error) {
	return retry.Read(ctx, func() ([]byte, error) {
		data, err := b.ReadAll(ctx, key)
		return data, Problem(err, key)
	})
}

// Write puts a whole small object in place atomically.
func (b *Bucket) Write(ctx context.Context, key string, data []byte) error {
	// One byte more than the content, and a client sees its end in the first buffer.
	return Problem(b.WriteAll(ctx, key, data, &blob.WriterOptions{BufferSize: len(data) + 1}), key)
}

// List gives all objects under a prefix, in key order.
func (b *Bucket) List(ctx context.Context, prefix string) ([]*blob.ListObject, error) {
	return retry.Read(ctx, func() ([]*blob.ListObject, error) { return b.list(ctx, prefix) })
}

func (b *Bucket) list(ctx context.Context, prefix string) ([]*blob.ListObject, error) {
	var out []*blob.ListObject
	it := b.Bucket.List(&blob.ListOptions{Prefix: prefix})
	for {
		o, err := it.Next(ctx)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, Problem(err, prefix)
		}
		out = append(out, o)
	}
}

// DeletePrefix removes every object under a prefix; none is not an error.
func (b *Bucket) DeletePrefix(ctx context.Context, prefix string) error {
	list, err := b.List(ctx, prefix)
	if err != nil {
		return err
	}
	for _, o := range list {
		if err := b.Delete(ctx, o.Key); err != nil && gcerrors.Code(err) != gcerrors.NotFound {
			return Problem(err, o.Key)
		}
	}
	return nil
}

// Problem maps a gocloud.dev error to a problem about key.
func Problem(err error, key string) error {
	if err == nil {
		return nil
	}
	return problem.Wrap(err, Code(gcerrors.Code(err)), "object %q", key)
}

// Code maps a gocloud.dev error code; an unknown failure may pass, so it is Unavailable.
func Code(c gcerrors.ErrorCode) problem.Code {
	switch c {
	case gcerrors.NotFound:
		return problem.NotFound
	case gcerrors.AlreadyExists:
		return problem.AlreadyExists
	case gcerrors.InvalidArgument, gcerrors.Unimplemented:
		return problem.InvalidArgument
	case gcerrors.PermissionDenied:
		return problem.PermissionDenied
	case gcerrors.FailedPrecondition:
		return problem.FailedPrecondition
	case gcerrors.ResourceExhausted:
		return problem.ResourceExhausted
	case gcerrors.Canceled:
		return problem.Cancelled
	}
	return problem.Unavailable
}
