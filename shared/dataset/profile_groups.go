package dataset

import (
	"slices"

	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/warehouse/sql"
)

// groupsQuery builds the statement of groups and names the columns whose most
// frequent values it counts, in the order of their kinds "column 0", "column 1" …
func (a *analysis) groupsQuery() ([]sql.CTE, sql.Query, []string) {
	const (
		rolesStep, pairs, customers, products = "roles", "pairs", "per_customer", "per_product"
		c, pr, v, n, t                        = "_b2_customer", "_b2_product", "_b2_value", "_b2_n", "_b2_time"
	)
	from := func(step string) *sql.Source { return &sql.Source{CTE: step} }
	roles := sql.Select{From: from(stepResult), Where: nil}
	ids := a.ids()
	value := sql.Expr(sql.Float(1)) // without a value every row counts the same
	if name := a.roleName(Value); name != "" {
		value = sql.Coalesce(number(sql.Name(name), a.types[name]), sql.Float(0))
	}
	at := sql.Null(warehouse.Int64)
	if name := a.roleName(Time); name != "" {
		at = secondsOf(sql.Name(name), a.types[name])
	}
	roles.Columns = []sql.Item{{Expr: ids[0], As: c}, {Expr: ids[1], As: pr}, {Expr: value, As: v}, {Expr: at, As: t}}
	sums := func(step, from string, keys ...string) sql.CTE {
		q := sql.Select{From: &sql.Source{CTE: from}}
		count := sql.Expr(sql.Count())
		if from == pairs {
			count = sql.Fn("SUM", sql.Name(n))
		}
		for _, k := range keys {
			q.Columns = append(q.Columns, sql.Item{Expr: sql.Name(k)})
			q.GroupBy = append(q.GroupBy, sql.Name(k))
			q.Where = append(q.Where, sql.NotNull(sql.Name(k)))
		}
		q.Columns = append(q.Columns, sql.Item{Expr: count, As: n}, sql.Item{Expr: sql.Fn("SUM", sql.Name(v)), As: v})
		return sql.CTE{Name: step, Query: q}
	}
	steps := append(slices.Clone(a.steps), sql.CTE{Name: rolesStep, Query: roles},
		sums(pairs, rolesStep, c, pr), sums(customers, pairs, c), sums(products, pairs, pr))
	for _, curve := range []string{customers, products} {
		key := c
		if curve == products {
			key = pr
		}
		order := []sql.Order{{Expr: sql.Name(v), Desc: true}, {Expr: sql.Name(key)}}
		steps = append(steps, sql.CTE{Name: curve + "_curve", Query: sql.Select{
			Columns: []sql.Item{
				{Expr: sql.Over(sql.Fn("ROW_NUMBER"), sql.Window{OrderBy: order}), As: "_b2_rank"},
				{Expr: sql.Over(sql.Fn("SUM", sql.Name(v)), sql.Window{OrderBy: order, UpToHere: true}), As: "_b2_sum"},
				{Expr: sql.Over(sql.Fn("SUM", sql.Name(v)), sql.Window{}), As: "_b2_total"},
				{Expr: sql.Over(sql.Count(), sql.Window{}), As: "_b2_of"},
			},
			From: from(curve), Where: []sql.Expr{sql.Gt(sql.Name(v), sql.Int(0))},
		}})
	}
	part := func(kind sql.Expr, label, x, y sql.Expr) []sql.Item {
		if label == nil {
			label = sql.Null(warehouse.String)
		}
		if y == nil {
			y = sql.Null(warehouse.Float64)
		}
		return []sql.Item{{Expr: kind, As: "kind"}, {Expr: label, As: "label"}, {Expr: sql.Cast(x, warehouse.Float64), As: "a"}, {Expr: sql.Cast(y, warehouse.Float64), As: "b"}}
	}
	body := sql.UnionAll{
		sql.Select{Columns: part(sql.Text(kindEntities), sql.Text("customers"), sql.Count(), nil), From: from(customers)},
		sql.Select{Columns: part(sql.Text(kindEntities), sql.Text("products"), sql.Count(), nil), From: from(products)},
		sql.Select{Columns: part(sql.Text(kindEntities), sql.Text("pairs"), sql.Count(), nil), From: from(pairs)},
		sql.Select{Columns: part(sql.Text(kindSingles), nil, sql.CountIf(sql.Eq(sql.Name(n), sql.Int(1))), nil), From: from(customers)},
		sql.Select{Columns: part(sql.Text(kindTop), nil, sql.Fn("MAX", sql.Name(n)), nil), From: from(products)},
		sql.Select{Columns: part(sql.Text(kindTwice), nil, sql.Fn("SUM", sql.Sub(sql.Name(n), sql.Int(1))), nil), From: &sql.Source{As: "d", Query: sql.Select{
			Columns: []sql.Item{{Expr: sql.Count(), As: n}}, From: from(rolesStep), GroupBy: []sql.Expr{sql.Name(c), sql.Name(pr), sql.Name(t), sql.Name(v)},
		}}},
		curvePart(part(sql.Text(kindCustomer), sql.Cast(sql.Name("_b2_of"), warehouse.String), sql.Name("_b2_rank"), sql.Div(sql.Name("_b2_sum"), sql.Name("_b2_total"))), customers+"_curve"),
		curvePart(part(sql.Text(kindProduct), sql.Cast(sql.Name("_b2_of"), warehouse.String), sql.Name("_b2_rank"), sql.Div(sql.Name("_b2_sum"), sql.Name("_b2_total"))), products+"_curve"),
	}
	if a.roleName(Time) != "" {
		body = append(body, monthsPart(part, rolesStep, t))
	}
	var tops []string
	for _, col := range a.def.Columns {
		if ty := a.types[col.Name]; (ty != warehouse.String && ty != warehouse.Bool) || len(tops) == maxTopColumn {
			continue
		}
		kind := sql.Concat(sql.Text("column "), sql.Cast(sql.Int(int64(len(tops))), warehouse.String))
		label := sql.Cast(sql.Name(col.Name), warehouse.String)
		body = append(body, sql.Select{
			Columns: part(kind, label, sql.Count(), nil), From: from(stepResult), Where: []sql.Expr{sql.NotNull(sql.Name(col.Name))},
			GroupBy: []sql.Expr{sql.Name(col.Name)}, OrderBy: []sql.Order{{Expr: sql.Count(), Desc: true}, {Expr: sql.Name(col.Name)}}, Limit: maxTop,
		})
		tops = append(tops, col.Name)
	}
	return steps, body, tops
}

