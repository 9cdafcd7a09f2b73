//go:build unix

package local

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/b2brecs/b2brecs/shared/pipeline/kfp"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// maxLine is the longest line read from a component; longer ones are cut.
const maxLine = 1 << 20

// processes runs a call in a process of its own, with the command line its
// container would have.
func (d *Driver) processes(ctx context.Context, c *call) error {
	text, err := json.Marshal(c.input)
	if err != nil {
		return problem.Wrap(err, problem.Internal, "the executor input of %s", c.task)
	}
	cmd, discard, err := command(d.opts, "-m", kfp.Module+".run", "--component", c.component, "--executor_input", string(text))
	if err != nil {
		return err
	}
	defer discard()
	var last lastLines
	out, err := cmd.StdoutPipe()
	if err != nil {
		return problem.Wrap(err, problem.Unavailable, "the %s cannot start", c.task)
	}
	cmd.Stderr = cmd.Stdout
	if err := d.spawn.start(cmd); err != nil {
		return cannotStart(d.opts.Python, err)
	}
	defer killOn(ctx, cmd)()
	defer watch(filepath.Dir(filepath.Dir(c.dir)), c.progress)()
	each(out, func(line string) { last.add(line); c.log.line(line) })
	if err := cmd.Wait(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return died(c.task, cmd, last.traceback())
	}
	return nil
}

// each calls fn for every line until the stream ends.
func each(r io.Reader, fn func(string)) {
	br := bufio.NewReaderSize(r, 64<<10)
	var line []byte
	for {
		part, more, err := br.ReadLine()
		if err != nil {
			return
		}
		if len(line) < maxLine {
			line = append(line, part...)
		}
		if !more {
			fn(string(line))
			line = line[:0]
		}
	}
}

func cannotStart(python string, err error) error {
	return problem.New(problem.FailedPrecondition, "the Python environment cannot start").
		WithCause("%s: %v", python, err).
		WithNext(problem.TurnYou, "Install it with scripts/python-env, or name an interpreter in B2BRECS_PYTHON.")
}

// died describes a process that ended without saying why.
func died(task string, cmd *exec.Cmd, last string) error {
	how := "ended"
	if cmd.ProcessState != nil {
		how = "ended: " + cmd.ProcessState.String()
	}
	if strings.Contains(how, "signal: killed") {
		return problem.New(problem.ResourceExhausted, "the process of %s was killed from outside", task).
			WithCause("signal: killed; most often the machine is out of memory").
			WithNext(problem.TurnYou, "Free memory, use a smaller batch or fewer rows, and run it again.")
	}
	p := problem.New(problem.Internal, "the process of %s %s", task, how)
	if last != "" {
		p = p.WithCause("%s", last)
	}
	return p
}

// failed describes an error a component reported.
func failed(task, kind, message string) error {
	cause := strings.TrimSpace(message)
	if kind != "" {
		cause = kind + ": " + cause
	}
	return problem.New(problem.Internal, "the %s stopped", task).WithCause("%s", clip(cause, 2000))
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + " …"
}

// lastLines remembers the end of a stream. It is safe for concurrent use.
type lastLines struct {
	mu    sync.Mutex
	lines []string
}

func (l *lastLines) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, clip(line, 1000))
	if len(l.lines) > 40 {
		l.lines = l.lines[1:]
	}
}

// traceback gives the last line that says something: of a Python traceback that
// is "Type: message".
func (l *lastLines) traceback() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := len(l.lines) - 1; i >= 0; i-- {
		if s := strings.TrimSpace(l.lines[i]); s != "" {
			return s
		}
	}
	return ""
}
