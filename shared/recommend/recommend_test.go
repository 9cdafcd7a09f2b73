package recommend_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/b2brecs/b2brecs/shared/experiment"
	"github.com/b2brecs/b2brecs/shared/experiment/experimenttest"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/recommend"
)

type fixture struct {
	experimenttest.Parts
	recommend.Service
}

func open(t *testing.T) fixture {
	p := experimenttest.Open(t, "", "")
	return fixture{p, recommend.Service{State: p.State, Warehouse: p.Warehouse}}
}

// complete gives an experiment with its lists in the warehouse.
func (f fixture) complete(t *testing.T) experiment.Experiment {
	t.Helper()
	e := f.Prepare(t, f.Start(t))
	f.Results(t, e)
	result, history, err := experiment.Harvest(t.Context(), f.Pipelines, f.Parts.Warehouse, e, time.Now().UTC())
	if err != nil {
		t.Fatal(err)
	}
	if e, err = experiment.Finish(t.Context(), f.Parts.State, e, result, history); err != nil {
		t.Fatal(err)
	}
	return e
}

func query(customer string) recommend.Query {
	return recommend.Query{Project: experimenttest.Project, Customer: customer}
}

func products(l recommend.List) string {
	var out []string
	for _, i := range l.Items {
		out = append(out, i.Product)
	}
	return strings.Join(out, " ")
}

func TestLists(t *testing.T) {
	f := open(t)
	e := f.complete(t)
	for name, c := range map[string]struct {
		change   func(*recommend.Query)
		customer string
		source   recommend.Source
		want     string
		reason   bool
	}{
		"known":               {nil, "c1", recommend.Model, "p1 p2", false},
		"k":                   {func(q *recommend.Query) { q.K = 1 }, "c1", recommend.Model, "p1", false},
		"without seen":        {func(q *recommend.Query) { q.ExcludeSeen = true }, "c1", recommend.Model, "p2", false},
		"unknown":             {nil, "nobody", recommend.Popular, "p0 p1", true},
		"unknown, not seen":   {func(q *recommend.Query) { q.ExcludeSeen = true }, "nobody", recommend.Popular, "p0 p1", true},
		"text of a statement": {nil, "c1' OR '1'='1", recommend.Popular, "p0 p1", true},
		"named experiment":    {func(q *recommend.Query) { q.Experiment = e.ID }, "c2", recommend.Model, "p2 p1", false},
	} {
		t.Run(name, func(t *testing.T) {
			q := query(c.customer)
			if c.change != nil {
				c.change(&q)
			}
			l, err := f.For(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			if l.Source != c.source || products(l) != c.want || (l.Reason != "") != c.reason || l.Experiment != e.ID || l.Customer != c.customer {
				t.Errorf("list = %+v", l)
			}
			for i, item := range l.Items {
				if item.Rank != int64(i+1) || item.Score <= 0 {
					t.Errorf("item %d = %+v", i, item)
				}
			}
		})
	}
}

func TestAttributesAndPurchases(t *testing.T) {
	f := open(t)
	f.complete(t)
	q := query("c0")
	q.Bought = 3
	l, err := f.For(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	// Rows 0, 3, 6 … 21 are c0's: product i mod 4 on day i.
	day := func(i int) time.Time { return time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, i) }
	a := func(category string) map[string]any { return map[string]any{"category": category, "brand": "brand"} }
	wantBought := []recommend.Purchase{
		{Product: "p1", Time: day(21), Count: 2, Attributes: a("category 1")},
		{Product: "p2", Time: day(18), Count: 2, Attributes: a("category 0")},
		{Product: "p3", Time: day(15), Count: 2, Attributes: map[string]any{"brand": "brand"}}, // its category is missing
	}
	if d := cmp.Diff(wantBought, l.Bought); d != "" {
		t.Error(d)
	}
	wantItems := []recommend.Item{
		{Product: "p0", Score: 1, Rank: 1, Seen: true, Attributes: a("category 0")},
		{Product: "p3", Score: 0.5, Rank: 2, Attributes: map[string]any{"brand": "brand"}},
	}
	if d := cmp.Diff(wantItems, l.Items); d != "" {
		t.Error(d)
	}
}

func TestWhichExperimentAnswers(t *testing.T) {
	f := open(t)
	if _, err := f.For(t.Context(), query("c0")); !problem.Is(err, problem.NotFound) || problem.Of(err).Next == "" {
		t.Errorf("without an experiment: %v", err)
	}
	first, second, running := f.complete(t), f.complete(t), f.Start(t)
	answers := func() string {
		t.Helper()
		l, err := f.For(t.Context(), query("c0"))
		if err != nil {
			t.Fatal(err)
		}
		return l.Experiment
	}
	if got := answers(); got != second.ID {
		t.Errorf("%s answers, want the newest completed", got)
	}
	if err := f.Choose(t.Context(), experimenttest.Project, running.ID); !problem.Is(err, problem.FailedPrecondition) {
		t.Errorf("choosing a running experiment: %v", err)
	}
	if err := f.Choose(t.Context(), experimenttest.Project, "gone"); !problem.Is(err, problem.NotFound) {
		t.Errorf("choosing an unknown experiment: %v", err)
	}
	if err := f.Choose(t.Context(), experimenttest.Project, first.ID); err != nil {
		t.Fatal(err)
	}
	if got := answers(); got != first.ID {
		t.Errorf("%s answers, want the chosen one", got)
	}
	if err := f.Parts.Service().Delete(t.Context(), first.Project, first.ID); err != nil {
		t.Fatal(err)
	}
	if got := answers(); got != second.ID {
		t.Errorf("after the chosen one is deleted %s answers, want the newest", got)
	}
}

func TestCustomers(t *testing.T) {
	f := open(t)
	f.complete(t)
	for search, want := range map[string][]recommend.Customer{
		"":   {{ID: "c0", Purchases: 8}, {ID: "c1", Purchases: 8}, {ID: "c2", Purchases: 8}},
		"C1": {{ID: "c1", Purchases: 8}},
		"%":  {},
		"_":  {},
	} {
		got, err := f.Customers(t.Context(), experimenttest.Project, "", search, 50)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
			t.Errorf("search %q: %s", search, d)
		}
	}
	if _, err := f.Customers(t.Context(), experimenttest.Project, "", "", 201); !problem.Is(err, problem.InvalidArgument) {
		t.Errorf("a page of 201: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	f := open(t)
	f.complete(t)
	for field, change := range map[string]func(*recommend.Query){
		"k":        func(q *recommend.Query) { q.K = 101 },
		"bought":   func(q *recommend.Query) { q.Bought = -1 },
		"customer": func(q *recommend.Query) { q.Customer = "" },
	} {
		q := query("c0")
		change(&q)
		_, err := f.For(t.Context(), q)
		if p := problem.Of(err); p == nil || p.Code != problem.InvalidArgument || len(p.Fields) != 1 || p.Fields[0].Location != field {
			t.Errorf("%s: %+v", field, p)
		}
	}
}
