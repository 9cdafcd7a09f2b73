package file

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/source/convert"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

func itoa(i int) string { return strconv.Itoa(i) }

// missing reports whether an unquoted field means that there is no value. Text
// columns accept only the two tokens that databases write; typed ones more, since
// none of them could be a value.
func missing(b []byte, text bool) bool {
	switch len(b) {
	case 0:
		return true
	case 1:
		return !text && (b[0] == '-' || b[0] == '?' || b[0] == '.')
	case 2:
		return string(b) == `\N` || !text && (string(b) == "NA" || string(b) == "na")
	case 3:
		return !text && (string(b) == "NaN" || string(b) == "nan" || string(b) == "N/A" || string(b) == "n/a")
	case 4:
		return string(b) == "NULL" || string(b) == "null" || !text && (string(b) == "None" || string(b) == "none" || string(b) == "#N/A")
	}
	return false
}

// Limits of the type suggestions.
const (
	// maxDigits is the longest number that is taken for one: 18 digits fit INT64.
	maxDigits = 18
	// misfitShare of the values may contradict a type when misfitRows or more were
	// seen; the rows that hold them will be rejected.
	misfitShare = 0.02
	misfitRows  = 50
)

// tally counts what one column's values look like.
type tally struct {
	n, ints, dots, commas, bools, words int // non-missing values by form
	groupComma, groupDot                int
	moments                             map[convert.Order]int
	clocks, dated, hasTime              int
	dotDates                            int // dates written with dots: day first by custom
	textual                             int // leading zero, plus sign, too many digits
	codes                               int // letters and digits mixed: never noise
	compact                             int // eight digits that make a date
	samples                             []string
}

func (t *tally) add(v string) {
	t.n++
	if len(t.samples) < 3 {
		t.samples = append(t.samples, v)
	}
	b := []byte(strings.TrimSpace(v))
	digits, letters := 0, 0
	for _, r := range v {
		if r >= '0' && r <= '9' {
			digits++
		} else if unicode.IsLetter(r) {
			letters++
		}
	}
	number := false
	if digits > 0 && letters <= 1 {
		number = t.number(b, digits)
	}
	if _, ok := convert.Bool(b); ok {
		t.bools++
		if digits == 0 {
			t.words++
		}
	}
	date := false
	if len(b) >= 4 && digits >= 3 {
		for _, o := range []convert.Order{convert.YMD, convert.DMY, convert.MDY} {
			if m, ok := convert.ParseMoment(b, o); ok {
				if !m.HasDate {
					t.clocks++
					date = true
					break
				}
				if len(b) == 8 && digits == 8 {
					if m.Year >= 1900 && m.Year <= 2100 {
						t.compact++
					}
					break
				}
				date = true
				t.moments[o]++
				if o == convert.DMY && strings.IndexByte(v, '.') == 2 || o == convert.DMY && strings.IndexByte(v, '.') == 1 {
					t.dotDates++
				}
				if m.HasTime {
					t.hasTime++
				}
			}
		}
		if date {
			t.dated++
		}
	}
	if !number && !date && digits > 0 && letters > 0 {
		t.codes++
	}
}

func newTally() *tally { return &tally{moments: map[convert.Order]int{}} }

// typed adds a value and reports whether it is a number, date or time.
func (t *tally) typed(v string) bool {
	before := t.ints + t.dots + t.commas + t.groupComma + t.groupDot + t.dated
	t.add(v)
	return t.ints+t.dots+t.commas+t.groupComma+t.groupDot+t.dated > before
}

// number sorts numeric text into its forms.
func (t *tally) number(b []byte, digits int) bool {
	s := strings.TrimPrefix(string(b), "-")
	if _, ok := convert.Int(b, '.', 0); ok && !strings.Contains(s, ".") {
		if len(s) > 1 && s[0] == '0' || s[0] == '+' || digits > maxDigits {
			t.textual++
		}
		t.ints++
		return true
	}
	if strings.HasPrefix(s, "+") || digits > maxDigits+9 || len(s) > 2 && s[0] == '0' && s[1] >= '0' && s[1] <= '9' {
		t.textual++
	}
	ok := false
	if _, _, is := convert.Float(b, '.', 0); is {
		t.dots++
		ok = true
	}
	if _, _, is := convert.Float(b, ',', 0); is {
		t.commas++
		ok = true
	}
	if !ok {
		if _, _, is := convert.Float(b, '.', ','); is {
			t.groupComma++
			ok = true
		}
		if _, _, is := convert.Float(b, ',', '.'); is && !strings.Contains(s, "e") {
			t.groupDot++
			ok = true
		}
	} else if strings.Count(s, ",") == 1 && t.commas > 0 {
		if _, _, is := convert.Float(b, '.', ','); is {
			t.groupComma++ // "1,234" may be grouped
		}
	}
	return ok
}

