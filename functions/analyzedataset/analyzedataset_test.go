package analyzedataset_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/b2brecs/b2brecs/functions/analyzedataset"
	"github.com/b2brecs/b2brecs/shared/dataset"
	"github.com/b2brecs/b2brecs/shared/experiment"
	"github.com/b2brecs/b2brecs/shared/experiment/experimenttest"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

type parts struct {
	experimenttest.Parts
	analyzedataset.Services
}

func open(t *testing.T) parts {
	t.Helper()
	p := experimenttest.Open(t, "", "")
	return parts{p, analyzedataset.Services{State: p.State, Datasets: dataset.NewService(p.State, p.Warehouse), Warehouse: p.Warehouse, Pipelines: p.Pipelines}}
}

// tables makes what the stored dataset reads: 600 sales of 100 days, some
// without a customer, and 20 products, of which keys are doubled when asked.
func (p parts) tables(t *testing.T, doubled bool) {
	t.Helper()
	products := `SELECT 'p' || i AS id, 'category ' || (i % 4) AS category, 'brand ' || (i % 3) AS brand FROM range(20) AS r(i)`
	if doubled {
		products += " UNION ALL " + products
	}
	for name, sql := range map[string]string{
		"sales": `SELECT CASE WHEN i % 10 = 0 THEN NULL ELSE 'c' || (i % 37) END AS customer_id, 'p' || (i * 7 % 20) AS product_id,
			TIMESTAMPTZ '2026-01-01 08:00:00+00' + INTERVAL (i // 6) DAY AS sold_at FROM range(600) AS r(i)`,
		"products": products,
	} {
		if _, err := p.Parts.Warehouse.Materialize(t.Context(), warehouse.Ref{Dataset: warehouse.Raw, Name: name}, warehouse.Statement{SQL: sql}); err != nil {
			t.Fatal(err)
		}
	}
}

func (p parts) files(t *testing.T, e experiment.Experiment) map[string]int64 {
	t.Helper()
	list, err := p.Parts.Pipelines.List(t.Context(), e.Root+"data/")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]int64{}
	for _, o := range list {
		out[strings.TrimPrefix(o.Key, e.Root)] = o.Size
	}
	return out
}

func TestPrepare(t *testing.T) {
	p := open(t)
	p.tables(t, false)
	e := p.Start(t)
	in := analyzedataset.Request{Project: experimenttest.Project, Experiment: e.ID}
	reply, err := analyzedataset.Handle(t.Context(), p.Services, in)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int64{"train": 432, "eval": 54, "test": 54} // 100 days of 6, less one in ten
	if diff := cmp.Diff(want, reply.Rows); diff != "" {
		t.Errorf("rows (-want +got)\n%s", diff)
	}
	if reply.Score == 0 || reply.Rating == "" {
		t.Errorf("%+v", reply)
	}
	done := p.Read(t, e.ID)
	if done.Status != experiment.Preparing || done.Stages[0].State != pipeline.Running || done.Examples == nil || done.Examples.Dropped != 60 ||
		done.Examples.TestFrom != "2026-04-01" || done.Examples.Customers != 37 {
		t.Errorf("%+v", done)
	}
	if len(done.Warnings) != len(e.Warnings)+1 || !strings.Contains(strings.Join(done.Warnings, "\n"), "60 rows without") {
		t.Errorf("warnings %q", done.Warnings)
	}
	if _, err := p.Datasets.Profile(t.Context(), experimenttest.Project, "ds1", 1); err != nil {
		t.Error(err)
	}
	files := p.files(t, e)
	for _, folder := range []string{"train", "eval", "test", "catalogue", "customers"} {
		if files["data/"+folder+"/part-00000.parquet"] == 0 {
			t.Errorf("no file of %s in %v", folder, files)
		}
	}

	// New rows come in; the same call again changes nothing of the experiment.
	if _, err := p.Parts.Warehouse.Materialize(t.Context(), warehouse.Ref{Dataset: warehouse.Raw, Name: "sales"},
		warehouse.Statement{SQL: "SELECT * FROM raw_data.sales LIMIT 100"}); err != nil {
		t.Fatal(err)
	}
	again, err := analyzedataset.Handle(t.Context(), p.Services, in)
	if err != nil || !maps.Equal(again.Rows, want) || !maps.Equal(files, p.files(t, e)) {
		t.Errorf("again: %+v, %v", again, err)
	}
	if diff := cmp.Diff(done, p.Read(t, e.ID)); diff != "" {
		t.Errorf("the second call changed the experiment\n%s", diff)
	}
}

