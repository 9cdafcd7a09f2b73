package interpreter

import (
	"strconv"
	"unicode/utf8"
)

// expr is a node of an expression. pos is its byte offset in the expression text.
type expr interface{ at() int }

type (
	litExpr struct {
		pos int
		v   any
	}
	nameExpr struct {
		pos  int
		name string
	}
	listExpr struct {
		pos   int
		items []expr
	}
	mapExpr struct {
		pos        int
		keys, vals []expr
	}
	memberExpr struct {
		pos  int
		x    expr
		name string
	}
	indexExpr struct {
		pos  int
		x, i expr
	}
	unaryExpr struct {
		pos int
		op  string
		x   expr
	}
	binaryExpr struct {
		pos  int
		op   string
		l, r expr
	}
	callExpr struct {
		pos  int
		fn   string // dotted, e.g. "text.split", or a subworkflow
		args []expr
	}
)

func (e *litExpr) at() int    { return e.pos }
func (e *nameExpr) at() int   { return e.pos }
func (e *listExpr) at() int   { return e.pos }
func (e *mapExpr) at() int    { return e.pos }
func (e *memberExpr) at() int { return e.pos }
func (e *indexExpr) at() int  { return e.pos }
func (e *unaryExpr) at() int  { return e.pos }
func (e *binaryExpr) at() int { return e.pos }
func (e *callExpr) at() int   { return e.pos }

// parseExpr parses the inside of ${...}. Errors are *exprError.
//
// Precedence, tightest first, as documented at
// https://cloud.google.com/workflows/docs/reference/syntax/datatypes:
// () . [] | not | unary - | * / // % | + - | < <= > >= == != in | and | or.
func parseExpr(src string) (expr, error) {
	if n := utf8.RuneCountInString(src); n > maxExpressionChars {
		return nil, exprErrorf(0, "the expression has %d characters; at most %d are allowed", n, maxExpressionChars)
	}
	if !utf8.ValidString(src) {
		return nil, exprErrorf(0, "the expression is not valid UTF-8")
	}
	toks, err := lex(src)
	if err != nil {
		return nil, err
	}
	p := &exprParser{toks: toks}
	e, err := p.binary(0)
	if err != nil {
		return nil, err
	}
	if t := p.peek(); t.kind != tokEnd {
		return nil, p.unexpected(t)
	}
	return e, nil
}

type exprParser struct {
	toks []token
	i    int
}

func (p *exprParser) peek() token { return p.toks[p.i] }

func (p *exprParser) next() token {
	t := p.toks[p.i]
	if t.kind != tokEnd {
		p.i++
	}
	return t
}

func (p *exprParser) isOp(op string) bool { return p.peek().kind == tokOp && p.peek().text == op }

func (p *exprParser) expect(op string) error {
	if !p.isOp(op) {
		t := p.peek()
		if t.kind == tokEnd {
			return exprErrorf(t.pos, "the expression ends where %q is expected", op)
		}
		return exprErrorf(t.pos, "%q where %q is expected", t.text, op)
	}
	p.next()
	return nil
}

func (p *exprParser) unexpected(t token) error {
	switch {
	case t.kind == tokEnd:
		return exprErrorf(t.pos, "the expression ends where a value is expected")
	case t.kind == tokString:
		return exprErrorf(t.pos, "the string %q is not expected here", t.text)
	case keyword(t) == "not":
		return exprErrorf(t.pos, `"not" is not expected here; write not(x in y)`)
	}
	return exprErrorf(t.pos, "%q is not expected here", t.text)
}

// levels of binary operators, loosest first.
var levels = [][]string{
	{"or"}, {"and"}, {"<", "<=", ">", ">=", "==", "!=", "in"}, {"+", "-"}, {"*", "/", "//", "%"},
}

// keyword gives the lower-case form of and, or, not, in, true, false, null, which
// are written in lower or upper case (true, false and null also capitalised).
func keyword(t token) string {
	if t.kind != tokName {
		return ""
	}
	switch t.text {
	case "and", "AND":
		return "and"
	case "or", "OR":
		return "or"
	case "not", "NOT":
		return "not"
	case "in":
		return "in"
	case "true", "True", "TRUE":
		return "true"
	case "false", "False", "FALSE":
		return "false"
	case "null", "Null", "NULL":
		return "null"
	}
	return ""
}

