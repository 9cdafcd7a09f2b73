package age

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"filippo.io/age"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/secret"
)

// Driver implements secret.Driver. It is safe for concurrent use.
type Driver struct {
	dir string
	key *age.X25519Identity
}

var _ secret.Driver = (*Driver)(nil)

// tempPrefix marks files that are being written.
const tempPrefix = ".tmp-"

// Open makes a driver on a folder of secrets and a key file; both are made where
// missing. A key that is missing while secrets exist is FailedPrecondition: they
// could not be read any more, and a new key would hide that.
func Open(dir, keyFile string) (*Driver, error) {
	if err := outside(dir, keyFile); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, failed(err, "make the folder of secrets")
	}
	temps, err := filepath.Glob(filepath.Join(dir, tempPrefix+"*"))
	if err != nil {
		return nil, failed(err, "read the folder of secrets")
	}
	for _, t := range temps { // of a killed process
		if err := os.Remove(t); err != nil {
			return nil, failed(err, "tidy the folder of secrets")
		}
	}
	text, err := os.ReadFile(keyFile)
	if errors.Is(err, os.ErrNotExist) {
		return create(dir, keyFile)
	}
	if err != nil {
		return nil, failed(err, "read the key file")
	}
	if fi, err := os.Stat(keyFile); err != nil {
		return nil, failed(err, "read the key file")
	} else if runtime.GOOS != "windows" && fi.Mode().Perm()&0o077 != 0 {
		return nil, problem.New(problem.FailedPrecondition, "the key file %s can be read by others (%04o)", keyFile, fi.Mode().Perm()).
			WithNext(problem.TurnYou, "Run: chmod 600 '%s'", keyFile)
	}
	key, err := age.ParseX25519Identity(strings.TrimSpace(string(text)))
	if err != nil { // the parser's text can hold a part of the key: it is not passed on
		return nil, problem.New(problem.FailedPrecondition, "the key file %s does not hold a key", keyFile).
			WithNext(problem.TurnYou, "Put the right key file back.")
	}
	return &Driver{dir: dir, key: key}, nil
}

func outside(dir, keyFile string) error {
	d, err := filepath.Abs(dir)
	if err != nil {
		return failed(err, "find the folder of secrets")
	}
	k, err := filepath.Abs(keyFile)
	if err != nil {
		return failed(err, "find the key file")
	}
	if rel, err := filepath.Rel(d, k); err == nil && filepath.IsLocal(rel) {
		return problem.New(problem.InvalidArgument, "the key file %s lies in the folder it protects", keyFile)
	}
	return nil
}

func create(dir, keyFile string) (*Driver, error) {
	kept, err := filepath.Glob(filepath.Join(dir, "*.age"))
	if err != nil {
		return nil, failed(err, "read the folder of secrets")
	}
	if len(kept) > 0 {
		return nil, problem.New(problem.FailedPrecondition, "the key file %s is missing, and %d secrets need it", keyFile, len(kept)).
			WithNext(problem.TurnYou, "Put the key file back, or remove the folder %s and enter the credentials again.", dir)
	}
	key, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, failed(err, "make a key")
	}
	if err := os.MkdirAll(filepath.Dir(keyFile), 0o700); err != nil {
		return nil, failed(err, "make the folder of the key file")
	}
	if err := write(keyFile, []byte(key.String()+"\n")); err != nil {
		return nil, failed(err, "write the key file")
	}
	return &Driver{dir: dir, key: key}, nil
}

// Put implements secret.Driver.
func (d *Driver) Put(_ context.Context, id string, payload []byte) error {
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, d.key.Recipient())
	if err == nil {
		_, err = w.Write(payload)
	}
	if err == nil {
		err = w.Close()
	}
	if err == nil {
		err = write(d.path(id), sealed.Bytes())
	}
	return failed(err, "keep a secret")
}

// Get implements secret.Driver.
func (d *Driver) Get(_ context.Context, id string) ([]byte, error) {
	sealed, err := os.ReadFile(d.path(id))
	if errors.Is(err, os.ErrNotExist) {
		return nil, problem.New(problem.NotFound, "there is no secret %q", id)
	}
	if err != nil {
		return nil, failed(err, "read a secret")
	}
	r, err := age.Decrypt(bytes.NewReader(sealed), d.key)
	if err == nil {
		var payload []byte
		if payload, err = io.ReadAll(r); err == nil {
			return payload, nil
		}
	}
	return nil, problem.New(problem.FailedPrecondition, "the secret %q cannot be read with this installation's key", id).
		WithCause("its file was made with another key, or is damaged").
		WithNext(problem.TurnYou, "Put the right key file back, or enter the credential again.")
}

// Destroy implements secret.Driver.
func (d *Driver) Destroy(_ context.Context, id string) error {
	if err := os.Remove(d.path(id)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return failed(err, "destroy a secret")
	}
	return nil
}
