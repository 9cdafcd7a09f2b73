package dataset

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/warehouse/sql"
)

// JoinSuggestion is a guess of a join, with what was measured.
type JoinSuggestion struct {
	Join       Join     `json:"join"`
	Confidence string   `json:"confidence"` // "high", "medium", "low"
	Score      float64  `json:"score"`
	Why        []string `json:"why"`
	// Overlap is the share of the left column's distinct values that the right one has.
	Overlap float64    `json:"overlap"`
	Keys    Uniqueness `json:"keys"` // of the right column
	// Proposed joins are part of the proposed definition; the others are offered.
	Proposed bool `json:"proposed"`
}

// Points of the evidence. Names and types are the specification's; overlap and
// uniqueness are measured and weigh as much.
const (
	pointsSameName = 10
	pointsTableID  = 8
	pointsSameRole = 8
	pointsHighKey  = 4
	pointsBothKeys = 3
	pointsSameType = 2
	pointsOverlap  = 10 // times the overlap
	pointsUnique   = 4

	highJoin, mediumJoin = 20, 12

	// Without a related name the values must overlap this much; with one, this little.
	overlapAlone, overlapNamed = 0.7, 0.1
	// maxPairs bounds the pairs of columns that are probed per table.
	maxPairs = 8
)

var highKeys = []string{"customer_id", "user_id", "product_id", "item_id", "order_id", "transaction_id", "sku", "sku_id", "category_id", "brand_id"}

// suggestJoins grows a tree from the primary table: in every round the best join
// of a table that is not in it yet.
func suggestJoins(ctx context.Context, wh *warehouse.Warehouse, primary warehouse.Ref, facts map[warehouse.Ref][]ColumnFacts) ([]JoinSuggestion, error) {
	in, rest := []warehouse.Ref{primary}, []warehouse.Ref{}
	for r := range facts {
		if r != primary {
			rest = append(rest, r)
		}
	}
	slices.SortFunc(rest, func(a, b warehouse.Ref) int { return strings.Compare(a.String(), b.String()) })
	// Every pair of tables is probed once.
	probed := map[[2]warehouse.Ref]*JoinSuggestion{}
	var out []JoinSuggestion
	for len(rest) > 0 {
		var best *JoinSuggestion
		for _, left := range in {
			for _, right := range rest {
				key := [2]warehouse.Ref{left, right}
				if _, ok := probed[key]; !ok {
					s, err := bestJoin(ctx, wh, facts[left], facts[right])
					if err != nil {
						return nil, err
					}
					probed[key] = s
				}
				if s := probed[key]; s != nil && (best == nil || s.Score > best.Score) {
					best = s
				}
			}
		}
		if best == nil {
			break
		}
		out = append(out, *best)
		rest = slices.DeleteFunc(rest, func(r warehouse.Ref) bool { return r == best.Join.Table })
		if best.Proposed {
			in = append(in, best.Join.Table)
		}
	}
	return out, nil
}

type candidate struct {
	left, right ColumnFacts
	points      float64
	why         []string
	named       bool
}

// bestJoin finds the best pair of columns of two tables; nil when none is related.
func bestJoin(ctx context.Context, wh *warehouse.Warehouse, left, right []ColumnFacts) (*JoinSuggestion, error) {
	var pairs []candidate
	for _, l := range left {
		for _, r := range right {
			if c, ok := related(l, r); ok {
				pairs = append(pairs, c)
			}
		}
	}
	slices.SortStableFunc(pairs, func(a, b candidate) int {
		if a.named != b.named {
			if a.named {
				return -1
			}
			return 1
		}
		return cmp.Compare(b.points, a.points)
	})
	var best *JoinSuggestion
	for _, c := range pairs[:min(len(pairs), maxPairs)] {
		s, err := probe(ctx, wh, c)
		if err != nil {
			return nil, err
		}
		if s != nil && (best == nil || s.Score > best.Score) {
			best = s
		}
	}
	return best, nil
}

