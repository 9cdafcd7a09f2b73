package dataset

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// Suggestion is a guess of a role.
type Suggestion struct {
	Table      warehouse.Ref `json:"table"`
	Column     string        `json:"column"`
	Confidence string        `json:"confidence"` // "high", "medium", "low"
	Score      float64       `json:"score"`      // 0..1
	Why        string        `json:"why"`
	// Alternatives are the next best columns, at most 3.
	Alternatives []Alternative `json:"alternatives"`

	kind warehouse.Type
}

// Alternative is a column that was not chosen.
type Alternative struct {
	Column string  `json:"column"`
	Score  float64 `json:"score"`
	Why    string  `json:"why"`
}

// Scores from which a guess has a confidence. Below minScore there is none.
const (
	highScore   = 0.75
	mediumScore = 0.5
	minScore    = 0.25
)

func confidence(score float64) string {
	switch {
	case score >= highScore:
		return "high"
	case score >= mediumScore:
		return "medium"
	}
	return "low"
}

// SuggestRoles guesses the roles of one table's columns from names and
// statistics. A role nobody fits is absent: an order number is no customer, and a
// line number is neither.
func SuggestRoles(facts []ColumnFacts, now time.Time) map[Role]Suggestion {
	out := map[Role]Suggestion{}
	used := map[string]bool{}
	if s, ok := bestTime(facts, now); ok {
		out[Time], used[s.Column] = s, true
	}
	customers, products := entities(facts, used, customerWords, productWords, Customer), entities(facts, used, productWords, customerWords, Product)
	if c, p, ok := pair(customers, products); ok {
		out[Customer], out[Product] = c, p
	} else if len(customers) > 0 && (len(products) == 0 || customers[0].Score >= products[0].Score) {
		out[Customer] = customers[0]
	} else if len(products) > 0 {
		out[Product] = products[0]
	}
	for _, r := range []Role{Customer, Product} {
		if s, ok := out[r]; ok {
			used[s.Column] = true
			list := customers
			if r == Product {
				list = products
			}
			out[r] = withAlternatives(s, list)
		}
	}
	if list := values(facts, used); len(list) > 0 {
		out[Value] = withAlternatives(list[0], list)
	}
	return out
}

func withAlternatives(s Suggestion, list []Suggestion) Suggestion {
	s.Confidence = confidence(s.Score)
	s.Score = math.Round(s.Score*100) / 100
	s.Alternatives = []Alternative{}
	for _, x := range list {
		if x.Column != s.Column && len(s.Alternatives) < 3 {
			s.Alternatives = append(s.Alternatives, Alternative{x.Column, math.Round(x.Score*100) / 100, x.Why})
		}
	}
	return s
}

// pair chooses different columns for customer and product with the best sum.
func pair(customers, products []Suggestion) (c, p Suggestion, ok bool) {
	best := -1.0
	for i, x := range customers {
		for j, y := range products {
			// Columns come in order, so a tie goes to the earlier ones: customer before product.
			if sum := x.Score + y.Score - 1e-6*float64(i+j); x.Column != y.Column && sum > best {
				best, c, p, ok = sum, x, y, true
			}
		}
	}
	return c, p, ok
}

func byScore(list []Suggestion) []Suggestion {
	list = slices.DeleteFunc(list, func(s Suggestion) bool { return s.Score < minScore })
	slices.SortStableFunc(list, func(a, b Suggestion) int {
		switch {
		case a.Score > b.Score:
			return -1
		case a.Score < b.Score:
			return 1
		}
		return 0
	})
	return list
}

// entities scores columns as customers or products; other is the other one's words.
func entities(facts []ColumnFacts, used map[string]bool, words, other lexicon, role Role) []Suggestion {
	var out []Suggestion
	for _, f := range facts {
		if used[f.Name] || !identifies(f) {
			continue
		}
		n := nameOf(f.Name)
		named, word := n.weight(words)
		if o, _ := n.weight(other); o > named {
			continue
		}
		if score, why := entityScore(f, n, named, word); score > 0 {
			out = append(out, Suggestion{Table: f.Table, Column: f.Name, Score: score, Why: why + "; " + spread(f, role), kind: f.Type})
		}
	}
	return byScore(out)
}

// identifies leaves out what cannot be an id whatever its name.
func identifies(f ColumnFacts) bool {
	switch {
	case !slices.Contains(idTypes, f.Type), f.Type.Number() && !f.Whole:
		return false
	case f.Distinct < 2, float64(f.Nulls) > 0.95*float64(f.Rows):
		return false
	case f.Type == warehouse.String && (f.Length > 100 || f.Dates > 0.9 && f.Numbers < 0.5):
		return false
	}
	return true
}

