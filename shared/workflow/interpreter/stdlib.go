package interpreter

import (
	"crypto/rand"
	"fmt"
	"maps"
	"math"
	"strconv"
	"strings"
	"time"
)

// param is a parameter of a library function or of a subworkflow.
type param struct {
	name     string
	optional bool
	def      any
}

// function is one function of the standard library
// (https://cloud.google.com/workflows/docs/reference/stdlib/overview).
// A blocking one has no run: the machine performs it, as a call step only.
type function struct {
	params   []param
	blocking bool
	run      func(v *env, a []any) (any, error)
}

// sysInfo is what the sys module tells.
type sysInfo struct {
	now    func() time.Time
	getenv func(name string) (string, bool)
}

// req and opt describe parameters.
func req(names ...string) []param {
	ps := make([]param, len(names))
	for i, n := range names {
		ps[i].name = n
	}
	return ps
}

func (f *function) opt(name string, def any) *function {
	f.params = append(f.params, param{name, true, def})
	return f
}

func pure(run func(a []any) (any, error), names ...string) *function {
	return &function{params: req(names...), run: func(_ *env, a []any) (any, error) { return run(a) }}
}

func blocking(names ...string) *function { return &function{params: req(names...), blocking: true} }

func (f *function) required() int {
	n := 0
	for _, p := range f.params {
		if !p.optional {
			n++
		}
	}
	return n
}

// apply calls the function with positional arguments.
func (f *function) apply(v *env, args []any) (any, error) {
	if f.run == nil || len(args) < f.required() || len(args) > len(f.params) {
		return nil, raise(TagType, "the function takes %d to %d arguments, not %d", f.required(), len(f.params), len(args))
	}
	for _, p := range f.params[len(args):] {
		args = append(args, p.def)
	}
	return f.run(v, args)
}

// functions is the whole library the interpreter runs.
var functions = joined(coreFunctions, textFunctions, dataFunctions)

func joined(modules ...map[string]*function) map[string]*function {
	all := map[string]*function{}
	for _, m := range modules {
		maps.Copy(all, m)
	}
	return all
}

// coreFunctions are the helpers and the list, map, math, sys, retry, http and
// events modules.
var coreFunctions = map[string]*function{
	"default": pure(func(a []any) (any, error) {
		if a[0] == nil {
			return a[1], nil
		}
		return a[0], nil
	}, "value", "default"),
	"if": pure(func(a []any) (any, error) {
		c, ok := a[0].(bool)
		if !ok {
			return nil, raise(TagType, "if needs a boolean, not a value of type %s", typeName(a[0]))
		}
		if c {
			return a[1], nil
		}
		return a[2], nil
	}, "condition", "if_true", "if_false"),
	"int":      pure(toInt, "value"),
	"double":   pure(toDouble, "value"),
	"string":   pure(toString, "value"),
	"len":      pure(length, "value"),
	"keys":     pure(mapKeys, "map"),
	"get_type": pure(func(a []any) (any, error) { return typeName(a[0]), nil }, "value"),

	"list.concat": pure(func(a []any) (any, error) {
		l, err := listArg(a[0])
		return append(l[:len(l):len(l)], a[1]), err
	}, "list", "element"),
	"list.prepend": pure(func(a []any) (any, error) {
		l, err := listArg(a[0])
		return append([]any{a[1]}, l...), err
	}, "list", "element"),

	"map.get":          pure(mapGet, "map", "keys").opt("default", nil),
	"map.delete":       pure(mapDelete, "map", "key"),
	"map.merge":        pure(mapMerge(false), "first", "second"),
	"map.merge_nested": pure(mapMerge(true), "first", "second"),

	"math.abs": pure(func(a []any) (any, error) {
		switch n := a[0].(type) {
		case int64:
			if n < 0 {
				return unary("-", n)
			}
			return n, nil
		case float64:
			return math.Abs(n), nil
		}
		return nil, typeErr("a number", a[0])
	}, "x"),
	"math.floor": pure(func(a []any) (any, error) {
		switch n := a[0].(type) {
		case int64:
			return n, nil
		case float64:
			return truncate(math.Floor(n))
		}
		return nil, typeErr("a number", a[0])
	}, "x"),
	"math.max": pure(func(a []any) (any, error) { return pick(">=", a) }, "x", "y"),
	"math.min": pure(func(a []any) (any, error) { return pick("<=", a) }, "x", "y"),

	"sys.now": {run: func(v *env, _ []any) (any, error) {
		return float64(v.sys.now().UnixMicro()) / 1e6, nil
	}},
	"sys.get_env": (&function{params: req("name"), run: func(v *env, a []any) (any, error) {
		name, err := stringArg(a[0])
		if err != nil {
			return nil, err
		}
		if s, ok := v.sys.getenv(name); ok {
			return s, nil
		}
		if a[1] != nil {
			return a[1], nil
		}
		return nil, raise(TagKey, "environment variable %s is not set", name)
	}}).opt("default", nil),
	"uuid.generate": pure(func([]any) (any, error) { return newUUID(), nil }),

	"retry.always": pure(func([]any) (any, error) { return true, nil }, "exception"),
	"retry.never":  pure(func([]any) (any, error) { return false, nil }, "exception"),
	"http.default_retry_predicate": pure(func(a []any) (any, error) {
		return retryableHTTP(a[0], []int64{429, 502, 503, 504}, TagConnection, TagConnectionFailed, TagTimeout), nil
	}, "exception"),
	"http.default_retry_predicate_non_idempotent": pure(func(a []any) (any, error) {
		return retryableHTTP(a[0], []int64{429, 503}, TagConnectionFailed), nil
	}, "exception"),

	"http.get":     httpFunction(false),
	"http.post":    httpFunction(true),
	"http.put":     httpFunction(true),
	"http.patch":   httpFunction(true),
	"http.delete":  httpFunction(true),
	"http.request": withMethod(httpFunction(true)),

	"sys.sleep":       blocking("seconds"),
	"sys.sleep_until": blocking("time"),
	"sys.log": blocking().opt("data", nil).opt("text", nil).opt("json", nil).
		opt("severity", "DEFAULT").opt("timeout", nil),
	"events.create_callback_endpoint": blocking().opt("http_callback_method", "POST"),
	"events.await_callback":           blocking("callback").opt("timeout", defaultAwaitTimeout.Seconds()),
}

