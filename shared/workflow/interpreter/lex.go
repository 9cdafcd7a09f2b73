package interpreter

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokEnd tokenKind = iota
	tokInt
	tokDouble
	tokString
	tokName
	tokOp // an operator, a bracket, a comma, a colon or a dot
)

type token struct {
	kind tokenKind
	text string // a string is unquoted already
	pos  int    // byte offset in the expression
}

// exprError is a finding in an expression; pos is a byte offset in its text.
type exprError struct {
	pos int
	msg string
}

func (e *exprError) Error() string { return e.msg }

func exprErrorf(pos int, format string, args ...any) *exprError {
	return &exprError{pos, fmt.Sprintf(format, args...)}
}

// lex splits the inside of ${...} into tokens.
func lex(src string) ([]token, error) {
	var toks []token
	for i := 0; i < len(src); {
		c := src[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case isDigit(c):
			t, next, err := lexNumber(src, i)
			if err != nil {
				return nil, err
			}
			toks, i = append(toks, t), next
		case isLetter(c):
			start := i
			for i < len(src) && (isLetter(src[i]) || isDigit(src[i])) {
				i++
			}
			toks = append(toks, token{tokName, src[start:i], start})
		case c == '"' || c == '\'':
			t, next, err := lexString(src, i)
			if err != nil {
				return nil, err
			}
			toks, i = append(toks, t), next
		default:
			op := string(c)
			if i+1 < len(src) {
				switch two := src[i : i+2]; two {
				case "==", "!=", "<=", ">=", "//":
					op = two
				}
			}
			if len(op) == 1 && !strings.Contains("+-*/%<>()[]{},:.", op) {
				r, _ := utf8.DecodeRuneInString(src[i:])
				return nil, exprErrorf(i, "%q is not part of the expression language", string(r))
			}
			toks = append(toks, token{tokOp, op, i})
			i += len(op)
		}
	}
	return append(toks, token{tokEnd, "", len(src)}), nil
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' }

// isName reports whether s can name a variable.
func isName(s string) bool {
	for i := range len(s) {
		if !isLetter(s[i]) && (i == 0 || !isDigit(s[i])) {
			return false
		}
	}
	return s != ""
}

func lexNumber(src string, start int) (token, int, error) {
	i, kind := start, tokInt
	digits := func() {
		for i < len(src) && isDigit(src[i]) {
			i++
		}
	}
	digits()
	if i+1 < len(src) && src[i] == '.' && isDigit(src[i+1]) {
		kind = tokDouble
		i++
		digits()
	}
	if i < len(src) && (src[i] == 'e' || src[i] == 'E') {
		j := i + 1
		if j < len(src) && (src[j] == '+' || src[j] == '-') {
			j++
		}
		if j < len(src) && isDigit(src[j]) {
			kind, i = tokDouble, j
			digits()
		}
	}
	if i < len(src) && isLetter(src[i]) {
		return token{}, 0, exprErrorf(start, "%q is not a number", src[start:i+1])
	}
	return token{kind, src[start:i], start}, i, nil
}

func lexString(src string, start int) (token, int, error) {
	quote := src[start]
	var b strings.Builder
	for i := start + 1; i < len(src); i++ {
		c := src[i]
		switch {
		case c == quote:
			return token{tokString, b.String(), start}, i + 1, nil
		case c != '\\':
			b.WriteByte(c)
		case i+1 == len(src):
			return token{}, 0, exprErrorf(start, "the string has no closing %c", quote)
		default:
			i++
			switch src[i] {
			case 'n':
				b.WriteByte('\n')
			case 't':
				b.WriteByte('\t')
			case 'r':
				b.WriteByte('\r')
			case '\\', '"', '\'', '/':
				b.WriteByte(src[i])
			default:
				return token{}, 0, exprErrorf(i-1, `the escape \%c is not known; use \\, \", \', \n, \t or \r`, src[i])
			}
		}
	}
	return token{}, 0, exprErrorf(start, "the string has no closing %c", quote)
}
