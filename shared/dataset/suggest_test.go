package dataset_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/b2brecs/b2brecs/scripts/sample"
	"github.com/b2brecs/b2brecs/shared/dataset"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

var orders = warehouse.Ref{Dataset: warehouse.Raw, Name: "transactions"}

// sampleCompany loads the sample as a load would.
func sampleCompany(t testing.TB, wh *warehouse.Warehouse, o sample.Options) {
	t.Helper()
	c := sample.New(o)
	path := filepath.Join(t.TempDir(), "transactions.parquet")
	f, err := os.Create(path)
	must(t, err)
	must(t, c.WriteTransactions(f))
	must(t, f.Close())
	must(t, wh.Create(t.Context(), warehouse.Table{Ref: orders, Columns: []warehouse.Column{
		{Name: "transaction_id", Type: warehouse.Int64}, {Name: "order_no", Type: warehouse.String}, {Name: "customer_no", Type: warehouse.String}, {Name: "item_no", Type: warehouse.String},
		{Name: "ordered_at", Type: warehouse.Timestamp}, {Name: "quantity", Type: warehouse.Int64}, {Name: "unit_price", Type: warehouse.Float64}, {Name: "amount", Type: warehouse.Float64},
		{Name: "channel", Type: warehouse.String}, {Name: "_file", Type: warehouse.String},
	}}))
	_, err = wh.Commit(t.Context(), warehouse.Commit{ID: "sample", Target: orders, Mode: warehouse.Append, URIs: []string{path}})
	must(t, err)
	text := func(names ...string) []warehouse.Column {
		var out []warehouse.Column
		for _, n := range names {
			out = append(out, warehouse.Column{Name: n, Type: warehouse.String})
		}
		return out
	}
	var rows [][]any
	for _, p := range c.Products {
		rows = append(rows, []any{p.No, p.Name, p.Category, p.Subcategory, p.Brand, p.Price, p.Introduced})
	}
	load(t, wh, products, append(text("item_no", "name", "category", "subcategory", "brand"), warehouse.Column{Name: "list_price", Type: warehouse.Float64}, warehouse.Column{Name: "introduced_on", Type: warehouse.Date}), rows)
	rows = nil
	for _, k := range c.Customers {
		rows = append(rows, []any{k.No, k.Company, k.Segment, k.City, k.Country, k.Size, k.Since})
	}
	load(t, wh, customers, append(text("customer_no", "company", "segment", "city", "country", "employees"), warehouse.Column{Name: "customer_since", Type: warehouse.Date}), rows)
}

func small() sample.Options {
	o, _ := sample.Size("small")
	o.Customers, o.Products, o.Transactions = 400, 150, 6000
	return o
}

