package state_test

import (
	"encoding/base64"
	"math"
	"strings"
	"testing"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
)

// A place comes back with its value and the value's type, from the same query alone.
func TestCursor(t *testing.T) {
	q := state.Query{OrderBy: "v", Where: []state.Where{{Field: "n", Op: state.Eq, Value: int64(1)}}, Limit: 5}
	for _, v := range []any{nil, true, false, int64(0), int64(1<<53 + 1), int64(math.MinInt64), 0.0, 1.0, 0.1, 1e300, math.Inf(1), math.Inf(-1), "", "1", "true", "ł\x00'<"} {
		at := state.Place{Value: v, ID: "d/ł"}
		next := q
		next.Cursor, next.Limit = q.CursorAt("docs", at), 7
		if got, err := next.Place("docs"); err != nil || got != at {
			t.Errorf("%T %v became %T %v, %v", v, v, got.Value, got.Value, err)
		}
		others := map[string]state.Query{"collection": next, "order": next, "direction": next, "filter": next}
		for what, other := range others {
			collection := "docs"
			switch what {
			case "collection":
				collection = "others"
			case "order":
				other.OrderBy = "w"
			case "direction":
				other.Desc = true
			case "filter":
				other.Where = []state.Where{{Field: "n", Op: state.Eq, Value: "1"}}
			}
			if _, err := other.Place(collection); !problem.Is(err, problem.InvalidArgument) {
				t.Errorf("a cursor of another %s: %v", what, err)
			}
		}
	}
	good, _ := base64.RawURLEncoding.DecodeString(q.CursorAt("docs", state.Place{Value: int64(1), ID: "a"}))
	for what, bad := range map[string]string{
		"text": "?", "no JSON": encoded("{"), "kind": encoded(strings.Replace(string(good), `"k":"i"`, `"k":"x"`, 1)),
		"value": encoded(strings.Replace(string(good), `"v":"1"`, `"v":"x"`, 1)), "id": encoded(strings.Replace(string(good), `"i":"a"`, `"i":""`, 1)),
	} {
		q.Cursor = bad
		if _, err := q.Place("docs"); !problem.Is(err, problem.InvalidArgument) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func encoded(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
