package interpreter_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/state/sqlite"
	"github.com/b2brecs/b2brecs/shared/workflow"
	"github.com/b2brecs/b2brecs/shared/workflow/interpreter"
	"github.com/b2brecs/b2brecs/shared/workflow/workflowtest"
)

// clock stands still until it is moved.
type clock struct {
	mu    sync.Mutex
	now   time.Time
	moved chan struct{}
}

func newClock() *clock {
	return &clock{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), moved: make(chan struct{})}
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	close(c.moved)
	c.moved = make(chan struct{})
}

func (c *clock) Sleep(ctx context.Context, until time.Time) error {
	for {
		c.mu.Lock()
		now, moved := c.now, c.moved
		c.mu.Unlock()
		if !now.Before(until) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-moved:
		}
	}
}

func files(pairs ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return m
}

func openDriver(t *testing.T, o interpreter.Options) *interpreter.Driver {
	t.Helper()
	o.Token, o.Log = token, slog.New(slog.DiscardHandler)
	if o.CallbackURL == "" {
		o.CallbackURL = "http://127.0.0.1:1/cb"
	}
	d, err := interpreter.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// until polls for a condition.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func TestOpenSaysWhatIsMissing(t *testing.T) {
	_, err := interpreter.Open(t.Context(), interpreter.Options{})
	if err == nil || !strings.Contains(err.Error(), "CallbackURL, FS, State, Token") {
		t.Errorf("%v", err)
	}
}

func TestOpenReportsEveryFile(t *testing.T) {
	_, err := interpreter.Open(t.Context(), interpreter.Options{
		State: openState(t, filepath.Join(t.TempDir(), "s.db")), Token: token, CallbackURL: "http://x",
		FS: files("a.yaml", "main: 1", "b.yaml", "main:\n  steps: []\n", "Bad_Name.yaml", "- a:\n    return: 1\n"),
	})
	for _, want := range []string{"a.yaml:1:7", "b.yaml:2:10", "Bad_Name.yaml"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}

func TestSleepAcrossRestart(t *testing.T) {
	db, drv := openBoth(t)
	c := newClock()
	src := func(result string) fstest.MapFS {
		return files("w.yaml", "main:\n  steps:\n    - nap:\n        call: sys.sleep\n        args: {seconds: 3600}\n    - done:\n        return: "+result+"\n")
	}
	d := openDriver(t, interpreter.Options{State: db, FS: src("first"), Clock: c})
	if _, err := d.Start(t.Context(), "w", "x", nil); err != nil {
		t.Fatal(err)
	}
	until(t, "the nap", func() bool {
		doc, _ := drv.Get(t.Context(), "workflow_checkpoints", "w.x")
		return strings.Contains(string(doc.Data), `"kind":"sleep"`)
	})
	d.Close()

	c.move(3599 * time.Second)
	d = openDriver(t, interpreter.Options{State: db, FS: src("second"), Clock: c})
	if err := d.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	time.Sleep(20 * time.Millisecond)
	if x, _ := d.Get(t.Context(), "w", "x"); x.Status != workflow.Active {
		t.Fatalf("woke too early: %+v", x)
	}
	c.move(time.Second)
	x := workflowtest.Wait(t, workflow.New(d), "w", "x")
	if string(x.Result) != `"first"` {
		t.Errorf("an execution runs the source it began with; result %s", x.Result)
	}
	if x.Ended.Sub(x.Started) != time.Hour {
		t.Errorf("started %v, ended %v", x.Started, x.Ended)
	}
}

func TestRequestInFlightIsMadeAgain(t *testing.T) {
	var mu sync.Mutex
	var steps []string
	release := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		steps = append(steps, r.Header.Get(interpreter.StepHeader))
		first := len(steps) == 1
		mu.Unlock()
		if first {
			select {
			case <-r.Context().Done():
			case <-release:
			}
		}
		_, _ = io.WriteString(w, "ok")
	}))
	defer srv.Close()
	defer close(release)
	db := openState(t, filepath.Join(t.TempDir(), "s.db"))
	def := files("w.yaml", "main:\n  params: [u]\n  steps:\n    - a:\n        call: http.get\n        args: {url: '${u}'}\n        result: r\n    - b:\n        return: ${r.body}\n")
	d := openDriver(t, interpreter.Options{State: db, FS: def})
	if _, err := d.Start(t.Context(), "w", "x", srv.URL); err != nil {
		t.Fatal(err)
	}
	until(t, "the request", func() bool { mu.Lock(); defer mu.Unlock(); return len(steps) == 1 })
	d.Close()
	d = openDriver(t, interpreter.Options{State: db, FS: def})
	if err := d.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	if x := workflowtest.Wait(t, workflow.New(d), "w", "x"); string(x.Result) != `"ok"` {
		t.Errorf("%+v", x)
	}
	if len(steps) != 2 || steps[0] != steps[1] || steps[0] != "w.x/1" {
		t.Errorf("steps %q", steps)
	}
}

