package cloudbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/b2brecs/b2brecs/shared/problem"
)

const (
	// startTimeout is how long a process may take until it listens; some 100 ms are usual.
	startTimeout = 60 * time.Second
	// stopTimeout is how long a process may take to end by itself.
	stopTimeout = 5 * time.Second
)

// starter starts processes from one operating-system thread that lives as long as the
// box: the kernel's parent-death signal follows the thread that made a child (prctl(2),
// PR_SET_PDEATHSIG).
type starter chan func()

func newStarter() starter {
	s := make(starter)
	go func() {
		runtime.LockOSThread()
		for fn := range s {
			fn()
		}
	}()
	return s
}

func (s starter) start(cmd *exec.Cmd) error {
	err := make(chan error, 1)
	s <- func() { err <- cmd.Start() }
	return <-err
}

// process runs one function, or all of them. There is none until somebody calls it,
// and a new one after the last has died.
type process struct {
	function   string // "" is all of them
	unit, logs string
	env        []string
	log        *slog.Logger
	starter    starter

	mu     sync.Mutex // held while a process starts
	cmd    *exec.Cmd
	url    string
	ended  chan struct{} // closed when cmd has ended
	closed bool
}

// address gives the URL of a function in a running process.
func (p *process) address(ctx context.Context, function string) (string, error) {
	url, err := p.running(ctx)
	if err == nil && p.function == "" {
		url += "/" + function
	}
	return url, err
}

// running gives the URL of a running process.
func (p *process) running(ctx context.Context) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return "", problem.New(problem.Unavailable, "the box is being closed")
	}
	if p.cmd != nil {
		select {
		case <-p.ended:
			p.log.WarnContext(ctx, "a process has ended; the next one starts", "process", p.name(), "state", p.cmd.ProcessState.String())
		default:
			return p.url, nil
		}
	}
	err := p.start(ctx)
	if err != nil {
		p.end()
		return "", problem.Wrap(err, problem.Unavailable, "the process of %s does not start; see %s", p.name(), p.logs)
	}
	return p.url, nil
}

// name tells processes apart, and their logs.
func (p *process) name() string { return cmp.Or(p.function, "functions") }

// start makes a process and waits until it listens. The process outlives ctx.
func (p *process) start(ctx context.Context) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	address := l.Addr().String()
	_, port, err := net.SplitHostPort(address)
	if err = errors.Join(err, l.Close()); err != nil {
		return err
	}
	out, err := os.OpenFile(p.logs, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close() // the process has its own
	cmd := exec.Command(p.unit)
	cmd.Env = append([]string{"FUNCTION_TARGET=" + p.function, "PORT=" + port, "LOCAL_ONLY=true"}, p.env...)
	cmd.Dir = filepath.Dir(p.logs)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = attributes()
	if err := p.starter.start(cmd); err != nil {
		return err
	}
	ended := make(chan struct{})
	p.cmd, p.url, p.ended = cmd, "http://"+address, ended
	go func() {
		_ = cmd.Wait() // its state says how it ended
		close(ended)
	}()
	deadline := time.After(startTimeout)
	for {
		if c, err := net.DialTimeout("tcp", address, time.Second); err == nil {
			return c.Close()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ended:
			return fmt.Errorf("its process ended: %s", cmd.ProcessState)
		case <-deadline:
			return fmt.Errorf("its process does not listen after %s", startTimeout)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// end ends the process, by force where it must.
func (p *process) end() {
	if p.cmd == nil || p.cmd.Process == nil {
		return
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-p.ended:
	case <-time.After(stopTimeout):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
	p.cmd = nil
}

// close ends the process for good.
func (p *process) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.end()
}

// kill ends the process as a crash does. It says whether there was one.
func (p *process) kill() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return false
	}
	select {
	case <-p.ended:
		return false
	default:
	}
	_ = p.cmd.Process.Kill() // it may end by itself meanwhile
	<-p.ended
	return true
}
