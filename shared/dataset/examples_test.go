package dataset_test

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/b2brecs/b2brecs/shared/dataset"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/warehouse/warehousetest"
)

// load creates a table of nullable columns from rows of Go values.
func load(t testing.TB, wh *warehouse.Warehouse, r warehouse.Ref, cols []warehouse.Column, rows [][]any) {
	t.Helper()
	must(t, wh.Drop(t.Context(), r))
	must(t, wh.Create(t.Context(), warehouse.Table{Ref: r, Columns: cols}))
	add(t, wh, r, cols, rows)
}

// add appends rows of some of the table's columns.
func add(t testing.TB, wh *warehouse.Warehouse, r warehouse.Ref, cols []warehouse.Column, rows [][]any) {
	t.Helper()
	fields := make([]arrow.Field, len(cols))
	for i, c := range cols {
		fields[i] = arrow.Field{Name: c.Name, Nullable: true, Type: map[warehouse.Type]arrow.DataType{
			warehouse.String: arrow.BinaryTypes.String, warehouse.Int64: arrow.PrimitiveTypes.Int64, warehouse.Float64: arrow.PrimitiveTypes.Float64,
			warehouse.Numeric: arrow.PrimitiveTypes.Float64, warehouse.Bool: arrow.FixedWidthTypes.Boolean,
			warehouse.Timestamp: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, warehouse.Date: arrow.FixedWidthTypes.Date32,
			warehouse.DateTime: &arrow.TimestampType{Unit: arrow.Microsecond}, warehouse.Time: arrow.FixedWidthTypes.Time64us, warehouse.BigNumeric: arrow.PrimitiveTypes.Float64,
			warehouse.JSON: arrow.BinaryTypes.String, warehouse.Bytes: arrow.BinaryTypes.Binary,
		}[c.Type]}
	}
	data := warehousetest.Parquet(t, arrow.NewSchema(fields, nil), func(b *array.RecordBuilder) {
		for _, row := range rows {
			for i, v := range row {
				switch v := v.(type) {
				case nil:
					b.Field(i).AppendNull()
				case string:
					b.Field(i).(*array.StringBuilder).Append(v)
				case int:
					b.Field(i).(*array.Int64Builder).Append(int64(v))
				case float64:
					b.Field(i).(*array.Float64Builder).Append(v)
				case []byte:
					b.Field(i).(*array.BinaryBuilder).Append(v)
				case time.Duration:
					b.Field(i).(*array.Time64Builder).Append(arrow.Time64(v.Microseconds()))
				case bool:
					b.Field(i).(*array.BooleanBuilder).Append(v)
				case time.Time:
					if cols[i].Type == warehouse.Date {
						b.Field(i).(*array.Date32Builder).Append(arrow.Date32FromTime(v))
					} else {
						b.Field(i).(*array.TimestampBuilder).Append(arrow.Timestamp(v.UnixMicro()))
					}
				default:
					t.Fatalf("%T", v)
				}
			}
		}
	})
	path := filepath.Join(os.TempDir(), "dataset-"+state.NewID()+".parquet")
	must(t, os.WriteFile(path, data, 0o600))
	defer os.Remove(path)
	_, err := wh.Commit(t.Context(), warehouse.Commit{ID: state.NewID(), Target: r, Mode: warehouse.Append, URIs: []string{path}})
	must(t, err)
}

var saleCols = []warehouse.Column{
	{Name: "customer_no", Type: warehouse.Int64}, {Name: "item_no", Type: warehouse.String},
	{Name: "sold_at", Type: warehouse.Timestamp}, {Name: "amount", Type: warehouse.Numeric},
}

func version(d dataset.Definition) dataset.Version { return dataset.Version{Number: 1, Definition: d} }

func at(day, hour int) time.Time { return time.Date(2026, 1, day, hour, 0, 0, 0, time.UTC) }

