package enginestest_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/warehouse/enginestest"
	"github.com/b2brecs/b2brecs/shared/warehouse/warehousetest"
)

// values of each type as text that every engine casts: the ends of the type, 0, what
// is negative, has a fraction, or is no plain ASCII. NULL is added to each.
var values = map[warehouse.Type][]string{
	warehouse.String: {"", " ", "a", "A", "é", "é", "Ærø 漢字 🛒", "0", "007", "-1", "1.5", "1e3", "9223372036854775807", "9223372036854775808", "nan",
		"true", "2026-01-05", "2026-02-30", "2024-02-29", "0001-01-01", "9999-12-31", "2026-01-05 10:30:15.25+00", "2026-01-05T10:30:15Z", "10:30:15.25", "it\"s % _", "NULL", "-"},
	warehouse.Int64:     {"0", "1", "-1", "7", "-7", "86399", "-86401", "253402300799", "-62135596800"},
	warehouse.Float64:   {"0", "-0.0", "1.5", "-2.5", "3.5", "1e15", "-1e15", "0.1", "123456789.125"},
	warehouse.Numeric:   {"0", "0.000000001", "-0.000000001", "1.5", "-2.5", "12345678901234567890123456789.123456789"},
	warehouse.Date:      {"0001-01-01", "1969-12-31", "1970-01-01", "2024-02-29", "2026-03-01", "9999-12-31"},
	warehouse.DateTime:  {"0001-01-01 00:00:00", "1969-12-31 23:59:59.5", "1970-01-01 00:00:00", "2024-02-29 23:59:59.999999", "9999-12-31 23:59:59.999999"},
	warehouse.Timestamp: {"0001-01-01 00:00:00+00", "1969-12-31 23:59:59.5+00", "1970-01-01 00:00:00+00", "2024-02-29 23:59:59.999999+00", "2026-01-01 00:30:00+01:00", "9999-12-31 23:59:59.999999+00"},
	warehouse.Time:      {"00:00:00", "10:30:15.25", "23:59:59.999999"},
	warehouse.Bool:      {"true", "false"},
}

// TestDialect compares every expression that a dialect writes, value by value.
func TestDialect(t *testing.T) {
	tw := enginestest.Open(t).Twin(t)
	wh := warehouse.New(tw)
	d := wh.Dialect()
	ask := func(expr string, typ warehouse.Type, clause string, params map[string]any) {
		t.Helper()
		var rows []string
		for i, v := range append([]string{"\x00"}, values[typ]...) {
			value := "CAST('" + v + "' AS " + d.Type(typ) + ")"
			if i == 0 {
				value = "CAST(NULL AS " + d.Type(typ) + ")"
			}
			rows = append(rows, fmt.Sprintf("SELECT %d AS i, %s AS x", i, value))
		}
		sql := "SELECT i, " + expr + " AS v FROM (" + strings.Join(rows, " UNION ALL ") + ") AS q" + clause
		if strings.HasPrefix(clause, " GROUP") {
			sql = strings.Replace(sql, "SELECT i,", "SELECT 1 AS i,", 1)
		}
		if _, err := wh.Query(t.Context(), warehouse.Statement{SQL: sql, Params: params}, 1000); err != nil {
			t.Errorf("%v\n%s", err, sql)
		}
	}
	all := []warehouse.Type{warehouse.String, warehouse.Int64, warehouse.Float64, warehouse.Numeric, warehouse.Bool, warehouse.Date, warehouse.DateTime, warehouse.Timestamp, warehouse.Time}
	for _, typ := range all {
		ask("x", typ, "", nil)
		ask("x", typ, " ORDER BY x, i", nil)
		ask("x", typ, " ORDER BY x DESC, i", nil)
		ask(d.CountIf("x IS NULL"), typ, " GROUP BY 1", nil)
		ask(d.ApproxDistinct("x"), typ, " GROUP BY 1", nil)
		ask(d.ArrayAgg("x", "x DESC", 3), typ, " GROUP BY 1", nil)
		ask(d.ArrayAgg("i", "x, i", 100), typ, " GROUP BY 1", nil)
		if typ != warehouse.String {
			ask(d.SafeCast("CAST(x AS "+d.Type(warehouse.String)+")", typ), typ, "", nil) // there and back
			ask(d.SafeCast("x", typ), warehouse.String, "", nil)
		}
		if typ.Temporal() {
			ask(d.UnixSeconds("x", typ), typ, "", nil)
			ask(d.DateOf("x", typ), typ, "", nil)
			ask(d.SafeCast("x", warehouse.String), typ, "", nil)
		}
		if typ.Number() && typ != warehouse.Numeric {
			ask(d.ApproxQuantiles("x", 4), typ, " GROUP BY 1", nil)
		}
	}
	for _, n := range []string{"7", "-7", "86400", "1000000"} {
		ask(d.IntDiv("x", n), warehouse.Int64, "", nil)
		ask("MOD(x, "+n+")", warehouse.Int64, "", nil)
	}
	ask(d.FromUnixSeconds("x"), warehouse.Int64, "", nil)
	ask(d.InArray("x", "p"), warehouse.Int64, "", map[string]any{"p": []int64{-7, 0, math.MaxInt64}})
	ask(d.InArray("x", "p"), warehouse.Int64, "", map[string]any{"p": []int64{}})
	ask(d.InArray("x", "p"), warehouse.String, "", map[string]any{"p": []string{"é", "", "it's"}})
	ask("STRPOS(LOWER(x), @p)", warehouse.String, "", map[string]any{"p": "é"})
	ask(d.Hash("x"), warehouse.String, "", nil)
	ask("LENGTH(x)", warehouse.String, "", nil)
	ask("x LIKE '% %'", warehouse.String, "", nil)
	ask("NULLIF(x, '')", warehouse.String, "", nil)
	ask("x || '|' || x", warehouse.String, "", nil)
	ask("FLOOR(x)", warehouse.Float64, "", nil)
	ask("ABS(x)", warehouse.Float64, "", nil)
	for _, part := range []string{"YEAR", "MONTH", "DAY"} {
		ask("EXTRACT("+part+" FROM x)", warehouse.Date, "", nil)
	}
	for _, fn := range []string{"AVG", "STDDEV_SAMP", "SUM", "MIN", "MAX"} {
		ask(fn+"(x)", warehouse.Float64, " GROUP BY 1", nil)
	}
	if n := tw.Statements(); n < 100 {
		t.Errorf("only %d statements were compared", n)
	}
}

