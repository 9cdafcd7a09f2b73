package folder

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gocloud.dev/blob"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// Folders of the driver's own, beside the objects.
const (
	tempDir  = ".tmp"
	notesDir = ".notes"
)

// Driver implements objects.Driver.
type Driver struct {
	name string
	root string
	bus  *events.Bus
	blob *blob.Bucket
}

// Open makes the bucket of a folder, which is made where missing, and sends the
// finalize events a crash left owing.
func Open(name, dir string, bus *events.Bus) (*Driver, error) {
	root, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("bucket %s: %w", name, err)
	}
	if err := os.RemoveAll(filepath.Join(root, tempDir)); err != nil {
		return nil, fmt.Errorf("bucket %s: %w", name, err)
	}
	for _, d := range []string{tempDir, notesDir} {
		if err := os.MkdirAll(filepath.Join(root, d), 0o700); err != nil {
			return nil, fmt.Errorf("bucket %s: %w", name, err)
		}
	}
	d := &Driver{name: name, root: root, bus: bus}
	d.blob = blob.NewBucket(&bucket{d})
	return d, nil
}

// Blob implements objects.Driver.
func (d *Driver) Blob() *blob.Bucket { return d.blob }

// URI implements objects.Driver: the absolute path of the file.
func (d *Driver) URI(key string) string { return filepath.Join(d.root, filepath.FromSlash(key)) }

// Generation implements objects.Driver.
func (d *Driver) Generation(_ context.Context, key string) (string, error) {
	name, err := d.path(key)
	if err != nil {
		return "", err
	}
	st, err := os.Stat(name)
	if err == nil && st.IsDir() {
		err = fs.ErrNotExist
	}
	if errors.Is(err, fs.ErrNotExist) {
		return "", problem.New(problem.NotFound, "there is no object %q in %s", key, d.name)
	}
	if err != nil {
		return "", fmt.Errorf("object %q: %w", key, err)
	}
	return generation(st), nil
}

// generation changes with every write: two writes of one key do not end within
// one nanosecond with equal sizes.
func generation(st fs.FileInfo) string {
	return fmt.Sprintf("%d-%d", st.ModTime().UnixNano(), st.Size())
}

// path gives the file of a key. A key MUST be a clean relative path; everything
// else could leave the folder or meet another key's file.
func (d *Driver) path(key string) (string, error) {
	clean := key != "" && len(key) <= 1024 && !strings.ContainsAny(key, "\x00\\") && filepath.IsLocal(filepath.FromSlash(key))
	for _, part := range strings.Split(key, "/") {
		if part == "" || part == "." || part == ".." || len(part) > 255 {
			clean = false
		}
	}
	if !clean || strings.HasPrefix(key, tempDir+"/") || strings.HasPrefix(key, notesDir+"/") || key == tempDir || key == notesDir {
		return "", problem.New(problem.InvalidArgument, "%q cannot be the key of an object", key).
			WithCause("a key is a relative path of names of 1 to 255 bytes, without . or ..")
	}
	return filepath.Join(d.root, filepath.FromSlash(key)), nil
}

// note is a finalize event that is owed.
type note struct {
	Key        string `json:"key"`
	Generation string `json:"generation"`
}

// place moves a complete temporary file to its key and announces it.
func (d *Driver) place(ctx context.Context, temp, key string, onlyIfAbsent bool) error {
	target, err := d.path(key)
	if err != nil {
		return err
	}
	st, err := os.Stat(temp)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
		return err
	}
	owed, err := json.Marshal(note{key, generation(st)})
	if err != nil {
		return err
	}
	noteName := filepath.Join(d.root, notesDir, filepath.Base(temp))
	if err := os.WriteFile(noteName, owed, 0o600); err != nil {
		return err
	}
	if onlyIfAbsent {
		err = os.Link(temp, target) // fails where the target exists, in one step
		if err == nil {
			err = os.Remove(temp)
		}
	} else {
		err = os.Rename(temp, target)
	}
	if err != nil {
		return errors.Join(err, os.Remove(noteName))
	}
	// The object is there: its event is owed even when the writer has lost interest.
	if err := d.announce(context.WithoutCancel(ctx), key, st); err != nil {
		return err
	}
	return os.Remove(noteName)
}

func (d *Driver) announce(ctx context.Context, key string, st fs.FileInfo) error {
	topic := objects.TopicFinalized(d.name)
	g := generation(st)
	return events.Publish(ctx, d.bus, topic, d.name+"/"+key+"@"+g, "", objects.Finalized{
		Bucket: d.name, Key: key, Generation: g, Size: st.Size(), Time: st.ModTime().UTC().Truncate(time.Microsecond),
	})
}

// Recover sends the finalize events a crash left owing.
func (d *Driver) Recover(ctx context.Context) error {
	notes := filepath.Join(d.root, notesDir)
	entries, err := os.ReadDir(notes)
	if err != nil {
		return fmt.Errorf("bucket %s: %w", d.name, err)
	}
	for _, e := range entries {
		name := filepath.Join(notes, e.Name())
		if err := d.settle(ctx, name); err != nil {
			return fmt.Errorf("bucket %s: %w", d.name, err)
		}
		if err := os.Remove(name); err != nil {
			return fmt.Errorf("bucket %s: %w", d.name, err)
		}
	}
	return nil
}

func (d *Driver) settle(ctx context.Context, name string) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	var n note
	if json.Unmarshal(b, &n) != nil {
		return nil // the crash came while the note was written: the object was not placed
	}
	target, err := d.path(n.Key)
	if err != nil {
		return nil // notes are made of valid keys: this one is not ours
	}
	st, err := os.Stat(target)
	if errors.Is(err, fs.ErrNotExist) || err == nil && generation(st) != n.Generation {
		return nil // not placed, or written anew since
	}
	if err != nil {
		return err
	}
	return d.announce(ctx, n.Key, st)
}
