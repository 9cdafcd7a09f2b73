package age

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"github.com/b2brecs/b2brecs/shared/problem"
)

// longest id that names its file itself: names hold 255 bytes.
const longest = 200

// path is the file of a secret. The portable type has checked the id's letters;
// the tilde is none of them, so a digest never meets another id.
func (d *Driver) path(id string) string {
	if len(id) > longest {
		sum := sha256.Sum256([]byte(id))
		id = id[:longest-70] + "~" + hex.EncodeToString(sum[:])
	}
	return filepath.Join(d.dir, filepath.Base(id+".age"))
}

// write replaces a file in one step. Credentials are few and typed by hand, so it
// waits for the disk.
func write(name string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), tempPrefix+"*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	dir, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	defer dir.Close()
	_ = dir.Sync() // some file systems have no such thing
	return nil
}

// failed makes a problem of a file error. The texts of these errors name files,
// never payloads.
func failed(err error, what string) error {
	var p *problem.Error
	if err == nil || errors.As(err, &p) {
		return err
	}
	code := problem.Unavailable
	switch {
	case errors.Is(err, os.ErrPermission):
		code = problem.PermissionDenied
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		code = problem.ResourceExhausted
	}
	return problem.Wrap(err, code, "cannot %s", what)
}
