package interpreter_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/b2brecs/b2brecs/shared/workflow"
	"github.com/b2brecs/b2brecs/shared/workflow/interpreter"
	"github.com/b2brecs/b2brecs/shared/workflow/workflowtest"
)

const definitions = "../../../workflows-yaml"

func TestDefinitionsAreClean(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(definitions, "*.yaml"))
	if err != nil || len(paths) < 2 {
		t.Fatalf("%v, %v", paths, err)
	}
	for _, p := range paths {
		src, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		if err := interpreter.Check(filepath.Base(p), src); err != nil {
			t.Error(err)
		}
	}
}

// platform answers the functions of a workflow and remembers what was asked of them.
type platform struct {
	*httptest.Server
	mu    sync.Mutex
	calls []string
	// answer gives status and body for a function.
	answer func(function string, in map[string]any) (int, any)
}

func newPlatform(t *testing.T, answer func(string, map[string]any) (int, any)) *platform {
	p := &platform{answer: answer}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in map[string]any
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			t.Error(err)
		}
		if got, want := r.Header.Get("Authorization"), "Bearer token-for "+p.URL+r.URL.Path; got != want {
			t.Errorf("%s came with %q", r.URL.Path, got)
		}
		fn := strings.TrimPrefix(r.URL.Path, "/")
		status, out := p.answer(fn, in)
		delete(in, "callback_url")
		line, _ := json.Marshal(in)
		p.mu.Lock()
		p.calls = append(p.calls, fn+" "+string(line))
		p.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(out)
	}))
	t.Cleanup(p.Close)
	return p
}

// callBack makes the callback that in asks for.
func callBack(t *testing.T, in map[string]any, body string) {
	resp, err := http.Post(in["callback_url"].(string), "application/json", strings.NewReader(body))
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("callback: %v, %v", resp, err)
		return
	}
	resp.Body.Close()
}

func TestDefinitions(t *testing.T) {
	type answers func(function string, in map[string]any) (int, any)
	ok := func(string, map[string]any) (int, any) { return 200, map[string]any{} }
	plan := func(chunks int, outcome string) answers {
		return func(fn string, in map[string]any) (int, any) {
			switch fn {
			case "plan-run":
				if outcome != "" {
					callBack(t, in, `{"run":"r1","outcome":"`+outcome+`"}`)
				}
				return 200, map[string]any{"chunks": chunks, "state": "planned"}
			case "commit-run":
				return 200, map[string]any{"status": "closed"}
			}
			return 200, map[string]any{}
		}
	}
	tests := []struct {
		name, workflow string
		answer         answers
		status         workflow.Status
		result         string
		calls          []string
	}{
		{"chunks", "etl-run", plan(3, "loaded"), workflow.Succeeded, `{"run":"r1","status":"closed"}`,
			[]string{`infer-schema {"run":"r1"}`, `plan-run {"run":"r1"}`, `commit-run {"outcome":"loaded","run":"r1"}`}},
		{"empty", "etl-run", plan(0, ""), workflow.Succeeded, `{"run":"r1","status":"closed"}`,
			[]string{`infer-schema {"run":"r1"}`, `plan-run {"run":"r1"}`, `commit-run {"outcome":"loaded","run":"r1"}`}},
		{"a chunk fails", "etl-run", plan(3, "failed"), workflow.Succeeded, `{"run":"r1","status":"closed"}`,
			[]string{`infer-schema {"run":"r1"}`, `plan-run {"run":"r1"}`, `commit-run {"outcome":"failed","run":"r1"}`}},
		{"schema differs", "etl-run", func(fn string, in map[string]any) (int, any) {
			if fn == "infer-schema" {
				return 409, map[string]any{"detail": "column price is gone", "code": "failed_precondition", "turn": "source"}
			}
			return 200, map[string]any{"status": "failed"}
		}, workflow.Failed, "",
			[]string{`infer-schema {"run":"r1"}`,
				`commit-run {"error":{"cause":"","code":"failed_precondition","message":"column price is gone","next":"","turn":"source"},"outcome":"failed","run":"r1"}`}},
		{"experiment", "experiment-run", func(fn string, in map[string]any) (int, any) {
			if fn == "submit-pipeline" {
				callBack(t, in, `{"experiment":"r1","outcome":"succeeded"}`)
			}
			return ok(fn, in)
		}, workflow.Succeeded, `{"experiment":"r1","outcome":"succeeded"}`,
			[]string{`analyze-dataset {"experiment":"r1","project":"p1"}`, `generate-code {"experiment":"r1","project":"p1"}`,
				`submit-pipeline {"experiment":"r1","project":"p1"}`}},
		{"code fails", "experiment-run", func(fn string, in map[string]any) (int, any) {
			if fn == "generate-code" {
				return 422, "not a problem document"
			}
			return ok(fn, in)
		}, workflow.Failed, "",
			[]string{`analyze-dataset {"experiment":"r1","project":"p1"}`, `generate-code {"experiment":"r1","project":"p1"}`,
				`submit-pipeline {"error":{"code":"internal","message":"HTTP server responded with error code 422"},"experiment":"r1","outcome":"failed","project":"p1"}`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newPlatform(t, tt.answer)
			e, err := open(t, os.DirFS(definitions))
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			arg := map[string]any{"project": "p1", "run": "r1", "functions_url": p.URL}
			if _, err := e.Start(t.Context(), tt.workflow, "r1", arg); err != nil {
				t.Fatal(err)
			}
			x := workflowtest.Wait(t, e, tt.workflow, "r1")
			if x.Status != tt.status || string(x.Result) != tt.result {
				t.Errorf("%s %s, %v", x.Status, x.Result, x.Error)
			}
			if x.Error != nil && !strings.Contains(x.Error.Step, "> call_function.post") {
				t.Errorf("the error is said to be at %q", x.Error.Step)
			}
			if diff := cmp.Diff(tt.calls, p.calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}
