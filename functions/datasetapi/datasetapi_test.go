package datasetapi_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/b2brecs/b2brecs/functions/datasetapi"
	"github.com/b2brecs/b2brecs/shared/api"
	"github.com/b2brecs/b2brecs/shared/dataset"
	"github.com/b2brecs/b2brecs/shared/experiment/experimenttest"
	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

type server struct{ http http.Handler }

func open(t *testing.T) server {
	t.Helper()
	p := experimenttest.Open(t, "", "")
	for name, sql := range map[string]string{
		"orders": `SELECT i AS order_id, 'c' || (i % 37) AS customer_id, 'p' || (i * 7 % 20) AS item_id, TIMESTAMPTZ '2026-01-01 08:00:00+00' + INTERVAL (i // 6) DAY AS sold_at,
			DATE '2026-01-01' + CAST(i // 6 AS INTEGER) AS day, CASE WHEN i = 3 THEN CAST('inf' AS DOUBLE) ELSE i * 0.5 END AS amount FROM range(600) AS r(i)`,
		"items":   `SELECT 'p' || i AS item_id, 'category ' || (i % 4) AS category FROM range(20) AS r(i)`,
		"doubled": `SELECT 'p' || (i % 5) AS item_id, 'x' AS extra FROM range(20) AS r(i)`,
	} {
		if _, err := p.Warehouse.Materialize(t.Context(), warehouse.Ref{Dataset: warehouse.Raw, Name: name}, warehouse.Statement{SQL: sql}); err != nil {
			t.Fatal(err)
		}
	}
	r := chi.NewRouter()
	datasetapi.Register(api.New(r), datasetapi.Services{Datasets: dataset.NewService(p.State, p.Warehouse)})
	return server{r}
}

// call makes a request as somebody with a role ("" is nobody).
func (s server) call(t *testing.T, role identity.Role, method, path string, body any, header ...string) (int, map[string]any) {
	t.Helper()
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
	}
	r := httptest.NewRequestWithContext(t.Context(), method, "/v1"+path, strings.NewReader(string(text)))
	if role != "" {
		r = r.WithContext(identity.With(r.Context(), identity.Principal{Subject: "somebody", Role: role}))
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.http.ServeHTTP(w, r)
	raw, _ := io.ReadAll(w.Body)
	out := map[string]any{}
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &out); err != nil {
			t.Fatalf("%s %s: %s", method, path, raw)
		}
	}
	return w.Code, out
}

type object = map[string]any

func (s server) want(t *testing.T, code int, role identity.Role, method, path string, body any, header ...string) object {
	t.Helper()
	got, out := s.call(t, role, method, path, body, header...)
	if got != code {
		t.Fatalf("%s %s: %d, want %d: %v", method, path, got, code, out)
	}
	return out
}

