//go:build unix

package local

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/b2brecs/b2brecs/shared/problem"
)

// spawner starts every child from one operating-system thread that lives as long
// as the driver: the kernel sends a parent-death signal when the thread that
// made the child ends, not the process (prctl(2), PR_SET_PDEATHSIG).
type spawner struct {
	work chan func()
	done chan struct{}
}

func newSpawner() *spawner {
	s := &spawner{make(chan func()), make(chan struct{})}
	go func() {
		runtime.LockOSThread()
		defer close(s.done)
		for fn := range s.work {
			fn()
		}
	}()
	return s
}

func (s *spawner) start(cmd *exec.Cmd) error {
	err := make(chan error, 1)
	s.work <- func() { err <- cmd.Start() }
	return <-err
}

func (s *spawner) close() {
	close(s.work)
	<-s.done
}

// inherited are the variables a component gets of this process's environment;
// the rest may hold secrets.
var inherited = []string{"PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH"}

// scratch holds a folder for temporary files per child.
func (o Options) scratch() string { return filepath.Join(o.WorkDir, "tmp") }

// command prepares python with args in a process group of its own, with a folder
// for its temporary files: a process that is killed leaves them, and TensorFlow
// does even at its end. discard removes them once the process has ended; what this
// process cannot remove any more, the next Open does.
func command(o Options, args ...string) (cmd *exec.Cmd, discard func(), err error) {
	tmp, err := os.MkdirTemp(o.scratch(), "")
	if err != nil {
		return nil, nil, problem.Wrap(err, problem.Unavailable, "there is no place for temporary files")
	}
	cmd = exec.Command(o.Python, args...)
	cmd.Dir = o.WorkDir
	for _, kv := range os.Environ() {
		if k, _, _ := strings.Cut(kv, "="); slices.Contains(inherited, k) {
			cmd.Env = append(cmd.Env, kv)
		}
	}
	cmd.Env = append(cmd.Env, "PYTHONPATH="+o.RuntimeDir, "PYTHONUNBUFFERED=1", "PYTHONDONTWRITEBYTECODE=1",
		"TF_CPP_MIN_LOG_LEVEL=2", "TF_USE_LEGACY_KERAS=1", "TMPDIR="+tmp)
	cmd.Env = append(cmd.Env, o.Env...)
	cmd.SysProcAttr = attributes()
	return cmd, func() { _ = os.RemoveAll(tmp) }, nil // left files cost space until the next Open
}

// kill ends a process group at once.
func kill(cmd *exec.Cmd) {
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // gone already is fine
	}
}

// killOn kills the process group when ctx ends, until the returned func is called.
func killOn(ctx context.Context, cmd *exec.Cmd) func() bool {
	return context.AfterFunc(ctx, func() { kill(cmd) })
}

// logPath is where a task's lines are kept.
func (d *Driver) logPath(job, task string) string {
	return filepath.Join(d.opts.WorkDir, "logs", job, task+".log")
}
