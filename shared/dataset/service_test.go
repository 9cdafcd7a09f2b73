package dataset_test

import (
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/b2brecs/b2brecs/shared/dataset"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/state/sqlite"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// serviceOn answers on a warehouse, with one project, p1.
func serviceOn(t *testing.T, wh *warehouse.Warehouse) (*dataset.Service, *state.DB) {
	t.Helper()
	drv, err := sqlite.Open(filepath.Join(t.TempDir(), "state.db"))
	must(t, err)
	db := state.New(drv)
	t.Cleanup(func() { db.Close() })
	s := dataset.NewService(db, wh)
	_, err = s.CreateProject(t.Context(), dataset.Project{ID: "p1", Name: "First"})
	must(t, err)
	return s, db
}

func service(t *testing.T) (*dataset.Service, *state.DB, *warehouse.Warehouse) {
	t.Helper()
	wh := open(t)
	load(t, wh, sales, saleCols, [][]any{{1, "a", at(1, 0), 1.0}, {2, "b", at(2, 0), 1.0}})
	s, db := serviceOn(t, wh)
	return s, db, wh
}

func ptr[T any](v T) *T { return &v }

func TestDatasetLife(t *testing.T) {
	s, db, _ := service(t)
	ctx := t.Context()
	d, err := s.Create(ctx, "p1", "key", dataset.Change{Name: ptr(" Sales "), Definition: ptr(base()), By: "ann"})
	must(t, err)
	again, err := s.Create(ctx, "p1", "key", dataset.Change{Name: ptr("Sales"), Definition: ptr(base())})
	must(t, err)
	if again.ID != d.ID || d.Name != "Sales" || d.Version != 1 {
		t.Errorf("%+v", d)
	}
	_, err = s.Create(ctx, "p1", "", dataset.Change{Name: ptr("SALES"), Definition: ptr(base())})
	code(t, err, problem.AlreadyExists)

	// The same definition written differently is no new version; another one is.
	same := base().Normalize()
	d, err = s.Update(ctx, "p1", d.ID, dataset.Change{Definition: &same, Name: ptr("Sales 2")})
	must(t, err)
	if d.Version != 1 || d.Name != "Sales 2" {
		t.Errorf("%+v", d)
	}
	changed := base()
	changed.PositiveOnly = true
	d, err = s.Update(ctx, "p1", d.ID, dataset.Change{Definition: &changed})
	must(t, err)
	if d.Version != 2 {
		t.Errorf("version %d", d.Version)
	}
	versions, err := s.Versions(ctx, "p1", d.ID)
	must(t, err)
	if len(versions) != 2 || versions[0].Number != 2 || versions[0].Hash == versions[1].Hash || len(versions[1].Schema) != 4 || versions[1].CreatedBy != "ann" {
		t.Errorf("%+v", versions)
	}
	_, err = s.Create(ctx, "p1", "", dataset.Change{Name: ptr("sales"), Definition: ptr(base())}) // the old name is free
	must(t, err)

	// A feature config keeps it.
	type config struct {
		Name       string `json:"name"`
		Definition struct {
			Dataset string `json:"dataset"`
		} `json:"definition"`
	}
	c := config{Name: "towers"}
	c.Definition.Dataset = d.ID
	configs := state.Of[config](db, "projects/p1/feature_configs")
	must(t, configs.Put(ctx, "f1", c))
	code(t, s.Delete(ctx, "p1", d.ID), problem.FailedPrecondition)
	must(t, configs.Delete(ctx, "f1"))
	must(t, s.Delete(ctx, "p1", d.ID))
	_, err = s.Get(ctx, "p1", d.ID)
	code(t, err, problem.NotFound)
	if v, err := s.Version(ctx, "p1", d.ID, 1); err != nil || v.Number != 1 {
		t.Errorf("a version of a deleted dataset: %v", err)
	}
	code(t, s.Delete(ctx, "p1", d.ID), problem.NotFound)
	page, err := s.List(ctx, "p1", "SAL", 10, "")
	must(t, err)
	if len(page.Items) != 1 || page.Items[0].Name != "sales" {
		t.Errorf("%+v", page)
	}
}

func code(t *testing.T, err error, want problem.Code) {
	t.Helper()
	if problem.CodeOf(err) != want {
		t.Errorf("code %q, want %q: %v", problem.CodeOf(err), want, err)
	}
}

func TestCreateRefused(t *testing.T) {
	s, _, _ := service(t)
	bad := base()
	bad.Columns = nil
	for name, c := range map[string]struct {
		project string
		change  dataset.Change
		want    problem.Code
	}{
		"no project":     {"p9", dataset.Change{Name: ptr("x"), Definition: ptr(base())}, problem.NotFound},
		"nothing":        {"p1", dataset.Change{}, problem.InvalidArgument},
		"blank name":     {"p1", dataset.Change{Name: ptr("  "), Definition: ptr(base())}, problem.InvalidArgument},
		"bad definition": {"p1", dataset.Change{Name: ptr("x"), Definition: &bad}, problem.InvalidArgument},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.Create(t.Context(), c.project, "", c.change)
			code(t, err, c.want)
		})
	}
}

