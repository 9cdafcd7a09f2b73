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
var inherited = []string{"PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH"}

// command prepares python with args in a process group of its own.
func command(o Options, args ...string) *exec.Cmd {
	cmd := exec.Command(o.Python, args...)
	cmd.Dir = o.WorkDir
	for _, kv := range os.Environ() {
		if k, _, _ := strings.Cut(kv, "="); slices.Contains(inherited, k) {
			cmd.Env = append(cmd.Env, kv)
		}
	}
	cmd.Env = append(cmd.Env, "PYTHONPATH="+o.RuntimeDir, "PYTHONUNBUFFERED=1", "PYTHONDONTWRITEBYTECODE=1",
		"TF_CPP_MIN_LOG_LEVEL=2", "TF_USE_LEGACY_KERAS=1")
	cmd.Env = append(cmd.Env, o.Env...)
	cmd.SysProcAttr = attributes()
	return cmd
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
