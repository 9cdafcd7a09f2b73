package recommend_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/b2brecs/b2brecs/functions/recommend"
	"github.com/b2brecs/b2brecs/shared/api"
	"github.com/b2brecs/b2brecs/shared/experiment"
	"github.com/b2brecs/b2brecs/shared/experiment/experimenttest"
	"github.com/b2brecs/b2brecs/shared/identity"
)

func TestRecommendOverHTTP(t *testing.T) {
	p := experimenttest.Open(t, "", "")
	e := p.Prepare(t, p.Start(t))
	p.Results(t, e)
	result, history, err := experiment.Harvest(t.Context(), p.Pipelines, p.Warehouse, e, time.Now().UTC())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := experiment.Finish(t.Context(), p.State, e, result, history); err != nil {
		t.Fatal(err)
	}
	router := chi.NewRouter()
	recommend.Register(api.New(router), recommend.Services{State: p.State, Warehouse: p.Warehouse})
	call := func(role identity.Role, method, path, body string) (int, map[string]any) {
		t.Helper()
		r := httptest.NewRequestWithContext(t.Context(), method, "/v1/projects/wholesale/recommendations"+path, strings.NewReader(body))
		if role != "" {
			r = r.WithContext(identity.With(r.Context(), identity.Principal{Subject: "somebody", Role: role}))
		}
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		router.ServeHTTP(w, r)
		out := map[string]any{}
		if w.Body.Len() > 0 {
			if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
				t.Fatalf("%s: %s", path, w.Body)
			}
		}
		return w.Code, out
	}
	if code, l := call(identity.Viewer, "GET", "/c0?k=1&bought=2", ""); code != 200 || l["source"] != "model" || len(l["items"].([]any)) != 1 || len(l["bought"].([]any)) != 2 {
		t.Errorf("list: %d %v", code, l)
	}
	// A customer's id may hold anything.
	for _, id := range []string{"no/body", "a b%", "Ærø?k=9", "x#y"} {
		if code, l := call(identity.Viewer, "GET", "/"+url.PathEscape(id), ""); code != 200 || l["customer"] != id || l["source"] != "popular" || l["reason"] == "" {
			t.Errorf("customer %q: %d %v", id, code, l)
		}
	}
	if code, l := call(identity.Viewer, "GET", "?search=c&limit=2", ""); code != 200 || len(l["items"].([]any)) != 2 {
		t.Errorf("customers: %d %v", code, l)
	}
	if code, _ := call(identity.Viewer, "GET", "/c0?k=101", ""); code != http.StatusBadRequest {
		t.Errorf("k=101: %d", code)
	}
	if code, _ := call(identity.Manager, "PUT", "", `{"experiment": "`+e.ID+`"}`); code != http.StatusNoContent {
		t.Errorf("choose: %d", code)
	}
	if code, _ := call(identity.Analyst, "PUT", "", `{"experiment": "`+e.ID+`"}`); code != http.StatusForbidden {
		t.Errorf("choose as analyst: %d", code)
	}
	if code, _ := call("", "GET", "/c0", ""); code != http.StatusUnauthorized {
		t.Errorf("nobody: %d", code)
	}
}
