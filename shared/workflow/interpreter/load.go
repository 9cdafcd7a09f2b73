package interpreter

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/b2brecs/b2brecs/shared/problem"
)

// maxFindings bounds how much one refusal lists.
const maxFindings = 20

// Check loads a workflow file and reports everything in it that would be refused:
// an InvalidArgument problem with one field "file:line:column" for each finding.
// file is the name used in the report.
func Check(file string, src []byte) error {
	_, err := load(file, src)
	return err
}

// load compiles a source file.
func load(file string, src []byte) (*definition, error) {
	l := &loader{def: &definition{
		name: strings.TrimSuffix(file, ".yaml"), hash: sourceHash(src), routines: map[string]*routine{},
	}}
	switch {
	case len(src) > maxSourceBytes:
		l.errorf(position{1, 1}, "the file has %d bytes; at most %d are allowed", len(src), maxSourceBytes)
	case !utf8.Valid(src):
		l.errorf(position{1, 1}, "the file is not UTF-8")
	default:
		src = bytes.TrimPrefix(src, []byte("\xef\xbb\xbf"))
		root, err := parseYAML(src)
		if err == nil {
			l.file(root)
		}
		var f finding
		if errors.As(err, &f) {
			l.findings = append(l.findings, f)
		}
	}
	if len(l.findings) == 0 {
		l.check()
	}
	if len(l.findings) > 0 {
		return nil, l.problem(file)
	}
	return l.def, nil
}

func sourceHash(src []byte) string {
	sum := sha256.Sum256(src)
	return hex.EncodeToString(sum[:])
}

type loader struct {
	def      *definition
	findings []finding
}

func (l *loader) errorf(at position, format string, args ...any) {
	l.findings = append(l.findings, finding{at, fmt.Sprintf(format, args...)})
}

func (l *loader) problem(file string) error {
	sort.SliceStable(l.findings, func(i, j int) bool {
		a, b := l.findings[i].position, l.findings[j].position
		return a.line < b.line || a.line == b.line && a.col < b.col
	})
	first := l.findings[0]
	e := problem.New(problem.InvalidArgument, "workflow %s:%s", file, first.Error())
	if n := len(l.findings); n > 1 {
		e = problem.New(problem.InvalidArgument, "workflow %s:%s (and %d more)", file, first.Error(), n-1)
	}
	for i, f := range l.findings {
		if i == maxFindings {
			break
		}
		e = e.WithField(fmt.Sprintf("%s:%d:%d", file, f.line, f.col), "%s", f.msg)
	}
	return e.WithNext(problem.TurnYou, "Correct the file; the reference is https://cloud.google.com/workflows/docs/reference/syntax.")
}

// file reads the top level: a map of routines with main, or the steps of main.
func (l *loader) file(root *node) {
	if root.kind == listNode {
		l.def.routines["main"] = &routine{name: "main", at: root.position, body: l.steps(root)}
		return
	}
	if root.kind != mapNode {
		l.errorf(root.position, "a workflow file is a map with main, or a list of steps")
		return
	}
	for i, k := range root.keys {
		name := k.v.(string)
		if !isName(name) {
			l.errorf(k.position, "%q is not a name: letters, digits and underscores, not beginning with a digit", name)
			continue
		}
		if _, taken := functions[name]; taken {
			l.errorf(k.position, "subworkflow %q has the name of a library function", name)
		}
		l.def.routines[name] = l.routine(name, k.position, root.items[i])
	}
	if l.def.routines["main"] == nil {
		l.errorf(root.position, "there is no main workflow")
	}
}

func (l *loader) routine(name string, at position, n *node) *routine {
	r := &routine{name: name, at: at}
	if !l.mapWith(n, "a workflow", "params", "steps") {
		return r
	}
	if p := n.get("params"); p != nil {
		r.params = l.params(name, p)
	}
	if s := n.get("steps"); s == nil {
		l.errorf(at, "workflow %q has no steps", name)
	} else {
		r.body = l.steps(s)
	}
	return r
}

