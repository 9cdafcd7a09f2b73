package interpreter

import (
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// snapshot is everything an execution needs to go on: it is the checkpoint.
type snapshot struct {
	Threads []*thread `json:"threads"` // the first one is main
	Steps   int64     `json:"steps"`   // executed so far; also the step counter of calls
	Last    int       `json:"last"`    // the highest thread id given
	// Endpoints are the callback endpoints made, deleted when the execution ends.
	Endpoints []string `json:"endpoints,omitempty"`
}

// thread is main, or a branch or iteration of a parallel step.
type thread struct {
	ID     int      `json:"id"`
	Parent int      `json:"parent,omitempty"` // 0 for main
	Branch string   `json:"branch,omitempty"` // name of the branch, number of the iteration
	Frames []*frame `json:"frames"`           // the program counter stack, innermost last
	Wait   *wait    `json:"wait,omitempty"`
}

type frameKind string

const (
	inRoutine  frameKind = "routine"
	inSteps    frameKind = "steps"
	inFor      frameKind = "for"
	inTry      frameKind = "try"
	inExcept   frameKind = "except"
	inBranch   frameKind = "branch"
	inParallel frameKind = "parallel"
)

// frame is one block in execution.
type frame struct {
	Kind  frameKind `json:"k"`
	Block int       `json:"b"`
	PC    int       `json:"pc"`
	// Vars are the variables of a routine, a for, an except or a branch.
	Vars scope `json:"v,omitempty"`
	// Next is the jump to make when the block ends normally.
	Next string `json:"next,omitempty"`
	// Routine names a routine; Predicate marks one that decides about a retry.
	Routine   string `json:"routine,omitempty"`
	Predicate bool   `json:"predicate,omitempty"`

	// Loop state of for and parallel: Items, or the first number of a range; I is the
	// iteration (parallel: the next one to start) of N.
	Items *boxed `json:"items,omitempty"`
	From  *boxed `json:"from,omitempty"`
	I     int64  `json:"i,omitempty"`
	N     int64  `json:"n,omitempty"`

	// State of try: retries made, the last delay in seconds, the error a predicate decides about.
	Attempt  int64   `json:"attempt,omitempty"`
	Delay    float64 `json:"delay,omitempty"`
	Deciding bool    `json:"deciding,omitempty"`
	Err      *boxed  `json:"err,omitempty"`
	ErrAt    string  `json:"err_at,omitempty"`

	// State of parallel: how many may run, how many do, what they raised.
	Limit  int64   `json:"limit,omitempty"`
	Live   int64   `json:"live,omitempty"`
	Raised []boxed `json:"raised,omitempty"`
}

// wait is a blocking operation, written down before it begins.
type wait struct {
	Kind     string    `json:"kind"` // http, sleep, callback, join
	N        int64     `json:"n"`    // step counter
	Until    time.Time `json:"until,omitzero"`
	Retry    bool      `json:"retry,omitempty"` // a sleep before a try begins again
	Request  *request  `json:"request,omitempty"`
	Endpoint string    `json:"endpoint,omitempty"`
}

const (
	waitHTTP     = "http"
	waitSleep    = "sleep"
	waitCallback = "callback"
	waitJoin     = "join"
)

// machine advances a snapshot. It never blocks and is used by one goroutine.
type machine struct {
	def  *definition
	st   *snapshot
	sys  sysInfo
	log  *slog.Logger
	base int // routines below an inline call
	// newEndpoint makes a callback endpoint and gives its id and URL.
	newEndpoint func(method string) (id, url string)

	done    bool
	result  any
	failure *raised

	undo []undoEntry
}

type undoEntry struct {
	vars    scope
	name    string
	old     any
	existed bool
}

// begin sets up the snapshot of a new execution.
func (m *machine) begin(arg any) {
	r := m.def.routines["main"]
	args := []any{}
	if len(r.params) > 0 {
		args = append(args, arg)
		if arg == nil && r.params[0].optional {
			args[0] = r.params[0].def
		}
	}
	m.st = &snapshot{Last: 1, Threads: []*thread{{ID: 1, Frames: []*frame{routineFrame(r, args)}}}}
}

func routineFrame(r *routine, args []any) *frame {
	f := &frame{Kind: inRoutine, Block: r.body.id, Routine: r.name, Vars: scope{}}
	for i, p := range r.params {
		if f.Vars[p.name] = p.def; i < len(args) {
			f.Vars[p.name] = args[i]
		}
	}
	return f
}

func (t *thread) top() *frame { return t.Frames[len(t.Frames)-1] }

func (t *thread) pop() *frame {
	f := t.top()
	t.Frames = t.Frames[:len(t.Frames)-1]
	return f
}

func (t *thread) push(f *frame) { t.Frames = append(t.Frames, f) }

// current is the step the innermost frame of t stands at.
func (m *machine) current(t *thread) *step {
	f := t.top()
	return m.def.blocks[f.Block].steps[f.PC]
}

func (m *machine) thread(id int) *thread {
	for _, t := range m.st.Threads {
		if t.ID == id {
			return t
		}
	}
	return nil
}

// runnable gives the threads that can make a step now.
func (m *machine) runnable() []*thread {
	var out []*thread
	for _, t := range m.st.Threads {
		if t.Wait == nil && len(t.Frames) > 0 {
			out = append(out, t)
		}
	}
	return out
}

// advance makes one step of a runnable thread.
func (m *machine) advance(t *thread) {
	s := m.current(t)
	m.st.Steps++
	if m.st.Steps > maxSteps {
		m.end(nil, m.locate(t, s, raise(TagResourceLimit, "the execution has made %d steps, the most allowed", maxSteps)))
		return
	}
	m.undo = m.undo[:0]
	if err := m.exec(t, s); err != nil {
		m.throw(t, m.locate(t, s, err))
	}
	m.settle(t)
}

// locate adds the place to an error that has none: the step of each routine on the
// stack, e.g. "main.load > call_function.post, line 80".
func (m *machine) locate(t *thread, s *step, err error) *raised {
	r, ok := err.(*raised)
	if !ok {
		r = raise(TagSystem, "%v", err)
	}
	if r.where != "" {
		return r
	}
	var path []string
	for i := 0; i < len(t.Frames); i++ {
		if i+1 < len(t.Frames) && t.Frames[i+1].Kind == inRoutine {
			f := t.Frames[i]
			path = append(path, m.routineAt(t, i)+"."+m.def.blocks[f.Block].steps[f.PC].name)
		}
	}
	path = append(path, m.routineOf(t)+"."+s.name)
	r.where = fmt.Sprintf("%s, line %d", strings.Join(path, " > "), s.at.line)
	return r
}

// routineAt names the routine that frame i of t belongs to.
func (m *machine) routineAt(t *thread, i int) string {
	for ; i >= 0; i-- {
		if t.Frames[i].Kind == inRoutine {
			return t.Frames[i].Routine
		}
	}
	if p := m.thread(t.Parent); p != nil {
		return m.routineOf(p)
	}
	return "main"
}

// routineOf names the routine a thread is in.
func (m *machine) routineOf(t *thread) string { return m.routineAt(t, len(t.Frames)-1) }

// position says where main itself stands, e.g. "main.extract", also while a
// subworkflow or branches run below that step.
func (m *machine) position() string {
	at := ""
	if len(m.st.Threads) == 0 {
		return at
	}
	for i, f := range m.st.Threads[0].Frames {
		if i > 0 && f.Kind == inRoutine {
			break
		}
		if steps := m.def.blocks[f.Block].steps; f.Kind != inParallel && f.PC < len(steps) {
			at = "main." + steps[f.PC].name
		}
	}
	return at
}

// exec performs a step. A step that blocks sets t.Wait instead of moving on.
func (m *machine) exec(t *thread, s *step) error {
	switch s.kind {
	case stepAssign:
		for _, a := range s.assign {
			if err := m.assign(t, a); err != nil {
				return err
			}
		}
		if err := m.limitMemory(); err != nil {
			return err
		}
	case stepCall:
		return m.call(t, s)
	case stepSwitch:
		return m.choose(t, s)
	case stepFor:
		return m.enterLoop(t, s)
	case stepParallel:
		return m.enterParallel(t, s)
	case stepTry:
		t.push(&frame{Kind: inTry, Block: s.try.body.id, Next: s.next})
		return nil
	case stepRaise:
		v, err := m.eval(t, s.value)
		if err != nil {
			return err
		}
		switch v.(type) {
		case string, map[string]any:
			return &raised{payload: v, where: m.origin(t, v)}
		}
		return raise(TagType, "raise takes a string or a map, not a value of type %s", typeName(v))
	case stepReturn:
		v, err := m.eval(t, s.value)
		if err != nil {
			return err
		}
		return m.returnValue(t, v)
	case stepSteps:
		t.push(&frame{Kind: inSteps, Block: s.body.id, Next: s.next})
		return nil
	}
	m.jump(t, s.next)
	return nil
}

func (m *machine) choose(t *thread, s *step) error {
	for _, c := range s.conds {
		v, err := m.eval(t, c.cond)
		if err != nil {
			return err
		}
		yes, ok := v.(bool)
		if !ok {
			return raise(TagType, "a condition is a boolean, not a value of type %s", typeName(v))
		}
		if !yes {
			continue
		}
		next := c.next
		if next == "" {
			next = s.next
		}
		if c.body == nil {
			m.jump(t, next)
		} else {
			t.push(&frame{Kind: inSteps, Block: c.body.id, Next: next})
		}
		return nil
	}
	m.jump(t, s.next)
	return nil
}

// env binds expressions to the variables t sees.
func (m *machine) env(t *thread) *env {
	return &env{
		sys: m.sys,
		lookup: func(name string) (any, bool) {
			if f := m.scopeOf(t, name); f != nil {
				return f.Vars[name], true
			}
			return nil, false
		},
		call: func(fn string, args []any) (any, error) { return m.inline(t, fn, args) },
	}
}

func (m *machine) eval(t *thread, e expr) (any, error) { return eval(e, m.env(t)) }

// inline runs a subworkflow inside an expression; the loader has made sure that it
// does not block.
func (m *machine) inline(t *thread, fn string, args []any) (any, error) {
	depth := m.depth(t) + 1
	if depth > maxCallDepth {
		return nil, tooDeep()
	}
	sub := &machine{def: m.def, sys: m.sys, log: m.log, base: depth - 1, st: &snapshot{
		Steps: m.st.Steps, Last: 1,
		Threads: []*thread{{ID: 1, Frames: []*frame{routineFrame(m.def.routines[fn], args)}}},
	}}
	for !sub.done {
		sub.advance(sub.st.Threads[0])
	}
	m.st.Steps = sub.st.Steps
	if sub.failure != nil {
		return nil, sub.failure
	}
	return sub.result, nil
}

func tooDeep() *raised {
	return raise(TagRecursion, "more than %d routines call each other", maxCallDepth)
}

// depth counts the routines on the stack of t and of the threads it came from.
func (m *machine) depth(t *thread) int {
	n := m.base
	for ; t != nil; t = m.thread(t.Parent) {
		for _, f := range t.Frames {
			if f.Kind == inRoutine {
				n++
			}
		}
	}
	return n
}

// end finishes the execution.
func (m *machine) end(result any, failure *raised) {
	m.done, m.result, m.failure = true, result, failure
}
