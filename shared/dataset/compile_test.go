package dataset_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/b2brecs/b2brecs/shared/dataset"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/warehouse/dialect"
	"github.com/b2brecs/b2brecs/shared/warehouse/warehousetest"
)

type compiled struct {
	name string
	def  dataset.Definition
	form dataset.Form
}

func cases() []compiled {
	joined := base()
	joined.Joins = []dataset.Join{
		{Table: products, LeftColumn: "item_no", FanOut: dataset.FanOutFirst},
		{Table: customers, LeftColumn: "customer_no", Type: dataset.InnerJoin},
	}
	joined.Columns = append(joined.Columns, col(sales, "paid"), col(products, "name"), col(products, "price"), col(products, "since"), col(products, "opens"), col(customers, "city"), col(customers, "customer_no"))
	rolling := base()
	rolling.Dates = &dataset.DateFilter{Column: "sold_at", RollingDays: 90}
	rolling.PositiveOnly = true
	start := base()
	start.Dates = &dataset.DateFilter{Column: "sold_at", Start: "2025-02-28"}
	start.Roles = map[dataset.Role]string{dataset.Customer: "CUSTOMER_NO", dataset.Product: "item_no"}
	numbers := base()
	numbers.Primary = products
	numbers.Joins = nil
	numbers.Columns = []dataset.Column{col(products, "item_no"), {Table: products, Column: "price", Name: "buyer"}, {Table: products, Column: "name", Name: "at"}}
	numbers.Roles = map[dataset.Role]string{dataset.Customer: "buyer", dataset.Product: "item_no", dataset.Time: "at"}
	temporal := dataset.Split{Strategy: dataset.Temporal}
	days := dataset.Split{Strategy: dataset.Temporal, TestDays: 7, EvalDays: 14, SamplePercent: 25}
	random := dataset.Split{Strategy: dataset.Random, Seed: 42}
	return []compiled{
		{"plain", base(), dataset.Form{}},
		{"plain-limit", base(), dataset.Form{Limit: 10}},
		{"plain-joins", joined, dataset.Form{}},
		{"plain-rolling-positive", rolling, dataset.Form{Now: now}},
		{"plain-start", start, dataset.Form{}},
		{"training-joins", joined, dataset.Form{Training: true}},
		{"training-rolling-temporal", rolling, dataset.Form{Training: true, Now: now, Split: &temporal}},
		{"training-days-sample", base(), dataset.Form{Training: true, Now: now, Split: &days}},
		{"training-random", start, dataset.Form{Training: true, Split: &random}},
		{"training-text-time", numbers, dataset.Form{Training: true, Now: now, Split: &temporal}},
	}
}

func TestCompile(t *testing.T) {
	for _, c := range cases() {
		for _, d := range []warehouse.Dialect{dialect.BigQuery{}, dialect.DuckDB{}} {
			t.Run(c.name+"/"+d.Name(), func(t *testing.T) {
				s, cols, err := dataset.Compile(c.def, schemas(), d, c.form)
				must(t, err)
				golden(t, "compile/"+c.name+"."+d.Name()+".sql", warehousetest.Golden(s, cols)+"\n")
			})
		}
	}
}

// TestTables keeps the tables that the statements are about, as BigQuery declares them.
func TestTables(t *testing.T) {
	tables := schemas()
	for _, c := range cases() {
		if c.name == "training-random" {
			_, cols, err := dataset.Compile(c.def, schemas(), dialect.BigQuery{}, c.form)
			must(t, err)
			tables[dataset.ExamplesTable("r1")] = cols
		}
	}
	var ddl []string
	for r, cols := range tables {
		ddl = append(ddl, warehousetest.DDL(warehouse.Table{Ref: r, Columns: cols}))
	}
	slices.Sort(ddl)
	golden(t, "tables.sql", strings.Join(ddl, "\n\n")+"\n")
}

