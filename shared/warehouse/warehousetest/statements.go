package warehousetest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

func testParams(t *testing.T, h Harness) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.FixedZone("", 3600))
	nasty := "x'; DROP TABLE a; -- @s \\"
	d := h.Warehouse.Dialect()
	out := query(t, h, warehouse.Statement{
		SQL: "SELECT @s AS s, @i + 1 AS i, @f AS f, @b AS b, @t AS t, '@s' AS quoted, @s = @s AS twice, " +
			d.InArray("@s", "ss") + " AS in_text, " + d.InArray("@i", "is") + " AS in_int",
		Params: map[string]any{"s": nasty, "i": int64(41), "f": 0.5, "b": true, "t": at, "ss": []string{"y", nasty}, "is": []int64{}},
	})
	same(t, out.Values, [][]any{{nasty, int64(42), 0.5, true, at.UTC(), "@s", true, true, false}})
}

func testTruncated(t *testing.T, h Harness) {
	r := create(t, h, saleColumns...)
	commit(t, h, warehouse.Commit{Target: r, Mode: warehouse.Append, URIs: []string{sales(t, h, sale{id: 3}, sale{id: 1}, sale{id: 2})}})
	s := warehouse.Statement{SQL: "SELECT id FROM " + h.Warehouse.Dialect().Table(r) + " ORDER BY id"}
	out, err := h.Warehouse.Query(t.Context(), s, 2)
	must(t, err)
	same(t, out.Values, [][]any{{int64(1)}, {int64(2)}})
	if !out.Truncated {
		t.Error("a cut result is not marked")
	}
	out, err = h.Warehouse.Query(t.Context(), s, 3)
	must(t, err)
	if out.Truncated || len(out.Values) != 3 {
		t.Errorf("%d rows, truncated %v", len(out.Values), out.Truncated)
	}
}

func testHead(t *testing.T, h Harness) {
	w, ctx := h.Warehouse, t.Context()
	_, err := w.Head(ctx, fresh(), 1)
	wantCode(t, err, problem.NotFound)
	r := create(t, h, saleColumns...)
	out, err := w.Head(ctx, r, 2)
	must(t, err)
	same(t, out.Columns, saleColumns)
	if len(out.Values) != 0 || out.Truncated {
		t.Errorf("an empty table has %v", out)
	}
	commit(t, h, warehouse.Commit{Target: r, Mode: warehouse.Append, URIs: []string{sales(t, h, sale{1, "a", 10, "f"}, sale{2, "é", 20, ""}, sale{3, "c", 30, ""})}})
	out, err = w.Head(ctx, r, 2)
	must(t, err)
	if len(out.Values) != 2 || !out.Truncated || out.Values[0][0] == out.Values[1][0] {
		t.Errorf("%+v", out)
	}
	out, err = w.Head(ctx, r, 3)
	must(t, err)
	same(t, out.Columns, saleColumns)
	if len(out.Values) != 3 || out.Truncated {
		t.Errorf("%+v", out)
	}
	_, err = w.Head(ctx, r, 0)
	wantCode(t, err, problem.InvalidArgument)
}

func testRefusedStatements(t *testing.T, h Harness) {
	for name, s := range map[string]warehouse.Statement{
		"empty":             {SQL: " "},
		"syntax":            {SQL: "SELEC 1"},
		"no such table":     {SQL: "SELECT * FROM raw_data.no_such_table"},
		"parameter missing": {SQL: "SELECT @x"},
		"parameter unused":  {SQL: "SELECT 1", Params: map[string]any{"x": "y"}},
		"parameter type":    {SQL: "SELECT @x", Params: map[string]any{"x": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := h.Warehouse.Query(t.Context(), s, 10)
			wantCode(t, err, problem.InvalidArgument)
			_, err = h.Warehouse.DryRun(t.Context(), s)
			wantCode(t, err, problem.InvalidArgument)
			_, err = h.Warehouse.Materialize(t.Context(), fresh(), s)
			wantCode(t, err, problem.InvalidArgument)
			_, _, err = h.Warehouse.Export(t.Context(), s, h.Prefix)
			wantCode(t, err, problem.InvalidArgument)
		})
	}
	if _, err := h.Warehouse.Query(t.Context(), warehouse.Statement{SQL: "SELECT CAST('secret name' AS " + h.Warehouse.Dialect().Type(warehouse.Int64) + ")"}, 1); err == nil {
		t.Error("a text became a number")
	} else if strings.Contains(err.Error(), "secret name") {
		t.Errorf("the error tells a value: %v", err)
	}
}

