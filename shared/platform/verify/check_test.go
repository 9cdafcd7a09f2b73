package verify

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"google.golang.org/api/option"

	"github.com/b2brecs/b2brecs/shared/problem"
)

// Preconditions: each that is missing is a reason with what to do.
func TestCheck(t *testing.T) {
	off, lacking, refused := "", "", false
	google := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case refused:
			w.WriteHeader(http.StatusForbidden)
		case r.URL.Path == "/v1/projects/acme/services:batchGet":
			var list []map[string]string
			for _, n := range r.URL.Query()["names"] {
				state := "ENABLED"
				if strings.HasSuffix(n, "/"+off) {
					state = "DISABLED"
				}
				list = append(list, map[string]string{"name": "projects/123/services/" + n[strings.LastIndex(n, "/")+1:], "state": state})
			}
			_ = json.NewEncoder(w).Encode(map[string]any{"services": list}) // the client sees what is cut off
		case r.URL.Path == "/v1/projects/acme:testIamPermissions":
			var in struct{ Permissions []string }
			if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
				t.Error(err)
			}
			_ = json.NewEncoder(w).Encode(map[string]any{"permissions": slices.DeleteFunc(in.Permissions, func(p string) bool { return p == lacking })})
		default:
			t.Errorf("%s %s", r.Method, r.URL.Path)
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(google.Close)
	client := []option.ClientOption{option.WithEndpoint(google.URL), option.WithoutAuthentication()}
	env := []string{AccountVar + "=a@acme.iam.gserviceaccount.com", APIKeyVar + "=k"}
	check := func(env []string) map[string]string {
		t.Helper()
		why, err := Check(t.Context(), "acme", Suites, env, client...)
		must(t, err)
		return why
	}
	if why := check(env); len(why) != 0 {
		t.Errorf("all is there: %v", why)
	}
	if why := check(nil); len(why) != 4 || !strings.Contains(why["schedule"], AccountVar) {
		t.Errorf("no account: %v", why)
	}
	off = "firestore.googleapis.com"
	if why := check(env); len(why) != 1 || !strings.HasSuffix(why["state"], "gcloud services enable firestore.googleapis.com --project=acme") {
		t.Errorf("an API that is off: %v", why)
	}
	off, lacking = "", "secretmanager.secrets.create"
	if why := check(env); len(why) != 1 || !strings.Contains(why["secret"], lacking) {
		t.Errorf("a permission: %v", why)
	}
	refused = true
	if _, err := Check(t.Context(), "acme", Suites, env, client...); !problem.Is(err, problem.FailedPrecondition) || problem.Of(err).Next == "" {
		t.Errorf("a project that does not answer: %v", err)
	}
}
