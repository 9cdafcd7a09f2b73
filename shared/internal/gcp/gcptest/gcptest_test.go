package gcptest

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

func TestRuns(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	r := NewRun(now)
	if r == NewRun(now) {
		t.Error("two runs have one name")
	}
	p := &Project{Run: r}
	for _, name := range []string{p.Name("topic"), "projects/p/topics/" + p.Name("a-b"), "projects/p/locations/r/jobs/b2brecs-schedule-" + p.Name("x"),
		"run-" + p.Name("job"), strings.ReplaceAll(p.Name("t_1"), "-", "_"), p.Short(strings.Repeat("a", 300), 255)} {
		if run, at, ok := Begun(name); !ok || run != r || !at.Equal(now) || len(name) > 255 {
			t.Errorf("%s: %s, %s, %t", name, run, at, ok)
		}
	}
	for _, name := range []string{"", "topic", "b2brecs-verify", Prefix, Prefix + r, Prefix + "short-x", Prefix + "TTTTTTabcd-x", "x" + p.Name("y"),
		"b2brecs-schedule-nightly", p.Name("folder") + "/other", Prefix + "customer-data", Prefix + r + "x-y"} {
		if run, _, ok := Begun(name); ok {
			t.Errorf("%q is taken for run %s", name, run)
		}
	}
}

func TestOpen(t *testing.T) {
	for _, v := range []string{ProjectVar, RegionVar, RunVar, AccountVar} {
		t.Setenv(v, "")
	}
	skipped := func(needs ...string) (out bool) {
		t.Run("open", func(t *testing.T) {
			defer func() { out = t.Skipped() }()
			Open(t, needs...)
		})
		return out
	}
	if Configured() || !skipped() {
		t.Error("nothing names a project")
	}
	t.Setenv(ProjectVar, "acme")
	t.Setenv(RegionVar, "europe-west4")
	t.Setenv(EmulatorsVar, "pubsub=127.0.0.1:1,storage=http://127.0.0.1:2/storage/v1/")
	if skipped() || !skipped(AccountVar) {
		t.Error("what is needed decides")
	}
	p := Open(t)
	if !p.Emulated("pubsub") || len(p.Client("pubsub")) != 3 || len(p.Client("storage")) != 2 || p.Client("bigquery") != nil || p.Run != Open(t).Run {
		t.Errorf("%+v", p)
	}
}

// The public end runs here as it does in Cloud Run.
func TestTunnel(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("SKIPPED: no python3 on this machine")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	const secret = "S"
	c := exec.CommandContext(t.Context(), python, "-c", tunnelProgram)
	c.Env = append(os.Environ(), "SECRET="+secret, fmt.Sprint("PORT=", port))
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	url := fmt.Sprint("http://127.0.0.1:", port)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if _, code, err := send(t.Context(), http.MethodPost, url+"/"+secret+"/answer/none", nil, nil); err == nil && code == http.StatusGone {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the public end does not start")
		}
	}
	local := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/drop" {
			panic(http.ErrAbortHandler)
		}
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Answer", "ü")
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, "%s %s %s %s", r.Method, r.URL.RequestURI(), r.Header.Get("Authorization"), body)
	}))
	t.Cleanup(local.Close)
	tunnel := serveTunnel(t, url, secret)
	tunnel.Reach("http://127.0.0.1:1") // another one
	at := tunnel.Reach(local.URL)
	for range 20 {
		body, code, err := send(t.Context(), http.MethodPut, at+"/a%20b?c=d", http.Header{"Authorization": {"Bearer x"}}, []byte("\x00ü"))
		if err != nil || code != http.StatusTeapot || string(body) != "PUT /a%20b?c=d Bearer x \x00ü" {
			t.Fatalf("%d %q %v", code, body, err)
		}
	}
	for path, want := range map[string]int{at + "/drop": http.StatusBadGateway, url + "/9/x": http.StatusNotFound, url + "/x": http.StatusNotFound, url + "/wrong/next": http.StatusNotFound} {
		if _, code, err := send(t.Context(), http.MethodGet, path, nil, nil); err != nil || code != want {
			t.Errorf("%s: %d, %v; want %d", path, code, err, want)
		}
	}
}
