package experimentapi_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/b2brecs/b2brecs/functions/experimentapi"
	"github.com/b2brecs/b2brecs/shared/api"
	"github.com/b2brecs/b2brecs/shared/experiment"
	"github.com/b2brecs/b2brecs/shared/experiment/experimenttest"
	"github.com/b2brecs/b2brecs/shared/identity"
)

type server struct {
	experimenttest.Parts
	http http.Handler
}

func open(t *testing.T) server {
	t.Helper()
	p := experimenttest.Open(t, "", "")
	r := chi.NewRouter()
	experimentapi.Register(api.New(r), experimentapi.Services{
		State: p.State, Workflows: p.Workflows, Runner: p.Runner, Pipelines: p.Pipelines, Warehouse: p.Warehouse, FunctionsURL: "http://127.0.0.1:1",
	})
	return server{p, r}
}

// call makes a request as somebody with a role ("" is nobody) and reads the reply.
func (s server) call(t *testing.T, role identity.Role, method, path, body string, header ...string) (int, map[string]any) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "/v1/projects/wholesale"+path, strings.NewReader(body))
	if role != "" {
		r = r.WithContext(identity.With(r.Context(), identity.Principal{Subject: "somebody", Role: role}))
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
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

func (s server) input() string {
	return `{"feature_config": "` + s.Features + `", "model_config": "` + s.Model + `", "name": "First", "settings": {"epochs": 3}}`
}

func TestLifeOverHTTP(t *testing.T) {
	s := open(t)
	code, e := s.call(t, identity.Analyst, "POST", "/experiments", s.input(), "Idempotency-Key", "k1")
	id, _ := e["id"].(string)
	if code != http.StatusCreated || id == "" || e["created_by"] != "somebody" || e["number"] != 1.0 {
		t.Fatalf("create: %d %v", code, e)
	}
	if code, again := s.call(t, identity.Analyst, "POST", "/experiments", s.input(), "Idempotency-Key", "k1"); code != http.StatusCreated || again["id"] != id {
		t.Errorf("create again: %d %v", code, again["id"])
	}
	if code, list := s.call(t, identity.Viewer, "GET", "/experiments?status=active&search=first", ""); code != 200 || len(list["items"].([]any)) != 1 || list["next"] != "" {
		t.Errorf("list: %d %v", code, list)
	}
	if code, got := s.call(t, identity.Manager, "PATCH", "/experiments/"+id, `{"name": "Renamed"}`); code != 200 || got["name"] != "Renamed" {
		t.Errorf("rename: %d %v", code, got)
	}
	if code, h := s.call(t, identity.Viewer, "GET", "/experiments/"+id+"/history", ""); code != 200 || h["experiment"] != id || len(h["epochs"].([]any)) != 0 {
		t.Errorf("history: %d %v", code, h)
	}
	if code, l := s.call(t, identity.Viewer, "GET", "/experiments/"+id+"/logs/trainer?lines=5", ""); code != 200 || len(l["lines"].([]any)) != 0 {
		t.Errorf("logs: %d %v", code, l)
	}
	for name, text := range map[string]string{"transform_module.py": "# t", "trainer_module.py": "# r", "manifest.json": `{"f00": "customer"}`} {
		if err := s.Pipelines.Write(t.Context(), "experiments/wholesale/"+id+"/code/"+name, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if code, c := s.call(t, identity.Viewer, "GET", "/experiments/"+id+"/code", ""); code != 200 || c["transform"] != "# t" || c["trainer"] != "# r" || c["manifest"].(map[string]any)["f00"] != "customer" {
		t.Errorf("code: %d %v", code, c)
	}
	if code, d := s.call(t, identity.Manager, "DELETE", "/experiments/"+id, ""); code != http.StatusConflict || d["code"] != "failed_precondition" || d["next"] == "" {
		t.Errorf("delete of an active experiment: %d %v", code, d)
	}
	if code, got := s.call(t, identity.Analyst, "POST", "/experiments/"+id+"/cancel", ""); code != 200 || got["status"] != string(experiment.Cancelled) {
		t.Errorf("cancel: %d %v", code, got)
	}
	if code, got := s.call(t, identity.Analyst, "POST", "/experiments/"+id+"/rerun", ""); code != http.StatusCreated || got["rerun_of"] != id {
		t.Errorf("rerun: %d %v", code, got)
	}
	if code, got := s.call(t, identity.Manager, "DELETE", "/experiments/"+id, ""); code != http.StatusNoContent {
		t.Errorf("delete: %d %v", code, got)
	}
	if code, got := s.call(t, identity.Viewer, "GET", "/experiments/"+id, ""); code != http.StatusNotFound || got["code"] != "not_found" {
		t.Errorf("get after the delete: %d %v", code, got)
	}
}

func TestFindingsOverHTTP(t *testing.T) {
	s := open(t)
	code, plan := s.call(t, identity.Viewer, "POST", "/experiments:check", s.input())
	if code != 200 || len(plan["errors"].([]any)) != 0 || plan["settings"].(map[string]any)["epochs"] != 3.0 {
		t.Errorf("check: %d %v", code, plan)
	}
	for name, c := range map[string]struct{ body, at string }{
		"unknown split": {strings.Replace(s.input(), `"epochs": 3`, `"split": {"strategy": "weekly"}`, 1), "settings.split.strategy"},
		"epochs":        {strings.Replace(s.input(), `"epochs": 3`, `"epochs": 501`, 1), "body.settings.epochs"},
		"no model":      {`{"feature_config": "x"}`, "body"},
	} {
		code, d := s.call(t, identity.Analyst, "POST", "/experiments", c.body)
		errors, _ := d["errors"].([]any)
		if code != http.StatusBadRequest || len(errors) == 0 || errors[0].(map[string]any)["location"] != c.at {
			t.Errorf("%s: %d %v", name, code, d)
		}
	}
	if code, _ := s.call(t, identity.Viewer, "GET", "/experiments?status=done", ""); code != http.StatusBadRequest {
		t.Errorf("unknown status: %d", code)
	}
}

func TestRoles(t *testing.T) {
	s := open(t)
	for _, c := range []struct {
		role   identity.Role
		method string
		path   string
		want   int
	}{
		{"", "GET", "/experiments", http.StatusUnauthorized},
		{"", "POST", "/experiments:check", http.StatusUnauthorized},
		{identity.Viewer, "POST", "/experiments", http.StatusForbidden},
		{identity.Viewer, "POST", "/experiments/x/cancel", http.StatusForbidden},
		{identity.Viewer, "POST", "/experiments/x/rerun", http.StatusForbidden},
		{identity.Analyst, "DELETE", "/experiments/x", http.StatusForbidden},
		{identity.Analyst, "PATCH", "/experiments/x", http.StatusForbidden},
		{identity.Viewer, "GET", "/experiments/x", http.StatusNotFound},
	} {
		if code, d := s.call(t, c.role, c.method, c.path, ""); code != c.want {
			t.Errorf("%s %s as %q: %d %v, want %d", c.method, c.path, c.role, code, d, c.want)
		}
	}
}

// A board shows hundreds of runs: what is large is read with one of them.
func TestListIsSlim(t *testing.T) {
	s := open(t)
	code, e := s.call(t, identity.Analyst, "POST", "/experiments", s.input())
	if code != http.StatusCreated {
		t.Fatalf("create: %d %v", code, e)
	}
	_, list := s.call(t, identity.Viewer, "GET", "/experiments", "")
	listed := list["items"].([]any)[0].(map[string]any)
	version := listed["snapshot"].(map[string]any)["dataset_version"].(map[string]any)
	if len(version) != 1 || version["number"] != 1.0 {
		t.Errorf("the list tells of the dataset's version %v", version)
	}
	_, one := s.call(t, identity.Viewer, "GET", "/experiments/"+e["id"].(string), "")
	snapshot := one["snapshot"].(map[string]any)
	if v := snapshot["dataset_version"].(map[string]any); len(v["schema"].([]any)) == 0 || v["definition"] == nil || one["root"] == "" {
		t.Errorf("an experiment lacks what the list leaves out: %v", v)
	}
}
