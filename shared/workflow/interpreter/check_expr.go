package interpreter

// checkExpr checks the names in a value; at is where the value stands.
func (l *loader) checkExpr(e expr, at position, p place) {
	switch e := e.(type) {
	case *sourceExpr:
		l.checkInner(e.x, position{e.line, e.col}, p)
	case *listExpr:
		for _, c := range e.items {
			l.checkExpr(c, at, p)
		}
	case *mapExpr:
		for i := range e.keys {
			l.checkExpr(e.keys[i], at, p)
			l.checkExpr(e.vals[i], at, p)
		}
	}
}

// checkInner checks the inside of ${...}, which begins at base.
func (l *loader) checkInner(e expr, base position, p place) {
	at := position{base.line, base.col + e.at()}
	switch e := e.(type) {
	case *nameExpr:
		if !p.scope.sees(e.name) {
			l.errorf(at, "variable %q is not set anywhere it could be seen from here", e.name)
		}
	case *listExpr:
		for _, c := range e.items {
			l.checkInner(c, base, p)
		}
	case *mapExpr:
		for i := range e.keys {
			l.checkInner(e.keys[i], base, p)
			l.checkInner(e.vals[i], base, p)
		}
	case *memberExpr:
		name := dotted(e)
		_, policy := defaultPolicies[name]
		_, function := functions[name]
		if policy || function || name == "retry.default_backoff" {
			l.errorf(position{base.line, base.col + rootPos(e)}, "%s stands only in retry, without other operators", name)
			return
		}
		l.checkInner(e.x, base, p)
	case *indexExpr:
		l.checkInner(e.x, base, p)
		l.checkInner(e.i, base, p)
	case *unaryExpr:
		l.checkInner(e.x, base, p)
	case *binaryExpr:
		l.checkInner(e.l, base, p)
		l.checkInner(e.r, base, p)
	case *callExpr:
		for _, a := range e.args {
			l.checkInner(a, base, p)
		}
		l.checkCallExpr(e, at)
	}
}

func (l *loader) checkCallExpr(e *callExpr, at position) {
	params, ok := l.paramsOf(e.fn)
	if !ok {
		l.errorf(at, "%s", unknownFunction(e.fn))
		return
	}
	if f := functions[e.fn]; f != nil && f.blocking {
		l.errorf(at, "%s blocks, so it is a call step, not part of an expression", e.fn)
		return
	}
	if why := l.blocks(e.fn, map[string]bool{}); why != "" {
		l.errorf(at, "subworkflow %s uses %s, which blocks; call it in a call step, not in an expression", e.fn, why)
	}
	need := 0
	for _, prm := range params {
		if !prm.optional {
			need++
		}
	}
	if n := len(e.args); n < need || n > len(params) {
		if need == len(params) {
			l.errorf(at, "%s takes %d arguments, not %d", e.fn, need, n)
		} else {
			l.errorf(at, "%s takes %d to %d arguments, not %d", e.fn, need, len(params), n)
		}
	}
}

// blocks names what makes a subworkflow block, "" when nothing does.
func (l *loader) blocks(fn string, seen map[string]bool) string {
	r := l.def.routines[fn]
	if r == nil || seen[fn] {
		return ""
	}
	seen[fn] = true
	return l.blockBlocks(r.body, seen)
}

func (l *loader) blockBlocks(b *block, seen map[string]bool) string {
	for _, s := range b.steps {
		inner := []*block{s.body}
		switch s.kind {
		case stepCall:
			if f := functions[s.call.fn]; f != nil && f.blocking {
				return s.call.fn
			}
			if why := l.blocks(s.call.fn, seen); why != "" {
				return why
			}
		case stepParallel:
			return "parallel"
		case stepFor:
			inner = append(inner, s.loop.body)
		case stepTry:
			if s.try.retry != nil {
				return "retry"
			}
			inner = append(inner, s.try.body, s.try.except)
		case stepSwitch:
			for _, c := range s.conds {
				inner = append(inner, c.body)
			}
		}
		for _, b := range inner {
			if b != nil {
				if why := l.blockBlocks(b, seen); why != "" {
					return why
				}
			}
		}
	}
	return ""
}
