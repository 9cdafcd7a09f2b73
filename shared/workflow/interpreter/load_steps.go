package interpreter

// stepKeys lists the keys of a step: the first one names its kind, the others may
// stand beside it, with next.
var stepKeys = []struct {
	key  string
	kind stepKind
	with []string
}{
	{"assign", stepAssign, nil},
	{"call", stepCall, []string{"args", "result"}},
	{"switch", stepSwitch, nil},
	{"for", stepFor, nil},
	{"parallel", stepParallel, nil},
	{"try", stepTry, []string{"retry", "except"}},
	{"raise", stepRaise, nil},
	{"return", stepReturn, nil},
	{"steps", stepSteps, nil},
}

// steps compiles a list of named steps into a numbered block.
func (l *loader) steps(n *node) *block {
	b := l.block()
	if n.kind != listNode || len(n.items) == 0 {
		l.errorf(n.position, "steps is a list of at least one step")
		return b
	}
	for _, e := range n.items {
		if e.kind != mapNode || len(e.keys) != 1 {
			l.errorf(e.position, "a step is one name with a map below it, e.g. \"- get_rows:\"")
			continue
		}
		name := e.keys[0].v.(string)
		if _, twice := b.index[name]; twice {
			l.errorf(e.keys[0].position, "step %q is there twice", name)
		}
		if contained([]string{"", "end", "break", "continue"}, name) {
			l.errorf(e.keys[0].position, "%q cannot name a step", name)
		}
		b.index[name] = len(b.steps)
		b.steps = append(b.steps, l.step(name, e.keys[0].position, e.items[0]))
	}
	return b
}

func (l *loader) block() *block {
	b := &block{id: len(l.def.blocks), index: map[string]int{}}
	l.def.blocks = append(l.def.blocks, b)
	return b
}

// inline compiles a step without a name of its own into a block.
func (l *loader) inline(name string, at position, n *node) *block {
	b := l.block()
	b.steps = []*step{l.step(name, at, n)}
	return b
}

func (l *loader) step(name string, at position, n *node) *step {
	s := &step{name: name, at: at}
	if n.kind != mapNode || len(n.keys) == 0 {
		l.errorf(at, "step %q is a map with one of assign, call, switch, for, parallel, try, raise, return, steps, next", name)
		return s
	}
	allowed := []string{"next"}
	for _, k := range stepKeys {
		if n.get(k.key) == nil {
			continue
		}
		if s.kind != stepNext {
			l.errorf(n.position, "step %q does two things at once; give each a step of its own", name)
			return s
		}
		s.kind = k.kind
		allowed = append(append([]string{k.key}, k.with...), allowed...)
		if k.kind == stepReturn || k.kind == stepRaise {
			allowed = allowed[:1]
		}
	}
	if !l.mapWith(n, "step "+name, allowed...) {
		return s
	}
	if next := n.get("next"); next != nil {
		s.next, s.jump = l.name(next, "next")
	}
	l.stepBody(s, n)
	return s
}

func (l *loader) stepBody(s *step, n *node) {
	switch s.kind {
	case stepAssign:
		s.assign = l.assignments(n.get("assign"))
	case stepCall:
		s.call = l.call(n)
	case stepSwitch:
		s.conds = l.conditions(s, n.get("switch"))
	case stepFor:
		s.loop = l.loop(n.get("for"))
	case stepParallel:
		s.par = l.parallel(n.get("parallel"))
	case stepTry:
		s.try = l.try(s, n)
	case stepRaise:
		s.value = l.value(n.get("raise"))
		if v, ok := constant(s.value); ok {
			if t := typeName(v); t != "string" && t != "map" {
				l.errorf(n.get("raise").position, "raise takes a string or a map, not a value of type %s", t)
			}
		}
	case stepReturn:
		s.value = l.value(n.get("return"))
	case stepSteps:
		s.body = l.steps(n.get("steps"))
	}
}

// name reads a plain string.
func (l *loader) name(n *node, what string) (string, position) {
	s, ok := n.str()
	if !ok || s == "" {
		l.errorf(n.position, "%s is a name", what)
	}
	return s, n.position
}

// variable reads the name of a variable.
func (l *loader) variable(n *node, what string) string {
	s, ok := n.str()
	if !ok || !isName(s) || keyword(token{kind: tokName, text: s}) != "" {
		l.errorf(n.position, "%s is the name of a variable: letters, digits and underscores", what)
	}
	return s
}

func (l *loader) assignments(n *node) []assignment {
	if n.kind != listNode || len(n.items) == 0 || len(n.items) > maxAssignments {
		l.errorf(n.position, "assign is a list of 1 to %d entries, e.g. \"- total: ${total + 1}\"", maxAssignments)
		return nil
	}
	var out []assignment
	for _, e := range n.items {
		if e.kind != mapNode || len(e.keys) != 1 {
			l.errorf(e.position, "an assignment is one variable with its value")
			continue
		}
		a := assignment{at: e.keys[0].position, value: l.value(e.items[0])}
		x, err := parseExpr(e.keys[0].v.(string))
		if err != nil {
			l.errorf(a.at, "%q is not a place to assign to: %v", e.keys[0].v, err)
			continue
		}
		if !a.target(x, a.at) || keyword(token{kind: tokName, text: a.name}) != "" {
			l.errorf(a.at, "%q is not a place to assign to; write name, name.key or name[index]", e.keys[0].v)
			continue
		}
		out = append(out, a)
	}
	return out
}

