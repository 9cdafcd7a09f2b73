package sql_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/warehouse/dialect"
	"github.com/b2brecs/b2brecs/shared/warehouse/duckdb"
	"github.com/b2brecs/b2brecs/shared/warehouse/sql"
)

// TestExpressions writes each expression for both engines.
func TestExpressions(t *testing.T) {
	a, b, c := sql.Name("a"), sql.Col("t", "b"), sql.Name(`we"ird`+"`")
	for _, x := range []struct {
		name         string
		expr         sql.Expr
		big, duckSQL string
	}{
		{"identifiers", c, "`we\"ird\\``", "\"we\"\"ird`\""},
		{"precedence", sql.Mul(sql.Add(a, b), sql.Int(2)), "(`a` + `t`.`b`) * 2", `("a" + "t"."b") * 2`},
		{"and of ors", sql.And(sql.Or(sql.Eq(a, b), sql.IsNull(a)), sql.Not(sql.Lt(a, b))), "(`a` = `t`.`b` OR `a` IS NULL) AND NOT (`a` < `t`.`b`)", `("a" = "t"."b" OR "a" IS NULL) AND NOT ("a" < "t"."b")`},
		{"or of ands", sql.Or(sql.And(sql.NotNull(a), sql.Ge(a, b)), sql.Gt(a, b)), "(`a` IS NOT NULL AND `a` >= `t`.`b`) OR `a` > `t`.`b`", `("a" IS NOT NULL AND "a" >= "t"."b") OR "a" > "t"."b"`},
		{"nothing", sql.And(sql.And(), sql.Or()), "TRUE AND FALSE", "TRUE AND FALSE"},
		{"case", sql.Case(sql.Text("x"), sql.When{If: sql.Le(a, sql.Int(-1)), Then: sql.Null(warehouse.String)}), "CASE WHEN `a` <= -1 THEN CAST(NULL AS STRING) ELSE 'x' END", `CASE WHEN "a" <= -1 THEN CAST(NULL AS VARCHAR) ELSE 'x' END`},
		{"between", sql.Between(a, sql.Float(0.5), sql.Int(3)), "`a` BETWEEN CAST(0.5 AS FLOAT64) AND 3", `"a" BETWEEN CAST(0.5 AS DOUBLE) AND 3`},
		{"concat", sql.Concat(a, sql.Text("|"), b), "(`a` || '|') || `t`.`b`", `("a" || '|') || "t"."b"`},
		{"window", sql.Over(sql.Fn("SUM", a), sql.Window{PartitionBy: []sql.Expr{b}, OrderBy: []sql.Order{{Expr: a, Desc: true}}, UpToHere: true}),
			"SUM(`a`) OVER (PARTITION BY `t`.`b` ORDER BY `a` DESC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)", `SUM("a") OVER (PARTITION BY "t"."b" ORDER BY "a" DESC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)`},
		{"counts", sql.Coalesce(sql.CountDistinct(a), sql.Count(), sql.CountIf(sql.Eq(a, b))), "COALESCE(COUNT(DISTINCT `a`), COUNT(*), COUNTIF(`a` = `t`.`b`))", `COALESCE(COUNT(DISTINCT "a"), COUNT(*), COUNT(*) FILTER (WHERE "a" = "t"."b"))`},
		{"division", sql.Div(sql.IntDiv(a, b), sql.Sub(a, b)), "DIV(`a`, `t`.`b`) / (`a` - `t`.`b`)", `(("a") // ("t"."b")) / ("a" - "t"."b")`},
		{"hash", sql.Hash(sql.Cast(a, warehouse.String)), "CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5(CAST(`a` AS STRING))), 1, 15)) AS INT64)", `CAST('0x' || substr(md5(CAST("a" AS VARCHAR)), 1, 15) AS BIGINT)`},
		{"times", sql.UnixSeconds(sql.SafeCast(a, warehouse.Timestamp), warehouse.Timestamp), "UNIX_SECONDS(SAFE_CAST(`a` AS TIMESTAMP))", `(epoch_us(date_trunc('second', TRY_CAST("a" AS TIMESTAMPTZ))) // 1000000)`},
		{"dates", sql.Extract("YEAR", sql.DateOf(sql.FromUnixSeconds(a), warehouse.Timestamp)), "EXTRACT(YEAR FROM DATE(TIMESTAMP_SECONDS(`a`)))", `EXTRACT(YEAR FROM CAST(CAST(make_timestamp(CAST("a" AS BIGINT) * 1000000) AS TIMESTAMPTZ) AS DATE))`},
		{"quantiles", sql.Fn("F", sql.Quantiles(a, 2), sql.ApproxDistinct(a)), "F(APPROX_QUANTILES(`a`, 2), APPROX_COUNT_DISTINCT(`a`))", `F(approx_quantile("a", [0, 0.5, 1]), approx_count_distinct("a"))`},
		{"scalar", sql.Scalar(sql.Select{Columns: []sql.Item{{Expr: sql.Int(1)}}}), "(\n      SELECT 1\n    )", "(\n      SELECT 1\n    )"},
	} {
		t.Run(x.name, func(t *testing.T) {
			for d, want := range map[warehouse.Dialect]string{dialect.BigQuery{}: x.big, dialect.DuckDB{}: x.duckSQL} {
				s, err := sql.Build(d, nil, sql.Select{Columns: []sql.Item{{Expr: x.expr}}})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff("SELECT "+want, s.SQL); diff != "" {
					t.Errorf("%s (-want +got)\n%s", d.Name(), diff)
				}
			}
		})
	}
}

