package embedded

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/b2brecs/b2brecs/shared/problem"
)

// Process is what a running server leaves in its data folder so that the command
// line finds it. Token is the owner's: the file is readable by its user alone.
type Process struct {
	PID     int       `json:"pid"`
	URL     string    `json:"url"`
	Token   string    `json:"token"`
	Started time.Time `json:"started"`
}

const processFile = "server.json"

// WriteProcess leaves p in the folder.
func (f *Folder) WriteProcess(p Process) error {
	return WriteFile(f.Path(processFile), p, 0o600)
}

// RemoveProcess takes it away again.
func (f *Folder) RemoveProcess() error {
	err := os.Remove(f.Path(processFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// ReadProcess finds the server of a data folder. NotFound when none left its file.
// The file can be stale after a crash: the caller checks that the server answers.
func ReadProcess(dir string) (Process, error) {
	var p Process
	b, err := os.ReadFile(filepath.Join(dir, processFile))
	if errors.Is(err, fs.ErrNotExist) {
		return p, problem.New(problem.NotFound, "no server runs on the data folder %s", dir).
			WithNext(problem.TurnYou, "Start one with `b2brecs serve --data %s`.", dir)
	}
	if err == nil {
		err = json.Unmarshal(b, &p)
	}
	return p, problem.Wrap(err, problem.Internal, "read %s", processFile)
}