// guess is what a column's values suggest.
type guess struct {
	typ    warehouse.Type
	format convert.Format
	sure   bool
	note   string
	// ambiguous dates fit both orders.
	ambiguous bool
}

// suggest applies the rules of type suggestion: all values must have one form, up
// to a few misfits that cannot be codes; identifiers stay text. commaFile says that
// the file is separated by commas, which makes "1,234" a grouped number.
func (t *tally) suggest(name string, commaFile bool) guess {
	if t.n == 0 {
		return guess{typ: warehouse.String, note: "no value in the sample"}
	}
	spare := 0
	if t.n >= misfitRows && t.codes == 0 {
		spare = int(float64(t.n) * misfitShare)
	}
	fits := func(n int) bool { return n > 0 && n >= t.n-spare }
	g := guess{sure: true}
	done := func(typ warehouse.Type, n int) guess {
		g.typ = typ
		if n < t.n {
			g.sure = false
			g.note = fmt.Sprintf("%d of %d sampled values do not fit and will be rejected", t.n-n, t.n)
		}
		return g
	}
	words := nameWords(name)
	switch {
	case fits(t.words):
		return done(warehouse.Bool, t.words)
	case fits(t.clocks):
		return done(warehouse.Time, t.clocks)
	case fits(t.dated):
		return t.date(&g, fits, done)
	case t.textual > 0:
		return guess{typ: warehouse.String, sure: true, note: "leading zeros, plus signs or very long numbers: kept as text"}
	case fits(t.compact) && hasAny(words, dateWords):
		return done(warehouse.Date, t.compact)
	}
	if hasAny(words, idWords) || idSuffix(name) {
		return guess{typ: warehouse.String, sure: true, note: "named like an identifier: kept as text"}
	}
	switch {
	case fits(t.ints) && t.dots+t.commas+t.groupComma+t.groupDot == 0:
		return done(warehouse.Int64, t.ints)
	case fits(t.ints + t.dots):
		return done(warehouse.Float64, t.ints+t.dots)
	case fits(t.ints+t.dots+t.groupComma) && (commaFile || t.dots > 0 || !fits(t.ints+t.commas)):
		g.format = convert.Format{Decimal: '.', Group: ','}
		return done(warehouse.Float64, t.ints+t.dots+t.groupComma)
	case fits(t.ints + t.commas):
		g.format = convert.Format{Decimal: ','}
		g.sure = false
		g.note = "numbers with a decimal comma"
		if n := t.ints + t.commas; n < t.n {
			return done(warehouse.Float64, n)
		}
		g.typ = warehouse.Float64
		return g
	case fits(t.ints + t.commas + t.groupDot):
		g.format = convert.Format{Decimal: ',', Group: '.'}
		return done(warehouse.Float64, t.ints+t.commas+t.groupDot)
	}
	return guess{typ: warehouse.String, sure: true}
}

func (t *tally) date(g *guess, fits func(int) bool, done func(warehouse.Type, int) guess) guess {
	typ := warehouse.Date
	if t.hasTime > 0 {
		typ = warehouse.Timestamp
	}
	y, d, m := t.moments[convert.YMD], t.moments[convert.DMY], t.moments[convert.MDY]
	switch {
	case fits(y): // unambiguous whatever the order is taken to be
		g.format.Order = convert.YMD
		return done(typ, y)
	case fits(d) && t.dotDates*2 > d && d >= m:
		g.format.Order = convert.DMY
		return done(typ, d)
	case fits(d) && d > m:
		g.format.Order = convert.DMY
		return done(typ, d)
	case fits(m) && m > d:
		g.format.Order = convert.MDY
		return done(typ, m)
	case fits(d):
		return guess{typ: warehouse.String, ambiguous: true,
			note: "dates whose day and month cannot be told apart: kept as text; choose the order to load them as dates"}
	}
	return guess{typ: warehouse.String, sure: true}
}