// TestSuggestSample finds the sample's star by itself, and the proposal works.
func TestSuggestSample(t *testing.T) {
	wh := open(t)
	sampleCompany(t, wh, small())
	p, err := dataset.Suggest(t.Context(), wh, nil, warehouse.Ref{}, nil, now)
	must(t, err)
	want := dataset.Definition{
		Primary: orders,
		Joins: []dataset.Join{
			{Table: customers, LeftTable: orders, LeftColumn: "customer_no", RightColumn: "customer_no", Type: "left", FanOut: "block"},
			{Table: products, LeftTable: orders, LeftColumn: "item_no", RightColumn: "item_no", Type: "left", FanOut: "block"},
		},
		Roles:        map[dataset.Role]string{dataset.Customer: "customer_no", dataset.Product: "item_no", dataset.Time: "ordered_at", dataset.Value: "amount"},
		PositiveOnly: true,
	}
	if diff := cmp.Diff(want, func() dataset.Definition { d := p.Definition; d.Columns = nil; return d }()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	var names []string
	for _, c := range p.Definition.Columns {
		names = append(names, c.Name)
	}
	if diff := cmp.Diff([]string{"customer_no", "item_no", "ordered_at", "quantity", "unit_price", "amount", "channel",
		"company", "segment", "city", "country", "employees", "customer_since",
		"name", "category", "subcategory", "brand", "list_price", "introduced_on"}, names); diff != "" {
		t.Errorf("columns (-want +got)\n%s", diff)
	}
	for _, j := range p.Joins {
		if j.Confidence != "high" || !j.Proposed || j.Overlap < 0.99 {
			t.Errorf("%+v", j)
		}
	}
	ex, err := dataset.MaterializeExamples(t.Context(), wh, "p", "r", version(p.Definition), dataset.Split{Strategy: dataset.Temporal}, now)
	must(t, err)
	if ex.Rows["train"] < 3000 || ex.Rows["test"] < 100 {
		t.Errorf("%v", ex.Rows)
	}
}

func TestSuggestGiven(t *testing.T) {
	wh := open(t)
	sampleCompany(t, wh, small())
	p, err := dataset.Suggest(t.Context(), wh, []warehouse.Ref{orders}, orders, map[dataset.Role]string{dataset.Customer: "CHANNEL", dataset.Value: "quantity"}, now)
	must(t, err)
	if p.Roles[dataset.Customer].Column != "channel" || p.Roles[dataset.Customer].Confidence != "high" || p.Roles[dataset.Value].Column != "quantity" || p.Roles[dataset.Product].Column != "item_no" || len(p.Joins) != 0 {
		t.Errorf("%+v", p)
	}
	_, err = dataset.Suggest(t.Context(), wh, []warehouse.Ref{orders}, orders, map[dataset.Role]string{dataset.Customer: "nope"}, now)
	code(t, err, problem.InvalidArgument)
	p, err = dataset.Suggest(t.Context(), wh, []warehouse.Ref{products}, products, nil, now)
	must(t, err)
	if diff := cmp.Diff([]dataset.Role{dataset.Customer}, p.Missing); diff != "" {
		t.Errorf("a catalogue misses %v: %+v", p.Missing, p.Roles)
	}
	empty := open(t)
	_, err = dataset.Suggest(t.Context(), empty, nil, warehouse.Ref{}, nil, now)
	code(t, err, problem.InvalidArgument)
}

// TestJoins: names, other names for the same thing, chains, doubles, and equal
// types that have nothing to do with each other.
func TestJoins(t *testing.T) {
	wh := open(t)
	ref := func(name string) warehouse.Ref { return warehouse.Ref{Dataset: warehouse.Raw, Name: name} }
	i, s := func(n string) warehouse.Column { return warehouse.Column{Name: n, Type: warehouse.Int64} }, func(n string) warehouse.Column { return warehouse.Column{Name: n, Type: warehouse.String} }
	var sold, items, kunden, groups, doubles, strangers [][]any
	for n := range 300 {
		sold = append(sold, []any{n, 100 + n%30, 500 + n%40, at(1, 0).AddDate(0, 0, n%60)})
	}
	for n := range 40 {
		items = append(items, []any{500 + n, 7 + n%5, "x"})
	}
	for n := range 30 {
		kunden = append(kunden, []any{itoa(100 + n), "y"})
	}
	for n := range 5 {
		groups = append(groups, []any{7 + n, "g"})
	}
	for n := range 60 {
		doubles = append(doubles, []any{500 + n%20, "z"})
	}
	for n := range 50 {
		strangers = append(strangers, []any{90_000 + n, "q"})
	}
	load(t, wh, ref("sold"), []warehouse.Column{i("order_id"), i("client"), i("item_id"), {Name: "day", Type: warehouse.Timestamp}}, sold)
	load(t, wh, ref("items"), []warehouse.Column{i("id"), i("group_id"), s("label")}, items)
	load(t, wh, ref("kunden"), []warehouse.Column{s("kunde_nr"), s("stadt")}, kunden)
	load(t, wh, ref("groups"), []warehouse.Column{i("group_id"), s("title")}, groups)
	load(t, wh, ref("prices"), []warehouse.Column{i("item_id"), s("note")}, doubles)
	load(t, wh, ref("strangers"), []warehouse.Column{i("product_id"), s("text")}, strangers)
	p, err := dataset.Suggest(t.Context(), wh, nil, ref("sold"), nil, time.Now())
	must(t, err)
	got := map[string]string{}
	for _, j := range p.Joins {
		got[j.Join.Table.Name] = j.Join.LeftTable.Name + "." + j.Join.LeftColumn + "=" + j.Join.RightColumn + map[bool]string{true: " yes", false: " no"}[j.Proposed]
	}
	want := map[string]string{
		"items":  "sold.item_id=id yes",
		"kunden": "sold.client=kunde_nr yes", // INT64 and STRING
		"groups": "items.group_id=group_id yes",
		"prices": "sold.item_id=item_id no", // three rows per key
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if f := dataset.Validate(p.Definition, func() dataset.Schemas {
		s, err := dataset.LiveSchemas(t.Context(), wh, p.Definition)
		must(t, err)
		return s
	}()); len(f) != 0 {
		t.Errorf("the proposal is not valid: %+v", f)
	}
}

func itoa(n int) string {
	return string([]rune{rune('0' + n/100), rune('0' + n/10%10), rune('0' + n%10)})
}

// BenchmarkSmall measures the sample of 100,000 transactions joined with both
// small tables: examples made and exported, and the profile.
func BenchmarkSmall(b *testing.B) {
	wh := open(b)
	o, err := sample.Size("small")
	must(b, err)
	sampleCompany(b, wh, o)
	p, err := dataset.Suggest(b.Context(), wh, nil, warehouse.Ref{}, nil, now)
	must(b, err)
	v := version(p.Definition)
	bucket := pipelines(b)
	b.Run("suggest", func(b *testing.B) {
		for b.Loop() {
			_, err := dataset.Suggest(b.Context(), wh, nil, warehouse.Ref{}, nil, now)
			must(b, err)
		}
	})
	b.Run("examples", func(b *testing.B) {
		for b.Loop() {
			_, err := dataset.MaterializeExamples(b.Context(), wh, "p", "r", v, dataset.Split{Strategy: dataset.Temporal}, now)
			must(b, err)
		}
	})
	b.Run("export", func(b *testing.B) {
		ex, err := dataset.MaterializeExamples(b.Context(), wh, "p", "r", v, dataset.Split{Strategy: dataset.Temporal}, now)
		must(b, err)
		for b.Loop() {
			must(b, dataset.ExportExamples(b.Context(), wh, ex, bucket, "run"))
		}
	})
	b.Run("profile", func(b *testing.B) {
		for b.Loop() {
			_, err := dataset.Analyze(b.Context(), wh, "p", v, now)
			must(b, err)
		}
	})
}