// related scores what the names and types of two columns say.
func related(l, r ColumnFacts) (candidate, bool) {
	c := candidate{left: l, right: r}
	if !joinable(l) || !joinable(r) {
		return c, false
	}
	ln, rn := nameOf(l.Name), nameOf(r.Name)
	table := strings.TrimSuffix(strings.ToLower(r.Table.Name), "s")
	sameRole := func(words lexicon) bool {
		lw, _ := ln.weight(words)
		rw, _ := rn.weight(words)
		return lw >= 0.8 && rw >= 0.8 && ln.has(attributeWords) == rn.has(attributeWords)
	}
	say := func(points float64, why string) {
		c.points += points
		c.why = append(c.why, why)
	}
	switch {
	case ln.compact == rn.compact:
		c.named = ln.compact != "id" // every table has an id
		if c.named {
			say(pointsSameName, "the columns have the same name")
		}
	case (rn.compact == "id" || rn.compact == "code" || rn.compact == "key" || rn.compact == "no" || rn.compact == "nr") && strings.HasPrefix(strings.ToLower(l.Name), table) && ln.id():
		c.named = true
		say(pointsTableID, "the left name is the table's and its key's")
	case sameRole(customerWords):
		c.named = true
		say(pointsSameRole, "both names mean a customer")
	case sameRole(productWords):
		c.named = true
		say(pointsSameRole, "both names mean a product")
	}
	if slices.Contains(highKeys, strings.ToLower(l.Name)) {
		say(pointsHighKey, "the left column is a usual key")
	}
	if ln.id() && rn.id() {
		say(pointsBothKeys, "both names say an id")
	}
	if l.Type == r.Type {
		say(pointsSameType, "the types are equal")
	}
	// Without a name, only a key-like column of the right table is worth probing.
	return c, c.named || r.ratio() > 0.9 && l.Distinct > 2 && (ln.id() || l.Type == warehouse.String && l.Spaces < 0.3)
}

func joinable(f ColumnFacts) bool {
	return slices.Contains(idTypes, f.Type) && (!f.Type.Number() || f.Whole) && f.Distinct > 0 && f.Length <= 100
}

// probe measures overlap and uniqueness of a pair; nil when the values do not bear it out.
func probe(ctx context.Context, wh *warehouse.Warehouse, c candidate) (*JoinSuggestion, error) {
	distinct := func(f ColumnFacts) sql.Query {
		key := idText(sql.Name(f.Name), f.Type)
		return sql.Select{Distinct: true, Columns: []sql.Item{{Expr: key, As: "_b2_key"}}, From: &sql.Source{Table: f.Table}, Where: []sql.Expr{sql.NotNull(sql.Name(f.Name))}}
	}
	rows, err := run(ctx, wh, nil, nil, sql.Select{
		Columns: []sql.Item{{Expr: sql.Count(), As: "n"}, {Expr: sql.Fn("COUNT", sql.Col("r", "_b2_key")), As: "found"}},
		From:    &sql.Source{Query: distinct(c.left), As: "l"},
		Joins:   []sql.Join{{Kind: "LEFT JOIN", Source: sql.Source{Query: distinct(c.right), As: "r"}, On: sql.Eq(sql.Col("l", "_b2_key"), sql.Col("r", "_b2_key"))}},
	}, 1)
	if err != nil {
		return nil, err
	}
	s := &JoinSuggestion{Join: Join{Table: c.right.Table, LeftTable: c.left.Table, LeftColumn: c.left.Name, RightColumn: c.right.Name, Type: LeftJoin, FanOut: FanOutBlock}, Why: c.why, Score: c.points}
	if n := integer(rows[0][0]); n > 0 {
		s.Overlap = round4(float64(integer(rows[0][1])) / float64(n))
	}
	if s.Overlap < overlapAlone && !(c.named && s.Overlap >= overlapNamed) {
		return nil, nil
	}
	s.Score += pointsOverlap * s.Overlap
	s.Why = append(s.Why, fmt.Sprintf("%.0f %% of the values are found", 100*s.Overlap))
	if s.Keys, err = KeyUniqueness(ctx, wh, c.right.Table, c.right.Name); err != nil {
		return nil, err
	}
	unique := s.Keys.Rows == s.Keys.Distinct
	switch {
	case unique:
		s.Score += pointsUnique
		s.Why = append(s.Why, "the right column is unique")
	case s.Keys.Factor() < 1.5:
		s.Join.FanOut = FanOutFirst
		s.Why = append(s.Why, fmt.Sprintf("the right column is not unique (%.2f rows per key): one row per key is kept", s.Keys.Factor()))
	default:
		s.Why = append(s.Why, fmt.Sprintf("the right column has %.1f rows per key", s.Keys.Factor()))
	}
	s.Proposed = s.Score >= mediumJoin && (unique || s.Join.FanOut == FanOutFirst)
	switch s.Score = math.Round(s.Score*10) / 10; {
	case s.Score >= highJoin:
		s.Confidence = "high"
	case s.Score >= mediumJoin:
		s.Confidence = "medium"
	default:
		s.Confidence = "low"
	}
	return s, nil
}
