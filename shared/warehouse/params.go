package warehouse

import (
	"iter"
	"strings"
)

// ParamNames gives the names of the parameters in the SQL text, in order, with
// the position of their "@": text within quotes and comments does not count.
func ParamNames(sql string) iter.Seq2[string, int] {
	return func(yield func(string, int) bool) {
		for i := 0; i < len(sql); {
			switch c := sql[i]; {
			case c == '\'' || c == '"' || c == '`':
				i = skipQuoted(sql, i)
			case c == '-' && strings.HasPrefix(sql[i:], "--"):
				i = skipTo(sql, i, "\n")
			case c == '/' && strings.HasPrefix(sql[i:], "/*"):
				i = skipTo(sql, i+2, "*/")
			case c == '@':
				end := i + 1
				for end < len(sql) && isWord(sql[end]) {
					end++
				}
				if end > i+1 && !yield(sql[i+1:end], i) {
					return
				}
				i = end
			default:
				i++
			}
		}
	}
}

// RewriteParams replaces every @name by what fn gives for it.
func RewriteParams(sql string, fn func(name string) string) string {
	var b strings.Builder
	last := 0
	for name, at := range ParamNames(sql) {
		b.WriteString(sql[last:at])
		b.WriteString(fn(name))
		last = at + 1 + len(name)
	}
	b.WriteString(sql[last:])
	return b.String()
}

// skipQuoted gives the position after the quoted text that begins at i. A
// doubled quote stays inside, and in backticks (BigQuery's identifiers) so does
// what follows a backslash. Constants with a backslash never occur: text from
// people is a parameter.
func skipQuoted(sql string, i int) int {
	q := sql[i]
	for i++; i < len(sql); i++ {
		switch {
		case sql[i] == '\\' && q == '`':
			i++
		case sql[i] == q && i+1 < len(sql) && sql[i+1] == q:
			i++
		case sql[i] == q:
			return i + 1
		}
	}
	return len(sql)
}

func skipTo(sql string, i int, end string) int {
	if n := strings.Index(sql[i:], end); n >= 0 {
		return i + n + len(end)
	}
	return len(sql)
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
