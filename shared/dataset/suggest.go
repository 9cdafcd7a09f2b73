package dataset

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// Proposal is a definition guessed from tables, with what speaks for each part.
type Proposal struct {
	Definition Definition          `json:"definition"`
	Roles      map[Role]Suggestion `json:"roles"`
	Joins      []JoinSuggestion    `json:"joins"`
	// Missing are required roles that no column fits.
	Missing []Role `json:"missing"`
	// Notes say what was left out, and why.
	Notes []string `json:"notes"`
}

// maxSuggested bounds the tables one proposal looks at.
const maxSuggested = 30

// Suggest guesses a definition from tables of raw_data. No tables means all; no
// primary means the table that looks most like transactions. given roles
// (warehouse column names of the primary table) are taken as they are.
// InvalidArgument when there is no table; a proposal with Missing roles is no error.
func Suggest(ctx context.Context, wh *warehouse.Warehouse, tables []warehouse.Ref, primary warehouse.Ref, given map[Role]string, now time.Time) (Proposal, error) {
	out := Proposal{Roles: map[Role]Suggestion{}, Joins: []JoinSuggestion{}, Missing: []Role{}, Notes: []string{}}
	if len(tables) == 0 {
		infos, err := wh.Tables(ctx, warehouse.Raw)
		if err != nil {
			return out, err
		}
		for _, i := range infos {
			tables = append(tables, i.Ref)
		}
	}
	if primary != (warehouse.Ref{}) && !slices.Contains(tables, primary) {
		tables = append(tables, primary)
	}
	if len(tables) == 0 {
		return out, problem.New(problem.InvalidArgument, "there is no table in %s", warehouse.Raw).
			WithNext(problem.TurnYou, "Load transactions first.")
	}
	if len(tables) > maxSuggested {
		out.Notes = append(out.Notes, fmt.Sprintf("only the %d largest of %d tables were looked at", maxSuggested, len(tables)))
		kept := tables[:maxSuggested:maxSuggested]
		if primary != (warehouse.Ref{}) && !slices.Contains(kept, primary) {
			kept = append(kept, primary)
		}
		tables = kept
	}
	facts := map[warehouse.Ref][]ColumnFacts{}
	for _, r := range tables {
		f, err := Facts(ctx, wh, r)
		if err != nil {
			return out, err
		}
		facts[r] = f
	}
	if primary == (warehouse.Ref{}) {
		primary = mostLikelyTransactions(tables, facts, now)
	}
	if err := out.roles(facts[primary], primary, given, now); err != nil {
		return out, err
	}
	for _, r := range []Role{Customer, Product} {
		if _, ok := out.Roles[r]; !ok {
			out.Missing = append(out.Missing, r)
		}
	}
	var err error
	if out.Joins, err = suggestJoins(ctx, wh, primary, facts); err != nil {
		return out, err
	}
	if out.Joins == nil {
		out.Joins = []JoinSuggestion{}
	}
	out.define(primary, facts)
	return out, nil
}

// mostLikelyTransactions takes the table with the best customer, product, time and value; a tie goes to the
// earlier one, that is the larger.
func mostLikelyTransactions(tables []warehouse.Ref, facts map[warehouse.Ref][]ColumnFacts, now time.Time) warehouse.Ref {
	best, top := tables[0], -1.0
	for _, r := range tables {
		score := 0.0
		roles := SuggestRoles(facts[r], now)
		for role, weight := range map[Role]float64{Customer: 1, Product: 1, Time: 0.5, Value: 0.25} {
			score += weight * roles[role].Score
		}
		if score > top+1e-9 {
			best, top = r, score
		}
	}
	return best
}

