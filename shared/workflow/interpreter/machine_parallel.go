package interpreter

import (
	"slices"
	"strconv"
)

// enterParallel begins a parallel step: t waits until its branches are done.
func (m *machine) enterParallel(t *thread, s *step) error {
	depth := 1
	for p := t; p.Parent != 0; p = m.thread(p.Parent) {
		depth++
	}
	if depth > maxParallelDepth {
		return raise(TagParallelNesting, "parallel steps are nested more than %d deep", maxParallelDepth)
	}
	f := &frame{Kind: inParallel, Block: t.top().Block, Next: s.next, Limit: maxConcurrent}
	if s.par.limit != nil {
		v, err := m.eval(t, s.par.limit)
		if err != nil {
			return err
		}
		n, ok := v.(int64)
		if !ok || n < 1 {
			return raise(TagType, "concurrency_limit is a positive integer")
		}
		f.Limit = min(n, maxConcurrent)
	}
	if s.par.loop == nil {
		f.N = int64(len(s.par.branches))
	} else if err := m.loopOver(t, s.par.loop, f); err != nil {
		return err
	}
	if f.N == 0 {
		m.jump(t, s.next)
		return nil
	}
	t.push(f)
	t.Wait = &wait{Kind: waitJoin, N: m.st.Steps}
	m.startBranches(t)
	if err := m.limitMemory(); err != nil {
		m.st.Threads = slices.DeleteFunc(m.st.Threads, func(c *thread) bool { return c.Parent == t.ID })
		t.pop()
		t.Wait = nil
		return err
	}
	return nil
}

// startBranches starts as many waiting branches of t as its limit allows.
func (m *machine) startBranches(t *thread) {
	f := t.top()
	parent := t.Frames[len(t.Frames)-2]
	par := m.def.blocks[parent.Block].steps[parent.PC].par
	for f.Live < f.Limit && f.I < f.N {
		m.st.Last++
		c := &thread{ID: m.st.Last, Parent: t.ID}
		body := &frame{Kind: inBranch, Vars: scope{}}
		if par.loop != nil {
			c.Branch = strconv.FormatInt(f.I, 10)
			body.Block, body.Vars = par.loop.body.id, loopVars(par.loop, f, f.I)
		} else {
			c.Branch = par.branches[f.I].name
			body.Block = par.branches[f.I].body.id
		}
		c.push(body)
		m.st.Threads = append(m.st.Threads, c)
		f.I++
		f.Live++
	}
}

// finishBranch ends thread t, which may have raised an error. The last one lets its
// parent go on; the others still run when one fails (continueAll).
func (m *machine) finishBranch(t *thread, r *raised) {
	m.st.Threads = slices.DeleteFunc(m.st.Threads, func(c *thread) bool { return c == t })
	t.Frames = nil
	p := m.thread(t.Parent)
	f := p.top()
	f.Live--
	if r != nil {
		f.Raised = append(f.Raised, boxed{map[string]any{
			"id":    t.Branch,
			"error": map[string]any{"payload": r.payload, "context": r.message() + " in " + r.where},
		}})
	}
	m.startBranches(p)
	if f.Live > 0 {
		return
	}
	p.Wait = nil
	p.pop()
	if len(f.Raised) == 0 {
		m.jump(p, f.Next)
	} else {
		m.throw(p, m.locate(p, m.current(p), unhandled(f.Raised)))
	}
	m.settle(p)
}

// unhandled is the error of a parallel step whose branches failed.
func unhandled(errs []boxed) *raised {
	list := []any{}
	for _, b := range errs[:min(len(errs), maxUnhandledErrors)] {
		list = append(list, b.V)
	}
	return raiseMap(TagUnhandledBranch, map[string]any{
		"branches": list, "truncated": len(errs) > maxUnhandledErrors,
	}, "one or more branches or iterations raised an error that they did not handle")
}
