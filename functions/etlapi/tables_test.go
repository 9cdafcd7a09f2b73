package etlapi_test

import (
	"flag"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/b2brecs/b2brecs/functions/etlapi"
	"github.com/b2brecs/b2brecs/shared/api"
	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/warehouse/duckdb"
	"github.com/b2brecs/b2brecs/shared/warehouse/warehousetest"
)

var update = flag.Bool("update", false, "rewrite golden files")

// TestPreviewStatement keeps the statement of a preview, as BigQuery gets it.
func TestPreviewStatement(t *testing.T) {
	d, err := duckdb.Open("", duckdb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	rec := warehousetest.Record(d)
	wh := warehouse.New(rec)
	ref := warehouse.Ref{Dataset: warehouse.Raw, Name: "sales"}
	if err := wh.Create(t.Context(), warehouse.Table{Ref: ref, Columns: []warehouse.Column{
		{Name: "id", Type: warehouse.Int64, Required: true}, {Name: "tags", Type: warehouse.String, Repeated: true}, {Name: "doc", Type: warehouse.JSON},
	}}); err != nil {
		t.Fatal(err)
	}
	router := chi.NewRouter()
	etlapi.Register(api.New(router), etlapi.Services{Warehouse: wh})
	r := httptest.NewRequestWithContext(identity.With(t.Context(), identity.Principal{Subject: "somebody", Role: identity.Viewer}),
		http.MethodGet, "/v1/tables/raw_data/sales/rows", nil)
	w := httptest.NewRecorder()
	router.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	rec.Compare(t, "testdata/preview.bigquery.sql", *update)
}
