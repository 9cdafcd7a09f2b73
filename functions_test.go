package b2brecs

import (
	"bytes"
	"context"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"

	catalog "github.com/b2brecs/b2brecs/functions"
	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/events/cloudevent"
	"github.com/b2brecs/b2brecs/shared/platform"
)

// binary builds the deploy unit once.
func binary(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "function")
	if out, err := exec.Command("go", "build", "-o", name, "./scripts/function").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return name
}

// start runs one function and waits until it listens.
func start(t *testing.T, binary, target string) (url string, took time.Duration) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(address)
	cmd := exec.Command(binary)
	cmd.Env = append(os.Environ(), "FUNCTION_TARGET="+target, "PORT="+port, "LOCAL_ONLY=true")
	began := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for time.Since(began) < 10*time.Second {
		if c, err := net.Dial("tcp", address); err == nil {
			_ = c.Close()
			return "http://" + address, time.Since(began)
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("%s does not listen", target)
	return "", 0
}

func post(t *testing.T, url, contentType string, header http.Header, body []byte) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		r.Header = header
	}
	r.Header.Set("Content-Type", contentType)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// The deploy unit starts as it does on Google Cloud, decodes a real CloudEvent, and
// says which drivers this version lacks: nothing is acknowledged that was not done.
func TestDeployUnit(t *testing.T) {
	name := binary(t)
	m, err := events.Encode(etl.TopicChunkPlanned, "r1-1-00000", "", etl.ChunkPlanned{Run: "r1", Chunk: "r1-1-00000", Epoch: 1})
	if err != nil {
		t.Fatal(err)
	}
	e := cloudevent.ToEvent(m)
	url, took := start(t, name, "extract-chunk")
	t.Logf("start to listening: %v", took)
	client, err := cloudevents.NewClientHTTP(cloudevents.WithTarget(url))
	if err != nil {
		t.Fatal(err)
	}
	result := client.Send(cloudevents.WithEncodingBinary(context.Background()), e)
	if cloudevents.IsACK(result) || !strings.Contains(fmt.Sprint(result), "503") {
		t.Errorf("a delivery without drivers: %v", result)
	}
	if result := client.Send(cloudevents.WithEncodingStructured(context.Background()), e); cloudevents.IsACK(result) {
		t.Errorf("a structured delivery without drivers: %v", result)
	}
	if status, _ := post(t, url, "application/json", http.Header{"Ce-Id": {"1"}, "Ce-Source": {"/x"}, "Ce-Type": {"nobody.knows.v1"}, "Ce-Specversion": {"1.0"}}, []byte("{}")); status != http.StatusBadRequest {
		t.Errorf("an unknown event answers %d, want 400", status)
	}
	for _, target := range []string{"etl-api", "plan-run"} {
		url, _ := start(t, name, target)
		status, body := post(t, url, "application/json", nil, []byte("{}"))
		if status != http.StatusConflict || !strings.Contains(body, "no drivers for Google Cloud") {
			t.Errorf("%s answers %d %s", target, status, body)
		}
	}
}

// The cloud binary carries neither database of the embedded platform.
func TestDeployUnitLinksNoEmbeddedDriver(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "./scripts/function").Output()
	if err != nil {
		t.Fatal(err)
	}
	for dep := range strings.FieldsSeq(string(out)) {
		for _, banned := range []string{"duckdb", "modernc.org/sqlite", "shared/platform/embedded", "/sqlite", "shared/warehouse/duckdb", "shared/pipeline/local", "workflow/interpreter"} {
			if strings.Contains(dep, banned) {
				t.Errorf("the deploy unit links %s", dep)
			}
		}
	}
}

const module = "github.com/b2brecs/b2brecs/"

// drivers are the folders one level below an API.
var apis = []string{"events", "state", "objects", "warehouse", "workflow", "pipeline", "schedule", "secret", "identity"}

