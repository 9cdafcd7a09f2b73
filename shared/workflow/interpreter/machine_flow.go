package interpreter

import (
	"math"
	"time"
)

// settle leaves blocks that have ended, until t stands at a step, waits or is gone.
func (m *machine) settle(t *thread) {
	for !m.done && t.Wait == nil && len(t.Frames) > 0 {
		f := t.top()
		if f.PC < len(m.def.blocks[f.Block].steps) {
			return
		}
		m.endBlock(t)
	}
}

func (m *machine) endBlock(t *thread) {
	f := t.top()
	switch f.Kind {
	case inRoutine:
		m.finishRoutine(t)
	case inBranch:
		m.finishBranch(t, nil)
	case inFor:
		f.I++
		if f.I < f.N {
			m.iterate(t, f)
			return
		}
		t.pop()
		m.jump(t, f.Next)
	default:
		t.pop()
		m.jump(t, f.Next)
	}
}

// jump goes on after a step: to the next one, or where "next" says.
func (m *machine) jump(t *thread, target string) {
	switch target {
	case "":
		t.top().PC++
	case "end":
		m.finishRoutine(t)
	case "break", "continue":
		for t.top().Kind != inFor && t.top().Kind != inBranch {
			t.pop()
		}
		f := t.top()
		f.PC = len(m.def.blocks[f.Block].steps)
		if target == "break" {
			f.I = f.N
		}
	default:
		for len(t.Frames) > 0 {
			f := t.top()
			if i, ok := m.def.blocks[f.Block].index[target]; ok {
				f.PC = i
				return
			}
			if f.Kind == inRoutine || f.Kind == inBranch {
				break
			}
			t.pop()
		}
		m.throw(t, raise(TagSystem, "there is no step %q to go to", target))
	}
}

// finishRoutine returns null; a failure of the caller's result is its own error.
func (m *machine) finishRoutine(t *thread) {
	if err := m.returnValue(t, nil); err != nil {
		m.throw(t, m.locate(t, m.current(t), err))
	}
}

// returnValue leaves the routine: the execution ends, a predicate has decided, or
// the call step that began the routine has its result.
func (m *machine) returnValue(t *thread, v any) error {
	f := t.pop()
	for f.Kind != inRoutine {
		f = t.pop()
	}
	switch {
	case len(t.Frames) == 0:
		m.end(v, nil)
		return nil
	case f.Predicate:
		yes, ok := v.(bool)
		if !ok {
			return raise(TagType, "predicate %s gave a value of type %s, not a boolean", f.Routine, typeName(v))
		}
		m.decide(t, yes)
		return nil
	}
	s := m.current(t)
	if err := m.setResult(t, s.call.result, v); err != nil {
		return err
	}
	m.jump(t, s.next)
	return nil
}

// enterLoop begins a for step.
func (m *machine) enterLoop(t *thread, s *step) error {
	f := &frame{Kind: inFor, Block: s.loop.body.id, Next: s.next}
	if err := m.loopOver(t, s.loop, f); err != nil {
		return err
	}
	if f.N == 0 {
		m.jump(t, s.next)
		return nil
	}
	t.push(f)
	m.iterate(t, f)
	if err := m.limitMemory(); err != nil {
		t.pop()
		return err
	}
	return nil
}

// loopOver evaluates in or range into the frame of a loop.
func (m *machine) loopOver(t *thread, lp *loop, f *frame) error {
	if lp.in != nil {
		v, err := m.eval(t, lp.in)
		if err != nil {
			return err
		}
		list, ok := v.([]any)
		if !ok {
			return raise(TagType, "for loops over a list, not over a value of type %s", typeName(v))
		}
		f.Items, f.N = &boxed{list}, int64(len(list))
		return nil
	}
	v, err := m.eval(t, lp.span)
	if err != nil {
		return err
	}
	ends, ok := v.([]any)
	if !ok || len(ends) != 2 {
		return raise(TagType, "range is a list of two numbers")
	}
	from, ok1 := number(ends[0])
	to, ok2 := number(ends[1])
	if !ok1 || !ok2 {
		return raise(TagType, "range is a list of two numbers")
	}
	f.From = &boxed{ends[0]}
	if n := math.Floor(to-from) + 1; n > 0 {
		f.N = int64(min(n, maxSteps+1)) // the step limit ends a longer loop
	}
	return nil
}

// loopVars gives the variables of iteration i.
func loopVars(lp *loop, f *frame, i int64) scope {
	vars := scope{}
	if f.Items != nil {
		vars[lp.value] = f.Items.V.([]any)[i]
	} else if n, ok := f.From.V.(int64); ok {
		vars[lp.value] = n + i
	} else {
		vars[lp.value] = f.From.V.(float64) + float64(i)
	}
	if lp.index != "" {
		vars[lp.index] = i
	}
	return vars
}