func (p *exprParser) binary(level int) (expr, error) {
	if level == len(levels) {
		return p.unary()
	}
	l, err := p.binary(level + 1)
	if err != nil {
		return nil, err
	}
	for {
		t := p.peek()
		op := ""
		for _, o := range levels[level] {
			if t.kind == tokOp && t.text == o || keyword(t) == o {
				op = o
			}
		}
		if op == "" {
			return l, nil
		}
		p.next()
		r, err := p.binary(level + 1)
		if err != nil {
			return nil, err
		}
		l = &binaryExpr{t.pos, op, l, r}
	}
}

func (p *exprParser) unary() (expr, error) {
	t := p.peek()
	op := ""
	if keyword(t) == "not" {
		op = "not"
	} else if p.isOp("-") {
		op = "-"
	}
	if op == "" {
		return p.postfix()
	}
	p.next()
	x, err := p.unary()
	if err != nil {
		return nil, err
	}
	return &unaryExpr{t.pos, op, x}, nil
}

func (p *exprParser) postfix() (expr, error) {
	x, err := p.primary()
	if err != nil {
		return nil, err
	}
	for {
		t := p.peek()
		switch {
		case p.isOp("."):
			p.next()
			n := p.next()
			if n.kind != tokName {
				return nil, exprErrorf(t.pos, "a name is expected after the dot")
			}
			x = &memberExpr{t.pos, x, n.text}
		case p.isOp("["):
			p.next()
			i, err := p.binary(0)
			if err != nil {
				return nil, err
			}
			if err := p.expect("]"); err != nil {
				return nil, err
			}
			x = &indexExpr{t.pos, x, i}
		case p.isOp("("):
			fn := dotted(x)
			if fn == "" {
				return nil, exprErrorf(t.pos, "only functions and subworkflows can be called")
			}
			p.next()
			args, err := p.list(")")
			if err != nil {
				return nil, err
			}
			x = &callExpr{rootPos(x), fn, args}
		default:
			return x, nil
		}
	}
}

// rootPos gives the offset where a dotted name begins.
func rootPos(x expr) int {
	if m, ok := x.(*memberExpr); ok {
		return rootPos(m.x)
	}
	return x.at()
}

// dotted gives "a.b.c" for a chain of names, "" for anything else.
func dotted(x expr) string {
	switch x := x.(type) {
	case *nameExpr:
		return x.name
	case *memberExpr:
		if l := dotted(x.x); l != "" {
			return l + "." + x.name
		}
	}
	return ""
}

// list parses comma-separated values up to the closing bracket.
func (p *exprParser) list(end string) ([]expr, error) {
	var items []expr
	for !p.isOp(end) {
		if len(items) > 0 {
			if err := p.expect(","); err != nil {
				return nil, err
			}
		}
		e, err := p.binary(0)
		if err != nil {
			return nil, err
		}
		items = append(items, e)
	}
	p.next()
	return items, nil
}

func (p *exprParser) primary() (expr, error) {
	t := p.next()
	switch t.kind {
	case tokInt:
		i, err := strconv.ParseInt(t.text, 10, 64)
		if err != nil {
			return nil, exprErrorf(t.pos, "%s does not fit a 64-bit integer", t.text)
		}
		return &litExpr{t.pos, i}, nil
	case tokDouble:
		f, err := strconv.ParseFloat(t.text, 64)
		if err != nil {
			return nil, exprErrorf(t.pos, "%s does not fit a double", t.text)
		}
		return &litExpr{t.pos, f}, nil
	case tokString:
		return &litExpr{t.pos, t.text}, nil
	case tokName:
		switch keyword(t) {
		case "true":
			return &litExpr{t.pos, true}, nil
		case "false":
			return &litExpr{t.pos, false}, nil
		case "null":
			return &litExpr{t.pos, nil}, nil
		case "":
			return &nameExpr{t.pos, t.text}, nil
		}
	case tokOp:
		switch t.text {
		case "(":
			e, err := p.binary(0)
			if err != nil {
				return nil, err
			}
			return e, p.expect(")")
		case "[":
			items, err := p.list("]")
			return &listExpr{t.pos, items}, err
		case "{":
			return p.mapLiteral(t.pos)
		}
	}
	return nil, p.unexpected(t)
}

func (p *exprParser) mapLiteral(pos int) (expr, error) {
	m := &mapExpr{pos: pos}
	for !p.isOp("}") {
		if len(m.keys) > 0 {
			if err := p.expect(","); err != nil {
				return nil, err
			}
		}
		k, err := p.binary(0)
		if err != nil {
			return nil, err
		}
		if err := p.expect(":"); err != nil {
			return nil, err
		}
		v, err := p.binary(0)
		if err != nil {
			return nil, err
		}
		m.keys, m.vals = append(m.keys, k), append(m.vals, v)
	}
	p.next()
	return m, nil
}