// A difference is found: Differ and Twin are what the other tests rest on.
func TestDiffer(t *testing.T) {
	num := func(v ...any) warehouse.Rows {
		r := warehouse.Rows{Columns: []warehouse.Column{{Name: "a", Type: warehouse.Float64}}}
		for _, x := range v {
			r.Values = append(r.Values, []any{x})
		}
		return r
	}
	for name, c := range map[string]struct {
		a, b        warehouse.Rows
		inOrder     bool
		approximate []string
		same        bool
	}{
		"the same":          {num(1.5, nil), num(1.5, nil), true, nil, true},
		"rounding":          {num(1.5), num(1.5 + 1e-12), true, nil, true},
		"NaN":               {num(math.NaN()), num(math.NaN()), true, nil, true},
		"another order":     {num(1.5, 2.5), num(2.5, 1.5), false, nil, true},
		"order matters":     {num(1.5, 2.5), num(2.5, 1.5), true, nil, false},
		"value":             {num(1.5), num(1.50001), true, nil, false},
		"NULL and 0":        {num(nil), num(0.0), false, nil, false},
		"NULL and no text":  {num(nil), num(""), false, nil, false},
		"type":              {num(1.0), num(int64(1)), false, nil, false},
		"a row more":        {num(1.0), num(1.0, 1.0), false, nil, false},
		"no array":          {num(nil), num([]any{}), true, nil, true},
		"decimals":          {num("1.500"), num("1.5"), true, nil, true},
		"whole texts":       {num("007"), num("7"), true, nil, false},
		"near counts":       {num(int64(118)), num(int64(130)), true, []string{"a"}, true},
		"far counts":        {num(int64(118)), num(int64(180)), true, []string{"a"}, false},
		"exact counts":      {num(int64(118)), num(int64(119)), true, nil, false},
		"near quantiles":    {num([]any{1.0, 2.2, 9.0}), num([]any{1.0, 3.0, 9.0}), true, []string{"a"}, true},
		"another least one": {num([]any{1.0, 2.2, 9.0}), num([]any{1.1, 2.2, 9.0}), true, []string{"a"}, false},
	} {
		if diff := warehousetest.Differ(c.a, c.b, c.inOrder, c.approximate...); (diff == "") != c.same {
			t.Errorf("%s: %q", name, diff)
		}
	}
	other := num()
	other.Columns[0].Name = "b"
	if warehousetest.Differ(num(), other, false) == "" {
		t.Error("a column of another name is the same")
	}
}