// TestOneName: of many who want a name at once, one gets it.
func TestOneName(t *testing.T) {
	s, _, _ := service(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	got := map[problem.Code]int{}
	for range 6 {
		wg.Go(func() {
			_, err := s.Create(t.Context(), "p1", "", dataset.Change{Name: ptr("one"), Definition: ptr(base())})
			mu.Lock()
			got[problem.CodeOf(err)]++
			mu.Unlock()
		})
	}
	wg.Wait()
	if diff := cmp.Diff(map[problem.Code]int{"": 1, problem.AlreadyExists: 5}, got); diff != "" {
		t.Error(diff)
	}
}

func TestProjects(t *testing.T) {
	s, _, _ := service(t)
	ctx := t.Context()
	for _, c := range []struct{ name, id string }{{"Verkauf & Öl", "verkauf-ol"}, {"Проект", "proekt"}, {"2026", "p-2026"}} {
		p, err := s.CreateProject(ctx, dataset.Project{Name: c.name})
		must(t, err)
		if p.ID != c.id {
			t.Errorf("%q has the id %q, want %q", c.name, p.ID, c.id)
		}
	}
	p, err := s.CreateProject(ctx, dataset.Project{Name: "2026"})
	must(t, err)
	if p.ID == "p-2026" {
		t.Error("two projects with one id")
	}
	_, err = s.CreateProject(ctx, dataset.Project{ID: "p1", Name: "x"})
	code(t, err, problem.AlreadyExists)
	_, err = s.CreateProject(ctx, dataset.Project{ID: "P 1", Name: "x"})
	code(t, err, problem.InvalidArgument)
	page, err := s.Projects(ctx, 10, "")
	must(t, err)
	if len(page.Items) != 5 {
		t.Errorf("%d projects", len(page.Items))
	}
}

func TestCheckAndAnswers(t *testing.T) {
	s, _, wh := service(t)
	ctx := t.Context()
	ok, err := s.Check(ctx, base())
	must(t, err)
	if !ok.Valid || ok.Rows != 2 || len(ok.Schema) != 4 || len(ok.Findings) != 0 {
		t.Errorf("%+v", ok)
	}
	bad := base()
	bad.Roles[dataset.Customer] = "nope"
	bad.Columns[0].Column = "gone"
	r, err := s.Check(ctx, bad)
	must(t, err)
	if r.Valid || len(r.Findings) != 2 {
		t.Errorf("%+v", r)
	}
	load(t, wh, products, []warehouse.Column{{Name: "item_no", Type: warehouse.String}}, [][]any{{"a"}, {"a"}})
	fan := base()
	fan.Joins = []dataset.Join{{Table: products, LeftColumn: "item_no"}}
	r, err = s.Check(ctx, fan)
	must(t, err)
	if r.Valid || len(r.Findings) != 1 || r.Findings[0].Location != "joins[0].fan_out" {
		t.Errorf("%+v", r)
	}
	_, err = s.Create(ctx, "p1", "", dataset.Change{Name: ptr("fan"), Definition: &fan})
	code(t, err, problem.FailedPrecondition)

	d, err := s.Create(ctx, "p1", "", dataset.Change{Name: ptr("x"), Definition: ptr(base())})
	must(t, err)
	rows, err := s.Preview(ctx, "p1", d.ID, 1)
	must(t, err)
	if len(rows.Values) != 1 || rows.Columns[0].Name != "customer_no" {
		t.Errorf("%+v", rows)
	}
	for _, form := range []string{"plain", "training"} {
		text, err := s.SQL(ctx, "p1", d.ID, form)
		must(t, err)
		if text.SQL == "" || len(text.Columns) != 4 || text.Dialect != "duckdb" {
			t.Errorf("%+v", text)
		}
	}
	_, err = s.SQL(ctx, "p1", d.ID, "other")
	code(t, err, problem.InvalidArgument)
	_, err = s.Profile(ctx, "p1", d.ID, 0)
	code(t, err, problem.NotFound)
	p, err := s.Analyze(ctx, "p1", d.ID, 0)
	must(t, err)
	stored, err := s.Profile(ctx, "p1", d.ID, 1)
	must(t, err)
	if diff := cmp.Diff(p, stored); diff != "" {
		t.Error(diff)
	}
	if p.Rows != 2 || p.Customers != 2 {
		t.Errorf("%+v", p)
	}
}
