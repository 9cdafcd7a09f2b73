package dataset

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/warehouse/sql"
)

// ColumnFacts are the statistics by which a column's role is guessed.
type ColumnFacts struct {
	Table    warehouse.Ref
	Name     string
	Type     warehouse.Type
	Rows     int64
	Nulls    int64
	Distinct int64 // approximate
	// Of numbers.
	Min, Max     float64
	Whole        bool  // no value has a fraction
	NegativeRows int64 // values below 0
	// Of texts: mean length in characters; shares of values.
	Length, Spaces, Dates, Numbers float64
	// DaysPerValue is the mean number of days on which one value occurs; 0 unknown.
	DaysPerValue float64
}

func (f ColumnFacts) present() int64 { return f.Rows - f.Nulls }

// ratio of distinct values to values.
func (f ColumnFacts) ratio() float64 {
	if f.present() == 0 {
		return 0
	}
	return min(1, float64(f.Distinct)/float64(f.present()))
}

// internal columns are the product's own or an upload's; they have no role.
func internal(column string) bool { return strings.HasPrefix(column, "_") }

// Facts measures all usable columns of a table in one statement, then, when the
// table has a time, on how many days the values of possible ids occur.
func Facts(ctx context.Context, wh *warehouse.Warehouse, r warehouse.Ref) ([]ColumnFacts, error) {
	info, err := wh.Table(ctx, r)
	if err != nil {
		return nil, err
	}
	w := &wide{index: map[string]int{}}
	w.add(sql.Count(), "rows")
	var cols []warehouse.Column
	for _, c := range info.Columns {
		if c.Repeated || slices.Contains(noTraining, c.Type) || internal(c.Name) {
			continue
		}
		i, e := len(cols), sql.Name(c.Name)
		cols = append(cols, c)
		w.add(sql.CountIf(sql.IsNull(e)), "nulls_%d", i)
		w.add(sql.ApproxDistinct(e), "distinct_%d", i)
		switch {
		case c.Type.Number():
			n := number(e, c.Type)
			w.add(sql.Fn("MIN", n), "min_%d", i)
			w.add(sql.Fn("MAX", n), "max_%d", i)
			w.add(sql.CountIf(sql.Not(sql.Eq(n, sql.Fn("FLOOR", n)))), "fractions_%d", i)
			w.add(sql.CountIf(sql.Lt(n, sql.Int(0))), "negative_%d", i)
		}
	}
	if w.row, err = oneRow(ctx, wh, w, &sql.Source{Table: r}); err != nil {
		return nil, err
	}
	out := make([]ColumnFacts, len(cols))
	for i, c := range cols {
		f := ColumnFacts{Table: r, Name: c.Name, Type: c.Type, Rows: integer(w.get("rows")), Nulls: integer(w.get("nulls_%d", i))}
		f.Distinct = min(integer(w.get("distinct_%d", i)), f.present())
		f.Min, _ = float(w.get("min_%d", i))
		f.Max, _ = float(w.get("max_%d", i))
		f.Whole = c.Type.Number() && integer(w.get("fractions_%d", i)) == 0
		f.NegativeRows = integer(w.get("negative_%d", i))
		out[i] = f
	}
	if err := shapes(ctx, wh, r, out); err != nil {
		return nil, err
	}
	return out, daysPerValue(ctx, wh, r, out)
}

// oneRow runs the statement that a wide collected.
func oneRow(ctx context.Context, wh *warehouse.Warehouse, w *wide, from *sql.Source) ([]any, error) {
	rows, err := run(ctx, wh, nil, nil, sql.Select{Columns: w.items, From: from}, 1)
	if err != nil {
		return nil, err
	}
	return rows[0], nil
}

// shapeRows are enough to tell what texts look like: conversions are slow, and
// their shares need no precision.
const shapeRows = 50_000

