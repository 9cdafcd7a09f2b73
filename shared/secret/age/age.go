// Package age keeps secrets in files encrypted with a key that lies outside the
// data folder, so that a copy of the folder alone tells nothing.
//
// Concurrency: safe within one process. Retries: none. Kept: the latest version;
// earlier ones are overwritten, which is stronger than disabling them.
package age

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"filippo.io/age"

	"github.com/b2brecs/b2brecs/shared/problem"
)

// Driver implements secret.Driver.
type Driver struct {
	dir      string
	identity *age.X25519Identity
	mu       sync.Mutex // orders writers of one id
}

// Open makes a driver on a folder of secrets and a key file; both are made where
// missing. A key that is missing while secrets exist is an error: they could not
// be read any more, and a new key would hide that.
func Open(dir, keyFile string) (*Driver, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("secrets: %w", err)
	}
	key, err := os.ReadFile(keyFile)
	if errors.Is(err, fs.ErrNotExist) {
		if kept, _ := filepath.Glob(filepath.Join(dir, "*.age")); len(kept) > 0 {
			return nil, problem.New(problem.FailedPrecondition, "the key file %s is missing, and %d secrets need it", keyFile, len(kept)).
				WithNext(problem.TurnYou, "Put the key file back, or remove the folder %s and enter the credentials again.", dir)
		}
		return create(dir, keyFile)
	}
	if err != nil {
		return nil, fmt.Errorf("secrets: %w", err)
	}
	id, err := age.ParseX25519Identity(strings.TrimSpace(string(key)))
	if err != nil {
		// The parser's text can hold a part of the key: it is not passed on.
		return nil, problem.New(problem.FailedPrecondition, "the key file %s does not hold a key", keyFile)
	}
	return &Driver{dir: dir, identity: id}, nil
}

func create(dir, keyFile string) (*Driver, error) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, fmt.Errorf("secrets: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(keyFile), 0o700); err != nil {
		return nil, fmt.Errorf("secrets: %w", err)
	}
	if err := write(keyFile, []byte(id.String()+"\n")); err != nil {
		return nil, err
	}
	return &Driver{dir: dir, identity: id}, nil
}

// write replaces a file atomically and durably.
func write(name string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".tmp-*") // mode 0600
	if err != nil {
		return fmt.Errorf("secrets: %w", err)
	}
	defer os.Remove(f.Name()) // after the rename there is nothing left to remove
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return fmt.Errorf("secrets: %w", err)
	}
	return nil
}

var validID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)

func (d *Driver) path(id string) (string, error) {
	if !validID.MatchString(id) {
		return "", problem.New(problem.InvalidArgument, "a secret's id has 1 to 255 letters, digits, _ or -")
	}
	return filepath.Join(d.dir, id+".age"), nil
}

// Put implements secret.Driver.
func (d *Driver) Put(_ context.Context, id string, payload []byte) error {
	name, err := d.path(id)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	w, err := age.Encrypt(&out, d.identity.Recipient())
	if err != nil {
		return fmt.Errorf("secrets: %w", err)
	}
	if _, err := w.Write(payload); err != nil {
		return fmt.Errorf("secrets: %w", err)
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("secrets: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return write(name, out.Bytes())
}

// Get implements secret.Driver.
func (d *Driver) Get(_ context.Context, id string) ([]byte, error) {
	name, err := d.path(id)
	if err != nil {
		return nil, err
	}
	sealed, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, problem.New(problem.NotFound, "there is no secret %q", id)
	}
	if err != nil {
		return nil, fmt.Errorf("secrets: %w", err)
	}
	r, err := age.Decrypt(bytes.NewReader(sealed), d.identity)
	if err != nil {
		return nil, problem.New(problem.FailedPrecondition, "the secret %q cannot be read with this installation's key", id).
			WithNext(problem.TurnYou, "Put the right key file back, or enter the credential again.")
	}
	return io.ReadAll(r)
}

// Destroy implements secret.Driver.
func (d *Driver) Destroy(_ context.Context, id string) error {
	name, err := d.path(id)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("secrets: %w", err)
	}
	return nil
}