// TestSplitsAddUp: whatever the rows, the rows of the plain form are those of the
// splits and the dropped ones; and a row's split follows from its day.
func TestSplitsAddUp(t *testing.T) {
	wh := open(t)
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(3, 60).Draw(rt, "rows")
		rows := make([][]any, n)
		for i := range rows {
			pick := func(label string, missing float64, v any) any {
				if rapid.Float64Range(0, 1).Draw(rt, label) < missing {
					return nil
				}
				return v
			}
			day := rapid.IntRange(-400, 59).Draw(rt, "day") // up to the last of February, the test's today is 1 March
			if rapid.IntRange(0, 50).Draw(rt, "future") == 0 {
				day = 2000
			}
			rows[i] = []any{
				pick("no customer", 0.1, rapid.IntRange(1, 9).Draw(rt, "customer")),
				pick("no product", 0.1, rapid.SampledFrom([]string{"a", "b", "c", ""}).Draw(rt, "product")),
				pick("no time", 0.05, at(1, 0).AddDate(0, 0, day)),
				pick("no amount", 0.1, float64(rapid.IntRange(-3, 20).Draw(rt, "amount"))),
			}
		}
		load(t, wh, sales, saleCols, rows)
		def := base()
		def.PositiveOnly = rapid.Bool().Draw(rt, "positive")
		switch rapid.IntRange(0, 2).Draw(rt, "dates") {
		case 1:
			def.Dates = &dataset.DateFilter{Column: "sold_at", RollingDays: rapid.IntRange(1, 500).Draw(rt, "rolling")}
		case 2:
			def.Dates = &dataset.DateFilter{Column: "sold_at", Start: "2025-11-30"}
		}
		split := dataset.Split{Strategy: dataset.Random, Seed: rapid.Int64().Draw(rt, "seed")}
		if rapid.Bool().Draw(rt, "temporal") {
			split = dataset.Split{Strategy: dataset.Temporal, TestDays: rapid.IntRange(0, 40).Draw(rt, "test"), EvalDays: rapid.IntRange(0, 40).Draw(rt, "eval")}
		}
		schemas, err := dataset.LiveSchemas(t.Context(), wh, def)
		must(t, err)
		plain, _, err := dataset.Compile(def, schemas, wh.Dialect(), dataset.Form{Now: now})
		must(t, err)
		out, err := wh.Query(t.Context(), plain, 1000)
		must(t, err)
		ex, err := dataset.MaterializeExamples(t.Context(), wh, "p", "r1", version(def), split, now)
		if err != nil && problem.CodeOf(err) != problem.FailedPrecondition {
			rt.Fatal(err)
		}
		kept := ex.Rows["train"] + ex.Rows["eval"] + ex.Rows["test"]
		if int64(len(out.Values)) != kept+ex.Dropped {
			rt.Fatalf("%d rows, of which %v in splits and %d dropped", len(out.Values), ex.Rows, ex.Dropped)
		}
		missing := err != nil
		for _, s := range dataset.Splits {
			missing = missing && ex.Rows[s] != 0
		}
		if missing {
			rt.Fatalf("refused although no split is empty: %v", err)
		}
		if split.Strategy != dataset.Temporal || kept == 0 {
			return
		}
		got, err := wh.Query(t.Context(), warehouse.Statement{SQL: "SELECT sold_at, split FROM " + wh.Dialect().Table(ex.Table)}, 1000)
		must(t, err)
		for _, row := range got.Values {
			day := time.Unix(row[0].(int64), 0).UTC().Format(time.DateOnly)
			want := "train"
			if day >= ex.TestFrom {
				want = "test"
			} else if day >= ex.EvalFrom {
				want = "eval"
			}
			if row[1] != want || day > ex.To || day < ex.TrainFrom {
				rt.Fatalf("day %s is %s; bounds %s, %s, %s, %s", day, row[1], ex.TrainFrom, ex.EvalFrom, ex.TestFrom, ex.To)
			}
		}
	})
}

