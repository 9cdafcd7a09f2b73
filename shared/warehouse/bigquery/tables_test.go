package bigquery_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bq "cloud.google.com/go/bigquery"

	fake "github.com/b2brecs/b2brecs/shared/internal/gcpfake/bigquery"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/warehouse/bigquery"
)

// Views are described, dropped, and never written to.
func TestViews(t *testing.T) {
	s := serve(t, fake.Options{Engine: needEmulator(t)})
	d := connect(t, s)
	c := sales(t, d)
	client, err := bq.NewClient(t.Context(), project, s.ClientOptions()...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	view := warehouse.Ref{Dataset: warehouse.Raw, Name: "v_" + state.NewID()}
	if err := client.Dataset(view.Dataset).Table(view.Name).Create(t.Context(), &bq.TableMetadata{ViewQuery: "SELECT id FROM " + bigqueryTable(c.Target)}); err != nil {
		t.Fatal(err)
	}
	info, err := d.Table(t.Context(), view)
	if err != nil || info.Rows != -1 || info.Bytes != -1 || len(info.Columns) != 1 {
		t.Errorf("%+v, %v", info, err)
	}
	if _, err := d.Materialize(t.Context(), view, one); !problem.Is(err, problem.FailedPrecondition) {
		t.Errorf("%v", err)
	}
	c.Target = view
	if _, err := d.Commit(t.Context(), c); !problem.Is(err, problem.FailedPrecondition) {
		t.Errorf("%v", err)
	}
	if err := d.Drop(t.Context(), view); err != nil {
		t.Error(err)
	}
	if _, err := d.Table(t.Context(), view); !problem.Is(err, problem.NotFound) {
		t.Errorf("%v", err)
	}
}

// A dataset's list comes by page, without a table that goes away meanwhile.
func TestManyTables(t *testing.T) {
	d := connect(t, serve(t, fake.Options{Engine: needEmulator(t)}))
	for i := range 23 {
		r := warehouse.Ref{Dataset: warehouse.Raw, Name: fmt.Sprintf("t%d", i)}
		if err := d.Create(t.Context(), warehouse.Table{Ref: r, Columns: saleColumns}); err != nil {
			t.Fatal(err)
		}
	}
	infos, err := d.Tables(t.Context(), warehouse.Raw)
	if err != nil || len(infos) != 23 {
		t.Errorf("%d tables, %v", len(infos), err)
	}
}

func TestTooManyClusterColumns(t *testing.T) {
	d := connect(t, serve(t, fake.Options{Engine: canned{}}))
	err := d.Create(t.Context(), warehouse.Table{Ref: warehouse.Ref{Dataset: warehouse.Raw, Name: "t"}, Columns: saleColumns, ClusterBy: []string{"a", "b", "c", "d", "e"}})
	if !problem.Is(err, problem.InvalidArgument) {
		t.Errorf("%v", err)
	}
}

// Columns that somebody else adds at the same time stay.
func TestColumnsAddedByTwo(t *testing.T) {
	s := serve(t, fake.Options{Engine: needEmulator(t)})
	d, other := connect(t, s), connect(t, s)
	c := sales(t, d)
	theirs := c
	theirs.ID, theirs.URIs, theirs.Mode, theirs.AddColumns = state.NewID(), nil, warehouse.Append, []warehouse.Column{{Name: "theirs", Type: warehouse.String}}
	refused := false
	s.Break(fake.Faults{Refuse: func(call fake.Call) *fake.Error {
		if call.Method != "tables.patch" || refused {
			return nil
		}
		refused = true
		return &fake.Error{Status: http.StatusPreconditionFailed, Reason: "conditionNotMet", Message: "Precondition check failed."}
	}})
	if _, err := other.Commit(t.Context(), theirs); err != nil || !refused {
		t.Fatalf("refused %v, %v", refused, err)
	}
	if _, err := d.Commit(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	info, err := d.Table(t.Context(), c.Target)
	if err != nil || len(info.Columns) != 4 {
		t.Errorf("%+v, %v", info.Columns, err)
	}
}

// Objects that do not fit are refused by name before anything is loaded.
func TestObjectsThatDoNotFit(t *testing.T) {
	s := serve(t, fake.Options{Engine: needEmulator(t)})
	d := connect(t, s)
	c := sales(t, d)
	for name, tc := range map[string]struct {
		change func(c *warehouse.Commit)
		want   problem.Code
	}{
		"no object":      {func(c *warehouse.Commit) { c.URIs = []string{"gs://" + bucket + "/none.parquet"} }, problem.NotFound},
		"no bucket":      {func(c *warehouse.Commit) { c.URIs = []string{"gs://other/none.parquet"} }, problem.NotFound},
		"no address":     {func(c *warehouse.Commit) { c.URIs = []string{"/tmp/x.parquet"} }, problem.InvalidArgument},
		"a pattern":      {func(c *warehouse.Commit) { c.URIs = []string{"gs://" + bucket + "/*.parquet"} }, problem.InvalidArgument},
		"not Parquet":    {func(c *warehouse.Commit) { c.URIs = []string{put(t, "text.parquet", []byte("id,name\n"))} }, problem.InvalidArgument},
		"unknown column": {func(c *warehouse.Commit) { c.AddColumns = nil }, problem.InvalidArgument},
		"key not loaded": {func(c *warehouse.Commit) {
			c.Keys = []string{"extra"}
			c.AddColumns = append(c.AddColumns, warehouse.Column{Name: "extra", Type: warehouse.Int64})
		}, problem.InvalidArgument},
		"order not loaded": {func(c *warehouse.Commit) {
			c.OrderBy = "extra"
			c.AddColumns = append(c.AddColumns, warehouse.Column{Name: "extra", Type: warehouse.Int64})
		}, problem.InvalidArgument},
		"too many": {func(c *warehouse.Commit) { c.URIs = make([]string, bigquery.MaxURIs+1) }, problem.InvalidArgument},
	} {
		t.Run(name, func(t *testing.T) {
			c := c
			c.ID = state.NewID()
			tc.change(&c)
			s.Calls()
			_, err := d.Commit(t.Context(), c)
			if !problem.Is(err, tc.want) {
				t.Errorf("%v", err)
			}
			for _, call := range s.Calls() {
				if call.Kind == "load" {
					t.Error("something was loaded")
				}
			}
		})
	}
}

// An export takes the place of an earlier, larger one, and leaves the rest alone.
func TestExportReplaces(t *testing.T) {
	s := serve(t, fake.Options{Engine: needEmulator(t)})
	d := connect(t, s)
	dir := filepath.Join(engine.objects, bucket, "out", state.NewID())
	prefix := "gs://" + strings.TrimPrefix(dir, engine.objects+"/") + "/"
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"part-000000000000.parquet", "part-000000000007.parquet", "manifest.json"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	uris, n, err := d.Export(t.Context(), one, prefix)
	if err != nil || n != 1 || len(uris) != 1 || uris[0] != prefix+"part-000000000000.parquet" {
		t.Fatalf("%v, %d, %v", uris, n, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 || entries[0].Name() != "manifest.json" {
		t.Errorf("%v, %v", entries, err)
	}
	if data := get(t, uris[0]); string(data) == "old" {
		t.Error("the object is the earlier one")
	}
	if infos, err := d.Tables(t.Context(), bigquery.Staging); err != nil || len(infos) != 0 {
		t.Errorf("left behind: %+v, %v", infos, err)
	}
}
