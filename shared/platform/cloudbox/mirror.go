package cloudbox

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"cloud.google.com/go/storage"

	fakestorage "github.com/b2brecs/b2brecs/shared/internal/gcpfake/storage"
)

// mirror keeps buckets and a folder alike, for engines that know files alone: the SQL
// engine of the BigQuery fake and the pipeline's components. Objects become files as
// they are written; files become objects when an engine says that it has written.
type mirror struct {
	root    string // gs://bucket/key is bucket/key below it
	buckets map[string]bool
	client  *storage.Client

	pushing sync.Mutex // one push at a time
	mu      sync.Mutex
	synced  map[string]stamp // files that are objects as they are, by bucket/key
}

// stamp tells a file's content from its next one.
type stamp struct {
	size     int64
	modified time.Time
}

func stampOf(i fs.FileInfo) stamp { return stamp{i.Size(), i.ModTime()} }

// mark is in the metadata of objects that were files: they are not made files again.
const mark = "from-mount"

func newMirror(root string, client *storage.Client, names ...string) (*mirror, error) {
	m := &mirror{root: root, buckets: map[string]bool{}, client: client, synced: map[string]stamp{}}
	for _, name := range names {
		m.buckets[name] = true
		if err := os.MkdirAll(filepath.Join(root, name), 0o700); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *mirror) file(name string) string { return filepath.Join(m.root, filepath.FromSlash(name)) }

// finalized makes a file of a new object.
func (m *mirror) finalized(ctx context.Context, n fakestorage.Notification) error {
	bucket, key := n.Attributes["bucketId"], n.Attributes["objectId"]
	if !m.buckets[bucket] || !filepath.IsLocal(filepath.FromSlash(key)) {
		return nil
	}
	generation, err := strconv.ParseInt(n.Attributes["objectGeneration"], 10, 64)
	if err != nil {
		return err
	}
	o := m.client.Bucket(bucket).Object(key)
	attrs, err := o.Attrs(ctx)
	if errors.Is(err, storage.ErrObjectNotExist) || err == nil && (attrs.Generation != generation || attrs.Metadata[mark] != "") {
		return nil // gone, newer, or a file already
	}
	if err != nil {
		return err
	}
	r, err := o.Generation(generation).NewReader(ctx)
	if err != nil {
		return err
	}
	defer r.Close()
	name := bucket + "/" + key
	path := m.file(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".object-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // after the rename there is nothing left to remove
	_, err = io.Copy(f, r)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err == nil {
		m.synced[name] = stampOf(info)
	}
	return err
}

// observe sees the requests to the buckets; a deletion takes the file away.
func (m *mirror) observe(r *http.Request) error {
	rest, ok := strings.CutPrefix(r.URL.EscapedPath(), "/storage/v1/b/")
	bucket, key, found := strings.Cut(rest, "/o/")
	if r.Method != http.MethodDelete || !ok || !found || !m.buckets[bucket] {
		return nil
	}
	key, err := url.PathUnescape(key)
	if err != nil || !filepath.IsLocal(filepath.FromSlash(key)) {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.synced, bucket+"/"+key)
	if err := os.Remove(m.file(bucket + "/" + key)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// unfinished are the names under which components prepare what they replace.
var unfinished = regexp.MustCompile(`\.(new|old)-[0-9a-f]{8}$`)

// push makes objects of a bucket's files that are new, and removes those whose files
// are gone.
func (m *mirror) push(ctx context.Context, bucket string) error {
	m.pushing.Lock()
	defer m.pushing.Unlock()
	there := map[string]bool{}
	err := filepath.WalkDir(m.file(bucket), func(path string, e fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // replaced meanwhile
			return nil
		case err != nil:
			return err
		case e.IsDir() && unfinished.MatchString(path):
			return fs.SkipDir
		case e.IsDir() || strings.HasPrefix(e.Name(), "."):
			return nil
		}
		name, err := filepath.Rel(m.root, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		there[name] = true
		return m.upload(ctx, name, path)
	})
	if err != nil {
		return err
	}
	m.mu.Lock()
	var gone []string
	for name := range m.synced {
		if strings.HasPrefix(name, bucket+"/") && !there[name] {
			if _, err := os.Stat(m.file(name)); errors.Is(err, fs.ErrNotExist) {
				gone = append(gone, strings.TrimPrefix(name, bucket+"/"))
			}
		}
	}
	m.mu.Unlock()
	for _, key := range gone {
		if err := m.client.Bucket(bucket).Object(key).Delete(ctx); err != nil && !errors.Is(err, storage.ErrObjectNotExist) {
			return err
		}
	}
	return nil
}

// upload makes an object of a file unless it is one.
func (m *mirror) upload(ctx context.Context, name, path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !m.claim(name, path, info) {
		return nil
	}
	bucket, key, _ := strings.Cut(name, "/")
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w := m.client.Bucket(bucket).Object(key).NewWriter(ctx)
	w.Metadata = map[string]string{mark: "yes"}
	if _, err = io.Copy(w, f); err != nil {
		cancel() // what came of it is no object
	}
	if err = errors.Join(err, w.Close()); err != nil {
		m.mu.Lock()
		delete(m.synced, name)
		m.mu.Unlock()
	}
	return err
}

// claim says whether an open file is to become an object, and writes down that it is one.
func (m *mirror) claim(name, path string, open fs.FileInfo) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if now, err := os.Stat(path); err != nil || !os.SameFile(now, open) || m.synced[name] == stampOf(open) {
		return false // replaced meanwhile, or an object already
	}
	m.synced[name] = stampOf(open)
	return true
}
