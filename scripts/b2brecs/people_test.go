package main

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/b2brecs/b2brecs/scripts/b2brecs/client"
	"github.com/b2brecs/b2brecs/shared/api"
	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/identity/people"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// serving starts a server on a folder of its own, and gives what runs a command on it,
// or on what the environment names: its output and its exit code.
func serving(t *testing.T) (*server, func(args ...string) (string, int)) {
	t.Helper()
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("B2BRECS_PYTHON", "/bin/false") // no pipeline runs here
	dir := filepath.Join(t.TempDir(), "data")
	s, err := startServer(t.Context(), serverOptions{dir: dir, host: "127.0.0.1", log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.release(t.Context()); err != nil {
			t.Error(err)
		}
	})
	return s, func(args ...string) (string, int) {
		t.Helper()
		var out bytes.Buffer
		root := newRoot()
		if os.Getenv(urlVariable) == "" {
			args = append(args, "--data", dir)
		}
		root.SetArgs(args)
		root.SetOut(&out)
		err := root.ExecuteContext(t.Context())
		if err != nil {
			printError(&out, err, jsonWanted(root))
		}
		return out.String(), exitCode(t.Context(), err)
	}
}

func TestPeople(t *testing.T) {
	s, run := serving(t)
	// ok runs a command that succeeds and has the words in its output.
	ok := func(words []string, args ...string) {
		t.Helper()
		out, code := run(args...)
		for _, w := range words {
			if code != 0 || !strings.Contains(out, w) {
				t.Errorf("b2brecs %s ends with %d and lacks %q:\n%s", strings.Join(args, " "), code, w, out)
			}
		}
	}
	fails := func(want int, words string, args ...string) {
		t.Helper()
		if out, code := run(args...); code != want || !strings.Contains(out, words) {
			t.Errorf("b2brecs %s ends with %d, want %d and %q:\n%s", strings.Join(args, " "), code, want, words, out)
		}
	}
	ok([]string{"Owner (owner) is owner at " + s.address}, "whoami")
	ok([]string{"vera@acme.example is viewer", "b2brecs people link vera@acme.example"}, "people", "add", "Vera@acme.example", "--name", "Vera")
	ok([]string{`"subject": "vera@acme.example"`, `"role": "viewer"`}, "people", "add", "vera@acme.example", "--name", "Vera", "--json")
	fails(5, "has access already, as viewer", "people", "add", "vera@acme.example", "--role", "owner")
	fails(2, "body.role", "people", "add", "otto@acme.example", "--role", "boss")
	fails(2, "e-mail", "people", "add", "otto")
	ok([]string{"vera@acme.example is analyst"}, "people", "role", "VERA@acme.example", "analyst")
	ok([]string{"who", "owner", "vera@acme.example", "analyst"}, "people", "list")
	out, _ := run("people", "list", "--json")
	var list api.List[people.User]
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list.Items) != 2 || list.Items[1].Role != identity.Analyst || list.Items[1].CreatedBy != "owner" {
		t.Errorf("%v: %s", err, out)
	}
	fails(5, "next: Make somebody else an owner first.", "people", "remove", "owner")
	fails(5, "last owner", "people", "role", "owner", "viewer")
	fails(4, "has no access here", "people", "role", "nobody@acme.example", "viewer")
	fails(4, "has no access here", "people", "link", "nobody@acme.example")

	link, code := run("people", "link", "vera@acme.example")
	if code != 0 {
		t.Fatal(link)
	}
	token := signInBy(t, strings.TrimSpace(link))
	t.Setenv(urlVariable, s.address)
	fails(2, tokenVariable, "whoami")
	t.Setenv(tokenVariable, token)
	ok([]string{"Vera (vera@acme.example) is analyst"}, "whoami")
	ok([]string{"Owner (owner) is owner"}, "whoami", "--data", s.folder.Dir) // the folder that is named, not the exported installation
	fails(1, "needs the role owner", "people", "list")
	if _, err := client.Post[signInReply](t.Context(), client.New(s.address, token), personPath("owner")+"/sign-in-link", nil, ""); !problem.Is(err, problem.PermissionDenied) {
		t.Errorf("an analyst makes the owner's sign-in link: %v", err)
	}
	t.Setenv(urlVariable, "")
	ok([]string{"vera@acme.example has no access"}, "people", "remove", "vera@acme.example")
	ok([]string{"vera@acme.example has no access"}, "people", "remove", "vera@acme.example")
	t.Setenv(urlVariable, s.address)
	fails(1, "account is gone", "whoami")
}

// signInBy opens a one-time link as a browser does and gives the session's token.
func signInBy(t *testing.T, link string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, link, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for _, c := range resp.Cookies() {
		if c.Name == api.SessionCookie {
			return c.Value
		}
	}
	text, _ := io.ReadAll(resp.Body)
	t.Fatalf("no session: %s %s", resp.Status, text)
	return ""
}

// A file comes over by the way that the server names, and its run starts by itself.
func TestLoad(t *testing.T) {
	_, run := serving(t)
	name := filepath.Join(t.TempDir(), "orders 2026.csv")
	if err := os.WriteFile(name, []byte("id,amount\n1,2.5\n2,3.5\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code := run("load", name); code != 0 {
		t.Errorf("%d: %s", code, out)
	}
}