// target splits name.key[index] into the variable and the path below it.
func (a *assignment) target(x expr, at position) bool {
	switch x := x.(type) {
	case *nameExpr:
		a.name = x.name
		return true
	case *memberExpr:
		ok := a.target(x.x, at)
		a.path = append(a.path, &litExpr{v: x.name})
		return ok
	case *indexExpr:
		ok := a.target(x.x, at)
		a.path = append(a.path, &sourceExpr{at.line, at.col, x.i})
		return ok
	}
	return false
}

func (l *loader) call(n *node) *call {
	c := &call{}
	c.fn, c.at = l.name(n.get("call"), "call")
	if args := n.get("args"); args != nil {
		if args.kind != mapNode {
			l.errorf(args.position, "args is a map of argument names")
		}
		for i, k := range args.keys {
			c.args = append(c.args, argument{k.position, k.v.(string), l.value(args.items[i])})
		}
	}
	if r := n.get("result"); r != nil {
		c.result = l.variable(r, "result")
	}
	return c
}

func (l *loader) conditions(s *step, n *node) []condition {
	if n.kind != listNode || len(n.items) == 0 || len(n.items) > maxConditions {
		l.errorf(n.position, "switch is a list of 1 to %d conditions", maxConditions)
		return nil
	}
	var out []condition
	for _, e := range n.items {
		if e.kind != mapNode || e.get("condition") == nil {
			l.errorf(e.position, "an entry of switch has a condition")
			continue
		}
		c := condition{at: e.position, cond: l.value(e.get("condition"))}
		rest := &node{position: e.position, kind: mapNode}
		for i, k := range e.keys {
			switch v := e.items[i]; k.v {
			case "condition":
			case "next":
				c.next, c.jump = l.name(v, "next")
			default:
				rest.keys, rest.items = append(rest.keys, k), append(rest.items, v)
			}
		}
		if len(rest.keys) == 1 && rest.keys[0].v == "steps" {
			c.body = l.steps(rest.items[0])
		} else if len(rest.keys) > 0 {
			c.body = l.inline(s.name, e.position, rest)
		}
		out = append(out, c)
	}
	return out
}

func (l *loader) loop(n *node) *loop {
	lp := &loop{at: n.position}
	if !l.mapWith(n, "for", "value", "index", "in", "range", "steps") {
		return lp
	}
	if v := n.get("value"); v != nil {
		lp.value = l.variable(v, "value")
	} else {
		l.errorf(n.position, "for has no value, the name of the loop variable")
	}
	if v := n.get("index"); v != nil {
		lp.index = l.variable(v, "index")
	}
	in, span := n.get("in"), n.get("range")
	switch {
	case (in == nil) == (span == nil):
		l.errorf(n.position, "for has either in or range")
	case in != nil:
		lp.in = l.value(in)
		if _, scalar := lp.in.(*litExpr); scalar {
			l.errorf(in.position, "in is a list or an expression")
		}
	default:
		lp.span = l.value(span)
		_, expression := lp.span.(*sourceExpr)
		if list, ok := lp.span.(*listExpr); !expression && (!ok || len(list.items) != 2) {
			l.errorf(span.position, "range is a list of two numbers or an expression")
		}
		if lp.index != "" {
			l.errorf(span.position, "a for with range has no index")
		}
	}
	if s := n.get("steps"); s != nil {
		lp.body = l.steps(s)
	} else {
		l.errorf(n.position, "for has no steps")
	}
	return lp
}

func (l *loader) parallel(n *node) *parallel {
	p := &parallel{at: n.position}
	if !l.mapWith(n, "parallel", "exception_policy", "shared", "concurrency_limit", "branches", "for") {
		return p
	}
	if e := n.get("exception_policy"); e != nil && e.v != "continueAll" {
		l.errorf(e.position, "exception_policy is continueAll")
	}
	if s := n.get("shared"); s != nil {
		if s.kind != listNode {
			l.errorf(s.position, "shared is a list of variables")
		}
		for _, e := range s.items {
			p.shared = append(p.shared, l.variable(e, "an entry of shared"))
		}
	}
	if c := n.get("concurrency_limit"); c != nil {
		p.limit = l.value(c)
		if v, ok := constant(p.limit); ok {
			if i, isInt := v.(int64); !isInt || i < 1 {
				l.errorf(c.position, "concurrency_limit is a positive integer")
			}
		}
	}
	branches, loop := n.get("branches"), n.get("for")
	switch {
	case (branches == nil) == (loop == nil):
		l.errorf(n.position, "parallel has either branches or for")
	case loop != nil:
		p.loop = l.loop(loop)
	case branches.kind != listNode || len(branches.items) == 0 || len(branches.items) > maxBranches:
		l.errorf(branches.position, "branches is a list of 1 to %d branches", maxBranches)
	default:
		for _, e := range branches.items {
			if e.kind != mapNode || len(e.keys) != 1 {
				l.errorf(e.position, "a branch is one name with steps below it")
				continue
			}
			name := e.keys[0].v.(string)
			if l.mapWith(e.items[0], "branch "+name, "steps") && e.items[0].get("steps") != nil {
				p.branches = append(p.branches, branch{name, l.steps(e.items[0].get("steps"))})
			} else {
				l.errorf(e.position, "branch %q has no steps", name)
			}
		}
	}
	return p
}
