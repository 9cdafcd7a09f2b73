package interpreter

import (
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"
)

// textFunctions is the text module; positions count characters, not bytes, and
// patterns are RE2 (https://github.com/google/re2/wiki/Syntax).
var textFunctions = map[string]*function{
	"text.to_lower": text1(strings.ToLower),
	"text.to_upper": text1(strings.ToUpper),
	"text.find_all": pure(func(a []any) (any, error) {
		s, sub, err := twoStrings(a)
		if err != nil {
			return nil, err
		}
		found := []any{}
		if sub == "" {
			return nil, raise(TagValue, "the text to find is empty")
		}
		for from := 0; ; {
			i := strings.Index(s[from:], sub)
			if i < 0 {
				return found, nil
			}
			found = append(found, chars(s, from+i))
			from += i + len(sub)
		}
	}, "source", "substr"),
	"text.find_all_regex": pure(func(a []any) (any, error) {
		s, re, err := stringAndPattern(a)
		if err != nil {
			return nil, err
		}
		found := []any{}
		re.Longest() // of matches that begin at one place, as documented
		for _, m := range re.FindAllStringIndex(s, -1) {
			found = append(found, map[string]any{"index": chars(s, m[0]), "match": s[m[0]:m[1]]})
		}
		return found, nil
	}, "source", "regexp"),
	"text.match_regex": pure(func(a []any) (any, error) {
		s, re, err := stringAndPattern(a)
		if err != nil {
			return nil, err
		}
		return re.MatchString(s), nil
	}, "source", "regexp"),
	"text.replace_all": pure(func(a []any) (any, error) {
		s, sub, err := twoStrings(a)
		if err != nil {
			return nil, err
		}
		repl, err := stringArg(a[2])
		if err != nil {
			return nil, err
		}
		return limitString(strings.ReplaceAll(s, sub, repl))
	}, "source", "substr", "repl"),
	"text.replace_all_regex": pure(func(a []any) (any, error) {
		s, re, err := stringAndPattern(a)
		if err != nil {
			return nil, err
		}
		repl, err := stringArg(a[2])
		if err != nil {
			return nil, err
		}
		return limitString(re.ReplaceAllString(s, groupRefs(repl)))
	}, "source", "regexp", "repl"),
	"text.split": pure(func(a []any) (any, error) {
		s, sep, err := twoStrings(a)
		if err != nil {
			return nil, err
		}
		parts := []any{}
		for _, p := range strings.Split(s, sep) {
			parts = append(parts, p)
		}
		return parts, nil
	}, "source", "separator"),
	"text.substring": pure(substring, "source", "start", "end"),
	"text.url_encode": text1(func(s string) string {
		return strings.ReplaceAll(urlEncodePlus(s), "+", "%20")
	}),
	"text.url_encode_plus": text1(urlEncodePlus),
	"text.url_decode": pure(func(a []any) (any, error) {
		s, err := stringArg(a[0])
		if err != nil {
			return nil, err
		}
		out, err := url.QueryUnescape(s)
		if err != nil {
			return nil, raise(TagValue, "%q is not URL-encoded", s)
		}
		return out, nil
	}, "source"),
	"text.encode": pure(func(a []any) (any, error) {
		s, err := stringArg(a[0])
		if err != nil {
			return nil, err
		}
		return []byte(s), utf8Only(a[1])
	}, "text").opt("charset", "UTF-8"),
	"text.decode": pure(func(a []any) (any, error) {
		b, ok := a[0].([]byte)
		if !ok {
			return nil, typeErr("bytes", a[0])
		}
		if err := utf8Only(a[1]); err != nil {
			return nil, err
		}
		if !utf8.Valid(b) {
			return nil, raise(TagValue, "the bytes are not UTF-8")
		}
		return limitString(string(b))
	}, "data").opt("charset", "UTF-8"),
}

// urlEncodePlus leaves letters, digits and .-_ as they are, but not "~", which
// net/url leaves too.
func urlEncodePlus(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "~", "%7E") }

func text1(f func(string) string) *function {
	return pure(func(a []any) (any, error) {
		s, err := stringArg(a[0])
		if err != nil {
			return nil, err
		}
		return limitString(f(s))
	}, "source")
}

// chars turns a byte offset of s into a character offset.
func chars(s string, bytes int) int64 { return int64(utf8.RuneCountInString(s[:bytes])) }

func twoStrings(a []any) (string, string, error) {
	s, err := stringArg(a[0])
	if err != nil {
		return "", "", err
	}
	t, err := stringArg(a[1])
	return s, t, err
}

func stringAndPattern(a []any) (string, *regexp.Regexp, error) {
	s, p, err := twoStrings(a)
	if err != nil {
		return "", nil, err
	}
	re, err := regexp.Compile(p)
	if err != nil {
		return "", nil, raise(TagValue, "%q is not a regular expression: %v", p, err)
	}
	return s, re, nil
}

// groupRefs turns RE2's \1 into Go's ${1} and protects "$", which RE2 takes literally.
func groupRefs(repl string) string {
	var b strings.Builder
	for i := 0; i < len(repl); i++ {
		switch c := repl[i]; {
		case c == '$':
			b.WriteString("$$")
		case c == '\\' && i+1 < len(repl) && isDigit(repl[i+1]):
			i++
			b.WriteString("${" + string(repl[i]) + "}")
		case c == '\\' && i+1 < len(repl) && repl[i+1] == '\\':
			i++
			b.WriteByte('\\')
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func substring(a []any) (any, error) {
	s, err := stringArg(a[0])
	if err != nil {
		return nil, err
	}
	start, ok1 := a[1].(int64)
	end, ok2 := a[2].(int64)
	if !ok1 || !ok2 {
		return nil, raise(TagType, "start and end are integers")
	}
	r := []rune(s)
	if start < 0 || end > int64(len(r)) || start > end {
		return nil, raise(TagIndex, "characters %d to %d are out of range: the text has %d", start, end, len(r))
	}
	return string(r[start:end]), nil
}

func utf8Only(charset any) error {
	s, err := stringArg(charset)
	if err != nil {
		return err
	}
	switch strings.ToUpper(s) {
	case "UTF-8", "UTF8", "ASCII", "US-ASCII":
		return nil
	}
	return raise(TagValue, "charset %q is not supported; use UTF-8", s)
}
