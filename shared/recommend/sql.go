package recommend

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/b2brecs/b2brecs/shared/dataset"
	"github.com/b2brecs/b2brecs/shared/experiment"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// missing stands for an absent text in materialised examples.
const missing = "__MISSING__"

// items reads a customer's list; "" is the best sellers'.
func (s Service) items(ctx context.Context, e experiment.Experiment, customer string, k int, excludeSeen bool) ([]Item, error) {
	d := s.Warehouse.Dialect()
	where := d.Ident("customer") + " = @customer"
	if excludeSeen {
		where += " AND NOT COALESCE(" + d.Ident("seen") + ", FALSE)"
	}
	rows, err := s.query(ctx, e, fmt.Sprintf("SELECT %s, %s, %s FROM %s WHERE %s ORDER BY %s LIMIT %d",
		d.Ident("product"), d.Ident("score"), d.Ident("seen"), d.Table(experiment.RecommendationTable(e.Project, e.ID)), where, d.Ident("rank"), k),
		map[string]any{"customer": customer}, k)
	if err != nil {
		return nil, err
	}
	out := []Item{}
	for i, r := range rows.Values {
		seen, _ := r[2].(bool)
		out = append(out, Item{Product: text(r[0]), Score: number(r[1]), Rank: int64(i + 1), Seen: seen})
	}
	return out, nil
}

// known reports whether a customer has a list at all.
func (s Service) known(ctx context.Context, e experiment.Experiment, customer string) (bool, error) {
	d := s.Warehouse.Dialect()
	rows, err := s.query(ctx, e, fmt.Sprintf("SELECT 1 AS one FROM %s WHERE %s = @customer LIMIT 1",
		d.Table(experiment.RecommendationTable(e.Project, e.ID)), d.Ident("customer")), map[string]any{"customer": customer}, 1)
	return len(rows.Values) > 0, err
}

// examples gives the dialect's name of the run's rows and of the columns with a role.
func (s Service) examples(e experiment.Experiment) (table string, role func(dataset.Role) string, ok bool) {
	if e.Examples == nil {
		return "", nil, false
	}
	d := s.Warehouse.Dialect()
	return d.Table(e.Examples.Table), func(r dataset.Role) string {
		if e.Examples.Roles[r] == "" {
			return ""
		}
		return d.Ident(e.Examples.Roles[r])
	}, true
}

func (s Service) bought(ctx context.Context, e experiment.Experiment, customer string, n int) ([]Purchase, error) {
	table, role, ok := s.examples(e)
	if !ok {
		return nil, nil
	}
	d := s.Warehouse.Dialect()
	newest := "CAST(NULL AS " + d.Type(warehouse.Int64) + ")"
	if role(dataset.Time) != "" {
		newest = "MAX(" + role(dataset.Time) + ")"
	}
	rows, err := s.query(ctx, e, fmt.Sprintf(
		"SELECT %s AS product, %s AS newest, COUNT(*) AS n FROM %s WHERE %s = @customer GROUP BY 1 ORDER BY 2 DESC, 3 DESC, 1 LIMIT %d",
		d.SafeCast(role(dataset.Product), warehouse.String), newest, table, d.SafeCast(role(dataset.Customer), warehouse.String), n),
		map[string]any{"customer": customer}, n)
	if err != nil {
		return nil, err
	}
	out := []Purchase{}
	for _, r := range rows.Values {
		p := Purchase{Product: text(r[0]), Count: int64(number(r[2]))}
		if seconds, ok := r[1].(int64); ok {
			p.Time = time.Unix(seconds, 0).UTC()
		}
		out = append(out, p)
	}
	return out, nil
}

