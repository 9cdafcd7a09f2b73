package codegen

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Literal encodes any string as a Python string literal of printable ASCII, so
// that Python reads back exactly s. It is the only way for text that people
// chose to reach generated code. Bytes that are not UTF-8 become U+FFFD.
func Literal(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s { // invalid bytes come as U+FFFD
		switch {
		case r == '\\':
			b.WriteString(`\\`)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r >= 0x20 && r < 0x7f && r != '"': // no quote inside a literal, escaped or not
			b.WriteRune(r)
		case r <= 0xff:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// Float gives the shortest Python float literal that reads back as v. It panics
// on NaN and infinities: the builder and model.Check refuse them.
func Float(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		panic("codegen: no literal for a number that is not finite")
	}
	s := strconv.FormatFloat(v, 'g', -1, 64)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return s
}

// comment reduces text to characters that cannot end a comment or a docstring,
// at most n of them.
func comment(s string, n int) string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case r == '_' || r == '-' || r == '.' || r == ' ', r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z':
			return r
		}
		return '_'
	}, s)
	if len(clean) > n { // ASCII by now
		clean = clean[:n-1] + "."
	}
	return strings.TrimSpace(clean)
}

// boolean gives Python's spelling.
func boolean(v bool) string {
	if v {
		return "True"
	}
	return "False"
}
