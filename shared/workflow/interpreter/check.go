package interpreter

import (
	"fmt"
	"strings"
)

// place is the static surrounding of a step: what it can see and where it can jump.
type place struct {
	routine *routine
	scope   *names
	blocks  []*block // enclosing blocks a jump can reach, outermost first
	loops   int      // enclosing for loops that break can leave
	inFor   bool     // continue has a loop to continue
	depth   int      // enclosing parallel steps
}

// names are the variables of one scope: a routine, a for, an except or a branch.
type names struct {
	vars   map[string]bool
	parent *names
	// shared is set on the scope of a parallel branch: the only variables of its
	// parents that it may write.
	shared map[string]bool
}

func (n *names) child() *names { return &names{vars: map[string]bool{}, parent: n} }

func (n *names) sees(name string) bool {
	for ; n != nil; n = n.parent {
		if n.vars[name] {
			return true
		}
	}
	return false
}

// mayWrite is false for a variable outside the branch that is not shared.
func (n *names) mayWrite(name string) bool {
	crossed := true
	for ; n != nil; n = n.parent {
		if n.vars[name] {
			return crossed
		}
		if n.shared != nil {
			crossed = crossed && n.shared[name]
		}
	}
	return true
}

// check refuses what only the whole file shows: unknown names, wrong arguments,
// jumps to nowhere, writes to variables that are not shared.
func (l *loader) check() {
	for _, r := range l.def.routines {
		p := place{routine: r, scope: (*names)(nil).child()}
		for _, prm := range r.params {
			p.scope.vars[prm.name] = true
		}
		l.declare(r.body, p.scope)
		l.checkBlock(r.body, p)
	}
}

// declare finds the variables a block creates in its own scope, in nested steps too,
// except those of loops, except blocks and branches, which have scopes of their own.
func (l *loader) declare(b *block, n *names) {
	add := func(name string) {
		if name != "" && !n.sees(name) {
			n.vars[name] = true
		}
	}
	for _, s := range b.steps {
		for _, a := range s.assign {
			if len(a.path) == 0 {
				add(a.name)
			}
		}
		if s.call != nil {
			add(s.call.result)
		}
		for _, c := range s.conds {
			if c.body != nil {
				l.declare(c.body, n)
			}
		}
		if s.body != nil {
			l.declare(s.body, n)
		}
		if s.try != nil {
			l.declare(s.try.body, n)
		}
	}
}

func (l *loader) checkBlock(b *block, p place) {
	p.blocks = append(p.blocks[:len(p.blocks):len(p.blocks)], b)
	for _, s := range b.steps {
		l.checkStep(s, p)
		l.checkJump(s.next, s.jump, p)
	}
}

func (l *loader) checkJump(target string, at position, p place) {
	switch target {
	case "":
	case "end":
		if p.depth > 0 {
			l.errorf(at, "next: end cannot leave a parallel step")
		}
	case "break":
		if p.loops == 0 {
			l.errorf(at, "next: break is not inside a for loop that it could leave")
		}
	case "continue":
		if !p.inFor {
			l.errorf(at, "next: continue is not inside a for loop")
		}
	default:
		for _, b := range p.blocks {
			if _, ok := b.index[target]; ok {
				return
			}
		}
		l.errorf(at, "there is no step %q to go to from here", target)
	}
}

func (l *loader) checkStep(s *step, p place) {
	switch s.kind {
	case stepAssign:
		for _, a := range s.assign {
			l.checkAssignment(a, p)
		}
	case stepCall:
		l.checkCall(s.call, p)
		l.checkWrite(s.call.result, s.call.at, p)
	case stepSwitch:
		for _, c := range s.conds {
			l.checkExpr(c.cond, c.at, p)
			l.checkJump(c.next, c.jump, p)
			if c.body != nil {
				l.checkBlock(c.body, p)
			}
		}
	case stepFor:
		l.checkLoop(s.loop, p, nil)
	case stepParallel:
		l.checkParallel(s.par, p)
	case stepTry:
		l.checkTry(s.try, p)
	case stepRaise:
		l.checkExpr(s.value, s.at, p)
	case stepReturn:
		if p.depth > 0 {
			l.errorf(s.at, "return cannot leave a parallel step")
		}
		l.checkExpr(s.value, s.at, p)
	case stepSteps:
		l.checkBlock(s.body, p)
	}
}

func (l *loader) checkAssignment(a assignment, p place) {
	l.checkExpr(a.value, a.at, p)
	for _, e := range a.path {
		l.checkExpr(e, a.at, p)
	}
	if len(a.path) > 0 && !p.scope.sees(a.name) {
		l.errorf(a.at, "variable %q is not set anywhere; assign it a map or a list first", a.name)
	}
	l.checkWrite(a.name, a.at, p)
}

func (l *loader) checkWrite(name string, at position, p place) {
	if name != "" && !p.scope.mayWrite(name) {
		l.errorf(at, "variable %q belongs to the parent of the parallel step; list it in shared to write it", name)
	}
}

