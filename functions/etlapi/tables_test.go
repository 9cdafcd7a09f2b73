package etlapi_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/b2brecs/b2brecs/functions/etlapi"
	"github.com/b2brecs/b2brecs/shared/api"
	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/warehouse/duckdb"
)

// unasked is a warehouse where a statement costs money.
type unasked struct {
	warehouse.Driver
	t *testing.T
}

func (u unasked) Query(context.Context, warehouse.Statement, int) (warehouse.Rows, error) {
	u.t.Error("the preview of a table is a statement")
	return warehouse.Rows{}, nil
}

// TestPreview reads a table without a statement: BigQuery charges for those.
func TestPreview(t *testing.T) {
	d, err := duckdb.Open("", duckdb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	wh := warehouse.New(unasked{d, t})
	ref := warehouse.Ref{Dataset: warehouse.Raw, Name: "sales"}
	if err := wh.Create(t.Context(), warehouse.Table{Ref: ref, Columns: []warehouse.Column{
		{Name: "id", Type: warehouse.Int64, Required: true}, {Name: "tags", Type: warehouse.String, Repeated: true}, {Name: "doc", Type: warehouse.JSON},
	}}); err != nil {
		t.Fatal(err)
	}
	router := chi.NewRouter()
	etlapi.Register(api.New(router), etlapi.Services{Warehouse: wh})
	for path, want := range map[string]int{"sales": http.StatusOK, "nope": http.StatusNotFound} {
		r := httptest.NewRequestWithContext(identity.With(t.Context(), identity.Principal{Subject: "somebody", Role: identity.Viewer}),
			http.MethodGet, "/v1/tables/raw_data/"+path+"/rows", nil)
		w := httptest.NewRecorder()
		router.ServeHTTP(w, r)
		if w.Code != want || want == http.StatusOK && !strings.Contains(w.Body.String(), `"tags"`) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}