// roles guesses around what is given.
func (p *Proposal) roles(facts []ColumnFacts, primary warehouse.Ref, given map[Role]string, now time.Time) error {
	e := problem.New(problem.InvalidArgument, "a column that was named does not exist in %s", primary)
	rest := slices.Clone(facts)
	for _, role := range sortedRoles(given) {
		column := given[role]
		if column == "" {
			continue
		}
		i := slices.IndexFunc(facts, func(f ColumnFacts) bool { return strings.EqualFold(f.Name, column) })
		if i < 0 {
			e.WithField("roles."+string(role), "there is no column %q", column)
			continue
		}
		p.Roles[role] = Suggestion{Table: primary, Column: facts[i].Name, Confidence: "high", Score: 1, Why: "you said so", Alternatives: []Alternative{}}
		rest = slices.DeleteFunc(rest, func(f ColumnFacts) bool { return strings.EqualFold(f.Name, column) })
	}
	if len(e.Fields) > 0 {
		var names []string
		for _, f := range facts {
			names = append(names, f.Name)
		}
		return e.WithCause("%s", e.Fields[0].Message).WithNext(problem.TurnYou, "The columns are: %s.", strings.Join(names, ", "))
	}
	for role, s := range SuggestRoles(rest, now) {
		if _, ok := p.Roles[role]; !ok {
			p.Roles[role] = s
		}
	}
	return nil
}

// define writes the definition: the usable columns of the primary table and of
// the proposed joins.
func (p *Proposal) define(primary warehouse.Ref, facts map[warehouse.Ref][]ColumnFacts) {
	d := Definition{Primary: primary, Joins: []Join{}, Columns: []Column{}, Roles: map[Role]string{}}
	inRole := map[string]bool{}
	for _, s := range p.Roles {
		inRole[s.Column] = true
	}
	for _, f := range facts[primary] {
		if !inRole[f.Name] {
			if why := useless(f); why != "" {
				p.Notes = append(p.Notes, fmt.Sprintf("%s is left out: %s", f.Name, why))
				continue
			}
		}
		d.Columns = append(d.Columns, Column{Table: primary, Column: f.Name})
	}
	for _, j := range p.Joins {
		if !j.Proposed {
			continue
		}
		d.Joins = append(d.Joins, j.Join)
		for _, f := range facts[j.Join.Table] {
			if f.Name != j.Join.RightColumn && f.Distinct > 1 {
				d.Columns = append(d.Columns, Column{Table: j.Join.Table, Column: f.Name})
			}
		}
	}
	d.Columns = Names(d.Columns)
	for role, s := range p.Roles {
		for _, c := range d.Columns {
			if c.Table == primary && c.Column == s.Column {
				d.Roles[role] = c.Name
			}
		}
	}
	// A value that goes below zero has returns in it; they are no purchases.
	if s, ok := p.Roles[Value]; ok {
		i := slices.IndexFunc(facts[primary], func(f ColumnFacts) bool { return f.Name == s.Column })
		if f := facts[primary][i]; f.NegativeRows > 0 && f.NegativeRows*2 < f.present() {
			d.PositiveOnly = true
			p.Notes = append(p.Notes, fmt.Sprintf("%s with a negative %s count as returns and are left out", rowCount(f.NegativeRows), f.Name))
		}
	}
	p.Definition = d.Normalize()
}

// useless says why a column of transactions is no feature; "" when it may be one.
func useless(f ColumnFacts) string {
	n := nameOf(f.Name)
	id := slices.Contains(idTypes, f.Type) && (!f.Type.Number() || f.Whole)
	switch {
	case f.present() == 0:
		return "it is empty"
	case f.Distinct < 2:
		return "it has one value"
	case id && n.order() && n.id():
		return "it names orders or lines"
	case id && f.ratio() > 0.95 && f.present() > 100 && (n.id() || f.Type == warehouse.String):
		return "nearly every row has its own value"
	case id && f.DaysPerValue > 0 && f.DaysPerValue < 1.03 && f.ratio() < 0.9 && f.ratio() > 0.05 && n.id():
		return "its values occur on one day each, as orders do"
	}
	return ""
}

// Suggest guesses a definition; see the function of the same name.
func (s *Service) Suggest(ctx context.Context, tables []warehouse.Ref, primary warehouse.Ref, given map[Role]string) (Proposal, error) {
	return Suggest(ctx, s.wh, tables, primary, given, s.now())
}
