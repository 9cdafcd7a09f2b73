package folder

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/internal/lifetime"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// Driver implements objects.Driver. It is safe for concurrent use.
type Driver struct {
	name string
	dir  string // absolute
	root *os.Root
	bus  *events.Bus
	blob *blob.Bucket
	seen *ledger
	last atomic.Int64 // the newest modification time given, in unix nanoseconds
	life *lifetime.Lifetime
	tree sync.RWMutex // held to make folders for an object, exclusively to remove empty ones
	// Settle is how long a file copied in by hand must stay unchanged before its
	// event is published. Set it before WatchFolder; 0 means 1 second.
	Settle time.Duration
}

var _ objects.Driver = (*Driver)(nil)

// Open opens or creates the bucket in dir and settles the writes that a killed
// process left half-way; their events go to bus before Open returns.
func Open(name, dir string, bus *events.Bus) (*Driver, error) {
	if name == "" || bus == nil {
		return nil, problem.New(problem.InvalidArgument, "a bucket needs a name and an event bus")
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, problem.Wrap(err, problem.InvalidArgument, "bucket %s", name)
	}
	for _, sub := range []string{tempDir, intentDir} {
		if err := os.MkdirAll(filepath.Join(abs, sub), 0o700); err != nil {
			return nil, problem.Wrap(err, problem.PermissionDenied, "make the folder of bucket %s", name)
		}
	}
	root, err := os.OpenRoot(abs)
	if err != nil {
		return nil, problem.Wrap(err, problem.PermissionDenied, "open the folder of bucket %s", name)
	}
	d := &Driver{name: name, dir: abs, root: root, bus: bus, life: lifetime.New()}
	d.seen = &ledger{root: root}
	if err := d.settle(d.life, true); err != nil {
		root.Close()
		return nil, err
	}
	d.blob = blob.NewBucket(&bucket{d})
	return d, nil
}

// Blob implements objects.Driver. Closing it closes the driver.
func (d *Driver) Blob() *blob.Bucket { return d.blob }

// Close ends WatchFolder and releases the folder.
func (d *Driver) Close() error { return d.blob.Close() }

// URI implements objects.Driver: the file's absolute path; "" for a key that the
// bucket refuses.
func (d *Driver) URI(key string) string {
	if validKey(key) != nil {
		return ""
	}
	return filepath.Join(d.dir, filepath.FromSlash(key))
}

// Generation implements objects.Driver.
func (d *Driver) Generation(_ context.Context, key string) (string, error) {
	fi, err := d.stat(key)
	if err != nil {
		return "", problem.Wrap(err, objects.Code(errorCode(err)), "object %q", key)
	}
	return generation(fi), nil
}

// generation changes with every write: Write gives each file a time of its own,
// and a file copied in by hand has its own time or its own size.
func generation(fi fs.FileInfo) string {
	return strconv.FormatInt(fi.ModTime().UnixNano(), 10) + "-" + strconv.FormatInt(fi.Size(), 10)
}

// stat gives the file of an object; a folder is not one.
func (d *Driver) stat(key string) (fs.FileInfo, error) {
	if err := validKey(key); err != nil {
		return nil, err
	}
	fi, err := d.root.Stat(filepath.FromSlash(key))
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() {
		return nil, fail(gcerrors.NotFound, "%s is not a file", key)
	}
	return fi, nil
}

// now gives a modification time no other write of this process has.
func (d *Driver) now() time.Time {
	for {
		last := d.last.Load()
		n := max(time.Now().UnixNano(), last+1)
		if d.last.CompareAndSwap(last, n) {
			return time.Unix(0, n)
		}
	}
}

// publish sends the finalize event of one generation; its id says which, so a
// repetition is the same event.
func (d *Driver) publish(ctx context.Context, key string, fi fs.FileInfo) error {
	gen := generation(fi)
	m, err := objects.FinalizedMessage(objects.Finalized{
		Bucket: d.name, Key: key, Generation: gen, Size: fi.Size(), Time: fi.ModTime().UTC(),
	})
	if err != nil {
		return err
	}
	if err := d.bus.PublishMessages(ctx, m); err != nil {
		return err
	}
	return d.seen.add(key, gen)
}

func notExist(err error) bool { return errors.Is(err, fs.ErrNotExist) }
