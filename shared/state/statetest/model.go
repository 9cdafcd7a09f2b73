package statetest

import (
	"cmp"
	"encoding/json"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
)

// model runs random operations against the store and a map side by side.
func model(t *testing.T, db *state.DB) {
	ctx := t.Context()
	rapid.Check(t, func(rt *rapid.T) {
		c := state.Of[item](db, "model-"+state.NewID())
		shadow := map[string]item{}
		id := rapid.StringMatching(`[a-zA-Zä][0-9~ ]?`)
		value := rapid.Custom(func(rt *rapid.T) item {
			v := item{
				Name:  rapid.SampledFrom([]string{"", "a", "B", "é", "aa", "'"}).Draw(rt, "name"),
				Count: rapid.IntRange(-3, 3).Draw(rt, "count"),
				Done:  rapid.Bool().Draw(rt, "done"),
			}
			if rapid.Bool().Draw(rt, "scored") {
				f := rapid.SampledFrom([]float64{-1.5, 0, 0.1, 1, 1e300}).Draw(rt, "score")
				v.Score = &f
			}
			return v
		})
		rt.Repeat(map[string]func(*rapid.T){
			"create": func(rt *rapid.T) {
				id, v := id.Draw(rt, "id"), value.Draw(rt, "value")
				err := c.Create(ctx, id, v)
				if _, there := shadow[id]; there != problem.Is(err, problem.AlreadyExists) || !there && err != nil {
					rt.Fatalf("create %q: %v", id, err)
				} else if !there {
					shadow[id] = v
				}
			},
			"put": func(rt *rapid.T) {
				id, v := id.Draw(rt, "id"), value.Draw(rt, "value")
				if err := c.Put(ctx, id, v); err != nil {
					rt.Fatal(err)
				}
				shadow[id] = v
			},
			"delete": func(rt *rapid.T) {
				id := id.Draw(rt, "id")
				if err := c.Delete(ctx, id); err != nil {
					rt.Fatal(err)
				}
				delete(shadow, id)
			},
			"get": func(rt *rapid.T) {
				id := id.Draw(rt, "id")
				got, err := c.Get(ctx, id)
				want, there := shadow[id]
				if there != (err == nil) || err != nil && !problem.Is(err, problem.NotFound) {
					rt.Fatalf("get %q: %v", id, err)
				}
				if d := gocmp.Diff(want, got); d != "" {
					rt.Fatal(d)
				}
			},
			"query": func(rt *rapid.T) {
				q := state.Query{
					OrderBy: rapid.SampledFrom([]string{"", "name", "count", "score", "done"}).Draw(rt, "order"),
					Desc:    rapid.Bool().Draw(rt, "desc"),
					Limit:   rapid.IntRange(1, 4).Draw(rt, "limit"),
				}
				if rapid.Bool().Draw(rt, "filtered") {
					q.Where = []state.Where{{
						Field: "count",
						Op:    rapid.SampledFrom([]state.Op{state.Eq, state.Lt, state.Le, state.Gt, state.Ge}).Draw(rt, "op"),
						Value: rapid.IntRange(-3, 3).Draw(rt, "than"),
					}}
				}
				got := []item{}
				for v, err := range c.All(ctx, q) {
					if err != nil {
						rt.Fatal(err)
					}
					got = append(got, v)
				}
				if d := gocmp.Diff(answer(shadow, q), got); d != "" {
					rt.Fatalf("%+v (-want +got):\n%s", q, d)
				}
			},
		})
	})
}

// answer is the query over the map.
func answer(docs map[string]item, q state.Query) []item {
	type row struct {
		id  string
		key any
		v   item
	}
	rows := []row{}
	for id, v := range docs {
		if len(q.Where) == 1 {
			c := cmp.Compare(v.Count, q.Where[0].Value.(int))
			if ok := map[state.Op]bool{state.Eq: c == 0, state.Lt: c < 0, state.Le: c <= 0, state.Gt: c > 0, state.Ge: c >= 0}[q.Where[0].Op]; !ok {
				continue
			}
		}
		r := row{id: id, v: v}
		if q.OrderBy != "" {
			b, _ := json.Marshal(v)
			var m map[string]any
			_ = json.Unmarshal(b, &m)
			key, there := m[q.OrderBy]
			if !there {
				continue
			}
			r.key = key
		}
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(a, b row) int {
		c := compareKeys(a.key, b.key)
		if c == 0 {
			c = cmp.Compare(a.id, b.id)
		}
		if q.Desc {
			return -c
		}
		return c
	})
	out := []item{}
	for _, r := range rows {
		out = append(out, r.v)
	}
	return out
}

func compareKeys(a, b any) int {
	switch a := a.(type) {
	case string:
		return cmp.Compare(a, b.(string))
	case float64:
		return cmp.Compare(a, b.(float64))
	case bool:
		x, y := 0, 0
		if a {
			x = 1
		}
		if b.(bool) {
			y = 1
		}
		return cmp.Compare(x, y)
	}
	return 0
}
