package embedded

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
)

// minFree is the free space a start asks for: a small project's warehouse, run
// folders and logs.
const minFree = 512 << 20

// Folder is a data folder held by this process.
type Folder struct {
	Dir  string
	ID   string // of the installation; names its key outside the folder
	lock *os.File
}

type installation struct {
	ID string `json:"id"`
}

// OpenFolder makes the data folder where it is missing and takes it for this
// process. FailedPrecondition when another process has it, ResourceExhausted when
// the disk is full.
func OpenFolder(dir string) (*Folder, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, problem.Wrap(err, problem.InvalidArgument, "data folder %q", dir)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, cannotUse(err, dir)
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, cannotUse(err, dir)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(lock.Name()) // only for the message
		lock.Close()
		who := "another process"
		if pid := strings.TrimSpace(string(holder)); pid != "" {
			who = "process " + pid
		}
		return nil, problem.New(problem.FailedPrecondition, "the data folder %s is in use by %s", dir, who).
			WithNext(problem.TurnYou, "Stop it with `b2brecs stop --data %s`, or choose another folder with --data.", dir)
	}
	f := &Folder{Dir: dir, lock: lock}
	if err := f.checkSpace(); err != nil {
		f.Close()
		return nil, err
	}
	err = lock.Truncate(0)
	if err == nil {
		_, err = lock.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	if err == nil {
		err = f.identify()
	}
	if err != nil {
		f.Close()
		return nil, cannotUse(err, dir)
	}
	return f, nil
}

func (f *Folder) checkSpace() error {
	var st unix.Statfs_t
	if err := unix.Statfs(f.Dir, &st); err != nil {
		return cannotUse(err, f.Dir)
	}
	if free := st.Bavail * uint64(st.Bsize); free < minFree {
		return problem.New(problem.ResourceExhausted, "only %d MB are free where the data folder %s is; a start needs %d MB", free>>20, f.Dir, minFree>>20).
			WithNext(problem.TurnYou, "Free some space, or choose a folder on another disk with --data.")
	}
	return nil
}

func (f *Folder) identify() error {
	name := filepath.Join(f.Dir, "installation.json")
	var in installation
	b, err := os.ReadFile(name)
	switch {
	case err == nil:
		if err := json.Unmarshal(b, &in); err != nil || in.ID == "" {
			return fmt.Errorf("installation.json cannot be read; is this a data folder?")
		}
	case errors.Is(err, fs.ErrNotExist):
		in.ID = state.NewID()
		if err := WriteFile(name, in, 0o600); err != nil {
			return err
		}
	default:
		return err
	}
	f.ID = in.ID
	return nil
}

// Path joins names below the folder.
func (f *Folder) Path(names ...string) string {
	return filepath.Join(append([]string{f.Dir}, names...)...)
}

// Close gives the folder back.
func (f *Folder) Close() error { return f.lock.Close() }

// WriteFile replaces a file by a value's JSON in one atomic step.
func WriteFile(name string, v any, mode fs.FileMode) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	tmp := name + ".tmp"
	if err := os.WriteFile(tmp, append(b, '\n'), mode); err != nil {
		return err
	}
	return os.Rename(tmp, name)
}

func cannotUse(err error, dir string) error {
	code, next := problem.FailedPrecondition, "Choose a folder that can be written with --data."
	if errors.Is(err, unix.ENOSPC) {
		code, next = problem.ResourceExhausted, "Free some space, or choose a folder on another disk with --data."
	}
	p := problem.Of(problem.Wrap(err, code, "the data folder %s cannot be used", dir))
	return p.WithNext(problem.TurnYou, "%s", next)
}