// shapes measures what the texts look like, in the rows the engine gives first.
func shapes(ctx context.Context, wh *warehouse.Warehouse, r warehouse.Ref, facts []ColumnFacts) error {
	w := &wide{index: map[string]int{}}
	first := sql.Select{From: &sql.Source{Table: r}, Limit: shapeRows}
	for i, f := range facts {
		if f.Type != warehouse.String {
			continue
		}
		e := sql.Name(f.Name)
		first.Columns = append(first.Columns, sql.Item{Expr: e})
		w.add(sql.Fn("COUNT", e), "present_%d", i)
		w.add(sql.Fn("AVG", sql.Fn("LENGTH", e)), "length_%d", i)
		w.add(sql.CountIf(sql.Op(e, "LIKE", sql.Text("% %"))), "spaces_%d", i)
		w.add(sql.CountIf(sql.NotNull(sql.SafeCast(e, warehouse.Timestamp))), "dates_%d", i)
		w.add(sql.CountIf(sql.NotNull(sql.SafeCast(e, warehouse.Float64))), "numbers_%d", i)
	}
	if len(w.items) == 0 {
		return nil
	}
	var err error
	if w.row, err = oneRow(ctx, wh, w, &sql.Source{Query: first, As: "f"}); err != nil {
		return err
	}
	for i := range facts {
		f := &facts[i]
		if n := float64(integer(w.get("present_%d", i))); n > 0 {
			f.Length, _ = float(w.get("length_%d", i))
			f.Spaces = float64(integer(w.get("spaces_%d", i))) / n
			f.Dates = float64(integer(w.get("dates_%d", i))) / n
			f.Numbers = float64(integer(w.get("numbers_%d", i))) / n
		}
	}
	return nil
}

// maxProbed bounds the columns whose days are counted; probedRows the rows whose
// values are: in a larger table every n-th value is taken, by its hash.
const (
	maxProbed  = 8
	probedRows = 500_000
)

// undecided reports whether only the days of a column's values can tell an id
// that comes back from an order: its name does not.
func undecided(f ColumnFacts) bool {
	if !identifies(f) || f.ratio() > 0.98 {
		return false
	}
	n := nameOf(f.Name)
	c, _ := n.weight(customerWords)
	p, _ := n.weight(productWords)
	return max(c, p) < 1 && !n.order() && !n.has(attributeWords) && f.Distinct >= 3
}

func daysPerValue(ctx context.Context, wh *warehouse.Warehouse, r warehouse.Ref, facts []ColumnFacts) error {
	when, ok := bestTime(facts, time.Now().UTC())
	if !ok {
		return nil
	}
	w := &wide{index: map[string]int{}}
	day := dayOf(sql.Name(when.Column), when.kind)
	w.add(sql.CountDistinct(day), "days")
	var probed []int
	for i, f := range facts {
		if f.Name == when.Column || !undecided(f) || len(probed) == maxProbed {
			continue
		}
		key := idText(sql.Name(f.Name), f.Type)
		taken := sql.NotNull(day)
		if every := f.Rows / probedRows; every > 1 {
			taken = sql.And(taken, sql.Eq(sql.Fn("MOD", sql.Hash(key), sql.Int(every)), sql.Int(0)))
		}
		w.add(sql.CountDistinct(sql.Case(nil, sql.When{If: taken, Then: key})), "values_%d", i)
		w.add(sql.CountDistinct(sql.Case(nil, sql.When{If: taken, Then: sql.Concat(key, sql.Text("|"), sql.Cast(day, warehouse.String))})), "pairs_%d", i)
		probed = append(probed, i)
	}
	if len(probed) == 0 {
		return nil
	}
	var err error
	if w.row, err = oneRow(ctx, wh, w, &sql.Source{Table: r}); err != nil {
		return err
	}
	if integer(w.get("days")) < 3 {
		return nil // on one day everything happens once
	}
	for _, i := range probed {
		if n := integer(w.get("values_%d", i)); n > 0 {
			facts[i].DaysPerValue = float64(integer(w.get("pairs_%d", i))) / float64(n)
		}
	}
	return nil
}