// TestCutOff: a call that died before its last step is made again.
func TestCutOff(t *testing.T) {
	p := open(t)
	p.tables(t, false)
	e := p.Start(t)
	in := analyzedataset.Request{Project: experimenttest.Project, Experiment: e.ID}
	if _, err := analyzedataset.Handle(t.Context(), p.Services, in); err != nil {
		t.Fatal(err)
	}
	done, files := p.Read(t, e.ID), p.files(t, e)
	if _, err := experiment.Of(p.Parts.State, e.Project).Update(t.Context(), e.ID, func(e *experiment.Experiment) error { e.Examples, e.Warnings = nil, nil; return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := analyzedataset.Handle(t.Context(), p.Services, in); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(done.Examples, p.Read(t, e.ID).Examples); diff != "" {
		t.Errorf("other examples\n%s", diff)
	}
	if diff := cmp.Diff(files, p.files(t, e)); diff != "" {
		t.Errorf("other files\n%s", diff)
	}
}

func TestFailures(t *testing.T) {
	p := open(t)
	e := p.Start(t)
	in := analyzedataset.Request{Project: experimenttest.Project, Experiment: e.ID}
	// The tables are gone.
	_, err := analyzedataset.Handle(t.Context(), p.Services, in)
	if problem.CodeOf(err) != problem.InvalidArgument || problem.Of(err).Step != "analyze-dataset" {
		t.Errorf("%v", err)
	}
	failed := p.Read(t, e.ID)
	if failed.Status != experiment.Failed || failed.Error == nil || failed.Stages[0].State != pipeline.Failed || failed.EndedAt.IsZero() {
		t.Errorf("%+v", failed)
	}
	// One that has ended is left alone, even when the data are there again.
	p.tables(t, false)
	if reply, err := analyzedataset.Handle(t.Context(), p.Services, in); err != nil || reply.Rows != nil {
		t.Errorf("%+v, %v", reply, err)
	}
	if diff := cmp.Diff(failed, p.Read(t, e.ID), cmpopts.IgnoreUnexported(problem.Error{})); diff != "" {
		t.Error(diff)
	}
	// A join that would multiply rows.
	p.tables(t, true)
	e = p.Start(t)
	_, err = analyzedataset.Handle(t.Context(), p.Services, analyzedataset.Request{Project: experimenttest.Project, Experiment: e.ID})
	if problem.CodeOf(err) != problem.FailedPrecondition || p.Read(t, e.ID).Status != experiment.Failed {
		t.Errorf("%v", err)
	}
	for _, in := range []analyzedataset.Request{{Project: experimenttest.Project}, {Project: experimenttest.Project, Experiment: "x", Dataset: "y"}} {
		if _, err := analyzedataset.Handle(t.Context(), p.Services, in); problem.CodeOf(err) != problem.InvalidArgument {
			t.Errorf("%+v: %v", in, err)
		}
	}
	if _, err := analyzedataset.Handle(t.Context(), p.Services, analyzedataset.Request{Project: experimenttest.Project, Experiment: "nope"}); problem.CodeOf(err) != problem.NotFound {
		t.Errorf("%v", err)
	}
}

func TestDatasetAlone(t *testing.T) {
	p := open(t)
	p.tables(t, false)
	reply, err := analyzedataset.Handle(t.Context(), p.Services, analyzedataset.Request{Project: experimenttest.Project, Dataset: "ds1"})
	if err != nil || reply.Score == 0 {
		t.Errorf("%+v, %v", reply, err)
	}
	profile, err := p.Datasets.Profile(t.Context(), experimenttest.Project, "ds1", 0)
	if err != nil || profile.Rows != 600 || profile.Score != reply.Score {
		t.Errorf("%+v, %v", profile, err)
	}
}
