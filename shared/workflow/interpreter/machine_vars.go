package interpreter

import "maps"

// scopeOf gives the frame whose scope holds the variable as t sees it: its own
// frames down to the routine, then those of the thread that started the branch.
func (m *machine) scopeOf(t *thread, name string) *frame {
	var found *frame
	m.scopes(t, func(f *frame) bool {
		if _, ok := f.Vars[name]; ok {
			found = f
		}
		return found == nil
	})
	return found
}

// scopes visits the frames with variables, innermost first, until visit is false.
func (m *machine) scopes(t *thread, visit func(*frame) bool) {
	for ; t != nil; t = m.thread(t.Parent) {
		for i := len(t.Frames) - 1; i >= 0; i-- {
			f := t.Frames[i]
			switch f.Kind {
			case inRoutine, inFor, inExcept, inBranch:
				if !visit(f) || f.Kind == inRoutine {
					return
				}
			}
		}
	}
}

// set writes a variable where it exists, else in the innermost scope.
func (m *machine) set(t *thread, name string, v any) {
	f := m.scopeOf(t, name)
	if f == nil {
		m.scopes(t, func(inner *frame) bool { f = inner; return false })
	}
	if f.Vars == nil {
		f.Vars = scope{}
	}
	old, existed := f.Vars[name]
	m.undo = append(m.undo, undoEntry{f.Vars, name, old, existed})
	f.Vars[name] = v
}

func (m *machine) assign(t *thread, a assignment) error {
	v, err := m.eval(t, a.value)
	if err != nil {
		return err
	}
	if len(a.path) > 0 {
		path, err := evalAll(a.path, m.env(t))
		if err != nil {
			return err
		}
		old, err := m.eval(t, &nameExpr{name: a.name})
		if err != nil {
			return err
		}
		if v, err = replaced(old, path, v); err != nil {
			return err
		}
	}
	m.set(t, a.name, v)
	return nil
}

// replaced gives a copy of old in which the place at path holds v. Keys that are
// missing on the way are created as maps; list indexes must exist.
func replaced(old any, path []any, v any) (any, error) {
	if len(path) == 0 {
		return v, nil
	}
	switch c := old.(type) {
	case map[string]any:
		k, ok := path[0].(string)
		if !ok {
			return nil, raise(TagType, "a map is indexed by a string, not by a value of type %s", typeName(path[0]))
		}
		inner, ok := c[k]
		if !ok && len(path) > 1 {
			inner = map[string]any{}
		}
		inner, err := replaced(inner, path[1:], v)
		if err != nil {
			return nil, err
		}
		out := make(map[string]any, len(c)+1)
		maps.Copy(out, c)
		out[k] = inner
		return out, nil
	case []any:
		inner, err := index(c, path[0])
		if err != nil {
			return nil, err
		}
		if inner, err = replaced(inner, path[1:], v); err != nil {
			return nil, err
		}
		out := append([]any(nil), c...)
		out[path[0].(int64)] = inner
		return out, nil
	}
	return nil, raise(TagType, "a value of type %s has no places to assign to", typeName(old))
}

// setResult stores what a call gave.
func (m *machine) setResult(t *thread, name string, v any) error {
	if name == "" {
		return nil
	}
	m.set(t, name, v)
	return m.limitMemory()
}

// limitMemory takes back what the step wrote when the variables of the execution
// grew over the limit, so that an except block has room to work.
func (m *machine) limitMemory() error {
	if m.memory() <= maxVariableBytes {
		return nil
	}
	for i := len(m.undo) - 1; i >= 0; i-- {
		u := m.undo[i]
		if u.existed {
			u.vars[u.name] = u.old
		} else {
			delete(u.vars, u.name)
		}
	}
	return raise(TagResourceLimit, "the variables of the execution need more than %d bytes", maxVariableBytes)
}

// memory is the size of all variables, loop lists and requests in flight.
func (m *machine) memory() int {
	n := 0
	for _, t := range m.st.Threads {
		if t.Wait != nil && t.Wait.Request != nil {
			n += len(t.Wait.Request.Text) + len(t.Wait.Request.Bytes)
		}
		for _, f := range t.Frames {
			n += sizeOf(map[string]any(f.Vars))
			for _, b := range []*boxed{f.Items, f.Err} {
				if b != nil {
					n += sizeOf(b.V)
				}
			}
			for _, b := range f.Raised {
				n += sizeOf(b.V)
			}
		}
	}
	return n
}
