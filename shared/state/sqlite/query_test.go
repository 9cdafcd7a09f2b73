package sqlite_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/b2brecs/b2brecs/shared/state"
)

// An order goes on from page to page over values of every kind, those included that
// JSON has and a float has not: SQLite reads 1e999 as infinity.
func TestPagesOverEveryKindOfValue(t *testing.T) {
	docs := state.Of[json.RawMessage](open(t, filepath.Join(t.TempDir(), "state.db")), "docs")
	values := []string{"null", "false", "true", "-1e999", "-1.5", "9007199254740993", "1e999", "1e999", `"1e999"`}
	for i, v := range values {
		if err := docs.Put(t.Context(), string(rune('a'+i)), json.RawMessage(`{"v":`+v+`}`)); err != nil {
			t.Fatal(err)
		}
	}
	for _, desc := range []bool{false, true} {
		var got []string
		for d, err := range docs.All(t.Context(), state.Query{OrderBy: "v", Desc: desc, Limit: 1}) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, strings.TrimSuffix(strings.TrimPrefix(string(d), `{"v":`), "}"))
		}
		want := strings.Join(values, " ")
		if desc {
			var back []string
			for i := range values {
				back = append(back, values[len(values)-1-i])
			}
			want = strings.Join(back, " ")
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("descending %t: %s, want %s", desc, s, want)
		}
	}
}