// TestStatements keeps the statements of exports and of the profile's groups.
func TestStatements(t *testing.T) {
	for _, d := range []warehouse.Dialect{dialect.BigQuery{}, dialect.DuckDB{}} {
		for _, c := range cases() {
			if c.name != "training-days-sample" && c.name != "training-random" {
				continue
			}
			_, cols, err := dataset.Compile(c.def, schemas(), d, c.form)
			must(t, err)
			ex := dataset.Examples{Table: dataset.ExamplesTable("r1"), Columns: cols, Roles: map[dataset.Role]string{dataset.Customer: "customer_no", dataset.Product: "item_no"}}
			if c.form.Split.Strategy == dataset.Temporal {
				ex.Roles[dataset.Time] = "sold_at"
			}
			all, err := dataset.ExportSQL(ex, d)
			must(t, err)
			for _, folder := range []string{"data/train/", "data/catalogue/", "data/customers/"} {
				golden(t, "export/"+c.name+"-"+strings.Split(folder, "/")[1]+"."+d.Name()+".sql", warehousetest.Golden(all[folder], ex.Columns[:len(ex.Columns)-1])+"\n") // without the split
			}
		}
		profile, err := dataset.AnalysisSQL(cases()[3].def, schemas(), d, dataset.Form{Now: now})
		must(t, err)
		golden(t, "export/profile-groups."+d.Name()+".sql", warehousetest.Golden(profile, nil)+"\n")
	}
}

// TestCompiledRuns lets the engine check every DuckDB statement against real
// tables, and its columns against what Compile promised.
func TestCompiledRuns(t *testing.T) {
	wh := open(t)
	for r, cols := range schemas() {
		must(t, wh.Create(t.Context(), warehouse.Table{Ref: r, Columns: cols}))
	}
	for _, c := range cases() {
		t.Run(c.name, func(t *testing.T) {
			s, cols, err := dataset.Compile(c.def, schemas(), wh.Dialect(), c.form)
			must(t, err)
			est, err := wh.DryRun(t.Context(), s)
			must(t, err)
			if diff := cmp.Diff(cols, est.Columns); diff != "" {
				t.Errorf("columns (-promised +engine)\n%s\n%s", diff, s.SQL)
			}
		})
	}
}

func TestNames(t *testing.T) {
	got := dataset.Names([]dataset.Column{
		col(sales, "id"), col(customers, "ID"), {Table: sales, Column: "x", Name: "sales_y"}, col(sales, "y"),
		{Table: products, Column: "z", Name: "y"}, col(products, "split"), col(products, "9 lives"), col(customers, "id"),
	})
	var names []string
	for _, c := range got {
		names = append(names, c.Name)
	}
	want := []string{"id", "customers_ID", "sales_y", "sales_y_2", "y", "products_split", "", "customers_id_2"}
	if diff := cmp.Diff(want[:6], names[:6]); diff != "" {
		t.Error(diff)
	}
	if names[7] != want[7] {
		t.Errorf("%q, want %q", names[7], want[7])
	}
}