func driver(pkg string) bool {
	for _, api := range apis {
		for _, d := range []string{"sqlite", "folder", "duckdb", "interpreter", "local", "cron", "age"} {
			if strings.HasPrefix(pkg, module+"shared/"+api+"/"+d) {
				return true
			}
		}
	}
	return false
}

// Imports point one way: functions, domain, APIs, drivers.
func TestImportsPointOneWay(t *testing.T) {
	packages := imports(t)
	for pkg, deps := range packages {
		rel := strings.TrimPrefix(pkg, module)
		for _, dep := range deps {
			to := strings.TrimPrefix(dep, module)
			switch {
			case strings.HasPrefix(rel, "functions/") && strings.HasPrefix(to, "functions/"):
				t.Errorf("%s imports another function, %s", rel, to)
			case strings.HasPrefix(rel, "shared/") && (strings.HasPrefix(to, "functions") || strings.HasPrefix(to, "scripts")):
				t.Errorf("%s imports %s, which is above it", rel, to)
			case driver(dep) && !driver(pkg) && !strings.HasSuffix(rel, "test") && !strings.HasPrefix(rel, "shared/platform/") && !strings.HasPrefix(rel, "scripts/"):
				t.Errorf("%s imports the driver %s", rel, to)
			}
		}
	}
}

// imports gives the product's own imports of every package, tests left out.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	walk(t, func(name string) {
		if strings.HasSuffix(name, "_test.go") {
			return
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		pkg := module + filepath.ToSlash(filepath.Dir(name))
		for _, i := range f.Imports {
			if dep := strings.Trim(i.Path.Value, `"`); strings.HasPrefix(dep, module) {
				out[pkg] = append(out[pkg], dep)
			}
		}
	})
	return out
}

func walk(t *testing.T, fn func(name string)) {
	t.Helper()
	for _, root := range []string{"functions", "shared", "scripts"} {
		err := filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
			if err == nil && e.IsDir() && (e.Name() == "testdata" || e.Name() == "node_modules") {
				return fs.SkipDir
			}
			if err == nil && strings.HasSuffix(name, ".go") {
				fn(name)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Bans that matter: work carries its caller's context; every package says what it is for.
func TestBans(t *testing.T) {
	documented := map[string]bool{}
	walk(t, func(name string) {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "_test.go") {
			return
		}
		dir := filepath.Dir(name)
		f, err := parser.ParseFile(token.NewFileSet(), name, src, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		documented[dir] = documented[dir] || f.Doc != nil
		suite := strings.HasSuffix(dir, "test") // conformance suites are tests
		// A hook of somebody else's that carries no context says so on the line.
		own := bytes.ReplaceAll(src, []byte("context.Background(), s, nil); err != nil { // the engine's hook carries no context"), nil)
		if bytes.Contains(own, []byte("context.Background()")) && filepath.Base(name) != "main.go" && !suite {
			t.Errorf("%s uses context.Background", name)
		}
		if lines := bytes.Count(src, []byte("\n")); lines > 600 {
			t.Errorf("%s has %d lines; a file holds one purpose", name, lines)
		}
	})
	for dir, ok := range documented {
		if !ok {
			t.Errorf("%s has no package comment", dir)
		}
	}
}

// Every entry of the catalogue can be deployed and reached.
func TestCatalogue(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range catalog.Catalog() {
		handlers := 0
		for _, set := range []bool{f.Register != nil, f.Call != nil, f.Event != nil} {
			if set {
				handlers++
			}
		}
		if seen[f.Name] || f.Summary == "" || f.MemoryMiB == 0 || f.Timeout == 0 || f.Concurrency == 0 || len(f.Roles) == 0 || handlers != 1 {
			t.Errorf("the entry %q is not complete", f.Name)
		}
		if (f.Kind == platform.Event) != (f.Topic != "") {
			t.Errorf("the entry %q has kind %s and topic %q", f.Name, f.Kind, f.Topic)
		}
		seen[f.Name] = true
	}
}