// newUUID makes a random UUID, version 4 of RFC 9562.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func httpFunction(body bool) *function {
	f := blocking("url").opt("headers", nil).opt("query", nil).opt("auth", nil).
		opt("timeout", defaultHTTPTimeout.Seconds())
	if body {
		f.opt("body", nil)
	}
	return f
}

func withMethod(f *function) *function {
	f.params = append(req("method"), f.params...)
	return f
}

// retryableHTTP is the documented rule of the default predicates: some status codes
// and some tags.
func retryableHTTP(e any, codes []int64, tags ...string) bool {
	for _, t := range tags {
		if hasTag(e, t) {
			return true
		}
	}
	m, _ := e.(map[string]any)
	for _, c := range codes {
		if equal(m["code"], c) {
			return true
		}
	}
	return false
}

func typeErr(want string, got any) *raised {
	return raise(TagType, "%s is needed, not a value of type %s", want, typeName(got))
}

func stringArg(v any) (string, error) {
	s, ok := v.(string)
	if !ok {
		return "", typeErr("a string", v)
	}
	return s, nil
}

func listArg(v any) ([]any, error) {
	l, ok := v.([]any)
	if !ok {
		return nil, typeErr("a list", v)
	}
	return l, nil
}

func mapArg(v any) (map[string]any, error) {
	m, ok := v.(map[string]any)
	if !ok {
		return nil, typeErr("a map", v)
	}
	return m, nil
}

func truncate(f float64) (any, error) {
	if f < math.MinInt64 || f >= math.MaxInt64 {
		return nil, raise(TagValue, "%s does not fit a 64-bit integer", formatDouble(f))
	}
	return int64(f), nil
}

func toInt(a []any) (any, error) {
	switch x := a[0].(type) {
	case int64:
		return x, nil
	case float64:
		return truncate(math.Trunc(x))
	case string:
		i, err := strconv.ParseInt(strings.TrimSpace(x), 10, 64)
		if err != nil {
			return nil, raise(TagValue, "%q is not an integer", x)
		}
		return i, nil
	}
	return nil, typeErr("a string or a number", a[0])
}

func toDouble(a []any) (any, error) {
	switch x := a[0].(type) {
	case int64:
		return float64(x), nil
	case float64:
		return x, nil
	case string:
		f, err := strconv.ParseFloat(strings.TrimSpace(x), 64)
		if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
			return nil, raise(TagValue, "%q is not a double", x)
		}
		return f, nil
	}
	return nil, typeErr("a string or a number", a[0])
}

func toString(a []any) (any, error) {
	switch x := a[0].(type) {
	case string:
		return x, nil
	case int64:
		return strconv.FormatInt(x, 10), nil
	case float64:
		return formatDouble(x), nil
	case bool:
		return strconv.FormatBool(x), nil
	}
	return nil, typeErr("a number, a boolean or a string", a[0])
}

func length(a []any) (any, error) {
	switch x := a[0].(type) {
	case string:
		return int64(len([]rune(x))), nil
	case []any:
		return int64(len(x)), nil
	case map[string]any:
		return int64(len(x)), nil
	}
	return nil, typeErr("a list, a map or a string", a[0])
}

func pick(op string, a []any) (any, error) {
	for _, v := range a {
		if _, ok := number(v); !ok {
			return nil, typeErr("a number", v)
		}
	}
	first, err := compare(op, a[0], a[1])
	if err != nil {
		return nil, err
	}
	if first.(bool) {
		return a[0], nil
	}
	return a[1], nil
}