func testDryRun(t *testing.T, h Harness) {
	d := h.Warehouse.Dialect()
	est, err := h.Warehouse.DryRun(t.Context(), warehouse.Statement{
		SQL:    fmt.Sprintf("WITH x AS (SELECT @a AS a, CAST(NULL AS %s) AS n) SELECT a, n, COUNT(*) AS c FROM x GROUP BY a, n", d.Type(warehouse.Numeric)),
		Params: map[string]any{"a": "v"},
	})
	must(t, err)
	same(t, est.Columns, []warehouse.Column{{Name: "a", Type: warehouse.String}, {Name: "n", Type: warehouse.Numeric}, {Name: "c", Type: warehouse.Int64}})
	if est.Bytes < 0 {
		t.Errorf("%d bytes", est.Bytes)
	}
}

func testDialect(t *testing.T, h Harness) {
	d := h.Warehouse.Dialect()
	cast := func(text string, ty warehouse.Type) string { return fmt.Sprintf("CAST('%s' AS %s)", text, d.Type(ty)) }
	for name, c := range map[string]struct {
		expr string
		want any
	}{
		"safe cast":              {d.SafeCast("'12'", warehouse.Int64), int64(12)},
		"safe cast of nonsense":  {d.SafeCast("'x'", warehouse.Int64), nil},
		"safe cast of a date":    {d.SafeCast("'2026-02-30'", warehouse.Date), nil},
		"seconds of a date":      {d.UnixSeconds(cast("2026-01-01", warehouse.Date), warehouse.Date), int64(1767225600)},
		"seconds of a datetime":  {d.UnixSeconds(cast("2026-01-01 00:00:01", warehouse.DateTime), warehouse.DateTime), int64(1767225601)},
		"seconds of a timestamp": {d.UnixSeconds(cast("2026-01-01 01:00:00.9+01:00", warehouse.Timestamp), warehouse.Timestamp), int64(1767225600)},
		"seconds before 1970":    {d.UnixSeconds(cast("1969-12-31 23:59:58.5+00", warehouse.Timestamp), warehouse.Timestamp), int64(-2)},
		"from seconds":           {d.FromUnixSeconds("1767225601"), time.Unix(1767225601, 0).UTC()},
		"date of a timestamp":    {d.DateOf(cast("2026-01-01 00:30:00+01:00", warehouse.Timestamp), warehouse.Timestamp), day(2025, 12, 31)},
		"date of a datetime":     {d.DateOf(cast("2026-01-01 23:30:00", warehouse.DateTime), warehouse.DateTime), day(2026, 1, 1)},
		"integer division":       {d.IntDiv("7", "2"), int64(3)},
		"negative division":      {d.IntDiv("-7", "2"), int64(-3)},
		"hash":                   {d.Hash("'a'"), int64(0x0cc175b9c0f1b6a)},
		"hash, not ASCII":        {d.Hash("'Gdańsk 漢'"), int64(0xae5d40abdae3b3a)},
		"hash of nothing":        {d.Hash(cast("", warehouse.String)), int64(0xd41d8cd98f00b20)},
		"hash of null":           {d.Hash("CAST(NULL AS "+d.Type(warehouse.String)+")") + " IS NULL", true},
	} {
		t.Run(name, func(t *testing.T) {
			same(t, query(t, h, warehouse.Statement{SQL: "SELECT " + c.expr + " AS v"}).Values, [][]any{{c.want}})
		})
	}
	nulls := "SELECT x FROM (SELECT 1 AS x UNION ALL SELECT CAST(NULL AS " + d.Type(warehouse.Int64) + ") UNION ALL SELECT 2) AS q ORDER BY x"
	same(t, query(t, h, warehouse.Statement{SQL: nulls}).Values, [][]any{{nil}, {int64(1)}, {int64(2)}})
	same(t, query(t, h, warehouse.Statement{SQL: nulls + " DESC"}).Values, [][]any{{int64(2)}, {int64(1)}, {nil}})
	r := create(t, h, saleColumns...)
	var list []sale
	for i := range int64(101) {
		list = append(list, sale{id: i, name: fmt.Sprint(i % 7), at: i % 2})
	}
	commit(t, h, warehouse.Commit{Target: r, Mode: warehouse.Append, URIs: []string{sales(t, h, list...)}})
	out := query(t, h, warehouse.Statement{SQL: fmt.Sprintf("SELECT %s AS q, %s AS c, %s AS d, %s AS a, MIN(%s) AS h FROM %s",
		d.ApproxQuantiles("id", 10), d.CountIf("seq = 0"), d.ApproxDistinct("name"), d.ArrayAgg("id", "id DESC", 3), d.Hash("name"), d.Table(r))}).Values[0]
	quantiles := out[0].([]any)
	if len(quantiles) != 11 || quantiles[0] != int64(0) || quantiles[10] != int64(100) {
		t.Errorf("quantiles %v", quantiles)
	}
	if mid := quantiles[5].(int64); mid < 48 || mid > 52 {
		t.Errorf("median %d of 0..100", mid)
	}
	same(t, out[1], any(int64(51)))
	same(t, out[2], any(int64(7)))
	same(t, out[3], any([]any{int64(100), int64(99), int64(98)}))
	if out[4].(int64) < 0 {
		t.Errorf("hash %v is negative", out[4])
	}
}

