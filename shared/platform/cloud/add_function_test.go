package cloud

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/b2brecs/b2brecs/shared/internal/gcpfake/firestore"
	"github.com/b2brecs/b2brecs/shared/internal/gcpfake/oidc"
)

const root = "../../../"

// The texts of docs/add-a-function.md are all it takes: put over the tree as it is,
// they give a function that is listed, documented and answers in the deploy unit.
func TestAddAFunction(t *testing.T) {
	if testing.Short() {
		t.Skip("builds two programs")
	}
	page, err := os.ReadFile(root + "docs/add-a-function.md")
	if err != nil {
		t.Fatal(err)
	}
	texts := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(texts) != 2 {
		t.Fatalf("the page has %d Go texts, want the function and the entry", len(texts))
	}
	catalog, err := os.ReadFile(root + "functions/catalog.go")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	over := map[string]string{}
	put := func(name, text string) {
		file := filepath.Join(dir, filepath.Base(name))
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		absolute, err := filepath.Abs(root + name)
		if err != nil {
			t.Fatal(err)
		}
		over[absolute] = file
	}
	put("functions/countruns/countruns.go", texts[0][1])
	const list = "	return []platform.Function{\n"
	entry := strings.Replace(string(catalog), list, list+texts[1][1], 1)
	put("functions/catalog.go", strings.Replace(entry, "import (\n", "import (\n\t\"github.com/b2brecs/b2brecs/functions/countruns\"\n", 1))
	overlay, err := json.Marshal(map[string]any{"Replace": over})
	if err != nil {
		t.Fatal(err)
	}
	overlayFile := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlayFile, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	build := func(pkg string) string {
		t.Helper()
		name := filepath.Join(dir, filepath.Base(pkg))
		if out, err := exec.Command("go", "build", "-C", root, "-overlay", overlayFile, "-o", name, pkg).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return name
	}

	for flag, want := range map[string]string{"": `"name": "count-runs"`, "--markdown": "| `count-runs` | Counts the runs of a job |"} {
		args := strings.Fields("functions " + flag)
		out, err := exec.Command(build("./scripts/b2brecs"), args...).Output()
		if err != nil || !bytes.Contains(out, []byte(want)) {
			t.Errorf("b2brecs %v does not list the function: %v", args, err)
		}
	}

	store, err := firestore.Start(firestore.Options{Project: "acme-b2brecs"})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	issuer, err := oidc.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer issuer.Close()
	env := whole()
	env["B2BRECS_OIDC_ISSUER"] = issuer.URL()
	env["B2BRECS_IDENTITY_PLATFORM_KEY"] = ""
	env["B2BRECS_EMULATORS"] = "firestore=" + store.Addr() +
		",pubsub=127.0.0.1:1,storage=http://127.0.0.1:1/,bigquery=http://127.0.0.1:1/,executions=127.0.0.1:1,callbacks=http://127.0.0.1:1/,vertex=127.0.0.1:1,scheduler=127.0.0.1:1,secretmanager=127.0.0.1:1,iamcredentials=127.0.0.1:1"
	token, err := issuer.ServiceToken(env["B2BRECS_SCHEDULER_ACCOUNT"], strings.TrimSuffix(env["B2BRECS_FUNCTIONS_URL"], "/")+"/count-runs")
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	function := exec.Command(build("./scripts/function"))
	function.Env = append(os.Environ(), "FUNCTION_TARGET=count-runs", "LOCAL_ONLY=true", "PORT="+port)
	for k, v := range env {
		function.Env = append(function.Env, k+"="+v)
	}
	if err := function.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = function.Process.Kill(); _ = function.Wait() }()
	ask := func(body string) (int, string) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Authorization", "Bearer "+token)
			resp, err := http.DefaultClient.Do(r)
			if err != nil && time.Now().Before(deadline) {
				continue // it does not listen yet
			}
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			text, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			return resp.StatusCode, string(text)
		}
	}
	for body, want := range map[string]struct {
		code int
		text string
	}{
		`{"job":"sales"}`: {http.StatusOK, `{"runs":0}`},
		`{}`:              {http.StatusBadRequest, "count-runs needs a job"},
	} {
		if code, text := ask(body); code != want.code || !strings.Contains(text, want.text) {
			t.Errorf("%s: answers %d %s, want %d %s", body, code, text, want.code, want.text)
		}
	}
}