func TestTrainingValues(t *testing.T) {
	wh := open(t)
	cols := append(append([]warehouse.Column{}, saleCols...), warehouse.Column{Name: "paid", Type: warehouse.Bool}, warehouse.Column{Name: "note", Type: warehouse.String},
		warehouse.Column{Name: "rate", Type: warehouse.Float64}, warehouse.Column{Name: "since", Type: warehouse.Date})
	load(t, wh, sales, cols, [][]any{
		{7, "007", at(2, 13), 1.25, true, "x", 0.5, at(1, 0)},
		{7, "008", nil, nil, nil, nil, nil, nil},
		{8, "007", at(2, 0), 1.25, false, "", math.Inf(1), at(1, 0)},
		{8, "", at(2, 0), 1.25, false, "", 0.0, at(1, 0)},
	})
	def := base()
	def.Columns = append(def.Columns, col(sales, "paid"), col(sales, "note"), col(sales, "rate"), col(sales, "since"))
	schemas, err := dataset.LiveSchemas(t.Context(), wh, def)
	must(t, err)
	s, _, err := dataset.Compile(def, schemas, wh.Dialect(), dataset.Form{Training: true})
	must(t, err)
	s.SQL += "\nORDER BY 1, 2"
	out, err := wh.Query(t.Context(), s, 10)
	must(t, err)
	first, noon := at(1, 0).Unix(), at(2, 13).Unix()
	if diff := cmp.Diff([][]any{
		{"7", "007", noon, 1.25, int64(1), "x", 0.5, first},
		{"7", "008", int64(0), 0.0, int64(0), "__MISSING__", 0.0, int64(0)},
		{"8", "007", at(2, 0).Unix(), 1.25, int64(0), "__MISSING__", 0.0, first},
	}, out.Values); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestIDsAndTimes reads ids and times of every type that may carry them.
func TestIDsAndTimes(t *testing.T) {
	wh := open(t)
	for _, c := range []struct {
		name string
		id   warehouse.Type
		ids  []any
		want []string
		time warehouse.Type
		when any
		secs int64
	}{
		{"text", warehouse.String, []any{"007", " x"}, []string{" x", "007"}, warehouse.String, "2026-01-02 03:04:05", at(2, 3).Unix() + 245},
		{"whole decimals", warehouse.Float64, []any{17850.0, 2.5}, []string{"17850", "2.5"}, warehouse.Int64, int(at(2, 3).Unix()), at(2, 3).Unix()},
		{"numbers", warehouse.Numeric, []any{17850.0, 3.0}, []string{"17850", "3"}, warehouse.Int64, int(at(2, 3).UnixMilli()), at(2, 3).Unix()},
		{"day numbers", warehouse.Int64, []any{-1, 0}, []string{"-1", "0"}, warehouse.Int64, 20260102, at(2, 0).Unix()},
		{"days", warehouse.Int64, []any{-1, 0}, []string{"-1", "0"}, warehouse.Date, at(2, 0), at(2, 0).Unix()},
		{"micros", warehouse.Int64, []any{1, 2}, []string{"1", "2"}, warehouse.Int64, int(at(2, 3).UnixMicro()), at(2, 3).Unix()},
		{"nonsense", warehouse.Int64, []any{1, 2}, []string{"1", "2"}, warehouse.Int64, 1 << 62, 0},
		{"no time", warehouse.Int64, []any{1, 2}, []string{"1", "2"}, warehouse.String, "yesterday", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			load(t, wh, sales, []warehouse.Column{{Name: "c", Type: c.id}, {Name: "p", Type: warehouse.String}, {Name: "t", Type: c.time}},
				[][]any{{c.ids[0], "p", c.when}, {c.ids[1], "p", c.when}, {nil, "p", c.when}})
			def := dataset.Definition{Primary: sales, Columns: []dataset.Column{col(sales, "c"), col(sales, "p"), col(sales, "t")},
				Roles: map[dataset.Role]string{dataset.Customer: "c", dataset.Product: "p", dataset.Time: "t"}}
			schemas, err := dataset.LiveSchemas(t.Context(), wh, def)
			must(t, err)
			s, _, err := dataset.Compile(def, schemas, wh.Dialect(), dataset.Form{Training: true})
			must(t, err)
			s.SQL += "\nORDER BY 1"
			out, err := wh.Query(t.Context(), s, 10)
			must(t, err)
			var ids []string
			for _, r := range out.Values {
				ids = append(ids, r[0].(string))
				if r[2] != c.secs {
					t.Errorf("time %v, want %d", r[2], c.secs)
				}
			}
			if diff := cmp.Diff(c.want, ids); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFanOut(t *testing.T) {
	wh := open(t)
	load(t, wh, sales, saleCols, [][]any{{1, "a", at(1, 0), 1.0}, {2, "b", at(2, 0), 1.0}, {3, "zz", at(3, 0), 1.0}})
	load(t, wh, products, []warehouse.Column{{Name: "item_no", Type: warehouse.String}, {Name: "name", Type: warehouse.String}},
		[][]any{{"a", "second"}, {"a", "first"}, {"b", "only"}, {nil, "none"}})
	def := base()
	def.Joins = []dataset.Join{{Table: products, LeftColumn: "item_no"}}
	def.Columns = append(def.Columns, col(products, "name"))
	schemas, err := dataset.LiveSchemas(t.Context(), wh, def)
	must(t, err)
	for _, c := range []struct {
		fan, join string
		want      []string
	}{
		{dataset.FanOutFirst, dataset.LeftJoin, []string{"first", "only", ""}},
		{dataset.FanOutAccept, dataset.LeftJoin, []string{"first", "second", "only", ""}},
		{dataset.FanOutFirst, dataset.InnerJoin, []string{"first", "only"}},
	} {
		def.Joins[0].FanOut, def.Joins[0].Type = c.fan, c.join
		must(t, dataset.CheckFanOut(t.Context(), wh, def, schemas))
		s, _, err := dataset.Compile(def, schemas, wh.Dialect(), dataset.Form{})
		must(t, err)
		s.SQL += "\nORDER BY customer_no, name"
		out, err := wh.Query(t.Context(), s, 10)
		must(t, err)
		var names []string
		for _, r := range out.Values {
			name, _ := r[4].(string)
			names = append(names, name)
		}
		if diff := cmp.Diff(c.want, names); diff != "" {
			t.Errorf("%s %s: %s", c.fan, c.join, diff)
		}
	}
	def.Joins[0].FanOut = ""
	err = dataset.CheckFanOut(t.Context(), wh, def, schemas)
	if problem.CodeOf(err) != problem.FailedPrecondition || len(problem.Of(err).Fields) != 1 {
		t.Errorf("%v", err)
	}
	_, err = dataset.MaterializeExamples(t.Context(), wh, "p", "r", version(def), dataset.Split{Strategy: dataset.Random}, now)
	if problem.CodeOf(err) != problem.FailedPrecondition {
		t.Errorf("%v", err)
	}
}

// TestExport writes a run folder twice and reads it back.
// TestKeysOfOtherTypes: a day meets the midnight of a time, and the two zeros of
// FLOAT64 are one key.
func TestKeysOfOtherTypes(t *testing.T) {
	wh := open(t)
	load(t, wh, sales, append([]warehouse.Column{{Name: "weight", Type: warehouse.Float64}}, saleCols...),
		[][]any{{0.0, 1, "a", at(1, 0), 1.0}, {1.5, 2, "b", at(2, 7), 1.0}})
	load(t, wh, products, []warehouse.Column{{Name: "since", Type: warehouse.Date}, {Name: "weight", Type: warehouse.Float64}, {Name: "name", Type: warehouse.String}},
		[][]any{{at(1, 0), 0.0, "b"}, {at(2, 0), math.Copysign(0, -1), "a"}})
	for _, c := range []struct {
		left, right string
		want        []any
	}{{"sold_at", "since", []any{"b", nil}}, {"weight", "weight", []any{"b", nil}}} {
		def := base()
		def.Joins = []dataset.Join{{Table: products, LeftColumn: c.left, RightColumn: c.right, FanOut: dataset.FanOutFirst}}
		def.Columns = append(def.Columns, col(products, "name"))
		schemas, err := dataset.LiveSchemas(t.Context(), wh, def)
		must(t, err)
		s, _, err := dataset.Compile(def, schemas, wh.Dialect(), dataset.Form{})
		must(t, err)
		s.SQL += "\nORDER BY customer_no"
		out, err := wh.Query(t.Context(), s, 10)
		must(t, err)
		var names []any
		for _, r := range out.Values {
			names = append(names, r[4])
		}
		if diff := cmp.Diff(c.want, names); diff != "" {
			t.Errorf("%s: %s", c.left, diff)
		}
	}
}

func TestExport(t *testing.T) {
	wh := open(t)
	var rows [][]any
	for i := range 300 {
		rows = append(rows, []any{i % 20, fmt.Sprint("p", i%30), at(1, i%24).AddDate(0, 0, i/10), float64(i)})
	}
	rows = append(rows, []any{99, "new", at(31, 0), 5.0}, []any{99, "new", at(30, 0), 4.0}) // a customer and a product of the last days
	load(t, wh, sales, saleCols, rows)
	ex, err := dataset.MaterializeExamples(t.Context(), wh, "p", "run-1", version(base()), dataset.Split{Strategy: dataset.Temporal, TestDays: 3, EvalDays: 3}, now)
	must(t, err)
	if ex.Customers != 21 || ex.Products != 31 || ex.Dropped != 0 || ex.To != "2026-01-31" || ex.TestFrom != "2026-01-29" || ex.EvalFrom != "2026-01-26" || ex.TrainFrom != "2026-01-01" {
		t.Errorf("%+v", ex)
	}
	bucket := pipelines(t)
	var first map[string][]byte
	for range 2 {
		must(t, dataset.ExportExamples(t.Context(), wh, ex, bucket, "experiments/p/run-1/"))
		list, err := bucket.List(t.Context(), "experiments/p/run-1/")
		must(t, err)
		got := map[string][]byte{}
		for _, o := range list {
			data, err := bucket.Read(t.Context(), o.Key)
			must(t, err)
			got[o.Key[len("experiments/p/run-1/"):]] = data
		}
		if first != nil {
			for k := range first {
				if !bytes.Equal(first[k], got[k]) {
					t.Errorf("%s differs the second time", k)
				}
			}
		}
		first = got
	}
	tables := map[string]arrow.Table{}
	for key, data := range first {
		r, err := file.NewParquetReader(bytes.NewReader(data))
		must(t, err)
		fr, err := pqarrow.NewFileReader(r, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
		must(t, err)
		tables[key], err = fr.ReadTable(t.Context())
		must(t, err)
	}
	for _, s := range dataset.Splits {
		if n := tables["data/"+s+"/part-00000.parquet"].NumRows(); n != ex.Rows[s] {
			t.Errorf("%s: %d rows, want %d", s, n, ex.Rows[s])
		}
	}
	if n := tables["data/catalogue/part-00000.parquet"].NumRows(); n != 30 {
		t.Errorf("%d products, want those of training", n)
	}
	customers := tables["data/customers/part-00000.parquet"]
	if n := customers.NumRows(); n != 21 {
		t.Errorf("%d customers", n)
	}
	ids := customers.Column(0).Data().Chunk(0).(*array.String)
	times := customers.Column(2).Data().Chunk(0).(*array.Int64)
	amounts := customers.Column(3).Data().Chunk(0).(*array.Float64)
	for i := range ids.Len() {
		if times.Value(i) != at(31, 0).Unix() {
			t.Errorf("customer %s: time %d is not the newest", ids.Value(i), times.Value(i))
		}
		switch ids.Value(i) {
		case "99": // not in training: the earliest row
			if amounts.Value(i) != 4 {
				t.Errorf("the new customer has the amount %g", amounts.Value(i))
			}
		case "5": // the latest row of training is that of 2026-01-25
			if amounts.Value(i) != 245 {
				t.Errorf("customer 5 has the amount %g", amounts.Value(i))
			}
		}
	}
	for i := range int(tables["data/train/part-00000.parquet"].NumCols()) {
		if n := tables["data/train/part-00000.parquet"].Column(i).NullN(); n != 0 {
			t.Errorf("column %d has %d NULLs", i, n)
		}
	}
}

func TestNothingLeft(t *testing.T) {
	wh := open(t)
	load(t, wh, sales, saleCols, [][]any{{nil, "a", at(1, 0), 1.0}, {1, nil, at(1, 0), 1.0}})
	_, err := dataset.MaterializeExamples(t.Context(), wh, "p", "r", version(base()), dataset.Split{Strategy: dataset.Random}, now)
	if problem.CodeOf(err) != problem.FailedPrecondition {
		t.Errorf("%v", err)
	}
	load(t, wh, sales, saleCols, [][]any{{1, "a", at(1, 0), 1.0}, {1, "b", at(1, 0), 1.0}})
	_, err = dataset.MaterializeExamples(t.Context(), wh, "p", "r", version(base()), dataset.Split{Strategy: dataset.Temporal}, now)
	if problem.CodeOf(err) != problem.FailedPrecondition {
		t.Errorf("%v", err)
	}
}

// TestFuture: a few dates in the future are mistakes, many are not.
func TestFuture(t *testing.T) {
	wh := open(t)
	rows := [][]any{}
	for i := range 100 {
		rows = append(rows, []any{i % 7, fmt.Sprint(i % 5), at(1, 0).AddDate(0, 0, i%50), 1.0})
	}
	rows = append(rows, []any{1, "x", at(1, 0).AddDate(10, 0, 0), 1.0})
	load(t, wh, sales, saleCols, rows)
	split := dataset.Split{Strategy: dataset.Temporal}
	ex, err := dataset.MaterializeExamples(t.Context(), wh, "p", "r", version(base()), split, now)
	must(t, err)
	if ex.Dropped != 1 || ex.To != "2026-02-19" {
		t.Errorf("dropped %d, to %s", ex.Dropped, ex.To)
	}
	split = dataset.Split{Strategy: dataset.Temporal, TestDays: 1, EvalDays: 3640}
	ex, err = dataset.MaterializeExamples(t.Context(), wh, "p", "r", version(base()), split, at(1, 0).AddDate(0, 0, 30))
	must(t, err)
	if ex.Dropped != 0 || ex.To != "2036-01-01" {
		t.Errorf("with a slow clock: dropped %d, to %s", ex.Dropped, ex.To)
	}
}
