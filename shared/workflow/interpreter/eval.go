package interpreter

// env is what an expression can see.
type env struct {
	lookup func(name string) (any, bool)
	// call runs a subworkflow of the definition to its end, without blocking.
	call func(routine string, args []any) (any, error)
	sys  sysInfo
}

// eval computes an expression. Errors are *raised.
func eval(e expr, v *env) (any, error) {
	switch e := e.(type) {
	case *litExpr:
		return e.v, nil
	case *sourceExpr:
		return eval(e.x, v)
	case *nameExpr:
		x, ok := v.lookup(e.name)
		if !ok {
			return nil, raise(TagKey, "variable %q is not set", e.name)
		}
		return x, nil
	case *listExpr:
		return evalAll(e.items, v)
	case *mapExpr:
		return evalMap(e, v)
	case *memberExpr:
		x, err := eval(e.x, v)
		if err != nil {
			return nil, err
		}
		return member(x, e.name)
	case *indexExpr:
		x, err := eval(e.x, v)
		if err != nil {
			return nil, err
		}
		i, err := eval(e.i, v)
		if err != nil {
			return nil, err
		}
		return index(x, i)
	case *unaryExpr:
		x, err := eval(e.x, v)
		if err != nil {
			return nil, err
		}
		return unary(e.op, x)
	case *binaryExpr:
		return evalBinary(e, v)
	case *callExpr:
		args, err := evalAll(e.args, v)
		if err != nil {
			return nil, err
		}
		if f, ok := functions[e.fn]; ok {
			return f.apply(v, args)
		}
		return v.call(e.fn, args)
	}
	return nil, raise(TagSystem, "an expression of kind %T cannot be evaluated", e)
}

func evalAll(items []expr, v *env) ([]any, error) {
	out := make([]any, len(items))
	for i, e := range items {
		x, err := eval(e, v)
		if err != nil {
			return nil, err
		}
		out[i] = x
	}
	return out, nil
}

func evalMap(e *mapExpr, v *env) (any, error) {
	m := make(map[string]any, len(e.keys))
	for i := range e.keys {
		k, err := eval(e.keys[i], v)
		if err != nil {
			return nil, err
		}
		name, ok := k.(string)
		if !ok {
			return nil, raise(TagType, "a map key is a string, not a value of type %s", typeName(k))
		}
		if m[name], err = eval(e.vals[i], v); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// evalBinary evaluates "and" and "or" only as far as their result needs.
func evalBinary(e *binaryExpr, v *env) (any, error) {
	l, err := eval(e.l, v)
	if err != nil {
		return nil, err
	}
	if e.op == "and" || e.op == "or" {
		lb, ok := l.(bool)
		if !ok {
			return nil, raise(TagType, "%q needs booleans, not a value of type %s", e.op, typeName(l))
		}
		if lb == (e.op == "or") {
			return lb, nil
		}
		r, err := eval(e.r, v)
		if err != nil {
			return nil, err
		}
		if rb, ok := r.(bool); ok {
			return rb, nil
		}
		return nil, raise(TagType, "%q needs booleans, not a value of type %s", e.op, typeName(r))
	}
	r, err := eval(e.r, v)
	if err != nil {
		return nil, err
	}
	return binary(e.op, l, r)
}

// member reads x.name.
func member(x any, name string) (any, error) {
	m, ok := x.(map[string]any)
	if !ok {
		return nil, raise(TagType, "a value of type %s has no property %q", typeName(x), name)
	}
	v, ok := m[name]
	if !ok {
		return nil, raise(TagKey, "key not found: %s", name)
	}
	return v, nil
}

// index reads x[i].
func index(x, i any) (any, error) {
	switch c := x.(type) {
	case map[string]any:
		k, ok := i.(string)
		if !ok {
			return nil, raise(TagType, "a map is indexed by a string, not by a value of type %s", typeName(i))
		}
		return member(c, k)
	case []any:
		n, ok := i.(int64)
		if !ok {
			return nil, raise(TagType, "a list is indexed by an integer, not by a value of type %s", typeName(i))
		}
		if n < 0 || n >= int64(len(c)) {
			return nil, raise(TagIndex, "index %d is out of range: the list has %d elements", n, len(c))
		}
		return c[n], nil
	}
	return nil, raise(TagType, "a value of type %s cannot be indexed", typeName(x))
}
