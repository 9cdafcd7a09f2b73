package cloudworkflows

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/workflow"
	"github.com/b2brecs/b2brecs/shared/workflow/callback"
	"github.com/b2brecs/b2brecs/shared/workflow/workflowtest"
)

// TestProductFiles: the product's own definitions run on the service as they are.
func TestProductFiles(t *testing.T) {
	fake, err := serve(t, os.DirFS("../../../workflows-yaml"))
	if err != nil {
		t.Fatal(err)
	}
	d, err := New(Options{Location: location, State: database(t, "state.db"), Client: fake.Options()})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	calls := make(chan string, 10)
	functions := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in map[string]any
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/json")
		answer := `{}`
		switch name := strings.TrimPrefix(r.URL.Path, "/"); {
		case name == "infer-schema" && in["run"] == "bad":
			w.WriteHeader(http.StatusConflict)
			answer = `{"detail": "column price is gone", "code": "failed_precondition", "next": "Look at the job.", "turn": "you"}`
			calls <- name
		case name == "plan-run":
			if err := callback.Post(t.Context(), http.DefaultClient, in["callback_url"].(string), map[string]string{"outcome": "loaded"}); err != nil {
				t.Error(err)
			}
			answer = `{"chunks": 2}`
			calls <- name
		case name == "commit-run":
			answer = `{"status": "completed"}`
			calls <- name + " " + in["outcome"].(string)
		default:
			calls <- name
		}
		_, _ = io.WriteString(w, answer)
	}))
	defer functions.Close()
	run := func(id string) workflow.Execution {
		if _, err := d.Start(t.Context(), "etl-run", id, map[string]string{"run": id, "functions_url": functions.URL}); err != nil {
			t.Fatal(err)
		}
		return workflowtest.Wait(t, workflow.New(d), "etl-run", id)
	}
	got := func(n int) (out []string) {
		for range n {
			out = append(out, <-calls)
		}
		return out
	}
	if x := run("good"); string(x.Result) != `{"run":"good","status":"completed"}` {
		t.Errorf("%+v", x)
	}
	if d := cmp.Diff([]string{"infer-schema", "plan-run", "commit-run loaded"}, got(3)); d != "" {
		t.Error(d)
	}
	x := run("bad")
	if x.Status != workflow.Failed || x.Error.Code != problem.FailedPrecondition || x.Error.Message != "the workflow stopped: column price is gone" || x.Error.Next != "Look at the job." {
		t.Errorf("%+v", x.Error)
	}
	if d := cmp.Diff([]string{"infer-schema", "commit-run failed"}, got(2)); d != "" {
		t.Error(d)
	}
}
