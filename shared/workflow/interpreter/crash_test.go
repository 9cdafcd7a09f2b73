package interpreter_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/state/sqlite"
	"github.com/b2brecs/b2brecs/shared/workflow"
	"github.com/b2brecs/b2brecs/shared/workflow/interpreter"
)

// Environment of a crash child: where its state is, which server it calls, after or
// before how many commits it kills itself, and where it says on which port it listens.
const (
	envDir   = "INTERPRETER_CRASH_DIR"
	envURL   = "INTERPRETER_CRASH_URL"
	envAfter = "INTERPRETER_CRASH_AFTER"
	envAt    = "INTERPRETER_CRASH_AT"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(envDir); dir != "" {
		if err := crashChild(dir, os.Getenv(envURL)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// killer is a state driver that kills the process around the n-th commit that is
// not about sources.
type killer struct {
	state.Driver
	n     atomic.Int64
	at    int64
	after bool
}

type spyTx struct {
	state.DriverTx
	counts bool
}

func (x *spyTx) Put(collection, id string, data []byte) error {
	x.counts = x.counts || collection != "workflow_sources"
	return x.DriverTx.Put(collection, id, data)
}

func (k *killer) Transact(ctx context.Context, fn func(state.DriverTx) error) error {
	var spy *spyTx
	err := k.Driver.Transact(ctx, func(tx state.DriverTx) error {
		spy = &spyTx{DriverTx: tx}
		err := fn(spy)
		if err == nil && spy.counts && k.n.Add(1) == k.at && !k.after {
			die()
		}
		return err
	})
	if err == nil && spy.counts && k.after && k.n.Load() >= k.at && k.at > 0 {
		die()
	}
	return err
}

func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// crashChild runs the workflow to its end, or dies on the way.
func crashChild(dir, url string) error {
	drv, err := sqlite.Open(filepath.Join(dir, "state.db"))
	if err != nil {
		return err
	}
	at, _ := strconv.ParseInt(os.Getenv(envAt), 10, 64)
	db := state.New(&killer{Driver: drv, at: at, after: os.Getenv(envAfter) != ""})
	defer db.Close()
	ctx := context.Background()
	d, err := interpreter.Open(ctx, interpreter.Options{State: db, FS: os.DirFS("testdata"), Token: token,
		CallbackURL: url + "/callbacks", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer d.Close()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() { _ = http.Serve(ln, http.HandlerFunc(d.ServeCallback)) }()
	port := filepath.Join(dir, "port")
	if err := os.WriteFile(port+".new", []byte(ln.Addr().String()), 0o600); err != nil {
		return err
	}
	if err := os.Rename(port+".new", port); err != nil {
		return err
	}
	if err := d.Resume(ctx); err != nil {
		return err
	}
	if _, err := d.Start(ctx, "crash", "x", map[string]any{"url": url}); err != nil {
		return err
	}
	for {
		x, err := d.Get(ctx, "crash", "x")
		if err != nil {
			return err
		}
		if x.Status != workflow.Active {
			return json.NewEncoder(os.Stdout).Encode(x)
		}
		time.Sleep(time.Millisecond)
	}
}

// idempotent answers the crash workflow. It does the work of each step header once,
// and fails the test when one comes with different content.
type idempotent struct {
	t   *testing.T
	dir string
	mu  sync.Mutex
	// seen maps a step to its request, replies to what was answered.
	seen    map[string]string
	replies map[string]int
	flaky   int
	wg      sync.WaitGroup
	done    chan struct{} // closed when the execution has ended
}

func (s *idempotent) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if strings.HasPrefix(r.URL.Path, "/callbacks/") {
		s.forward(w, r, body)
		return
	}
	step := r.Header.Get(interpreter.StepHeader)
	s.mu.Lock()
	defer s.mu.Unlock()
	request := r.URL.Path + " " + string(body)
	if old, ok := s.seen[step]; ok && old != request {
		s.t.Errorf("step %s came as %q and as %q", step, old, request)
	} else if !ok {
		s.seen[step] = request
		s.replies[step] = http.StatusOK
		switch r.URL.Path {
		case "/flaky":
			if s.flaky++; s.flaky == 1 {
				s.replies[step] = http.StatusServiceUnavailable
			}
		case "/job":
			var in struct {
				URL string `json:"callback_url"`
			}
			_ = json.Unmarshal(body, &in)
			s.wg.Go(func() { s.callBack(in.URL) })
		}
	}
	var in struct{ N int }
	_ = json.Unmarshal(body, &in)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(s.replies[step])
	_ = json.NewEncoder(w).Encode(map[string]int{"square": in.N * in.N})
}

// callBack repeats a callback until it is taken, as an event's subscriber would. Its
// answer may be lost with the child that stored it.
func (s *idempotent) callBack(url string) {
	for range 2000 {
		req, _ := http.NewRequest(http.MethodPost, url, strings.NewReader(`{"outcome":"loaded"}`))
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Idempotency-Key", "job-1")
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusGone {
				return
			}
		}
		select {
		case <-s.done:
			return
		case <-time.After(2 * time.Millisecond):
		}
	}
	s.t.Error("the callback was never taken")
}

// forward passes a callback to the child that lives now.
func (s *idempotent) forward(w http.ResponseWriter, r *http.Request, body []byte) {
	addr, _ := os.ReadFile(filepath.Join(s.dir, "port"))
	req, err := http.NewRequest(r.Method, "http://"+string(addr)+r.URL.Path, bytes.NewReader(body))
	if err == nil {
		req.Header = r.Header.Clone()
		var resp *http.Response
		if resp, err = http.DefaultClient.Do(req); err == nil {
			defer resp.Body.Close()
			w.WriteHeader(resp.StatusCode)
			_, _ = io.Copy(w, resp.Body)
			return
		}
	}
	w.WriteHeader(http.StatusBadGateway)
}

// crashRun runs children until one ends, each killed as mode says, and gives the
// result and how many calls with a step of their own were made, and how many children.
func crashRun(t *testing.T, kill func(child int) (at int, after bool)) (string, int, int) {
	t.Helper()
	s := &idempotent{t: t, dir: t.TempDir(), seen: map[string]string{}, replies: map[string]int{}, done: make(chan struct{})}
	srv := httptest.NewServer(s)
	defer srv.Close()
	defer func() {
		close(s.done)
		s.wg.Wait()
	}()
	for child := 1; child < 200; child++ {
		at, after := kill(child)
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), envDir+"="+s.dir, envURL+"="+srv.URL, envAt+"="+strconv.Itoa(at))
		if after {
			cmd.Env = append(cmd.Env, envAfter+"=1")
		}
		var errs bytes.Buffer
		cmd.Stderr = &errs
		out, err := cmd.Output()
		if err == nil {
			var x workflow.Execution
			if err := json.Unmarshal(out, &x); err != nil || x.Status != workflow.Succeeded {
				t.Fatalf("%s, %v", out, err)
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			return string(x.Result), len(s.seen), child
		}
		if !strings.Contains(err.Error(), "killed") {
			t.Fatalf("child: %v\n%s", err, errs.String())
		}
	}
	t.Fatal("the workflow does not come to an end")
	return "", 0, 0
}

func TestCrash(t *testing.T) {
	want, calls, _ := crashRun(t, func(int) (int, bool) { return 0, false })
	const result = `{"back":{"outcome":"loaded"},"first":1,"flaky":81,"out":[[0,4],[1,9]],"squares":{"4":16,"5":25,"6":36},"sum":77}`
	if diff := cmp.Diff(result, want); diff != "" {
		t.Fatalf("undisturbed (-want +got):\n%s", diff)
	}
	check := func(t *testing.T, got string, n int) {
		t.Helper()
		if got != want || n != calls {
			t.Errorf("%d calls, result %s; undisturbed %d calls, %s", n, got, calls, want)
		}
	}
	t.Run("after every commit in turn", func(t *testing.T) {
		got, n, children := crashRun(t, func(int) (int, bool) { return 1, true })
		check(t, got, n)
		if children < 30 {
			t.Errorf("only %d children were needed", children)
		}
		t.Logf("%d children", children)
	})
	// A crash just before a commit: the effects of the step are out, its checkpoint is not.
	for k, alive := 1, true; alive; k++ {
		t.Run(fmt.Sprint("before commit ", k), func(t *testing.T) {
			got, n, children := crashRun(t, func(child int) (int, bool) {
				if child == 1 {
					return k, false
				}
				return 0, false
			})
			check(t, got, n)
			alive = children > 1 && !t.Failed()
		})
	}
}