// curvePart keeps the first, the last and about maxCurve ranks between.
func curvePart(items []sql.Item, step string) sql.Query {
	rank, of := sql.Name("_b2_rank"), sql.Name("_b2_of")
	every := sql.IntDiv(sql.Add(of, sql.Int(maxCurve-1)), sql.Int(maxCurve))
	return sql.Select{Columns: items, From: &sql.Source{CTE: step},
		Where: []sql.Expr{sql.Or(sql.Eq(rank, sql.Int(1)), sql.Eq(rank, of), sql.Eq(sql.Fn("MOD", rank, every), sql.Int(0)))}}
}

// monthsPart counts rows by month, as YYYYMM.
func monthsPart(part func(kind, label, x, y sql.Expr) []sql.Item, step, t string) sql.Query {
	date := sql.DateOf(sql.FromUnixSeconds(sql.Name(t)), warehouse.Timestamp)
	month := sql.Add(sql.Mul(sql.Extract("YEAR", date), sql.Int(100)), sql.Extract("MONTH", date))
	inner := sql.Select{Columns: []sql.Item{{Expr: month, As: "_b2_month"}}, From: &sql.Source{CTE: step}, Where: []sql.Expr{sql.NotNull(sql.Name(t))}}
	return sql.Select{
		Columns: part(sql.Text(kindMonth), sql.Cast(sql.Name("_b2_month"), warehouse.String), sql.Count(), nil),
		From:    &sql.Source{Query: inner, As: "m"}, GroupBy: []sql.Expr{sql.Name("_b2_month")},
	}
}
