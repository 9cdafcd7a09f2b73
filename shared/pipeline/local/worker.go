//go:build unix

package local

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"sync/atomic"
	"time"

	"github.com/b2brecs/b2brecs/shared/pipeline/kfp"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// worker is a warm Python process: requests as JSON lines on its standard input,
// events as JSON lines on its standard output, anything on standard error.
type worker struct {
	spawn *spawner
	opts  Options
	proc  *process // nil before the first start and after a kill
	jobs  int      // jobs served by proc
	idle  *time.Timer
}

// process is one life of a worker.
type process struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	events chan event
	exited chan struct{} // closed after Wait
	last   lastLines
	log    atomic.Pointer[taskLog] // of the running or last task
	marks  chan string             // requests whose last line of standard error has been read
}

// endMark leads the line of standard error after which a request says nothing more there.
const endMark = "b2brecs-worker: end of "

// markPatience is how long a request that has ended is waited for on standard error:
// its reader may be behind, but a component may have closed it too.
const markPatience = 5 * time.Second

type request struct {
	ID            string `json:"id"`
	Component     string `json:"component"`
	ExecutorInput input  `json:"executor_input"`
}

type event struct {
	ID       string         `json:"id"`
	Event    string         `json:"event"` // started, log, progress, done, failed
	Line     string         `json:"line"`
	Progress map[string]any `json:"progress"`
	Error    struct {
		Type      string `json:"type"`
		Message   string `json:"message"`
		Traceback string `json:"traceback"`
	} `json:"error"`
}

// errGone says that a worker ended before it began a request.
var errGone = errors.New("the worker is gone")

// ensure starts the process unless one is alive.
func (w *worker) ensure() error {
	if w.proc != nil {
		select {
		case <-w.proc.exited:
		default:
			return nil
		}
	}
	cmd, discard, err := command(w.opts, "-m", kfp.Module+".worker")
	if err != nil {
		return err
	}
	stdin, stdout, stderr, err := w.launch(cmd)
	if err != nil {
		discard()
		return err
	}
	p := &process{cmd: cmd, stdin: stdin, events: make(chan event, 64), exited: make(chan struct{}), marks: make(chan string, 64)}
	errDone := make(chan struct{})
	go func() {
		defer close(errDone)
		each(stderr, p.note)
	}()
	go func() {
		defer close(p.exited)
		each(stdout, p.read)
		<-errDone
		_ = cmd.Wait() // its outcome is in cmd.ProcessState
		discard()
	}()
	w.proc, w.jobs = p, 0
	return nil
}

// launch starts the process with its three streams.
func (w *worker) launch(cmd *exec.Cmd) (stdin io.WriteCloser, stdout, stderr io.Reader, err error) {
	if stdin, err = cmd.StdinPipe(); err == nil {
		if stdout, err = cmd.StdoutPipe(); err == nil {
			stderr, err = cmd.StderrPipe()
		}
	}
	if err != nil {
		return nil, nil, nil, problem.Wrap(err, problem.Unavailable, "the worker cannot start")
	}
	if err := w.spawn.start(cmd); err != nil {
		return nil, nil, nil, cannotStart(w.opts.Python, err)
	}
	return stdin, stdout, stderr, nil
}

// note keeps a line that is no event.
func (p *process) note(line string) {
	if id, ok := strings.CutPrefix(line, endMark); ok {
		select {
		case p.marks <- id:
		default: // nobody has waited for a long time
		}
		return
	}
	if line == "" {
		return
	}
	p.last.add(line)
	if log := p.log.Load(); log != nil {
		log.line(line)
	}
}

func (p *process) read(line string) {
	var e event
	if err := json.Unmarshal([]byte(line), &e); err != nil || e.Event == "" {
		p.note(line)
		return
	}
	if e.Event == "log" {
		if log := p.log.Load(); log != nil {
			log.line(e.Line)
		}
		return
	}
	// Events come only while a call runs and reads them; stray ones fill the
	// buffer at most until the next call drops them.
	p.events <- e
}

// run sends a call to the process and waits for its end. A process that was gone
// before the call began is replaced once.
func (w *worker) run(ctx context.Context, c *call) error {
	for attempt := 1; ; attempt++ {
		if err := w.ensure(); err != nil {
			return err
		}
		err := w.proc.run(ctx, c)
		if ctx.Err() != nil {
			w.kill()
			return ctx.Err()
		}
		if !errors.Is(err, errGone) {
			return err
		}
		dead := w.proc
		w.proc = nil
		if attempt == 2 {
			return died(c.task, dead.cmd, dead.last.traceback())
		}
	}
}

// settle waits until standard error has been read to the end of a request: what is
// behind belongs to the log of this task, not to the next one's.
func (p *process) settle(ctx context.Context, id string) {
	late := time.NewTimer(markPatience)
	defer late.Stop()
	for {
		select {
		case mark := <-p.marks:
			if mark == id {
				return
			}
		case <-p.exited:
			return
		case <-ctx.Done():
			return
		case <-late.C:
			return
		}
	}
}

func (p *process) run(ctx context.Context, c *call) error {
	p.log.Store(c.log)
	line, err := json.Marshal(request{c.job + "/" + c.task, c.component, c.input})
	if err != nil {
		return problem.Wrap(err, problem.Internal, "the executor input of %s", c.task)
	}
	if _, err := p.stdin.Write(append(line, '\n')); err != nil {
		p.kill()
		return errGone
	}
	began := false
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.exited:
			if !began {
				return errGone
			}
			return died(c.task, p.cmd, p.last.traceback())
		case e := <-p.events:
			if e.ID != c.job+"/"+c.task {
				continue
			}
			switch e.Event {
			case "started":
				began = true
			case "progress":
				c.progress(numbers(e.Progress))
			case "done":
				p.settle(ctx, e.ID)
				return nil
			case "failed":
				p.settle(ctx, e.ID)
				if e.Error.Traceback != "" {
					c.log.line(e.Error.Traceback)
				}
				return failed(c.task, e.Error.Type, e.Error.Message)
			}
		}
	}
}

// numbers keeps the values that are numbers.
func numbers(m map[string]any) map[string]float64 {
	out := map[string]float64{}
	for k, v := range m {
		if f, ok := v.(float64); ok {
			out[k] = f
		}
	}
	return out
}

// kill ends the process group and waits for it.
func (w *worker) kill() {
	if w.proc == nil {
		return
	}
	w.proc.kill()
	w.proc = nil
}

func (p *process) kill() {
	kill(p.cmd)
	for {
		select {
		case <-p.events: // let the reader go on to the end
		case <-p.exited:
			return
		}
	}
}
