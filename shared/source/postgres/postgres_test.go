package postgres

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/source"
	"github.com/b2brecs/b2brecs/shared/source/postgres/pgtest"
	"github.com/b2brecs/b2brecs/shared/source/sourcetest"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

func open(t testing.TB, pg *pgtest.Server) *Source {
	t.Helper()
	s, err := Open(source.Config{Params: pg.Params(), Secrets: pg.Secrets(), Guard: &source.Guard{AllowPrivate: true}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// load plans a read and reads its chunks in a shuffled order.
func load(t testing.TB, s *Source, req source.PlanRequest) (source.Plan, *sourcetest.Collector, map[string]int64) {
	t.Helper()
	ctx := context.Background()
	p, err := s.Plan(ctx, req)
	if err != nil {
		t.Fatal(err)
	}
	if p.Hold != nil {
		defer p.Hold.Close()
	}
	rand.Shuffle(len(p.Chunks), func(i, j int) { p.Chunks[i], p.Chunks[j] = p.Chunks[j], p.Chunks[i] })
	out := &sourcetest.Collector{}
	nulled := map[string]int64{}
	var rows int64
	for _, c := range p.Chunks {
		st, err := s.Read(ctx, source.ReadRequest{Object: req.Object, Columns: req.Columns, Spec: c.Spec, Snapshot: p.Snapshot}, out)
		if err != nil {
			t.Fatal(err)
		}
		rows += st.Rows
		for k, n := range st.Nulled {
			nulled[k] += n
		}
	}
	if rows != int64(len(out.Rows)+len(out.Rejects)) {
		t.Errorf("the server counted %d rows, %d came and %d were rejected", rows, len(out.Rows), len(out.Rejects))
	}
	slices.SortFunc(out.Rows, slices.Compare[[]string])
	return p, out, nulled
}

func describe(t testing.TB, s *Source, schema, table string) source.Description {
	t.Helper()
	d, err := s.Describe(context.Background(), source.Object{Schema: schema, Table: table})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestPostgres(t *testing.T) {
	pg := pgtest.Start(t)
	s := open(t, pg)
	t.Run("conformance", func(t *testing.T) { testConformance(t, pg, s) })
	t.Run("types", func(t *testing.T) { testTypes(t, pg, s) })
	t.Run("numeric", func(t *testing.T) { testNumeric(t, pg, s) })
	t.Run("chunks", func(t *testing.T) { testChunks(t, pg, s) })
	t.Run("snapshot", func(t *testing.T) { testSnapshot(t, pg, s) })
	t.Run("unheld", func(t *testing.T) { testUnheld(t, pg, s) })
	t.Run("window", func(t *testing.T) { testWindow(t, pg, s) })
	t.Run("catalogue", func(t *testing.T) { testCatalogue(t, pg, s) })
	t.Run("errors", func(t *testing.T) { testErrors(t, pg, s) })
	t.Run("key ranges", func(t *testing.T) { testKeyRanges(t, pg, s) })
}

func testConformance(t *testing.T, pg *pgtest.Server, s *Source) {
	n := 0
	sourcetest.Run(t, sourcetest.Subject{
		Source: s, ChunkRows: 20_000, ChunkBytes: 512 << 10,
		Make: func(t *testing.T, rows []sourcetest.Row) (source.Object, []etl.File) {
			n++
			name := fmt.Sprintf("suite_%d", n)
			pg.Exec(t, "CREATE TABLE "+name+" (id bigint, text text, amount float8)")
			c := pg.Connect(t)
			_, err := c.CopyFrom(context.Background(), pgx.Identifier{name}, []string{"id", "text", "amount"}, pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) {
				return []any{rows[i].ID, rows[i].Text, rows[i].Amount}, nil
			}))
			if err != nil {
				t.Fatal(err)
			}
			return source.Object{Schema: "public", Table: name}, nil
		},
	})
}

func testTypes(t *testing.T, pg *pgtest.Server, s *Source) {
	pg.Exec(t, `
		CREATE SCHEMA "Odd Schema";
		CREATE TYPE mood AS ENUM ('sad', 'hap''py');
		CREATE DOMAIN cents AS numeric(12,2);
		CREATE TABLE "Odd Schema"."Mixed ""Case""" (
			"Select" int2, i4 int4, i8 int8, r float4, d float8, n numeric(12,2), money_ money, b bool,
			t text, vc varchar(20), c char(5), "Дата" date, ts timestamp, tz timestamptz, tm time, tmz timetz,
			iv interval, u uuid, ip inet, j json, jb jsonb, by bytea, ia int[], ta text[], m mood, dom cents, rg int4range, p point, o oid, bt bit(3));
		INSERT INTO "Odd Schema"."Mixed ""Case""" VALUES
			(-32768, -2147483648, -9223372036854775808, 1.5, -2.25, -1234567890.12, '12.34', true,
			 E'Zażółć "гесь" \n\t\\ ,', 'v', 'ab', '2024-02-29', '2024-02-29 23:59:59.123456', '2024-03-01 01:59:59.123456+02', '23:59:59.999999', '23:00:00+02',
			 '1 day 02:03:04', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '10.0.0.1/8', '{"a": [1, 2]}', '{"b": null}', '\x00ff', '{1,NULL,3}', '{"x y","z"}', 'hap''py', 99.99, '[1,5)', '(1.5,2)', 42, '101'),
			(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
			(0, 0, 0, 'NaN', '-Infinity', 0, 0, false, '', '', '', 'infinity', '-infinity', 'infinity', '00:00', '00:00+00',
			 '0', NULL, NULL, 'null', '"x"', '', '{}', '{}', 'sad', 0, 'empty', NULL, 0, '000'),
			(1, 1, 1, 1, 1, 1, 1, true, 'x', 'x', 'x', '0044-03-15 BC', '20000-01-01', '0001-01-01 00:00:00+00', '24:00', '12:00-05',
			 NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)`)
	d := describe(t, s, "Odd Schema", `Mixed "Case"`)
	var types []string
	for _, c := range d.Columns {
		types = append(types, c.Name+" "+string(c.Type))
	}
	want := "select INT64, i4 INT64, i8 INT64, r FLOAT64, d FLOAT64, n NUMERIC, money NUMERIC, b BOOL, t STRING, vc STRING, c STRING, data DATE, ts TIMESTAMP, tz TIMESTAMP, tm TIME, tmz TIME, iv STRING, u STRING, ip STRING, j JSON, jb JSON, by BYTES, ia JSON, ta JSON, m STRING, dom NUMERIC, rg STRING, p GEOGRAPHY, o INT64, bt STRING"
	if diff := cmp.Diff(want, strings.Join(types, ", ")); diff != "" {
		t.Fatal(diff)
	}
	_, got, nulled := load(t, s, source.PlanRequest{Object: source.Object{Schema: "Odd Schema", Table: `Mixed "Case"`}, Columns: d.Columns})
	n := sourcetest.Null
	null := make([]string, len(d.Columns))
	for i := range null {
		null[i] = n
	}
	rows := [][]string{
		{"-32768", "-2147483648", "-9223372036854775808", "1.5", "-2.25", "-1234567890.12", "12.34", "true",
			"Zażółć \"гесь\" \n\t\\ ,", "v", "ab", "2024-02-29", "2024-02-29T23:59:59.123456Z", "2024-02-29T23:59:59.123456Z", "23:59:59.999999", "21:00:00.000000",
			"1 day 02:03:04", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "10.0.0.1/8", `{"a": [1, 2]}`, `{"b": null}`, "AP8=", "[1, null, 3]", `["x y", "z"]`, "hap'py", "99.99", "[1,5)", "POINT(1.5 2)", "42", "101"},
		{"0", "0", "0", n, n, "0", "0", "false", "", "", "", n, n, n, "00:00:00.000000", "00:00:00.000000",
			"00:00:00", n, n, "null", `"x"`, "", "[]", "[]", "sad", "0", "empty", n, "0", "000"},
		{"1", "1", "1", "1", "1", "1", "1", "true", "x", "x", "x", n, n, "0001-01-01T00:00:00Z", "00:00:00.000000", "17:00:00.000000",
			n, n, n, n, n, n, n, n, n, n, n, n, n, n},
		null,
	}
	if diff := cmp.Diff(rows, got.Rows); diff != "" {
		t.Error(diff)
	}
	wantNulled := map[string]int64{
		"r: NaN or infinity became NULL": 1, "d: NaN or infinity became NULL": 1, "data: infinity became NULL": 1, "ts: infinity became NULL": 1, "tz: infinity became NULL": 1,
		"data: outside the years 1 to 9999, became NULL": 1, "ts: outside the years 1 to 9999, became NULL": 1, "tm: 24:00:00 became 00:00:00": 1,
	}
	if diff := cmp.Diff(wantNulled, nulled); diff != "" {
		t.Error(diff)
	}

	// Any column can go to text, and text to what it says.
	var asText []etl.Column
	for _, c := range d.Columns {
		c.Type = warehouse.String
		asText = append(asText, c)
	}
	_, got, _ = load(t, s, source.PlanRequest{Object: source.Object{Schema: "Odd Schema", Table: `Mixed "Case"`}, Columns: asText})
	if len(got.Rejects) > 0 || len(got.Rows) != 4 || got.Rows[0][5] != "-1234567890.12" || got.Rows[0][14] != "23:59:59.999999" || got.Rows[0][21] != "AP8=" {
		t.Errorf("as text: %v, rejects %v", got.Rows, got.Rejects)
	}
}

func testNumeric(t *testing.T, pg *pgtest.Server, s *Source) {
	pg.Exec(t, `CREATE TABLE nums (free numeric, small numeric(18,4), wide numeric(38,18), huge numeric(60,30));
		INSERT INTO nums VALUES
			(12345678901234567890.123456789, 12345678901234.5678, 12345678901234567890.123456789012345678, 123456789012345678901234567890.000000000000000000000000000001),
			(-0.000000001, -0.0001, -0.000000000000000001, -1), ('NaN', 'NaN', 'NaN', 'NaN'), (0, 0, 0, 0),
			(99999999999999999999999999999.999999999, 10000, 10000, 10000), (1000000000000, 1, 1, 1)`)
	d := describe(t, s, "public", "nums")
	types := []warehouse.Type{d.Columns[0].Type, d.Columns[1].Type, d.Columns[2].Type, d.Columns[3].Type}
	if diff := cmp.Diff([]warehouse.Type{warehouse.Numeric, warehouse.Numeric, warehouse.BigNumeric, warehouse.String}, types); diff != "" {
		t.Fatal(diff)
	}
	_, got, nulled := load(t, s, source.PlanRequest{Object: source.Object{Schema: "public", Table: "nums"}, Columns: d.Columns})
	want := [][]string{
		{"-0.000000001", "-0.0001", "-0.000000000000000001", "-1.000000000000000000000000000000"},
		{"0", "0", "0", "0.000000000000000000000000000000"},
		{"1000000000000", "1", "1", "1.000000000000000000000000000000"},
		{"12345678901234567890.123456789", "12345678901234.5678", "12345678901234567890.123456789012345678", "123456789012345678901234567890.000000000000000000000000000001"},
		{"99999999999999999999999999999.999999999", "10000", "10000", "10000.000000000000000000000000000000"},
		{"∅", "∅", "∅", "NaN"},
	}
	if diff := cmp.Diff(want, got.Rows); diff != "" {
		t.Error(diff)
	}
	if nulled["free: NaN or infinity became NULL"] != 1 {
		t.Errorf("nulled: %v", nulled)
	}
	pg.Exec(t, `CREATE TABLE misfit (id int, v numeric); INSERT INTO misfit VALUES (1, 1.5), (2, 0.1234567891), (3, 1e30), (4, 2)`)
	_, got, _ = load(t, s, source.PlanRequest{Object: source.Object{Schema: "public", Table: "misfit"}, Columns: []etl.Column{
		{Source: "id", SourceType: "integer", Name: "id", Type: warehouse.Int64}, {Source: "v", SourceType: "numeric", Name: "v", Type: warehouse.Numeric}}})
	var reasons []string
	for _, r := range got.Rejects {
		reasons = append(reasons, r.Row+" | "+r.Reason+" | "+r.Kind)
	}
	wantReasons := []string{
		`id=2, v=0.1234567891 | column v: "0.1234567891" is not a decimal that fits: at most 38 digits, 9 of them after the point | not a decimal that fits`,
		`id=3, v=1000000000000000000000000000000 | column v: "1000000000000000000000000000000" is not a decimal that fits: at most 38 digits, 9 of them after the point | not a decimal that fits`,
	}
	if diff := cmp.Diff(wantReasons, reasons); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([][]string{{"1", "1.5"}, {"4", "2"}}, got.Rows); diff != "" {
		t.Error(diff)
	}
}

// The same rows come out under any chunking, whatever the table is.
func testChunks(t *testing.T, pg *pgtest.Server, s *Source) {
	pg.Exec(t, `CREATE TABLE big (id bigint PRIMARY KEY, name text, v numeric(10,2), at timestamptz);
		INSERT INTO big SELECT i, 'row ' || i || repeat('x', i % 200), i / 100.0, '2024-01-01'::timestamptz + i * interval '1 minute' FROM generate_series(1, 20000) i;
		DELETE FROM big WHERE id % 7 = 0; ANALYZE big;
		CREATE VIEW big_view AS SELECT id, upper(name) AS name FROM big WHERE id < 5000;
		CREATE MATERIALIZED VIEW big_mat AS SELECT * FROM big;
		CREATE TABLE parted (id bigint, region text) PARTITION BY LIST (region);
		CREATE TABLE parted_a PARTITION OF parted FOR VALUES IN ('a');
		CREATE TABLE parted_b PARTITION OF parted FOR VALUES IN ('b');
		INSERT INTO parted SELECT i, CASE WHEN i % 10 = 0 THEN 'b' ELSE 'a' END FROM generate_series(1, 30000) i; ANALYZE parted;
		CREATE TABLE empty (id int); CREATE TABLE one (id int); INSERT INTO one VALUES (1)`)
	for _, c := range []struct {
		table string
		rows  int
		parts bool
	}{{"big", 17143, true}, {"big_view", 4285, false}, {"big_mat", 17143, true}, {"parted", 30000, true}, {"empty", 0, false}, {"one", 1, false}} {
		d := describe(t, s, "public", c.table)
		req := source.PlanRequest{Object: source.Object{Schema: "public", Table: c.table}, Columns: d.Columns}
		_, whole, _ := load(t, s, req)
		if len(whole.Rows) != c.rows {
			t.Errorf("%s: %d rows, want %d", c.table, len(whole.Rows), c.rows)
		}
		for _, n := range []int64{5_000, 700} {
			req.ChunkRows = n
			p, got, _ := load(t, s, req)
			if c.parts && n == 700 && len(p.Chunks) < 10 {
				t.Errorf("%s in chunks of %d rows: only %d chunks", c.table, n, len(p.Chunks))
			}
			if diff := cmp.Diff(whole.Rows, got.Rows); diff != "" {
				t.Fatalf("%s in chunks of %d rows differs: %s", c.table, n, diff[:min(500, len(diff))])
			}
		}
	}
}

func testSnapshot(t *testing.T, pg *pgtest.Server, s *Source) {
	ctx := context.Background()
	pg.Exec(t, `CREATE TABLE moving (id int, v int); INSERT INTO moving SELECT i, 0 FROM generate_series(1, 10000) i; ANALYZE moving`)
	cols := describe(t, s, "public", "moving").Columns
	o := source.Object{Schema: "public", Table: "moving"}
	p, err := s.Plan(ctx, source.PlanRequest{Object: o, Columns: cols, ChunkRows: 1000})
	if err != nil {
		t.Fatal(err)
	}
	pg.Exec(t, `UPDATE moving SET v = 1; DELETE FROM moving WHERE id <= 100; INSERT INTO moving SELECT i, 2 FROM generate_series(1, 500) i`)
	out := &sourcetest.Collector{}
	for _, c := range p.Chunks {
		if _, err := s.Read(ctx, source.ReadRequest{Object: o, Columns: cols, Spec: c.Spec, Snapshot: p.Snapshot}, out); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range out.Rows {
		if r[1] != "0" {
			t.Fatalf("row %v is from after the snapshot", r)
		}
	}
	if len(out.Rows) != 10000 {
		t.Errorf("%d rows, want 10000", len(out.Rows))
	}
	if err := p.Hold.Close(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond)
	_, err = s.Read(ctx, source.ReadRequest{Object: o, Columns: cols, Spec: p.Chunks[0].Spec, Snapshot: p.Snapshot}, out)
	if !problem.Is(err, problem.FailedPrecondition) || !strings.Contains(err.Error(), source.ErrSnapshotLost.Error()) {
		t.Errorf("after the holder is gone: %v", err)
	}
}

func testWindow(t *testing.T, pg *pgtest.Server, s *Source) {
	ctx := context.Background()
	pg.Exec(t, `CREATE TABLE facts (id int, at timestamptz, day date, seq bigint);
		INSERT INTO facts SELECT i, '2024-01-01'::timestamptz + i * interval '1 hour 1 microsecond', ('2024-01-01'::date + i / 24), i FROM generate_series(1, 5000) i;
		INSERT INTO facts VALUES (9001, now(), current_date, 9001), (9002, now() + interval '1 day', current_date + 1, 9002), (9003, NULL, NULL, NULL), (9004, 'infinity', 'infinity', 9004);
		CREATE INDEX ON facts (at); ANALYZE facts`)
	cols := describe(t, s, "public", "facts").Columns
	o := source.Object{Schema: "public", Table: "facts"}
	for _, column := range []string{"at", "day"} {
		seen := map[string]int{}
		from := ""
		for round := range 4 {
			p, got, _ := load(t, s, source.PlanRequest{Object: o, Columns: cols, TimeColumn: column, From: from, Lag: 5 * time.Minute, ChunkRows: 700})
			for _, r := range got.Rows {
				seen[r[0]]++
			}
			if round > 0 && round < 3 && len(got.Rows) != round {
				t.Errorf("%s, round %d: %d rows", column, round, len(got.Rows))
			}
			if round == 3 && (p.To != from || len(p.Chunks) != 0) {
				t.Errorf("%s: nothing is new, but the plan is %+v", column, p)
			}
			// A second plan with the same bound reads the same rows, whatever came since.
			again, got2, _ := load(t, s, source.PlanRequest{Object: o, Columns: cols, TimeColumn: column, From: from, To: p.To, Lag: 5 * time.Minute})
			if again.To != p.To || len(got2.Rows) != len(got.Rows) {
				t.Errorf("%s: planned again to %s with %d rows, was %s with %d", column, again.To, len(got2.Rows), p.To, len(got.Rows))
			}
			from = p.To
			if round < 2 {
				for i := range round + 1 {
					pg.Exec(t, fmt.Sprintf(`INSERT INTO facts VALUES (%d, '2025-01-%02d 00:00:00.0000%02d'::timestamptz, '2025-01-%02d', 0)`, 5001+round*10+i, round+1, i+1, round+1))
				}
			}
		}
		if len(seen) != 5003 {
			t.Errorf("%s: %d rows in all", column, len(seen))
		}
		for id, n := range seen {
			if n != 1 {
				t.Errorf("%s: row %s came %d times", column, id, n)
			}
		}
		pg.Exec(t, `DELETE FROM facts WHERE id BETWEEN 5001 AND 8000`)
	}
	p, got, _ := load(t, s, source.PlanRequest{Object: o, Columns: cols, TimeColumn: "seq", From: "4990"})
	if p.To != "9004" || len(got.Rows) != 13 {
		t.Errorf("by number: to %s, %d rows", p.To, len(got.Rows))
	}
	// A bound is a value, not SQL.
	_, err := s.Plan(ctx, source.PlanRequest{Object: o, Columns: cols, TimeColumn: "at", From: "2024-01-01'; DROP TABLE facts; --"})
	if !problem.Is(err, problem.FailedPrecondition) {
		t.Errorf("a malformed bound: %v", err)
	}
	if _, err := s.Plan(ctx, source.PlanRequest{Object: o, Columns: cols, TimeColumn: "id; DROP TABLE facts"}); !problem.Is(err, problem.FailedPrecondition) {
		t.Errorf("a malformed column: %v", err)
	}
	if describe(t, s, "public", "facts").Rows < 5000 {
		t.Error("the table is gone")
	}
}

func testCatalogue(t *testing.T, pg *pgtest.Server, s *Source) {
	pg.Exec(t, `CREATE TABLE keyed (b int, a text, created_at timestamptz, updated_at timestamp, PRIMARY KEY (a, b)); INSERT INTO keyed VALUES (1, 'x', now(), now())`)
	d := describe(t, s, "public", "keyed")
	if diff := cmp.Diff([]string{"a", "b"}, d.Keys); diff != "" {
		t.Error(diff)
	}
	if d.Recommended != "created_at" || len(d.Timestamps) != 2 || len(d.Columns[1].Samples) != 1 || d.Columns[1].Samples[0] != "x" {
		t.Errorf("described as %+v", d)
	}
	tables, err := s.Test(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]string{}
	for _, x := range tables {
		kinds[x.Name] = x.Kind
	}
	for name, kind := range map[string]string{"keyed": "table", "big_view": "view", "big_mat": "materialized view", "parted": "table", "parted_a": ""} {
		if kinds[name] != kind {
			t.Errorf("%s is listed as %q, want %q", name, kinds[name], kind)
		}
	}
}

func testErrors(t *testing.T, pg *pgtest.Server, s *Source) {
	ctx := context.Background()
	with := func(change map[string]any, secret string, guard *source.Guard) error {
		params := pg.Params()
		for k, v := range change {
			params[k] = v
		}
		x, err := Open(source.Config{Params: params, Secrets: map[string]string{"password": secret}, Guard: guard})
		if err != nil {
			return err
		}
		_, err = x.Test(ctx)
		return err
	}
	allow := &source.Guard{AllowPrivate: true}
	good := pg.Secrets()["password"]
	for name, c := range map[string]struct {
		err  error
		code problem.Code
		says string
	}{
		"wrong password":   {with(nil, "hunter2", allow), problem.PermissionDenied, "authentication"},
		"no such database": {with(map[string]any{"database": "nope"}, good, allow), problem.NotFound, `"nope"`},
		"nobody there":     {with(map[string]any{"port": int64(1)}, good, allow), problem.Unavailable, "broke"},
		"no such host":     {with(map[string]any{"host": "no-such-host.invalid", "tls": "require"}, good, allow), problem.Unavailable, "host"},
		"private host":     {with(map[string]any{"tls": "require"}, good, &source.Guard{}), problem.PermissionDenied, "may not reach"},
		"no TLS there":     {with(map[string]any{"tls": "require"}, good, allow), problem.FailedPrecondition, "TLS"},
		"TLS off outside":  {with(map[string]any{"host": "db.example.com"}, good, &source.Guard{}), problem.InvalidArgument, "TLS"},
		"socket path":      {with(map[string]any{"host": "/tmp"}, good, allow), problem.InvalidArgument, "host name"},
	} {
		if !problem.Is(c.err, c.code) || !strings.Contains(c.err.Error(), c.says) {
			t.Errorf("%s: %v, want %s with %q", name, c.err, c.code, c.says)
		}
		if c.err != nil && (strings.Contains(c.err.Error(), "hunter2") || strings.Contains(c.err.Error(), good)) {
			t.Errorf("%s: the password is in the error", name)
		}
	}
	if _, err := s.Describe(ctx, source.Object{Schema: "public", Table: "nope"}); !problem.Is(err, problem.NotFound) {
		t.Errorf("a missing table: %v", err)
	}
}

func testKeyRanges(t *testing.T, pg *pgtest.Server, s *Source) {
	ctx := context.Background()
	x, err := s.begin(ctx, "", lookTimeout)
	if err != nil {
		t.Fatal(err)
	}
	defer x.close()
	o := source.Object{Schema: "public", Table: "big"}
	r, err := x.relation(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	var p source.Plan
	if err := x.byKey(ctx, source.PlanRequest{Object: o}, r, spec{}, 9, &p); err != nil {
		t.Fatal(err)
	}
	cols := describe(t, s, "public", "big").Columns
	out := &sourcetest.Collector{}
	for _, c := range p.Chunks {
		if _, err := s.Read(ctx, source.ReadRequest{Object: o, Columns: cols, Spec: c.Spec}, out); err != nil {
			t.Fatal(err)
		}
	}
	ids := map[string]bool{}
	for _, row := range out.Rows {
		ids[row[0]] = true
	}
	if len(p.Chunks) != 9 || len(out.Rows) != 17143 || len(ids) != 17143 {
		t.Errorf("%d chunks, %d rows, %d ids", len(p.Chunks), len(out.Rows), len(ids))
	}
}
