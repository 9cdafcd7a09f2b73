package fault

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"gocloud.dev/blob"
	"gocloud.dev/blob/driver"
	"gocloud.dev/gcerrors"

	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// Objects wraps a bucket's driver.
func Objects(d objects.Driver, f *Faults) objects.Driver {
	w := &objectsDriver{d, f}
	if s, ok := d.(objects.Signer); ok {
		return struct {
			*objectsDriver
			*objectsSigner
		}{w, &objectsSigner{s, f}}
	}
	return w
}

// Bucket wraps a bucket.
func Bucket(b *objects.Bucket, f *Faults) *objects.Bucket {
	return objects.NewBucket(b.Name, Objects(b.Driver(), f))
}

// Blob implements objects.Driver.
func (w *objectsDriver) Blob() *blob.Bucket {
	return blob.NewBucket(&objectsBucket{below(w.Driver.Blob()), w.f})
}

// below gives the driver of a gocloud.dev bucket, which it keeps to itself: what is
// wrapped is the interface that gocloud.dev's own drivers implement, so that its
// buffers and checks stand above the faults as they do above a network.
func below(b *blob.Bucket) driver.Bucket {
	field := reflect.ValueOf(b).Elem().FieldByName("b")
	if !field.IsValid() || field.Type() != reflect.TypeFor[driver.Bucket]() {
		panic(fmt.Sprintf("%T keeps its driver elsewhere in this version of gocloud.dev", b))
	}
	return *(*driver.Bucket)(field.Addr().UnsafePointer())
}

// ErrorCode implements driver.Bucket.
func (w *objectsBucket) ErrorCode(err error) gcerrors.ErrorCode {
	var p *problem.Error
	if errors.As(err, &p) && p.Code == problem.Unavailable {
		return gcerrors.Unknown // what objects.Code takes for Unavailable
	}
	return w.Bucket.ErrorCode(err)
}

// NewTypedWriter implements driver.Bucket. The writer's end has faults of its own.
func (w *objectsBucket) NewTypedWriter(ctx context.Context, key, contentType string, opts *driver.WriterOptions) (driver.Writer, error) {
	return call1(ctx, w.f, "objects.Bucket.NewTypedWriter", func() (driver.Writer, error) {
		inner, give := context.WithCancel(ctx)
		x, err := w.Bucket.NewTypedWriter(inner, key, contentType, opts)
		if err != nil {
			give()
			return nil, err
		}
		return &objectsWriter{x, w, ctx, give, key, opts.IfNotExist}, nil
	})
}

// objectsWriter is a driver.Writer whose end fails as planned.
type objectsWriter struct {
	driver.Writer
	bucket *objectsBucket
	ctx    context.Context
	giveUp context.CancelFunc
	key    string
	create bool
}

// Close implements driver.Writer.
func (w *objectsWriter) Close() error {
	defer w.giveUp()
	const method = "objects.Writer.Close"
	k := w.bucket.f.next(method)
	switch k {
	case Error:
		w.giveUp()
		_ = w.Writer.Close() // it says that its context has ended
		return injected(k, method)
	case Delay:
		if err := wait(w.ctx); err != nil {
			w.giveUp()
			return errors.Join(err, w.Writer.Close())
		}
	}
	if err := w.Writer.Close(); err != nil {
		return err
	}
	switch {
	case k == Lost:
		return injected(k, method)
	case k == Duplicate && !w.create: // the same content once more is another write
		return w.bucket.Bucket.Copy(w.ctx, w.key, w.key, &driver.CopyOptions{})
	}
	return nil
}
