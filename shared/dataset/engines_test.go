package dataset_test

import (
	"math"
	"testing"
	"time"

	"github.com/b2brecs/b2brecs/shared/dataset"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/warehouse/enginestest"
)

func day(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

// hard fills the tables with what engines disagree about: NULLs, duplicates, texts of
// any script, days at the ends of the calendar, numbers at the ends of their types.
func hard(t *testing.T, wh *warehouse.Warehouse) {
	t.Helper()
	items := []string{"p0", "p1", "Ærø 漢字", "é", "é", "it's \"q\" \\ %_", " p0 ", "P0", "0012", "1e3"}
	rows := [][]any{
		{nil, nil, nil, nil, nil, nil}, {1, nil, "p0", at(3, 0), 1.0, true}, {2, 7, nil, at(3, 0), 1.0, false}, {3, 7, "p0", nil, 1.0, nil},
		{4, 7, "p0", at(4, 0), nil, true}, {5, 7, "", at(4, 1), 2.0, true},
		{6, math.MaxInt64, "p1", day(1, 1, 1), 99999999999.25, true}, {7, math.MinInt64, "p1", day(9999, 12, 31).Add(24*time.Hour - time.Microsecond), -99999999999.25, false},
		{8, 0, "p1", time.Date(1969, 12, 31, 23, 59, 59, 500000000, time.UTC), 0.0, true}, {9, -1, "p1", day(1970, 1, 1), 0.000000001, true},
		{10, 8, "p1", time.Date(2024, 2, 29, 23, 59, 59, 999999000, time.UTC), 3.5, true}, {11, 8, "p1", day(2026, 3, 1).Add(13 * time.Hour), 3.5, true},
		{12, 8, "p1", day(2026, 2, 28).Add(24*time.Hour - time.Microsecond), 3.5, true},
	}
	for i := range 120 {
		rows = append(rows, []any{100 + i/2, i % 7, items[i%len(items)], at(1+i/3, i%24), float64(i%11)*1.25 - 2, i%3 == 0})
	}
	rows = append(rows, rows[20], rows[20], rows[21]) // the same again
	load(t, wh, sales, schemas()[sales][:6], rows)
	load(t, wh, products, schemas()[products], [][]any{
		{"p0", "Pump", 1.5, day(2020, 2, 29), 13*time.Hour + 5*time.Minute}, {"p1", "Pumpe Ø 漢", math.Copysign(0, -1), day(1, 1, 1), time.Duration(0)},
		{"Ærø 漢字", nil, math.MaxFloat64, day(9999, 12, 31), 24*time.Hour - time.Microsecond}, {"é", "", math.SmallestNonzeroFloat64, nil, nil},
		{"it's \"q\" \\ %_", "NULL", math.Inf(1), day(1969, 12, 31), time.Hour}, {" p0 ", " ", math.NaN(), day(1970, 1, 1), nil}, {nil, nil, nil, nil, nil},
		{"p0", "Second pump", 2.5, nil, nil}, {"P0", "Named", 1.0, nil, nil}, {"P0", nil, 2.0, nil, nil}, {"P0", "Named", nil, nil, nil}, {"0012", "2026-01-05 10:00:00+00", 1e15, day(2026, 1, 1), nil}, {"1e3", "20260105", 20260105.0, nil, nil},
	})
	load(t, wh, customers, schemas()[customers], [][]any{
		{"0", "Graz", 1}, {"1", "Ağrı", 1}, {"2", nil, 2}, {"3", "", nil}, {"9223372036854775807", "max", math.MaxInt64}, {"-1", "minus", -1}, {nil, "nowhere", 5}, {"07", "not 7", 6},
	})
}

// TestEngines runs every statement that the package writes on DuckDB and on what stands
// for BigQuery, over the same hard tables, and compares the answers.
func TestEngines(t *testing.T) {
	tw := enginestest.Open(t).Twin(t)
	wh := warehouse.New(tw)
	ctx := t.Context()
	hard(t, wh)

	t.Run("asked", func(t *testing.T) {
		p, err := dataset.Suggest(ctx, wh, nil, warehouse.Ref{}, nil, now)
		must(t, err)
		s, _ := serviceOn(t, wh)
		_, err = s.Check(ctx, p.Definition)
		must(t, err)
		def := base()
		d, err := s.Create(ctx, "p1", "", dataset.Change{Name: ptr("x"), Definition: &def})
		must(t, err)
		_, err = s.Preview(ctx, "p1", d.ID, 1000)
		must(t, err)
		for _, form := range []string{"plain", "training"} {
			_, err = s.SQL(ctx, "p1", d.ID, form)
			must(t, err)
		}
	})
	for _, c := range cases() {
		t.Run(c.name, func(t *testing.T) {
			if c.name == "plain-joins" || c.name == "plain-rolling-positive" || c.name == "plain-start" {
				_, err := dataset.Analyze(ctx, wh, "p1", version(c.def), now)
				must(t, err)
			}
			s, _, err := dataset.Compile(c.def, schemas(), wh.Dialect(), c.form)
			must(t, err)
			_, err = wh.Query(ctx, s, 1000)
			must(t, err)
			if c.form.Split == nil {
				return
			}
			ex, err := dataset.MaterializeExamples(ctx, wh, "p1", "r1", version(c.def), *c.form.Split, now)
			if !problem.Is(err, problem.FailedPrecondition) { // of both engines: a split is empty
				must(t, err)
			}
			must(t, dataset.ExportExamples(ctx, wh, ex, pipelines(t), "experiments/p1/r1"))
		})
	}
	t.Run("types", func(t *testing.T) {
		askOfTypes(t, wh, func(r warehouse.Ref, cols []warehouse.Column) {
			must(t, wh.Drop(ctx, r))
			if r != sales { // a copy is faster than a load
				_, err := wh.Materialize(ctx, r, warehouse.Statement{SQL: "SELECT * FROM " + wh.Dialect().Table(sales)})
				must(t, err)
				return
			}
			must(t, wh.Create(ctx, warehouse.Table{Ref: r, Columns: cols}))
			known := cols[:len(cols)-1] // bqemulator has no GEOGRAPHY: it stays NULL
			add(t, wh, r, known, ofEveryType(len(known)))
		}, func(s warehouse.Statement) {
			_, err := wh.Query(ctx, s, 1000)
			must(t, err)
		})
	})
	if n := tw.Statements(); n < 60 {
		t.Errorf("only %d statements were compared", n)
	}
}

// ofEveryType gives rows of warehouse.Types, in their order, without the last.
func ofEveryType(columns int) [][]any {
	none := make([]any, columns)
	at := time.Date(2026, 1, 5, 10, 30, 15, 250_000_000, time.UTC)
	row := func(s string, n int, f, num, big float64, b bool, day, time time.Time, clock time.Duration) []any {
		return []any{s, n, f, num, big, b, day, time, time, clock, `{"a":1}`, []byte{0, 255}}
	}
	return [][]any{
		none, none,
		row("1", 1, 1, 1, 1, true, day(2026, 1, 5), at, 10*time.Hour),
		row("1", 1, 1, 1, 1, true, day(2026, 1, 5), at, 10*time.Hour),
		row("2.5", -20260105, 2.5, 2.5, 2.5, false, day(1969, 12, 31), time.Date(1969, 12, 31, 23, 59, 59, 500_000_000, time.UTC), 24*time.Hour-time.Microsecond),
		row("2026-01-05", 20260105, -0.1, -0.1, -0.1, true, day(1, 1, 1), day(1, 1, 1), 0),
		row("2026-01-05 10:30:15.25+00", 1767609015250, 1e15, 1e9, 1e9, false, day(9999, 12, 31), time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC), time.Hour),
		row("Ærø 漢字", math.MaxInt64, 17850, 17850, 17850, false, day(2024, 2, 29), day(2024, 2, 29), time.Minute),
		row("", math.MinInt64, -17850.5, 0, 0, true, day(1970, 1, 1), day(1970, 1, 1), time.Second),
	}
}
