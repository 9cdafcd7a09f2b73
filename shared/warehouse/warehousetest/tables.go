package warehousetest

import (
	"math"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

var saleColumns = []warehouse.Column{
	{Name: "id", Type: warehouse.Int64}, {Name: "name", Type: warehouse.String},
	{Name: "seq", Type: warehouse.Int64}, {Name: "file", Type: warehouse.String},
}

func testTables(t *testing.T, h Harness) {
	w, ctx := h.Warehouse, t.Context()
	r := fresh()
	_, err := w.Table(ctx, r)
	wantCode(t, err, problem.NotFound)
	must(t, w.Drop(ctx, r)) // absent is fine

	table := warehouse.Table{
		Ref: r,
		Columns: []warehouse.Column{
			{Name: "id", Type: warehouse.Int64, Required: true, Description: "key"},
			{Name: "sold_on", Type: warehouse.Date},
			{Name: "tags", Type: warehouse.String, Repeated: true},
			{Name: "place", Type: warehouse.Geography},
			{Name: "exact", Type: warehouse.BigNumeric},
		},
		PartitionBy: "sold_on", ClusterBy: []string{"id"},
		Description: "what was sold", Labels: map[string]string{"origin": "test"},
	}
	must(t, w.Create(ctx, table))
	must(t, w.Create(ctx, table)) // the same again
	info, err := w.Table(ctx, r)
	must(t, err)
	same(t, info.Table, table)
	if info.Rows != 0 || info.Modified.IsZero() || time.Since(info.Modified).Abs() > time.Hour {
		t.Errorf("rows %d, modified %s", info.Rows, info.Modified)
	}
	other := table
	other.Columns = other.Columns[:2]
	wantCode(t, w.Create(ctx, other), problem.AlreadyExists)

	small, big := create(t, h, saleColumns...), create(t, h, saleColumns...)
	commit(t, h, warehouse.Commit{Target: small, Mode: warehouse.Append, URIs: []string{sales(t, h, sale{id: 1})}})
	commit(t, h, warehouse.Commit{Target: big, Mode: warehouse.Append, URIs: []string{sales(t, h, sale{id: 1}, sale{id: 2})}})
	infos, err := w.Tables(ctx, r.Dataset)
	must(t, err)
	var order []string
	for _, i := range infos {
		if i.Ref == r || i.Ref == small || i.Ref == big {
			order = append(order, i.Ref.Name)
		}
		if i.Ref == big && (i.Rows != 2 || i.Bytes <= 0) {
			t.Errorf("%s: %d rows, %d bytes", i.Ref, i.Rows, i.Bytes)
		}
	}
	same(t, order, []string{big.Name, small.Name, r.Name})

	must(t, w.Drop(ctx, r))
	_, err = w.Table(ctx, r)
	wantCode(t, err, problem.NotFound)
	none, err := w.Tables(ctx, "no_such_dataset")
	must(t, err)
	if len(none) != 0 {
		t.Errorf("%d tables in a dataset that does not exist", len(none))
	}
}

func testRefusedTables(t *testing.T, h Harness) {
	for name, table := range map[string]warehouse.Table{
		"no columns":       {Ref: fresh()},
		"name":             {Ref: warehouse.Ref{Dataset: "raw_data", Name: "a; drop"}, Columns: saleColumns},
		"column name":      {Ref: fresh(), Columns: []warehouse.Column{{Name: "a b", Type: warehouse.Int64}}},
		"column twice":     {Ref: fresh(), Columns: []warehouse.Column{{Name: "a", Type: warehouse.Int64}, {Name: "A", Type: warehouse.Int64}}},
		"type":             {Ref: fresh(), Columns: []warehouse.Column{{Name: "a", Type: "INTEGER"}}},
		"partition column": {Ref: fresh(), Columns: saleColumns, PartitionBy: "id"},
		"cluster column":   {Ref: fresh(), Columns: saleColumns, ClusterBy: []string{"nope"}},
	} {
		t.Run(name, func(t *testing.T) {
			wantCode(t, h.Warehouse.Create(t.Context(), table), problem.InvalidArgument)
		})
	}
}

func testTypes(t *testing.T, h Harness) {
	cols := []warehouse.Column{
		{Name: "n", Type: warehouse.Int64}, {Name: "s", Type: warehouse.String}, {Name: "i", Type: warehouse.Int64},
		{Name: "f", Type: warehouse.Float64}, {Name: "num", Type: warehouse.Numeric}, {Name: "b", Type: warehouse.Bool},
		{Name: "d", Type: warehouse.Date}, {Name: "dt", Type: warehouse.DateTime}, {Name: "ts", Type: warehouse.Timestamp},
		{Name: "ti", Type: warehouse.Time}, {Name: "by", Type: warehouse.Bytes}, {Name: "l", Type: warehouse.Int64, Repeated: true},
		{Name: "js", Type: warehouse.JSON},
	}
	r := create(t, h, cols...)
	list := arrow.ListOf(arrow.PrimitiveTypes.Int64)
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "n", Type: arrow.PrimitiveTypes.Int64}, {Name: "s", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "i", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, {Name: "f", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		{Name: "num", Type: &arrow.Decimal128Type{Precision: 38, Scale: 9}, Nullable: true}, {Name: "b", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
		{Name: "d", Type: arrow.FixedWidthTypes.Date32, Nullable: true},
		{Name: "dt", Type: &arrow.TimestampType{Unit: arrow.Microsecond}, Nullable: true},
		{Name: "ts", Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, Nullable: true},
		{Name: "ti", Type: arrow.FixedWidthTypes.Time64us, Nullable: true}, {Name: "by", Type: arrow.BinaryTypes.Binary, Nullable: true},
		{Name: "l", Type: list, Nullable: true}, {Name: "js", Type: arrow.BinaryTypes.String, Nullable: true},
	}, nil)
	at := time.Date(2026, 2, 28, 23, 59, 59, 123456000, time.UTC)
	num, err := decimal128.FromString("12345678901234567890123456789.123456789", 38, 9)
	must(t, err)
	data := Parquet(t, schema, func(b *array.RecordBuilder) {
		b.Field(0).(*array.Int64Builder).AppendValues([]int64{1, 2}, nil)
		b.Field(1).(*array.StringBuilder).Append("клиент 'x' \"y\" \\ \n 007")
		b.Field(2).(*array.Int64Builder).Append(math.MinInt64)
		b.Field(3).(*array.Float64Builder).Append(-0.1)
		b.Field(4).(*array.Decimal128Builder).Append(num)
		b.Field(5).(*array.BooleanBuilder).Append(true)
		b.Field(6).(*array.Date32Builder).Append(arrow.Date32FromTime(at))
		b.Field(7).(*array.TimestampBuilder).Append(arrow.Timestamp(at.UnixMicro()))
		b.Field(8).(*array.TimestampBuilder).Append(arrow.Timestamp(at.UnixMicro()))
		b.Field(9).(*array.Time64Builder).Append(arrow.Time64(((13*60+5)*60 + 6) * 1e6))
		b.Field(10).(*array.BinaryBuilder).Append([]byte{0, 255})
		lb := b.Field(11).(*array.ListBuilder)
		lb.Append(true)
		lb.ValueBuilder().(*array.Int64Builder).AppendValues([]int64{3, 1}, nil)
		b.Field(12).(*array.StringBuilder).Append(`{"big":12345678901234567}`)
		for i := 1; i < len(schema.Fields()); i++ {
			b.Field(i).AppendNull()
		}
	})
	res := commit(t, h, warehouse.Commit{Target: r, Mode: warehouse.Append, URIs: []string{h.Put(t, r.Name+".parquet", data)}})
	if res.Inserted != 2 {
		t.Fatalf("%+v", res)
	}
	d := h.Warehouse.Dialect()
	out := query(t, h, warehouse.Statement{SQL: "SELECT * FROM " + d.Table(r) + " ORDER BY " + d.Ident("n")})
	same(t, out.Columns, cols)
	same(t, out.Values[0], []any{
		int64(1), "клиент 'x' \"y\" \\ \n 007", int64(math.MinInt64), -0.1, "12345678901234567890123456789.123456789", true,
		day(2026, 2, 28), at, at, "13:05:06", []byte{0, 255}, []any{int64(3), int64(1)}, `{"big":12345678901234567}`,
	})
	for i, v := range out.Values[1][1:] {
		if list, ok := v.([]any); v != nil && !(ok && len(list) == 0) { // an absent array may read back empty
			t.Errorf("column %s of the empty row is %v", cols[i+1].Name, v)
		}
	}
}
