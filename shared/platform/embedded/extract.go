package embedded

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/b2brecs/b2brecs/shared/problem"
)

// extract writes the files of the Python package below dir, replacing those that
// differ: Python imports from a real folder. Files of an earlier version that are
// gone are removed, so that nothing old can be imported.
func extract(src fs.FS, dir string) (string, error) {
	kept := map[string]bool{}
	err := fs.WalkDir(src, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		if !strings.HasSuffix(name, ".py") {
			return nil
		}
		target := filepath.Join(dir, filepath.FromSlash(name))
		kept[target] = true
		data, err := fs.ReadFile(src, name)
		if err != nil {
			return err
		}
		if old, err := os.ReadFile(target); err == nil && bytes.Equal(old, data) {
			return nil
		}
		if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
			return err
		}
		return os.WriteFile(target, data, 0o600)
	})
	if err == nil {
		err = filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(name, ".py") && !kept[name] {
				err = os.Remove(name)
			}
			return err
		})
	}
	return dir, problem.Wrap(err, problem.Internal, "unpack the pipeline components into %s", dir)
}