func TestQuery(t *testing.T) {
	ref := warehouse.Ref{Dataset: "raw_data", Name: "t"}
	with := []sql.CTE{
		{Name: "first", Query: sql.Select{Distinct: true, Columns: []sql.Item{{Expr: sql.Name("a"), As: "a"}, {Expr: sql.Name("b"), As: "c"}}, From: &sql.Source{Table: ref}, Where: []sql.Expr{sql.Eq(sql.Name("a"), sql.Param("x", "1")), sql.Or(sql.IsNull(sql.Name("b")), sql.Gt(sql.Name("b"), sql.Int(0)))}}},
		{Name: "second", Query: sql.UnionAll{
			sql.Select{Columns: []sql.Item{{Expr: sql.Name("a")}}, From: &sql.Source{CTE: "first"}},
			sql.Select{Columns: []sql.Item{{Expr: sql.Col("f", "a")}}, From: &sql.Source{CTE: "first", As: "f"}, OrderBy: []sql.Order{{Expr: sql.Name("a")}}, Limit: 3},
		}},
	}
	body := sql.Select{
		Columns: []sql.Item{{Expr: sql.Col("s", "a")}, {Expr: sql.Count(), As: "n"}}, From: &sql.Source{CTE: "second", As: "s"},
		Joins:   []sql.Join{{Kind: "LEFT JOIN", Source: sql.Source{Query: sql.Select{Columns: []sql.Item{{Expr: sql.Param("x", "1"), As: "k"}}}, As: "j"}, On: sql.Eq(sql.Col("j", "k"), sql.Col("s", "a"))}},
		GroupBy: []sql.Expr{sql.Col("s", "a")}, Having: sql.Gt(sql.Count(), sql.Int(1)), OrderBy: []sql.Order{{Expr: sql.Name("n"), Desc: true}}, Limit: 10,
	}
	s, err := sql.Build(dialect.DuckDB{}, with, body)
	if err != nil {
		t.Fatal(err)
	}
	want := `WITH
  "first" AS (
    SELECT DISTINCT
      "a",
      "b" AS "c"
    FROM "raw_data"."t"
    WHERE "a" = @x
      AND ("b" IS NULL OR "b" > 0)
  ),
  "second" AS (
    SELECT "a"
    FROM "first"
    UNION ALL
    (
      SELECT "f"."a"
      FROM "first" AS "f"
      ORDER BY "a"
      LIMIT 3
    )
  )
SELECT
  "s"."a",
  COUNT(*) AS "n"
FROM "second" AS "s"
LEFT JOIN (
  SELECT @x AS "k"
) AS "j" ON "j"."k" = "s"."a"
GROUP BY "s"."a"
HAVING COUNT(*) > 1
ORDER BY "n" DESC
LIMIT 10`
	if diff := cmp.Diff(want, s.SQL); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(map[string]any{"x": "1"}, s.Params); diff != "" {
		t.Error(diff)
	}
}

func TestRefused(t *testing.T) {
	one := []sql.Item{{Expr: sql.Int(1)}}
	for name, q := range map[string]sql.Query{
		"no columns":                sql.Select{},
		"no source":                 sql.Select{Columns: one, From: &sql.Source{}},
		"subquery without a name":   sql.Select{Columns: one, From: &sql.Source{Query: sql.Select{Columns: one}}},
		"empty union":               sql.UnionAll{},
		"two values of one name":    sql.Select{Columns: []sql.Item{{Expr: sql.Param("p", "a")}, {Expr: sql.Param("p", "b")}}},
		"constant with a quote":     sql.Select{Columns: []sql.Item{{Expr: sql.Text("it's")}}},
		"constant like a parameter": sql.Select{Columns: []sql.Item{{Expr: sql.Text("@p")}}},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := sql.Build(dialect.BigQuery{}, nil, q); problem.CodeOf(err) != problem.InvalidArgument {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestAnyIdentifier: whatever a column is called, it is one column of that name
// and nothing of it becomes SQL.
func TestAnyIdentifier(t *testing.T) {
	drv, err := duckdb.Open("", duckdb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer drv.Close()
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.StringN(1, 40, -1).Draw(rt, "name")
		if strings.ContainsRune(name, 0) {
			rt.Skip("no engine takes a NUL in a statement")
		}
		s, err := sql.Build(drv.Dialect(), []sql.CTE{{Name: "x", Query: sql.Select{Columns: []sql.Item{{Expr: sql.Int(7), As: name}}}}},
			sql.Select{Columns: []sql.Item{{Expr: sql.Col("x", name)}}, From: &sql.Source{CTE: "x"}})
		if err != nil {
			rt.Fatal(err)
		}
		out, err := drv.Query(t.Context(), s, 2)
		if err != nil {
			rt.Fatalf("%q: %v", name, err)
		}
		if len(out.Columns) != 1 || out.Columns[0].Name != name || out.Values[0][0] != int64(7) {
			rt.Fatalf("%q came back as %+v", name, out)
		}
	})
}
