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
		case c.Type == warehouse.String:
			w.add(sql.Fn("AVG", sql.Fn("LENGTH", e)), "length_%d", i)
			w.add(sql.CountIf(sql.Op(e, "LIKE", sql.Text("% %"))), "spaces_%d", i)
			w.add(sql.CountIf(sql.NotNull(sql.SafeCast(e, warehouse.Timestamp))), "dates_%d", i)
			w.add(sql.CountIf(sql.NotNull(sql.SafeCast(e, warehouse.Float64))), "numbers_%d", i)
		}
	}
	rows, err := run(ctx, wh, nil, nil, sql.Select{Columns: w.items, From: &sql.Source{Table: r}}, 1)
	if err != nil {
		return nil, err
	}
	w.row = rows[0]
	out := make([]ColumnFacts, len(cols))
	for i, c := range cols {
		f := ColumnFacts{Table: r, Name: c.Name, Type: c.Type, Rows: integer(w.get("rows")), Nulls: integer(w.get("nulls_%d", i))}
		f.Distinct = min(integer(w.get("distinct_%d", i)), f.present())
		f.Min, _ = float(w.get("min_%d", i))
		f.Max, _ = float(w.get("max_%d", i))
		f.Whole = c.Type.Number() && integer(w.get("fractions_%d", i)) == 0
		f.NegativeRows = integer(w.get("negative_%d", i))
		f.Length, _ = float(w.get("length_%d", i))
		if n := float64(f.present()); n > 0 {
			f.Spaces = float64(integer(w.get("spaces_%d", i))) / n
			f.Dates = float64(integer(w.get("dates_%d", i))) / n
			f.Numbers = float64(integer(w.get("numbers_%d", i))) / n
		}
		out[i] = f
	}
	return out, daysPerValue(ctx, wh, r, out)
}

// maxProbed bounds the columns whose days are counted.
const maxProbed = 8

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
		if f.Name == when.Column || !slices.Contains(idTypes, f.Type) || f.Type.Number() && !f.Whole || f.Distinct < 2 || f.ratio() > 0.98 || len(probed) == maxProbed {
			continue
		}
		key := idText(sql.Name(f.Name), f.Type)
		w.add(sql.CountDistinct(sql.Case(nil, sql.When{If: sql.NotNull(day), Then: key})), "values_%d", i)
		w.add(sql.CountDistinct(sql.Concat(key, sql.Text("|"), sql.Cast(day, warehouse.String))), "pairs_%d", i)
		probed = append(probed, i)
	}
	if len(probed) == 0 {
		return nil
	}
	rows, err := run(ctx, wh, nil, nil, sql.Select{Columns: w.items, From: &sql.Source{Table: r}}, 1)
	if err != nil {
		return err
	}
	w.row = rows[0]
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
