package dataset

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/warehouse/sql"
)

// run builds and runs a statement.
func run(ctx context.Context, wh *warehouse.Warehouse, labels map[string]string, steps []sql.CTE, body sql.Query, maxRows int) ([][]any, error) {
	s, err := sql.Build(wh.Dialect(), steps, body)
	if err != nil {
		return nil, err
	}
	s.Labels = labels
	out, err := wh.Query(ctx, s, maxRows)
	return out.Values, err
}

// The values of a result; NULL gives the zero value.

func integer(v any) int64 {
	switch v := v.(type) {
	case int64:
		return v
	case float64:
		return int64(v)
	case string: // NUMERIC
		f, _ := strconv.ParseFloat(v, 64)
		return int64(f)
	}
	return 0
}

func float(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	case string:
		f, err := strconv.ParseFloat(v, 64)
		return f, err == nil
	}
	return 0, false
}

// text is a value as people read it.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case time.Time:
		if v.Equal(v.Truncate(24 * time.Hour)) {
			return formatDay(v)
		}
		return v.UTC().Format(time.RFC3339)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return fmt.Sprint(v)
}

// CheckFanOut refuses joins that must not multiply rows but would. FailedPrecondition
// names each of them with its factor.
func CheckFanOut(ctx context.Context, wh *warehouse.Warehouse, def Definition, schemas Schemas) error {
	def = def.Normalize()
	if err := Invalid(Validate(def, schemas)); err != nil {
		return err
	}
	e := problem.New(problem.FailedPrecondition, "a join would multiply rows").
		WithNext(problem.TurnYou, "Choose another key, keep one row per key (first), or accept the multiplication.")
	for i, j := range def.Joins {
		if j.FanOut != FanOutBlock {
			continue
		}
		u, err := KeyUniqueness(ctx, wh, j.Table, j.RightColumn)
		if err != nil {
			return err
		}
		if u.Rows != u.Distinct {
			e.WithField(fmt.Sprintf("joins[%d].fan_out", i), "%s.%s is not unique: %.2f rows per key", j.Table, j.RightColumn, u.Factor())
		}
	}
	if len(e.Fields) > 0 {
		return e
	}
	return nil
}

// Uniqueness of a key column, NULL left out.
type Uniqueness struct {
	Rows     int64 `json:"rows"`
	Distinct int64 `json:"distinct"`
}

// Factor is the mean number of rows per key.
func (u Uniqueness) Factor() float64 {
	if u.Distinct == 0 {
		return 1
	}
	return float64(u.Rows) / float64(u.Distinct)
}

// KeyUniqueness counts a column's values and its distinct values, exactly.
func KeyUniqueness(ctx context.Context, wh *warehouse.Warehouse, r warehouse.Ref, column string) (Uniqueness, error) {
	c := sql.Name(column)
	rows, err := run(ctx, wh, nil, nil, sql.Select{
		Columns: []sql.Item{{Expr: sql.Fn("COUNT", c), As: "n"}, {Expr: sql.CountDistinct(c), As: "d"}},
		From:    &sql.Source{Table: r},
	}, 1)
	if err != nil {
		return Uniqueness{}, err
	}
	return Uniqueness{integer(rows[0][0]), integer(rows[0][1])}, nil
}