// describe adds the products' attributes: the candidate features, as the newest
// row of each product has them.
func (s Service) describe(ctx context.Context, e experiment.Experiment, l *List) error {
	table, role, ok := s.examples(e)
	var columns []string
	if ok {
		columns = attributes(e)
	}
	ids := map[string]bool{}
	for _, i := range l.Items {
		ids[i.Product] = true
	}
	for _, b := range l.Bought {
		ids[b.Product] = true
	}
	if len(columns) == 0 || len(ids) == 0 {
		return nil
	}
	products := slices.Sorted(maps.Keys(ids))
	d := s.Warehouse.Dialect()
	quoted := make([]string, len(columns))
	for i, c := range columns {
		quoted[i] = d.Ident(c)
	}
	product := d.SafeCast(role(dataset.Product), warehouse.String)
	order := product
	if role(dataset.Time) != "" {
		order = role(dataset.Time) + " DESC"
	}
	rows, err := s.query(ctx, e, fmt.Sprintf(
		"SELECT product_id, %s FROM (SELECT %s AS product_id, %s, ROW_NUMBER() OVER (PARTITION BY %s ORDER BY %s) AS row_no FROM %s WHERE %s) AS newest WHERE row_no = 1",
		strings.Join(quoted, ", "), product, strings.Join(quoted, ", "), product, order, table, d.InArray(product, "products")),
		map[string]any{"products": products}, len(products))
	if err != nil {
		return err
	}
	found := map[string]map[string]any{}
	for _, r := range rows.Values {
		a := map[string]any{}
		for i, c := range columns {
			if v := r[i+1]; v != nil && v != missing {
				a[c] = v
			}
		}
		found[text(r[0])] = a
	}
	for i := range l.Items {
		l.Items[i].Attributes = found[l.Items[i].Product]
	}
	for i := range l.Bought {
		l.Bought[i].Attributes = found[l.Bought[i].Product]
	}
	return nil
}

// attributes are the columns that describe a product: the candidate tower's
// features and what else the dataset takes from the tables they come from,
// except the primary one. Roles are no attributes.
func attributes(e experiment.Experiment) []string {
	described := map[string]bool{}
	for _, f := range e.Snapshot.Features.Candidate.Features {
		described[f.Column] = true
	}
	def := e.Snapshot.DatasetVersion.Definition
	tables := map[warehouse.Ref]bool{}
	for _, c := range def.Columns {
		if described[c.Name] && c.Table != def.Primary {
			tables[c.Table] = true
		}
	}
	for _, c := range def.Columns {
		if tables[c.Table] {
			described[c.Name] = true
		}
	}
	for _, r := range e.Examples.Roles {
		delete(described, r)
	}
	var out []string
	for _, c := range e.Examples.Columns {
		if described[c.Name] && c.Name != "split" {
			out = append(out, c.Name)
		}
	}
	return out
}

// Customer is one that has a list.
type Customer struct {
	ID        string `json:"id"`
	Purchases int64  `json:"purchases" doc:"Rows in the dataset."`
}

// Customers finds customers whose id contains search, case ignored, those with
// most purchases first. limit is 1 to 200.
func (s Service) Customers(ctx context.Context, project, id, search string, limit int) ([]Customer, error) {
	if limit < 1 || limit > 200 {
		return nil, problem.New(problem.InvalidArgument, "a page holds 1 to 200 customers, not %d", limit).WithField("limit", "is out of range")
	}
	e, err := s.Experiment(ctx, project, id)
	if err != nil {
		return nil, err
	}
	table, role, ok := s.examples(e)
	if !ok {
		return []Customer{}, nil
	}
	d := s.Warehouse.Dialect()
	customer := d.SafeCast(role(dataset.Customer), warehouse.String)
	where, params := "", map[string]any(nil)
	if search != "" {
		// STRPOS finds the text as it is: LIKE would read % and _ in it.
		where, params = "WHERE STRPOS(LOWER("+customer+"), @search) > 0 ", map[string]any{"search": strings.ToLower(search)}
	}
	rows, err := s.query(ctx, e, fmt.Sprintf(
		"SELECT %s AS id, COUNT(*) AS n FROM %s %sGROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %d", customer, table, where, limit), params, limit)
	if err != nil {
		return nil, err
	}
	out := []Customer{}
	for _, r := range rows.Values {
		out = append(out, Customer{ID: text(r[0]), Purchases: int64(number(r[1]))})
	}
	return out, nil
}

func (s Service) query(ctx context.Context, e experiment.Experiment, sql string, params map[string]any, rows int) (warehouse.Rows, error) {
	return s.Warehouse.Query(ctx, warehouse.Statement{SQL: sql, Params: params, Labels: e.Labels(), Lookup: true}, rows)
}

func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case nil:
		return ""
	}
	return fmt.Sprint(v)
}

func number(v any) float64 {
	switch v := v.(type) {
	case float64:
		return v
	case int64:
		return float64(v)
	case string:
		f, _ := strconv.ParseFloat(v, 64)
		return f
	}
	return 0
}
