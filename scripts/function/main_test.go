package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/binding"
	ce "github.com/cloudevents/sdk-go/v2/event"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"

	catalog "github.com/b2brecs/b2brecs/functions"
	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/events/cloudevent"
	"github.com/b2brecs/b2brecs/shared/platform"
)

// maxBytes of the stripped deploy unit: what an instance loads before it starts. Half
// of it are the official clients of nine services, a quarter Arrow, Parquet and pgx.
const maxBytes = 80_000_000

// built is the deploy unit of all tests, in a folder of its own.
var built struct{ dir, name string }

func TestMain(m *testing.M) {
	code := m.Run()
	if built.dir != "" {
		_ = os.RemoveAll(built.dir) // of the system's folder for such things
	}
	os.Exit(code)
}

// binary builds the deploy unit once, as it is deployed but for this machine's system.
func binary(t testing.TB) string {
	t.Helper()
	if built.name != "" {
		return built.name
	}
	var err error
	if built.dir, err = os.MkdirTemp("", "function-test-"); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(built.dir, "function")
	cmd := exec.Command("../deploy-unit", name)
	cmd.Env = append(os.Environ(), "GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if info, err := os.Stat(name); err != nil || info.Size() > maxBytes {
		t.Errorf("the deploy unit has %d bytes, more than %d: %v", info.Size(), maxBytes, err)
	}
	built.name = name
	return name
}

// start runs one function, or all of them for "", and waits until it listens.
func start(t testing.TB, binary, target string, env ...string) (url string, took time.Duration) {
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
	cmd.Env = append(os.Environ(), "FUNCTION_TARGET="+target, "PORT="+port, "LOCAL_ONLY=true", "B2BRECS_BUCKET_UPLOADS=acme-uploads", "B2BRECS_BUCKET_STAGING=acme-staging", "B2BRECS_BUCKET_PIPELINES=acme-pipelines")
	cmd.Env = append(cmd.Env, env...)
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
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("%s does not listen", target)
	return "", 0
}

func post(t *testing.T, url string, header http.Header, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header
	return do(t, r)
}

func do(t *testing.T, r *http.Request) (int, string) {
	t.Helper()
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

// delivery is the event a function is started for, as its sender makes it.
func delivery(t *testing.T, f platform.Function) ce.Event {
	t.Helper()
	if f.Bucket != "" { // Cloud Storage through Eventarc
		e := ce.New()
		e.SetID("7")
		e.SetType("google.cloud.storage.object.v1.finalized")
		e.SetSource("//storage.googleapis.com/projects/_/buckets/acme-" + f.Bucket)
		if err := e.SetData(ce.ApplicationJSON, map[string]string{"bucket": "acme-" + f.Bucket, "name": "a/b.csv", "generation": "1", "size": "3"}); err != nil {
			t.Fatal(err)
		}
		return e
	}
	return cloudevent.ToEvent(events.Message{ID: "1", Topic: f.Topic, Type: "b2brecs.any.v1", Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Data: []byte("{}")})
}

// The deploy unit starts as it does on Google Cloud, decodes what senders send, and
// says what its environment lacks: nothing is acknowledged that was not done.
func TestDeployUnit(t *testing.T) {
	name := binary(t)
	var starts []time.Duration
	for _, f := range catalog.Catalog() {
		if f.Kind != platform.Event {
			continue
		}
		t.Run(f.Name, func(t *testing.T) {
			url, took := start(t, name, f.Name)
			starts = append(starts, took)
			well := delivery(t, f)
			strange := well.Clone()
			strange.SetSource("//elsewhere")
			strange.SetType("nobody.knows.v1")
			for _, c := range []struct {
				name string
				e    ce.Event
				want int
				text string
			}{
				{"well-formed", well, http.StatusServiceUnavailable, "B2BRECS_PROJECT is not set"},
				{"of nobody", strange, http.StatusBadRequest, "invalid_argument"},
			} {
				for encoding, encode := range map[string]func(context.Context) context.Context{
					"binary": binding.WithForceBinary, "structured": binding.WithForceStructured,
				} {
					r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, nil)
					if err != nil {
						t.Fatal(err)
					}
					if err := cehttp.WriteRequest(encode(t.Context()), binding.ToMessage(&c.e), r); err != nil {
						t.Fatal(err)
					}
					if code, body := do(t, r); code != c.want || !strings.Contains(body, c.text) {
						t.Errorf("%s, %s: answers %d %s, want %d with %q", c.name, encoding, code, body, c.want, c.text)
					}
				}
			}
			for _, c := range []struct {
				name   string
				header http.Header
				want   int
			}{
				{"neither event nor push", http.Header{"Content-Type": {"application/json"}}, http.StatusBadRequest},
				{"another type of body", http.Header{"Content-Type": {"text/plain"}}, http.StatusBadRequest},
				{"half a CloudEvent", http.Header{"Content-Type": {"application/json"}, "Ce-Id": {"1"}, "Ce-Specversion": {"1.0"}}, http.StatusBadRequest},
				{"a broken CloudEvent", http.Header{"Content-Type": {"application/cloudevents+json"}}, http.StatusBadRequest},
				{"an unknown version", http.Header{"Content-Type": {"application/json"}, "Ce-Id": {"1"}, "Ce-Specversion": {"9.9"}, "Ce-Type": {"t"}, "Ce-Source": {"/s"}}, http.StatusBadRequest},
			} {
				if code, body := post(t, url, c.header, "{"); code != c.want {
					t.Errorf("%s: answers %d %s, want %d", c.name, code, body, c.want)
				}
			}
		})
	}
	for _, target := range []string{"etl-api", "plan-run"} {
		t.Run(target, func(t *testing.T) {
			url, took := start(t, name, target)
			starts = append(starts, took)
			code, body := post(t, url, http.Header{"Content-Type": {"application/json"}}, "{}")
			if code != http.StatusConflict || !strings.Contains(body, "B2BRECS_PROJECT is not set") {
				t.Errorf("answers %d %s", code, body)
			}
		})
	}
	// Other work on the machine slows single starts; the quickest one is the program's own.
	slices.Sort(starts)
	t.Logf("start to listening: %v", starts)
	if starts[0] > 200*time.Millisecond {
		t.Errorf("the quickest start took %v, want at most 200 ms", starts[0])
	}
}