func (l *loader) params(routine string, n *node) []param {
	if n.kind != listNode {
		l.errorf(n.position, "params is a list")
		return nil
	}
	if len(n.items) > maxParams || routine == "main" && len(n.items) > 1 {
		l.errorf(n.position, "main has at most one parameter, a subworkflow at most %d", maxParams)
	}
	var ps []param
	seen := map[string]bool{}
	for _, e := range n.items {
		p := param{}
		name, ok := e.str()
		if e.kind == mapNode && len(e.keys) == 1 {
			name, ok = e.keys[0].str()
			p.optional = true
			v := l.value(e.items[0])
			if lit, isLit := constant(v); isLit {
				p.def = lit
			} else {
				l.errorf(e.items[0].position, "the default of a parameter is a constant, not an expression")
			}
		}
		switch {
		case !ok || !isName(name):
			l.errorf(e.position, "a parameter is a name, or a name with a default value")
			continue
		case seen[name]:
			l.errorf(e.position, "parameter %q is there twice", name)
		case !p.optional && len(ps) > 0 && ps[len(ps)-1].optional:
			l.errorf(e.position, "parameter %q without a default follows one with a default", name)
		}
		seen[name] = true
		p.name = name
		ps = append(ps, p)
	}
	return ps
}

// mapWith checks that n is a map with no other keys than the given ones.
func (l *loader) mapWith(n *node, what string, keys ...string) bool {
	if n.kind != mapNode {
		l.errorf(n.position, "%s is a map, not %s", what, n.kind)
		return false
	}
	ok := true
	for _, k := range n.keys {
		if !contained(keys, k.v.(string)) {
			l.errorf(k.position, "%q is not known in %s; it has %s", k.v, what, strings.Join(keys, ", "))
			ok = false
		}
	}
	return ok
}

func contained(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// value compiles a YAML value in which strings may be expressions.
func (l *loader) value(n *node) expr {
	switch n.kind {
	case listNode:
		e := &listExpr{items: make([]expr, len(n.items))}
		for i, c := range n.items {
			e.items[i] = l.value(c)
		}
		return e
	case mapNode:
		e := &mapExpr{}
		for i, k := range n.keys {
			e.keys = append(e.keys, l.value(k))
			e.vals = append(e.vals, l.value(n.items[i]))
		}
		return e
	}
	s, ok := n.str()
	if !ok {
		return &litExpr{v: n.v}
	}
	t := strings.TrimSpace(s)
	if !strings.HasPrefix(t, "${") || !strings.HasSuffix(t, "}") {
		if strings.Contains(s, "${") {
			l.errorf(n.position, "an expression is the whole value; write ${\"text \" + name} to join text")
		}
		if len(s) > maxStringBytes {
			l.errorf(n.position, "a string has %d bytes; at most %d are allowed", len(s), maxStringBytes)
		}
		return &litExpr{v: s}
	}
	return l.expression(n, t[2:len(t)-1], strings.Index(s, "${")+2)
}

// expression compiles the inside of ${...}, which begins offset bytes into n's text.
func (l *loader) expression(n *node, src string, offset int) expr {
	se := &sourceExpr{line: n.line, col: n.col + offset}
	if n.quoted {
		se.col++
	}
	x, err := parseExpr(src)
	var ee *exprError
	if errors.As(err, &ee) {
		l.errorf(position{se.line, se.col + ee.pos}, "%s", ee.msg)
		return &litExpr{}
	}
	se.x = x
	return se
}

// constant evaluates a value without expressions.
func constant(e expr) (any, bool) {
	switch e := e.(type) {
	case *litExpr:
		return e.v, true
	case *listExpr:
		out := make([]any, len(e.items))
		for i, c := range e.items {
			v, ok := constant(c)
			if !ok {
				return nil, false
			}
			out[i] = v
		}
		return out, true
	case *mapExpr:
		out := map[string]any{}
		for i := range e.keys {
			k, ok1 := constant(e.keys[i])
			v, ok2 := constant(e.vals[i])
			name, ok3 := k.(string)
			if !ok1 || !ok2 || !ok3 {
				return nil, false
			}
			out[name] = v
		}
		return out, true
	}
	return nil, false
}