func entityScore(f ColumnFacts, n name, named float64, word string) (float64, string) {
	unique := f.ratio() > 0.95 && f.present() > 20
	oneDay := f.DaysPerValue > 0 && f.DaysPerValue < 1.03 && f.ratio() < 0.9
	attribute := n.has(attributeWords)
	if named > 0 {
		score, why := 0.85*named, fmt.Sprintf("the name says %q", word)
		if n.id() {
			score += 0.1
		}
		if n.order() && !n.id() || attribute {
			score *= 0.6
			why += ", though with a word for something else"
		}
		if f.Type == warehouse.String && f.Spaces > 0.5 {
			score -= 0.05
		}
		if unique {
			score *= 0.6
			why += ", but nearly every row has its own value"
		}
		if oneDay && named < 1 {
			score *= 0.5
			why += ", but every value occurs on one day only, as orders do"
		}
		return min(score, 1), why
	}
	// Nothing in the name: the values have to look like ids that come back.
	enough := f.Distinct >= 20 || f.present() <= 200 && f.Distinct >= 3
	if attribute || n.order() || n.has(amountWords) || n.has(priceWords) || n.has(quantityWords) || n.has(notValueWords) || n.has(timeWords) ||
		unique || oneDay || !enough || f.ratio() > 0.7 {
		return 0, ""
	}
	score := 0.0
	switch {
	case f.Type == warehouse.String && f.Spaces < 0.2 && f.Length <= 24:
		score = 0.35
	case f.Type != warehouse.String && f.Distinct >= 50 && f.Min >= 0:
		score = 0.3
	default:
		return 0, ""
	}
	if n.id() {
		score += 0.1
	}
	return score, "the values look like ids that come back"
}

// spread says how the values of an id are spread.
func spread(f ColumnFacts, role Role) string {
	if f.Distinct == 0 {
		return "no values"
	}
	return fmt.Sprintf("about %s values, %.1f rows per %s", count(f.Distinct), float64(f.present())/float64(f.Distinct), role)
}

// bestTime scores columns as the time of the row.
func bestTime(facts []ColumnFacts, now time.Time) (Suggestion, bool) {
	var out []Suggestion
	for _, f := range facts {
		n := nameOf(f.Name)
		named, word := n.weight(timeWords)
		if w, grown := n.grown(timeWords); w > named {
			named, word = w, grown
		}
		why := "the type is " + string(f.Type)
		var score float64
		switch {
		case f.present() == 0 || f.Distinct < 1:
			continue
		case f.Type.Temporal():
			score = 0.7
		case f.Type == warehouse.String && f.Dates > 0.9 && f.Numbers < 0.5:
			score, why = 0.55, fmt.Sprintf("%.0f %% of the texts are times", 100*f.Dates)
		case f.Type == warehouse.Int64 && named > 0 && epoch(f, now):
			score, why = 0.5, "the numbers lie where times do"
		default:
			continue
		}
		if named > 0 {
			score += 0.2 * named
			why += fmt.Sprintf(", the name says %q", word)
		}
		if n.has(tradeWords) {
			score += 0.1
		}
		if n.has(otherTimes) {
			score -= 0.3
			why += ", though of another event"
		}
		if f.Nulls*2 > f.Rows {
			score -= 0.2
		}
		out = append(out, Suggestion{Table: f.Table, Column: f.Name, Score: min(score, 1), Why: why, kind: f.Type})
	}
	list := byScore(out)
	if len(list) == 0 {
		return Suggestion{}, false
	}
	return withAlternatives(list[0], list), true
}

// grown finds a word inside a compound ("rechnungsdatum", "orderdate").
func (n name) grown(l lexicon) (float64, string) {
	best, word := 0.0, ""
	for w, weight := range l {
		if len(w) >= 4 && weight > best && (strings.HasSuffix(n.compact, w) || strings.HasPrefix(n.compact, w)) || len(w) >= 4 && weight == best && w < word && strings.HasSuffix(n.compact, w) {
			best, word = weight, w
		}
	}
	return best, word
}

// epoch reports whether all numbers are times between 1980 and two years from now,
// as days written YYYYMMDD, or as seconds, milliseconds or microseconds since 1970.
func epoch(f ColumnFacts, now time.Time) bool {
	const from = 315_532_800 // 1980-01-01
	to := float64(now.AddDate(2, 0, 0).Unix())
	for _, unit := range []float64{1, 1e3, 1e6} {
		if f.Min >= from*unit && f.Max <= to*unit {
			return true
		}
	}
	return f.Min >= 19800101 && f.Max <= float64(now.Year()+2)*10000+1231
}

// values scores columns as what a row is worth. An amount can be added up; so can
// a quantity, which also tells returns; a unit price cannot.
func values(facts []ColumnFacts, used map[string]bool) []Suggestion {
	var out []Suggestion
	for _, f := range facts {
		n := nameOf(f.Name)
		if used[f.Name] || !f.Type.Number() || f.present() == 0 || n.has(idWords) || n.order() && n.id() {
			continue
		}
		worth := n.has(quantityWords) || n.has(priceWords) || n.has(amountWords) || n.has(ratingWords)
		if n.has(attributeWords) && !worth {
			continue
		}
		has := func(l lexicon) bool {
			w, _ := n.grown(l)
			return n.has(l) || w > 0
		}
		score, why := 0.0, ""
		switch {
		case n.has(notValueWords):
			continue
		case has(quantityWords):
			score, why = 0.65, "the name says a quantity"
			if f.NegativeRows > 0 {
				score, why = 0.75, "the name says a quantity, and negative ones tell returns"
			}
		case has(priceWords) && has(unitWords):
			score, why = 0.5, "the name says a unit price"
		case has(priceWords):
			score, why = 0.7, "the name says a price"
		case has(amountWords):
			score, why = 0.95, "the name says an amount"
		case n.has(ratingWords):
			score, why = 0.55, "the name says a rating"
		default:
			continue
		}
		if n.order() && score == 0.95 {
			score = 0.8 // an order's total repeats on each of its lines
		}
		out = append(out, Suggestion{Table: f.Table, Column: f.Name, Score: score, Why: why, kind: f.Type})
	}
	return byScore(out)
}