// checkLoop checks a for; branch is the scope it has as the body of a parallel step.
func (l *loader) checkLoop(lp *loop, p place, shared map[string]bool) {
	for _, e := range []expr{lp.in, lp.span} {
		if e != nil {
			l.checkExpr(e, lp.at, p)
		}
	}
	p.scope = p.scope.child()
	p.scope.shared = shared
	p.scope.vars[lp.value] = true
	if lp.index != "" {
		p.scope.vars[lp.index] = true
	}
	l.declare(lp.body, p.scope)
	p.inFor = true
	if shared == nil {
		p.loops++
	}
	l.checkBlock(lp.body, p)
}

func (l *loader) checkParallel(par *parallel, p place) {
	if p.depth++; p.depth > maxParallelDepth {
		l.errorf(par.at, "parallel steps are nested more than %d deep", maxParallelDepth)
	}
	shared := map[string]bool{}
	for _, name := range par.shared {
		shared[name] = true
		if !p.scope.sees(name) {
			l.errorf(par.at, "shared variable %q is not set before the parallel step", name)
		}
		l.checkWrite(name, par.at, p)
	}
	if par.limit != nil {
		l.checkExpr(par.limit, par.at, p)
	}
	p.blocks, p.loops, p.inFor = nil, 0, false
	if par.loop != nil {
		l.checkLoop(par.loop, p, shared)
		return
	}
	outer := p.scope
	for _, br := range par.branches {
		p.scope = outer.child()
		p.scope.shared = shared
		l.declare(br.body, p.scope)
		l.checkBlock(br.body, p)
	}
}

func (l *loader) checkTry(t *try, p place) {
	l.checkBlock(t.body, p)
	if r := t.retry; r != nil {
		for _, e := range []expr{r.max, r.initial, r.maxDelay, r.multiplier} {
			if e != nil {
				l.checkExpr(e, r.at, p)
			}
		}
		l.checkPredicate(r)
	}
	if t.except == nil {
		return
	}
	p.scope = p.scope.child()
	if t.as != "" {
		p.scope.vars[t.as] = true
	}
	l.declare(t.except, p.scope)
	l.checkBlock(t.except, p)
}

func (l *loader) checkPredicate(r *retry) {
	f, builtin := functions[r.predicate]
	sub, own := l.def.routines[r.predicate]
	switch {
	case builtin && (f.blocking || len(f.params) != 1):
		l.errorf(r.at, "%s does not take an exception and cannot be a predicate", r.predicate)
	case own && (len(sub.params) == 0 || len(sub.params) > 1 && !sub.params[1].optional):
		l.errorf(r.at, "predicate %s takes one parameter, the exception", r.predicate)
	case !builtin && !own:
		l.errorf(r.at, "predicate %s is neither a subworkflow nor a library function", r.predicate)
	}
}

func (l *loader) checkCall(c *call, p place) {
	for _, a := range c.args {
		l.checkExpr(a.value, a.at, p)
	}
	params, ok := l.paramsOf(c.fn)
	if !ok {
		l.errorf(c.at, "%s", unknownFunction(c.fn))
		return
	}
	given := map[string]bool{}
	for _, a := range c.args {
		known := false
		for _, prm := range params {
			known = known || prm.name == a.name
		}
		if !known {
			l.errorf(a.at, "%s has no argument %q; it has %s", c.fn, a.name, paramNames(params))
		}
		given[a.name] = true
		if a.name == "auth" && strings.HasPrefix(c.fn, "http.") {
			l.checkAuth(a)
		}
	}
	for _, prm := range params {
		if !prm.optional && !given[prm.name] {
			l.errorf(c.at, "%s needs the argument %q", c.fn, prm.name)
		}
	}
}

func (l *loader) checkAuth(a argument) {
	m, ok := a.value.(*mapExpr)
	if !ok {
		return
	}
	for i, k := range m.keys {
		if name, _ := constant(k); name == "type" {
			if v, ok := constant(m.vals[i]); ok && v != "OIDC" {
				l.errorf(a.at, "auth type %v is not supported; use OIDC", v)
			}
		}
	}
}

func (l *loader) paramsOf(fn string) ([]param, bool) {
	if f, ok := functions[fn]; ok {
		return f.params, true
	}
	if r, ok := l.def.routines[fn]; ok && fn != "main" {
		return r.params, true
	}
	return nil, false
}

func paramNames(ps []param) string {
	if len(ps) == 0 {
		return "no arguments"
	}
	list := make([]string, len(ps))
	for i, p := range ps {
		list[i] = p.name
	}
	return strings.Join(list, ", ")
}

func unknownFunction(fn string) string {
	switch {
	case strings.HasPrefix(fn, "googleapis."):
		return fmt.Sprintf("connector %s is not supported; call the service with http.request", fn)
	case strings.HasPrefix(fn, "experimental."):
		return fmt.Sprintf("experimental function %s is not supported", fn)
	case strings.HasPrefix(fn, "${"):
		return "call takes the name of a function or subworkflow, not an expression"
	case fn == "main":
		return "main cannot be called"
	}
	return fmt.Sprintf("%s is neither a subworkflow of this file nor a library function", fn)
}