// iterate begins iteration f.I of the loop on top of t, with a fresh scope.
func (m *machine) iterate(t *thread, f *frame) {
	parent := t.Frames[len(t.Frames)-2]
	s := m.def.blocks[parent.Block].steps[parent.PC]
	f.PC, f.Vars = 0, loopVars(s.loop, f, f.I)
}

// throw raises an error in t: frames are left until a try takes it.
func (m *machine) throw(t *thread, r *raised) {
	for len(t.Frames) > 0 {
		f := t.top()
		switch {
		case f.Kind == inBranch:
			m.finishBranch(t, r)
			return
		case f.Kind == inTry && !f.Deciding:
			f.Err, f.ErrAt = &boxed{r.payload}, r.where
			m.consider(t, f)
			return
		}
		t.pop()
	}
	m.end(nil, r)
}

// tryStep gives the step of the try frame on top of t.
func (m *machine) tryStep(t *thread) *step {
	parent := t.Frames[len(t.Frames)-2]
	return m.def.blocks[parent.Block].steps[parent.PC]
}

// consider asks the predicate of the try on top of t about its error.
func (m *machine) consider(t *thread, f *frame) {
	r := m.tryStep(t).try.retry
	if r == nil {
		m.except(t)
		return
	}
	if fn, ok := functions[r.predicate]; ok {
		v, err := fn.apply(m.env(t), []any{f.Err.V})
		m.decide(t, err == nil && v == true)
		return
	}
	if m.depth(t) >= maxCallDepth {
		m.except(t)
		return
	}
	f.Deciding = true
	p := routineFrame(m.def.routines[r.predicate], []any{f.Err.V})
	p.Predicate = true
	t.push(p)
}

// decide begins the try on top of t again after a delay, or gives up.
func (m *machine) decide(t *thread, again bool) {
	f := t.top()
	f.Deciding = false
	if !again {
		m.except(t)
		return
	}
	s := m.tryStep(t)
	limit, delay, err := m.backoff(t, s.try.retry, f)
	if err != nil {
		t.pop()
		m.throw(t, m.locate(t, s, err))
		return
	}
	if f.Attempt >= limit {
		m.except(t)
		return
	}
	f.Attempt, f.Delay, f.PC, f.Err = f.Attempt+1, delay, 0, nil
	m.st.Steps++ // a wait of its own, not the one that failed
	t.Wait = &wait{Kind: waitSleep, N: m.st.Steps, Retry: true, Until: m.sys.now().Add(seconds(delay))}
}

// backoff gives the number of retries allowed and the next delay in seconds:
// initial_delay, then multiplied each time up to max_delay.
func (m *machine) backoff(t *thread, r *retry, f *frame) (limit int64, delay float64, err error) {
	get := func(e expr, def float64, what string) float64 {
		if e == nil || err != nil {
			return def
		}
		v, evalErr := m.eval(t, e)
		if err = evalErr; err != nil {
			return def
		}
		n, ok := number(v)
		if !ok || n < 0 {
			err = raise(TagType, "%s is a number that is not negative", what)
		}
		return n
	}
	limit = int64(get(r.max, defaultRetries, "max_retries"))
	initial := get(r.initial, 1, "initial_delay")
	most := get(r.maxDelay, 60, "max_delay")
	factor := get(r.multiplier, 1.25, "multiplier")
	delay = initial
	if f.Attempt > 0 {
		delay = f.Delay * factor
	}
	return limit, min(delay, most), err
}

// except leaves the try on top of t: into its except block, or on with the error.
func (m *machine) except(t *thread) {
	s := m.tryStep(t)
	f := t.pop()
	if s.try.except == nil {
		m.throw(t, &raised{payload: f.Err.V, where: f.ErrAt})
		return
	}
	vars := scope{}
	if s.try.as != "" {
		vars[s.try.as] = f.Err.V
	}
	t.push(&frame{Kind: inExcept, Block: s.try.except.id, Next: s.next, Vars: vars, ErrAt: f.ErrAt})
}

// origin gives the place of the error that an except block around t's step raises
// again, "" for an error of its own.
func (m *machine) origin(t *thread, payload any) string {
	for i := len(t.Frames) - 1; i > 0 && t.Frames[i].Kind != inRoutine; i-- {
		f, parent := t.Frames[i], t.Frames[i-1]
		if f.Kind != inExcept {
			continue
		}
		as := m.def.blocks[parent.Block].steps[parent.PC].try.as
		if v, ok := f.Vars[as]; ok && equal(v, payload) {
			return f.ErrAt
		}
	}
	return ""
}

// seconds turns a number of seconds into a duration, at most the longest execution.
func seconds(n float64) time.Duration {
	return time.Duration(min(n, maxExecutionTime.Seconds()) * float64(time.Second))
}