func testIdent(t *testing.T, h Harness) {
	d := h.Warehouse.Dialect()
	name := "select"
	out := query(t, h, warehouse.Statement{SQL: "SELECT x." + d.Ident(name) + " AS v FROM (SELECT 1 AS " + d.Ident(name) + ") x"})
	same(t, out.Values, [][]any{{int64(1)}})
	// Whatever the text, it stays one identifier: the statement fails as an unknown column, or works.
	for _, text := range []string{"a`b", `a"b`, "a\\", "a\\`, 2 AS `b", `a", 2 AS "b`, "@p", "a\nb"} {
		out, err := h.Warehouse.Query(t.Context(), warehouse.Statement{SQL: "SELECT 1 AS " + d.Ident(text)}, 1)
		if err == nil && len(out.Columns) != 1 {
			t.Errorf("%q became %d columns", text, len(out.Columns))
		}
	}
}

func testMaterialize(t *testing.T, h Harness) {
	w := h.Warehouse
	src := create(t, h, saleColumns...)
	commit(t, h, warehouse.Commit{Target: src, Mode: warehouse.Append, URIs: []string{sales(t, h, sale{1, "a", 10, ""}, sale{2, "a", 20, ""}, sale{3, "b", 5, ""})}})
	r := fresh()
	r.Dataset = warehouse.ML
	t.Cleanup(func() { must(t, w.Drop(context.WithoutCancel(t.Context()), r)) })
	s := warehouse.Statement{
		SQL:    "SELECT name, SUM(seq) AS total FROM " + w.Dialect().Table(src) + " WHERE seq >= @min GROUP BY name",
		Params: map[string]any{"min": int64(1)},
		Labels: map[string]string{"run": "r1"},
	}
	for range 2 { // a repeat replaces
		n, err := w.Materialize(t.Context(), r, s)
		must(t, err)
		if n != 2 {
			t.Errorf("%d rows", n)
		}
	}
	same(t, rows(t, h, r, "name", "name", "total"), [][]any{{"a", int64(30)}, {"b", int64(5)}})
	info, err := w.Table(t.Context(), r)
	must(t, err)
	same(t, info.Columns, []warehouse.Column{{Name: "name", Type: warehouse.String}, {Name: "total", Type: warehouse.Int64}})
	if info.Rows != 2 {
		t.Errorf("%d rows", info.Rows)
	}
	// A statement that fails leaves the table as it was; one of other columns replaces them.
	if _, err := w.Materialize(t.Context(), r, warehouse.Statement{SQL: "SELECT CAST(name AS " + w.Dialect().Type(warehouse.Int64) + ") AS x FROM " + w.Dialect().Table(src)}); err == nil {
		t.Error("a failing statement went through")
	}
	if n := len(rows(t, h, r, "name", "name")); n != 2 {
		t.Errorf("%d rows after a failed replacement", n)
	}
	_, err = w.Materialize(t.Context(), r, warehouse.Statement{SQL: "SELECT 'v' AS other"})
	must(t, err)
	same(t, rows(t, h, r, "other", "other"), [][]any{{"v"}})
}