const callbackSource = "main:\n  steps:\n    - make:\n        call: events.create_callback_endpoint\n        result: cb\n" +
	"    - tell:\n        call: sys.log\n        args: {text: '${cb.url}'}\n" +
	"    - wait:\n        call: events.await_callback\n        args: {callback: '${cb}'}\n        result: r\n    - done:\n        return: ${r.http_request}\n"

func TestCallbackAnswers(t *testing.T) {
	db, drv := openBoth(t)
	mux := http.NewServeMux()
	srv := httptest.NewServer(mux)
	defer srv.Close()
	d := openDriver(t, interpreter.Options{State: db, FS: files("w.yaml", callbackSource), CallbackURL: srv.URL + "/cb"})
	mux.HandleFunc("/cb/", d.ServeCallback)
	if _, err := d.Start(t.Context(), "w", "x", nil); err != nil {
		t.Fatal(err)
	}
	until(t, "the wait", func() bool { x, _ := d.Get(t.Context(), "w", "x"); return x.Step == "main.wait" })
	ids := idsOf(t, drv, "workflow_endpoints")
	if len(ids) != 1 {
		t.Fatalf("endpoints %v", ids)
	}
	url := srv.URL + "/cb/" + strings.Replace(ids[0], "w.x.", "w.x/", 1)
	post := func(url, body string) int {
		req, _ := http.NewRequest(http.MethodPost, url+"?q=1", strings.NewReader(body))
		req.Header.Set("Authorization", "Bearer secret")
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if s := post(srv.URL+"/cb/w.x/0000", "1"); s != http.StatusNotFound {
		t.Errorf("unknown endpoint: %d", s)
	}
	if s := post(srv.URL+"/cb/w.nobody/0000", "1"); s != http.StatusNotFound {
		t.Errorf("unknown execution: %d", s)
	}
	if s := post(url, strings.Repeat(" ", 1<<20)); s != http.StatusRequestEntityTooLarge {
		t.Errorf("large body: %d", s)
	}
	if s := post(url, `{"n": 1}`); s != http.StatusOK {
		t.Errorf("callback: %d", s)
	}
	x := workflowtest.Wait(t, workflow.New(d), "w", "x")
	if !strings.Contains(string(x.Result), `"body":{"n":1}`) || !strings.Contains(string(x.Result), `"query":{"q":["1"]}`) {
		t.Errorf("%s", x.Result)
	}
	if strings.Contains(string(x.Result), "secret") {
		t.Error("the token of the caller is in the state")
	}
	if s := post(url, `{"n": 2}`); s != http.StatusGone {
		t.Errorf("after the end: %d", s)
	}
	for _, c := range []string{"workflow_checkpoints", "workflow_endpoints", "workflow_callbacks"} {
		if ids := idsOf(t, drv, c); len(ids) > 0 {
			t.Errorf("%s: %v are left over", c, ids)
		}
	}
}

// openBoth opens a store and gives its driver too, which tells ids.
func openBoth(t *testing.T) (*state.DB, *sqlite.Driver) {
	t.Helper()
	drv, err := sqlite.Open(filepath.Join(t.TempDir(), "s.db"))
	if err != nil {
		t.Fatal(err)
	}
	db := state.New(drv)
	t.Cleanup(func() { db.Close() })
	return db, drv
}

func idsOf(t *testing.T, drv *sqlite.Driver, collection string) []string {
	t.Helper()
	docs, _, err := drv.Query(t.Context(), collection, state.Query{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, d := range docs {
		ids = append(ids, d.ID)
	}
	return ids
}

// flaky fails two of three transactions with Unavailable.
type flaky struct {
	state.Driver
	n atomic.Int64
}

func (f *flaky) Transact(ctx context.Context, fn func(state.DriverTx) error) error {
	if f.n.Add(1)%3 != 0 {
		return problem.New(problem.Unavailable, "the store is away")
	}
	return f.Driver.Transact(ctx, fn)
}

func TestStoreThatIsAway(t *testing.T) {
	drv, err := sqlite.Open(filepath.Join(t.TempDir(), "s.db"))
	if err != nil {
		t.Fatal(err)
	}
	db := state.New(&flaky{Driver: drv})
	defer db.Close()
	d := openDriver(t, interpreter.Options{State: db, FS: files("w.yaml",
		"main:\n  steps:\n    - a:\n        assign: [{x: 1}]\n    - b:\n        assign: [{x: '${x + 1}'}]\n    - c:\n        return: ${x}\n")})
	defer d.Close()
	if _, err := d.Start(t.Context(), "w", "x", nil); err != nil {
		t.Fatal(err)
	}
	if x := workflowtest.Wait(t, workflow.New(d), "w", "x"); string(x.Result) != "2" {
		t.Errorf("%+v", x)
	}
}

func TestCancelBreaksOffTheRequest(t *testing.T) {
	began, ended := make(chan struct{}), make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(began)
		<-r.Context().Done()
		close(ended)
	}))
	defer srv.Close()
	db, drv := openBoth(t)
	d := openDriver(t, interpreter.Options{State: db, FS: files("w.yaml",
		"main:\n  params: [u]\n  steps:\n    - a:\n        call: http.get\n        args: {url: '${u}'}\n")})
	if _, err := d.Start(t.Context(), "w", "x", srv.URL); err != nil {
		t.Fatal(err)
	}
	<-began
	if err := d.Cancel(t.Context(), "w", "x"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Fatal("the request goes on")
	}
	d.Close()
	if x, err := d.Get(t.Context(), "w", "x"); err != nil || x.Status != workflow.Cancelled {
		t.Errorf("%+v, %v", x, err)
	}
	if ids := idsOf(t, drv, "workflow_checkpoints"); len(ids) > 0 {
		t.Errorf("%v are left over", ids)
	}
}

func TestTokenRefused(t *testing.T) {
	d, err := interpreter.Open(t.Context(), interpreter.Options{
		State: openState(t, filepath.Join(t.TempDir(), "s.db")), CallbackURL: "http://x", Log: slog.New(slog.DiscardHandler),
		Token: func(context.Context, string) (string, error) { return "", errors.New("not one of ours") },
		FS: files("w.yaml", "main:\n  steps:\n    - a:\n        try:\n          call: http.get\n          args: {url: 'http://else', auth: {type: OIDC}}\n"+
			"        except:\n          as: e\n          steps:\n            - b:\n                return: ${e.tags}\n"),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.Start(t.Context(), "w", "x", nil); err != nil {
		t.Fatal(err)
	}
	if x := workflowtest.Wait(t, workflow.New(d), "w", "x"); string(x.Result) != `["AuthError"]` {
		t.Errorf("%+v", x)
	}
}