func at(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(object)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

// TestLife goes from tables to a profiled dataset as the page does.
func TestLife(t *testing.T) {
	s := open(t)
	project := s.want(t, 201, identity.Manager, "POST", "/projects", object{"name": "Großhandel"})
	base := "/projects/" + project["id"].(string)
	if project["id"] != "grosshandel" || project["created_by"] != "somebody" {
		t.Errorf("%v", project)
	}
	s.want(t, 200, identity.Viewer, "GET", base, nil)

	ref := func(name string) object { return object{"dataset": "raw_data", "name": name} }
	proposal := s.want(t, 200, identity.Viewer, "POST", base+"/datasets:suggest", object{"tables": []object{ref("orders"), ref("items")}})
	if at(proposal, "roles", "customer", "column") != "customer_id" || at(proposal, "roles", "product", "confidence") != "high" || at(proposal, "roles", "time", "column") != "sold_at" ||
		at(proposal, "joins", 0, "confidence") != "high" || at(proposal, "joins", 0, "keys", "rows") != 20.0 || at(proposal, "roles", "customer", "why") == "" {
		t.Errorf("%v", proposal)
	}
	def := proposal["definition"]

	check := s.want(t, 200, identity.Viewer, "POST", base+"/datasets:check", object{"definition": def})
	if check["valid"] != true || check["rows"] != 600.0 || len(check["schema"].([]any)) == 0 {
		t.Errorf("%v", check)
	}
	created := s.want(t, 201, identity.Manager, "POST", base+"/datasets", object{"name": "Orders", "definition": def}, "Idempotency-Key", "k")
	again := s.want(t, 201, identity.Manager, "POST", base+"/datasets", object{"name": "Orders", "definition": def}, "Idempotency-Key", "k")
	item := base + "/datasets/" + created["id"].(string)
	if again["id"] != created["id"] || created["version"] != 1.0 {
		t.Errorf("%v", again)
	}
	if taken := s.want(t, 409, identity.Manager, "POST", base+"/datasets", object{"name": "orders", "definition": def}); taken["code"] != "already_exists" {
		t.Errorf("%v", taken)
	}
	s.want(t, 404, identity.Viewer, "GET", item+"/profile", nil)
	profile := s.want(t, 200, identity.Analyst, "POST", item+"/analyze", nil)
	if profile["rows"] != 600.0 || profile["customers"] != 37.0 || profile["rating"] == "" {
		t.Errorf("%v", profile)
	}
	s.want(t, 200, identity.Viewer, "GET", item+"/profile?version=1", nil)

	preview := s.want(t, 200, identity.Viewer, "GET", item+"/preview?limit=600", nil)
	days, infinite := 0, 0
	for _, row := range preview["rows"].([]any) {
		for _, v := range row.([]any) {
			if v == "2026-01-01" {
				days++
			}
			if v == "+Inf" {
				infinite++
			}
		}
	}
	if days != 6 || infinite != 1 || len(preview["columns"].([]any)) == 0 || preview["truncated"] != false {
		t.Errorf("%d days, %d infinite values, truncated %v", days, infinite, preview["truncated"])
	}
	for _, form := range []string{"plain", "training"} {
		if text := s.want(t, 200, identity.Viewer, "GET", item+"/sql?form="+form, nil); !strings.Contains(text["sql"].(string), "raw_data") {
			t.Errorf("%v", text)
		}
	}

	changed := s.want(t, 200, identity.Manager, "PATCH", item, object{"definition": func() any {
		d := def.(object)
		d["dates"] = object{"column": "sold_at", "rolling_days": 30}
		return d
	}()})
	if changed["version"] != 2.0 {
		t.Errorf("%v", changed["version"])
	}
	if versions := s.want(t, 200, identity.Viewer, "GET", item+"/versions", nil); len(versions["items"].([]any)) != 2 || at(versions, "items", 0, "number") != 2.0 {
		t.Errorf("%v", versions)
	}
	s.want(t, 200, identity.Viewer, "GET", item+"/versions/1", nil)
	s.want(t, 404, identity.Viewer, "GET", item+"/versions/3", nil)
	if list := s.want(t, 200, identity.Viewer, "GET", base+"/datasets?search=ord", nil); len(list["items"].([]any)) != 1 || list["next"] != "" {
		t.Errorf("%v", list)
	}
	s.want(t, 204, identity.Manager, "DELETE", item, nil)
	s.want(t, 404, identity.Viewer, "GET", item, nil)
}

// TestFindings come all at once, each at its place.
func TestFindings(t *testing.T) {
	s := open(t)
	s.want(t, 201, identity.Manager, "POST", "/projects", object{"id": "p", "name": "P"})
	ref := object{"dataset": "raw_data", "name": "orders"}
	def := object{
		"primary": ref, "joins": []object{{"table": object{"dataset": "raw_data", "name": "doubled"}, "left_table": ref, "left_column": "nope", "right_column": "item_id", "type": "left"}},
		"columns": []object{{"table": ref, "column": "customer_id", "name": "c"}, {"table": ref, "column": "gone", "name": "C"}},
		"roles":   object{"customer": "c"}, "positive_only": true,
	}
	check := s.want(t, 200, identity.Viewer, "POST", "/projects/p/datasets:check", object{"definition": def})
	if check["valid"] != false || len(check["findings"].([]any)) != 5 {
		t.Errorf("%v", check["findings"])
	}
	refused := s.want(t, 400, identity.Manager, "POST", "/projects/p/datasets", object{"name": "x", "definition": def})
	if refused["code"] != "invalid_argument" || len(refused["errors"].([]any)) != 5 || refused["next"] == "" {
		t.Errorf("%v", refused)
	}
	// A join that would multiply rows.
	def["joins"].([]object)[0]["left_column"] = "item_id"
	def["columns"] = []object{{"table": ref, "column": "customer_id", "name": "c"}, {"table": ref, "column": "item_id", "name": "p"}}
	def["roles"], def["positive_only"] = object{"customer": "c", "product": "p"}, false
	check = s.want(t, 200, identity.Viewer, "POST", "/projects/p/datasets:check", object{"definition": def})
	if at(check, "findings", 0, "location") != "joins[0].fan_out" {
		t.Errorf("%v", check)
	}
	s.want(t, 409, identity.Manager, "POST", "/projects/p/datasets", object{"name": "x", "definition": def})
	s.want(t, 400, identity.Viewer, "POST", "/projects/p/datasets:suggest", object{"primary": ref, "roles": object{"customer": "nope"}})
}

func TestRoles(t *testing.T) {
	s := open(t)
	s.want(t, 401, "", "GET", "/projects", nil)
	s.want(t, 200, identity.Viewer, "GET", "/projects", nil)
	s.want(t, 403, identity.Analyst, "POST", "/projects", object{"name": "x"})
	s.want(t, 403, identity.Analyst, "POST", "/projects/p/datasets", object{"name": "x"})
	s.want(t, 403, identity.Viewer, "POST", "/projects/p/datasets/d/analyze", nil)
	s.want(t, 403, identity.Analyst, "PATCH", "/projects/p/datasets/d", object{"name": "x"})
	s.want(t, 403, identity.Analyst, "DELETE", "/projects/p/datasets/d", nil)
	s.want(t, 404, identity.Manager, "POST", "/projects/p/datasets", object{"name": "x", "definition": object{"primary": object{"dataset": "raw_data", "name": "orders"}, "joins": []any{}, "columns": []any{}, "roles": object{}, "positive_only": false}})
	s.want(t, 400, identity.Manager, "POST", "/projects", object{"name": ""})
	s.want(t, 409, identity.Manager, "POST", "/projects", func() object {
		s.want(t, 201, identity.Manager, "POST", "/projects", object{"id": "a", "name": "A"})
		return object{"id": "a", "name": "A"}
	}())
}