func testExport(t *testing.T, h Harness) {
	src := create(t, h, saleColumns...)
	commit(t, h, warehouse.Commit{Target: src, Mode: warehouse.Append, URIs: []string{sales(t, h, sale{1, "a", 10, ""}, sale{2, "b", 20, ""}, sale{3, "c", 30, ""})}})
	prefix := h.Prefix + src.Name + "/train/"
	s := warehouse.Statement{SQL: "SELECT id, name FROM " + h.Warehouse.Dialect().Table(src) + " WHERE id <= @max ORDER BY id", Params: map[string]any{"max": int64(3)}}
	for _, max := range []int64{3, 2} { // the second replaces the first
		s.Params["max"] = max
		uris, n, err := h.Warehouse.Export(t.Context(), s, prefix)
		must(t, err)
		if n != max || len(uris) == 0 {
			t.Fatalf("%d rows in %v", n, uris)
		}
		var total int64
		for _, uri := range uris {
			if !strings.HasPrefix(uri, prefix) || !strings.HasSuffix(uri, ".parquet") {
				t.Errorf("address %s", uri)
			}
			rows, cols := parquetRows(t, h.Read(t, uri))
			total += rows
			same(t, cols, []string{"id", "name"})
		}
		if total != max {
			t.Errorf("%d rows in the objects, want %d", total, max)
		}
	}
	_, _, err := h.Warehouse.Export(t.Context(), s, strings.TrimSuffix(prefix, "/"))
	wantCode(t, err, problem.InvalidArgument)
	// What was exported can be loaded.
	again := create(t, h, saleColumns...)
	uris, _, err := h.Warehouse.Export(t.Context(), s, prefix)
	must(t, err)
	if got := commit(t, h, warehouse.Commit{Target: again, Mode: warehouse.Append, URIs: uris}); got.Inserted != 2 {
		t.Errorf("%+v", got)
	}
}

func testExportEmpty(t *testing.T, h Harness) {
	uris, n, err := h.Warehouse.Export(t.Context(), warehouse.Statement{SQL: "SELECT * FROM (SELECT 1 AS a, 'x' AS b) q WHERE a = 2"}, h.Prefix+fresh().Name+"/")
	must(t, err)
	if n != 0 || len(uris) != 1 {
		t.Fatalf("%d rows in %v", n, uris)
	}
	rows, cols := parquetRows(t, h.Read(t, uris[0]))
	if rows != 0 {
		t.Errorf("%d rows", rows)
	}
	same(t, cols, []string{"a", "b"})
}

func testCancelled(t *testing.T, h Harness) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := h.Warehouse.Query(ctx, warehouse.Statement{SQL: "SELECT 1 AS a"}, 1)
	wantCode(t, err, problem.Cancelled)
	_, err = h.Warehouse.Materialize(ctx, fresh(), warehouse.Statement{SQL: "SELECT 1 AS a"})
	wantCode(t, err, problem.Cancelled)
}