func TestHash(t *testing.T) {
	a, b := base(), base()
	for i := range b.Columns {
		b.Columns[i].Name = b.Columns[i].Column // written out, not changed
	}
	b.Joins = []dataset.Join{}
	if a.Hash() != b.Hash() {
		t.Error("defaults written out change the hash")
	}
	b.PositiveOnly = true
	if a.Hash() == b.Hash() {
		t.Error("a change keeps the hash")
	}
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(d *dataset.Definition)
		want   []string // locations
	}{
		{"fine", func(*dataset.Definition) {}, nil},
		{"nothing", func(d *dataset.Definition) { *d = dataset.Definition{} }, []string{"primary", "columns", "roles.customer", "roles.product"}},
		{"unknown table", func(d *dataset.Definition) { d.Primary.Name = "nope" }, []string{"primary", "columns[0].table", "columns[1].table", "columns[2].table", "columns[3].table"}},
		{"outside raw_data", func(d *dataset.Definition) { d.Primary.Dataset = "ml" }, []string{"primary", "columns[0].table", "columns[1].table", "columns[2].table", "columns[3].table"}},
		{"injection", func(d *dataset.Definition) {
			d.Primary.Name = `sales" ; DROP TABLE x`
			d.Columns = d.Columns[:0]
		}, []string{"primary", "columns", "roles.customer", "roles.product", "roles.time", "roles.value"}},
		{"columns", func(d *dataset.Definition) {
			d.Columns[3].Name = "amount"
			d.Columns = append(d.Columns, col(sales, "nope"), col(sales, "note"), col(sales, "tags"), dataset.Column{Table: sales, Column: "id", Name: "AMOUNT"},
				dataset.Column{Table: sales, Column: "id", Name: "a b"}, dataset.Column{Table: sales, Column: "id", Name: "Split"}, col(products, "name"))
		}, []string{"columns[4].column", "columns[5].column", "columns[6].column", "columns[7].name", "columns[8].name", "columns[9].name", "columns[10].table"}},
		{"roles", func(d *dataset.Definition) {
			d.Roles = map[dataset.Role]string{dataset.Customer: "item_no", dataset.Product: "ITEM_NO", dataset.Time: "amount", dataset.Value: "sold_at", "colour": "amount"}
		}, []string{"roles.colour", "roles.product", "roles.time", "roles.value"}},
		{"joins", func(d *dataset.Definition) {
			d.Joins = []dataset.Join{
				{Table: products, LeftColumn: "nope", RightColumn: "nada", Type: "outer", FanOut: "maybe"},
				{Table: products, LeftColumn: "item_no"},
				{Table: sales, LeftColumn: "item_no"},
				{Table: customers, LeftTable: warehouse.Ref{Dataset: "raw_data", Name: "later"}, LeftColumn: "x", RightColumn: "id"},
				{Table: warehouse.Ref{Dataset: "raw_data", Name: "gone"}, LeftColumn: "id"},
			}
		}, []string{"joins[0].type", "joins[0].fan_out", "joins[0].left_column", "joins[0].right_column", "joins[1].table", "joins[2].table", "joins[3].left_table", "joins[4].table"}},
		{"both windows", func(d *dataset.Definition) {
			d.Dates = &dataset.DateFilter{Column: "sold_at", RollingDays: 5, Start: "2026-01-01"}
		}, []string{"dates"}},
		{"no window", func(d *dataset.Definition) { d.Dates = &dataset.DateFilter{Column: "amount"} }, []string{"dates.column", "dates"}},
		{"bad start", func(d *dataset.Definition) { d.Dates = &dataset.DateFilter{Column: "sold_at", Start: "1.2.2026"} }, []string{"dates.start"}},
		{"long window", func(d *dataset.Definition) { d.Dates = &dataset.DateFilter{Column: "nope", RollingDays: -1} }, []string{"dates.column", "dates.rolling_days"}},
		{"positive without value", func(d *dataset.Definition) { d.PositiveOnly = true; delete(d.Roles, dataset.Value) }, []string{"positive_only"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := base()
			c.change(&d)
			var got []string
			for _, f := range dataset.Validate(d, schemas()) {
				got = append(got, f.Location)
				if f.Message == "" || strings.Contains(f.Message, "%!") {
					t.Errorf("%s: message %q", f.Location, f.Message)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			_, _, err := dataset.Compile(d, schemas(), dialect.DuckDB{}, dataset.Form{Now: now})
			if (len(c.want) == 0) != (err == nil) {
				t.Errorf("compile: %v", err)
			}
			if err != nil && (problem.CodeOf(err) != problem.InvalidArgument || len(problem.Of(err).Fields) != len(c.want)) {
				t.Errorf("compile: %v", err)
			}
			// What a person wrote survives storage.
			b, err := json.Marshal(d)
			must(t, err)
			var back dataset.Definition
			must(t, json.Unmarshal(b, &back))
			if back.Hash() != d.Hash() {
				t.Error("storing changes the hash")
			}
		})
	}
}

func TestSplitRefused(t *testing.T) {
	noTime := base()
	delete(noTime.Roles, dataset.Time)
	for name, c := range map[string]struct {
		def   dataset.Definition
		split dataset.Split
	}{
		"strategy": {base(), dataset.Split{Strategy: "alphabetical"}},
		"no time":  {noTime, dataset.Split{Strategy: dataset.Temporal}},
		"sample":   {base(), dataset.Split{Strategy: dataset.Random, SamplePercent: 101}},
		"days":     {base(), dataset.Split{Strategy: dataset.Temporal, TestDays: -1}},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := dataset.Compile(c.def, schemas(), dialect.DuckDB{}, dataset.Form{Training: true, Now: now, Split: &c.split})
			if problem.CodeOf(err) != problem.InvalidArgument {
				t.Errorf("%v", err)
			}
		})
	}
}