// Without a target the unit serves every function below its name, with the paths and
// the answers it has in a process of its own.
func TestAllFunctions(t *testing.T) {
	env := []string{"B2BRECS_PROJECT=acme-b2b", "B2BRECS_REGION=europe-west1", "B2BRECS_FUNCTIONS_URL=http://127.0.0.1:1",
		"B2BRECS_OIDC_ISSUER=http://127.0.0.1:1", "B2BRECS_OIDC_AUDIENCE=acme", "B2BRECS_OWNER_EMAIL=owner@acme.example",
		"B2BRECS_SERVICE_ACCOUNTS=acme@acme-b2b.iam.gserviceaccount.com", "B2BRECS_SCHEDULER_ACCOUNT=acme@acme-b2b.iam.gserviceaccount.com",
		"B2BRECS_PIPELINE_ACCOUNT=acme@acme-b2b.iam.gserviceaccount.com", "B2BRECS_PIPELINE_IMAGE=acme/runtime"}
	all, _ := start(t, binary(t), "", env...)
	for _, c := range []struct {
		function, method, path string
		want                   int
		text                   string
	}{
		{"etl-api", http.MethodGet, "/v1/etl/source-kinds", http.StatusUnauthorized, ""},
		{"etl-api", http.MethodGet, "/v1/nothing/a%2Fb", http.StatusNotFound, "nothing at GET /v1/nothing/a/b"},
		{"etl-api", http.MethodGet, "/", http.StatusNotFound, "nothing at GET /\""},
		{"etl-api", http.MethodGet, "", http.StatusNotFound, "nothing at GET /\""},
		{"plan-run", http.MethodPost, "", http.StatusUnauthorized, ""},
		{"plan-run", http.MethodPost, "/", http.StatusUnauthorized, ""},
		{"plan-run", http.MethodGet, "/deeper", http.StatusNotFound, "nothing at GET /deeper"},
		{"extract-chunk", http.MethodPost, "/projects/acme/topics/elsewhere", http.StatusBadRequest, "invalid_argument"},
		{"extract-chunk", http.MethodPost, "", http.StatusBadRequest, "invalid_argument"},
	} {
		own, _ := start(t, binary(t), c.function, env...)
		var said [2]string
		for i, url := range []string{own + c.path, all + "/" + c.function + c.path} {
			r, err := http.NewRequestWithContext(t.Context(), c.method, url, strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			code, body := do(t, r)
			if said[i] = body; code != c.want || !strings.Contains(body, c.text) {
				t.Errorf("%s %s answers %d %s, want %d with %q", c.method, url, code, body, c.want, c.text)
			}
		}
		if said[0] != said[1] {
			t.Errorf("%s %s%s answers %s, in a process of its own %s", c.method, c.function, c.path, said[1], said[0])
		}
	}
	for _, path := range []string{"/", "/nobody", "/etl-apis/v1/etl/jobs"} {
		if code, body := post(t, all+path, http.Header{}, "{}"); code != http.StatusNotFound {
			t.Errorf("%s answers %d %s", path, code, body)
		}
	}
}

// BenchmarkStart starts each function until it listens.
func BenchmarkStart(b *testing.B) {
	name := binary(b)
	for _, f := range catalog.Catalog() {
		b.Run(f.Name, func(b *testing.B) {
			took := make([]time.Duration, 0, b.N)
			for range b.N {
				_, d := start(b, name, f.Name)
				took = append(took, d)
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2])/1e6, "p50-ms")
			b.ReportMetric(float64(took[len(took)-1])/1e6, "max-ms")
		})
	}
}
