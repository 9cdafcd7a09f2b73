package etl

import (
	"strconv"
	"strings"

	"github.com/mozillazg/go-unidecode"
)

// MaxName is the longest column name: BigQuery's limit of 300 characters.
const MaxName = 300

// Name turns any text into a warehouse name: letters, digits and underscores, in
// lower case, at most MaxName long, never empty and never led by a digit. Letters
// of other alphabets are transliterated. No name begins with an underscore, which
// keeps clear of the warehouse's reserved prefixes. Name(Name(s)) = Name(s).
func Name(s string) string {
	var b strings.Builder
	gap := false
	for _, r := range unidecode.Unidecode(strings.ToValidUTF8(s, " ")) {
		switch {
		case r >= 'A' && r <= 'Z':
			r += 'a' - 'A'
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
		default:
			gap = true
			continue
		}
		if gap && b.Len() > 0 {
			b.WriteByte('_')
		}
		gap = false
		b.WriteRune(r)
	}
	out := b.String()
	if out == "" {
		return "column"
	}
	if out[0] >= '0' && out[0] <= '9' {
		out = "col_" + out
	}
	if len(out) > MaxName {
		out = strings.TrimRight(out[:MaxName], "_")
	}
	return out
}

// Names turns source column names into warehouse names that are unique, adding
// _2, _3, … in source order where they collide.
func Names(sources []string) []string {
	out := make([]string, len(sources))
	taken := make(map[string]bool, len(sources))
	for i, s := range sources {
		base := Name(s)
		name := base
		for n := 2; taken[name]; n++ {
			suffix := "_" + strconv.Itoa(n)
			name = strings.TrimRight(base[:min(len(base), MaxName-len(suffix))], "_") + suffix
		}
		taken[name] = true
		out[i] = name
	}
	return out
}