// nameWords splits a column name at punctuation and at changes of case.
func nameWords(name string) []string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if i > 0 && unicode.IsUpper(r) && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1]) && unicode.IsLetter(runes[i-1])) {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	return strings.Split(etl.Name(b.String()), "_")
}

var (
	idWords = set("id ids uid uuid guid code codes sku skus phone tel telephone telefon mobile fax zip zipcode postcode postal barcode ean gtin upc isbn vin iban vat nip pesel regon inn kod kody indeks artikul artykul article no nr num nomer numer mpn plz key ref")
	// dateWords mark columns whose eight digits are dates.
	dateWords = set("date data datum day dt dzien fecha datetime")
)

func set(words string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		m[w] = true
	}
	return m
}

func hasAny(words []string, of map[string]bool) bool {
	for _, w := range words {
		if of[w] {
			return true
		}
	}
	return false
}

var idStems = []string{"customer", "client", "user", "product", "item", "order", "invoice", "transaction", "account", "member", "store", "shop", "klient", "produkt", "stock", "article", "material", "vendor", "supplier", "category", "brand"}

// idSuffix recognises run-together names such as "customerid" and "stockcode".
func idSuffix(name string) bool {
	n := etl.Name(name)
	for _, stem := range idStems {
		if rest, ok := strings.CutPrefix(n, stem); ok && (rest == "id" || rest == "code" || rest == "no" || rest == "nr" || rest == "number" || rest == "key") {
			return true
		}
	}
	return false
}

// looksLikeHeader decides whether the first record names the columns: names are
// not numbers or dates; and either a column below has numbers or dates, or no name
// comes again as a value.
func looksLikeHeader(first []string, rows [][]string) bool {
	named, repeated, typed := 0, false, false
	for i, v := range first {
		if v = strings.TrimSpace(v); v == "" {
			continue
		}
		if t := newTally(); t.typed(v) {
			return false
		}
		named++
		below := newTally()
		n := 0
		for _, r := range rows[:min(len(rows), 1000)] {
			repeated = repeated || r[i] == v
			if r[i] != "" && below.typed(r[i]) {
				n++
			}
		}
		typed = typed || n > 0 && n*10 >= below.n*9
	}
	return named > 0 && (typed || !repeated || len(first) == 1)
}

// columns proposes the mapping of a sample's columns.
func (s *sample) columns() []etl.Column {
	names := etl.Names(s.Names)
	out := make([]etl.Column, len(s.Names))
	for i, src := range s.Names {
		t := newTally()
		for j, r := range s.rows {
			if v := r[i]; !missing([]byte(v), false) || s.quoted[j][i] && v != "" {
				t.add(v)
			}
		}
		g := t.suggest(src, s.Delimiter == ",")
		c := etl.Column{Source: src, SourceType: "text", Name: names[i], Type: g.typ, Note: g.note, Confidence: "medium", Samples: t.samples, Format: formatName(g.format)}
		if g.sure {
			c.Confidence = "high"
		}
		if g.ambiguous {
			s.warnings = append(s.warnings, fmt.Sprintf("column %q: %s", src, g.note))
		}
		out[i] = c
	}
	return out
}

// formatName writes a format as a job keeps it; formatOf reads it.
func formatName(f convert.Format) string {
	var parts []string
	if f.Order != "" && f.Order != convert.YMD {
		parts = append(parts, string(f.Order))
	}
	if f.Decimal == ',' {
		parts = append(parts, "decimal-comma")
	}
	switch f.Group {
	case ',':
		parts = append(parts, "group-comma")
	case '.':
		parts = append(parts, "group-point")
	}
	return strings.Join(parts, " ")
}

func formatOf(name string) (f convert.Format) {
	for p := range strings.FieldsSeq(name) {
		switch p {
		case "dmy", "mdy", "ymd":
			f.Order = convert.Order(p)
		case "decimal-comma":
			f.Decimal = ','
		case "group-comma":
			f.Group = ','
		case "group-point":
			f.Group = '.'
		}
	}
	return f
}
