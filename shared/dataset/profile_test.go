package dataset_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/b2brecs/b2brecs/shared/dataset"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// TestProfile has every finding but those that exclude each other.
func TestProfile(t *testing.T) {
	wh := open(t)
	cols := append(append([]warehouse.Column{}, saleCols...), warehouse.Column{Name: "channel", Type: warehouse.String})
	var rows [][]any
	for i := range 60 {
		rows = append(rows, []any{i % 7, fmt.Sprint("p", i%5), at(1, 0).AddDate(0, 0, i%40), float64(i%7) + 0.5, []any{"web", "shop", nil}[i%3]})
	}
	rows = append(rows,
		[]any{nil, "p1", at(1, 0), 1.0, nil}, []any{3, "", at(1, 0), 1.0, nil}, // no customer, no product
		[]any{3, "p1", nil, -20.0, nil},                                              // a return without a time
		[]any{3, "p9", at(1, 0).AddDate(3, 0, 0), 2.0, nil},                          // the future
		[]any{50, "p1", at(3, 0), 7.0, "web"}, []any{50, "p1", at(3, 0), 7.0, "web"}) // twice
	load(t, wh, sales, cols, rows)
	load(t, wh, products, []warehouse.Column{{Name: "item_no", Type: warehouse.String}, {Name: "name", Type: warehouse.String}},
		[][]any{{"p0", "a"}, {"p1", "b"}, {"p1", "c"}, {"p2", "d"}})
	def := base()
	def.Joins = []dataset.Join{{Table: products, LeftColumn: "item_no", FanOut: dataset.FanOutFirst}}
	def.Columns = append(def.Columns, col(sales, "channel"), col(products, "name"))
	p, err := dataset.Analyze(t.Context(), wh, "p", dataset.Version{Dataset: "d", Number: 3, Definition: def}, now)
	must(t, err)
	if p.Seconds <= 0 || p.Seconds > 10 {
		t.Errorf("%g seconds", p.Seconds)
	}
	p.Seconds = 0
	b, err := json.MarshalIndent(p, "", "  ")
	must(t, err)
	golden(t, "profile.json", string(b)+"\n")
}

func TestProfileOfNothing(t *testing.T) {
	wh := open(t)
	load(t, wh, sales, saleCols, nil)
	p, err := dataset.Analyze(t.Context(), wh, "p", version(base()), now)
	must(t, err)
	if p.Rating != "blocked" || p.Score != 0 || len(p.Findings) != 1 || p.Findings[0].Code != "no_rows" {
		t.Errorf("%+v", p)
	}
	load(t, wh, sales, saleCols, [][]any{{1, "a", at(1, 0), 1.0}, {1, "b", at(1, 0), 1.0}})
	p, err = dataset.Analyze(t.Context(), wh, "p", version(base()), now)
	must(t, err)
	if p.Rating != "blocked" || p.Findings[0].Code != "customers" {
		t.Errorf("%+v", p.Findings)
	}
}

// TestCurves have at most 100 points, rise to 1 and end at the last entity.
func TestCurves(t *testing.T) {
	wh := open(t)
	var rows [][]any
	for i := range 2500 {
		rows = append(rows, []any{i, fmt.Sprint("p", i%3), at(1, 0), float64(i % 50)})
	}
	load(t, wh, sales, saleCols, rows)
	p, err := dataset.Analyze(t.Context(), wh, "p", version(base()), now)
	must(t, err)
	for name, curve := range map[string][]dataset.ParetoPoint{"customers": p.CustomerPareto, "products": p.ProductPareto} {
		if len(curve) == 0 || len(curve) > 100 {
			t.Fatalf("%s: %d points", name, len(curve))
		}
		for i := 1; i < len(curve); i++ {
			if a, b := curve[i-1], curve[i]; a.Rank >= b.Rank || a.Share > b.Share || a.ValueShare > b.ValueShare {
				t.Errorf("%s: %+v then %+v", name, a, b)
			}
		}
		if last := curve[len(curve)-1]; last.ValueShare != 1 || last.Share != 1 {
			t.Errorf("%s ends at %+v", name, last)
		}
	}
	if n := p.CustomerPareto[len(p.CustomerPareto)-1].Rank; n != 2450 { // 50 customers have the value 0
		t.Errorf("the curve ends at rank %d", n)
	}
}
