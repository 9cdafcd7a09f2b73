package identityapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/b2brecs/b2brecs/functions/identityapi"
	"github.com/b2brecs/b2brecs/shared/api"
	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/identity/local"
	"github.com/b2brecs/b2brecs/shared/identity/people"
	"github.com/b2brecs/b2brecs/shared/secret"
	"github.com/b2brecs/b2brecs/shared/secret/age"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/state/sqlite"
)

// world is the function on the embedded drivers, with real tokens.
type world struct {
	t     *testing.T
	http  http.Handler
	users *local.Provider
	list  people.List
	mu    sync.Mutex
	log   bytes.Buffer
}

func (w *world) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(p)
}

func open(t *testing.T) *world {
	t.Helper()
	drv, err := sqlite.Open(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	db := state.New(drv)
	t.Cleanup(func() { _ = db.Close() })
	keys, err := age.Open(t.TempDir(), filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, list: people.New(db)}
	if w.users, err = local.Open(t.Context(), db, secret.New(keys), "test"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.users.EnsureOwner(t.Context()); err != nil {
		t.Fatal(err)
	}
	v := identity.New(w.users)
	r := chi.NewRouter()
	r.Use(api.Authenticate(v))
	identityapi.Register(api.New(r), identityapi.Services{People: w.list, Identity: v, Log: slog.New(slog.NewTextHandler(w, nil))})
	w.http = r
	return w
}

// as gives the token of somebody; "" is nobody's.
func (w *world) as(subject string) string {
	w.t.Helper()
	if subject == "" {
		return ""
	}
	token, err := w.users.Session(w.t.Context(), subject)
	if err != nil {
		w.t.Fatal(err)
	}
	return token
}

// call makes a request and decodes the reply into out; it gives the status.
func (w *world) call(token, method, path, body string, out any) int {
	w.t.Helper()
	r := httptest.NewRequestWithContext(w.t.Context(), method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	rec := httptest.NewRecorder()
	w.http.ServeHTTP(rec, r)
	if out != nil {
		if err := json.Unmarshal(rec.Body.Bytes(), out); err != nil {
			w.t.Fatalf("%s %s: %v: %s", method, path, err, rec.Body)
		}
	}
	return rec.Code
}

func (w *world) want(status int, token, method, path, body string) {
	w.t.Helper()
	if got := w.call(token, method, path, body, nil); got != status {
		w.t.Errorf("%s %s %s answers %d, want %d", method, path, body, got, status)
	}
}

// Who may call what.
func TestRoles(t *testing.T) {
	w := open(t)
	for _, r := range []identity.Role{identity.Manager, identity.Analyst, identity.Viewer} {
		if err := w.list.Add(t.Context(), people.User{Subject: string(r), Name: string(r), Role: r}); err != nil {
			t.Fatal(err)
		}
	}
	service, err := w.users.ServiceToken(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	tokens := []string{"", w.as("viewer"), w.as("analyst"), w.as("manager"), w.as("owner"), service}
	const no, must = http.StatusForbidden, http.StatusUnauthorized
	for _, c := range []struct {
		method, path, body string
		want               [6]int // nobody, viewer, analyst, manager, owner, service
	}{
		{http.MethodGet, "/v1/sign-in", "", [6]int{200, 200, 200, 200, 200, 200}},
		{http.MethodGet, "/v1/me", "", [6]int{must, 200, 200, 200, 200, 200}},
		{http.MethodGet, "/v1/people", "", [6]int{must, no, no, no, 200, 200}},
		{http.MethodPost, "/v1/people", `{"email":"new@acme.example","role":"viewer"}`, [6]int{must, no, no, no, 201, 201}},
		{http.MethodGet, "/v1/people/owner", "", [6]int{must, no, no, no, 200, 200}},
		{http.MethodPatch, "/v1/people/new@acme.example", `{"role":"analyst"}`, [6]int{must, no, no, no, 200, 200}},
		{http.MethodDelete, "/v1/people/new@acme.example", "", [6]int{must, no, no, no, 204, 204}},
	} {
		for i, token := range tokens {
			if got := w.call(token, c.method, c.path, c.body, nil); got != c.want[i] {
				t.Errorf("%s %s by caller %d answers %d, want %d", c.method, c.path, i, got, c.want[i])
			}
		}
	}
}

func TestMe(t *testing.T) {
	w := open(t)
	if err := w.list.Add(t.Context(), people.User{Subject: "ana@acme.example", Name: "Ana", Email: "ana@acme.example", Role: identity.Analyst}); err != nil {
		t.Fatal(err)
	}
	var me identityapi.Me
	if status := w.call(w.as("ana@acme.example"), http.MethodGet, "/v1/me", "", &me); status != http.StatusOK {
		t.Fatal(status)
	}
	if me.Subject != "ana@acme.example" || me.Name != "Ana" || me.Email != "ana@acme.example" || me.Role != identity.Analyst || me.Expires.IsZero() || me.Version != api.Version {
		t.Errorf("%+v", me)
	}
	if d := cmp.Diff([]identity.Role{identity.Viewer, identity.Analyst}, me.May); d != "" {
		t.Error(d)
	}
	var how identity.SignIn
	if w.call("", http.MethodGet, "/v1/sign-in", "", &how); how.Method != identity.Links {
		t.Errorf("%+v", how)
	}
}

// A colleague from first to last: added twice, signed in, promoted, removed twice.
func TestColleague(t *testing.T) {
	w := open(t)
	owner := w.as("owner")
	add := `{"email":" Vera@Acme.example","name":"Vera","role":"viewer"}`
	var made, again people.User
	if w.call(owner, http.MethodPost, "/v1/people", add, &made); made.Subject != "vera@acme.example" || made.Email != made.Subject || made.CreatedBy != "owner" || made.CreatedAt.IsZero() {
		t.Fatalf("%+v", made)
	}
	if status := w.call(owner, http.MethodPost, "/v1/people", add, &again); status != http.StatusCreated || again != made {
		t.Errorf("the same again: %d %+v", status, again)
	}
	w.want(http.StatusConflict, owner, http.MethodPost, "/v1/people", `{"email":"vera@acme.example","role":"owner"}`)
	vera := w.as("vera@acme.example")
	w.want(http.StatusForbidden, vera, http.MethodGet, "/v1/people", "")
	for range 2 {
		w.want(http.StatusOK, owner, http.MethodPatch, "/v1/people/VERA@acme.example", `{"role":"owner"}`)
	}
	w.want(http.StatusOK, vera, http.MethodGet, "/v1/people", "")
	w.want(http.StatusOK, vera, http.MethodPatch, "/v1/people/vera%40acme.example", `{"name":"Vera W."}`)
	var got people.User
	if w.call(owner, http.MethodGet, "/v1/people/vera@acme.example", "", &got); got.Name != "Vera W." || got.Role != identity.Owner || got.UpdatedBy != "vera@acme.example" {
		t.Errorf("%+v", got)
	}
	for range 2 {
		w.want(http.StatusNoContent, owner, http.MethodDelete, "/v1/people/vera@acme.example", "")
	}
	w.want(http.StatusUnauthorized, vera, http.MethodGet, "/v1/me", "") // her token ends with her account
	w.want(http.StatusNotFound, owner, http.MethodGet, "/v1/people/vera@acme.example", "")
	w.want(http.StatusNotFound, owner, http.MethodPatch, "/v1/people/vera@acme.example", `{"role":"viewer"}`)
	text := w.log.String()
	for line, n := range map[string]int{"access given": 1, "access changed": 2, "access ended": 1} { // a repetition is no change
		if strings.Count(text, line) != n {
			t.Errorf("the log says %q other than %d times:\n%s", line, n, text)
		}
	}
	if !strings.Contains(text, "person=vera@acme.example role=viewer by=owner") {
		t.Error(text)
	}
}

func TestLastOwner(t *testing.T) {
	w := open(t)
	owner := w.as("owner")
	for _, c := range []struct{ method, body string }{{http.MethodDelete, ""}, {http.MethodPatch, `{"role":"manager"}`}} {
		var d api.Document
		if status := w.call(owner, c.method, "/v1/people/owner", c.body, &d); status != http.StatusConflict || !strings.Contains(d.Detail, "last owner") || d.Next == "" {
			t.Errorf("%s: %d %+v", c.method, status, d)
		}
	}
	w.want(http.StatusCreated, owner, http.MethodPost, "/v1/people", `{"email":"olga@acme.example","role":"owner"}`)
	w.want(http.StatusNoContent, owner, http.MethodDelete, "/v1/people/owner", "")
	w.want(http.StatusConflict, w.as("olga@acme.example"), http.MethodDelete, "/v1/people/olga@acme.example", "")
}

func TestRefused(t *testing.T) {
	w := open(t)
	owner := w.as("owner")
	for _, body := range []string{
		`{"email":"vera","role":"viewer"}`, `{"email":"a@b@c","role":"viewer"}`, `{"email":"a/b@c","role":"viewer"}`, `{"email":"a b@c","role":"viewer"}`,
		`{"email":"vera@acme.example","role":"service"}`, `{"email":"vera@acme.example","role":"admin"}`, `{"email":"vera@acme.example"}`, `{"role":"viewer"}`,
		`{"email":"vera@acme.example","role":"viewer","admin":true}`, `{"email":"` + strings.Repeat("v", 250) + `@acme.example","role":"viewer"}`,
	} {
		w.want(http.StatusBadRequest, owner, http.MethodPost, "/v1/people", body)
	}
	for _, body := range []string{`{"role":"service"}`, `{"role":""}`, `{"name":""}`, `{"name":"  "}`} {
		w.want(http.StatusBadRequest, owner, http.MethodPatch, "/v1/people/owner", body)
	}
	w.want(http.StatusNoContent, owner, http.MethodDelete, "/v1/people/nobody@acme.example", "")
	page, err := w.list.Page(t.Context(), 10, "")
	if err != nil || len(page.Items) != 1 {
		t.Errorf("%+v, %v", page.Items, err)
	}
}

func TestPages(t *testing.T) {
	w := open(t)
	for i := range 5 {
		if err := w.list.Add(t.Context(), people.User{Subject: fmt.Sprintf("p%d@acme.example", i), Role: identity.Viewer}); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	cursor := ""
	for pages := 0; pages == 0 || cursor != ""; pages++ {
		var list api.List[people.User]
		if status := w.call(w.as("owner"), http.MethodGet, "/v1/people?limit=2&cursor="+cursor, "", &list); status != http.StatusOK || pages > 3 {
			t.Fatal(status)
		}
		for _, u := range list.Items {
			got = append(got, u.Subject)
		}
		cursor = list.Next
	}
	if d := cmp.Diff([]string{"owner", "p0@acme.example", "p1@acme.example", "p2@acme.example", "p3@acme.example", "p4@acme.example"}, got); d != "" {
		t.Error(d)
	}
}
