package warehouse_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

func TestRowsJSON(t *testing.T) {
	at := time.Date(2026, 2, 3, 4, 5, 6, 7000, time.UTC)
	r := warehouse.Rows{
		Columns: []warehouse.Column{{Type: warehouse.Date}, {Type: warehouse.DateTime}, {Type: warehouse.Timestamp}, {Type: warehouse.Float64}, {Type: warehouse.Float64}, {Type: warehouse.Date, Repeated: true}, {Type: warehouse.Bytes}, {Type: warehouse.Int64}},
		Values:  [][]any{{at, at, at, math.NaN(), math.Inf(-1), []any{at, nil}, []byte{1}, nil}},
	}
	b, err := json.Marshal(r.JSON())
	if err != nil {
		t.Fatal(err)
	}
	want := `[["2026-02-03","2026-02-03T04:05:06.000007","2026-02-03T04:05:06.000007Z","NaN","-Inf",["2026-02-03",null],"AQ==",null]]`
	if string(b) != want {
		t.Errorf("%s\nwant %s", b, want)
	}
}

func TestParams(t *testing.T) {
	for sql, want := range map[string][]string{
		"SELECT @a, @b_2 + @a":                  {"a", "b_2", "a"},
		"SELECT '@x', \"@y\", `@z` -- @c\n, @d": {"d"},
		"SELECT 'it''s @x' /* @y */ || @z":      {"z"},
		"SELECT @ a, @@b":                       {"b"},
		"SELECT `a\\`@x` , @y":                  {"y"},
		"SELECT 'open @x":                       nil,
	} {
		var got []string
		for name := range warehouse.ParamNames(sql) {
			got = append(got, name)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", sql, diff)
		}
	}
	if got := warehouse.RewriteParams("a = @a AND b = '@a' AND c = @c", func(n string) string { return "$" + strings.ToUpper(n) }); got != "a = $A AND b = '@a' AND c = $C" {
		t.Error(got)
	}
}

// TestQuotedTextIsLeftAlone: text in quotes comes through a rewrite unchanged.
func TestQuotedTextIsLeftAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := "'" + strings.ReplaceAll(rapid.String().Draw(t, "text"), "'", "''") + "'"
		ident := `"` + strings.ReplaceAll(rapid.String().Draw(t, "ident"), `"`, `""`) + `"`
		sql := "SELECT " + text + " AS " + ident + " FROM t"
		if got := warehouse.RewriteParams(sql, func(string) string { return "?" }); got != sql {
			t.Fatalf("%q became %q", sql, got)
		}
	})
}

// What BigQuery keeps for itself is refused everywhere, not only there.
func TestReservedColumnNames(t *testing.T) {
	w := warehouse.New(nil) // nothing reaches a driver
	for _, name := range []string{"_file_generation", "_FILE_x", "_TABLE_suffix", "_PARTITIONTIME", "_row_timestamp", "__root__x", "_Colidentifier1"} {
		err := w.Create(t.Context(), warehouse.Table{Ref: warehouse.Ref{Dataset: "raw_data", Name: "t"}, Columns: []warehouse.Column{{Name: name, Type: warehouse.String}}})
		if !problem.Is(err, problem.InvalidArgument) || len(problem.Of(err).Fields) != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
