package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/storage"

	"github.com/b2brecs/b2brecs/scripts/b2brecs/client"
	"github.com/b2brecs/b2brecs/scripts/box/home"
	"github.com/b2brecs/b2brecs/shared/platform/cloud"
	"github.com/b2brecs/b2brecs/shared/platform/cloudbox"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// built are the programs of the tests, each built once.
var built struct {
	sync.Mutex
	dir string
}

func TestMain(m *testing.M) {
	code := m.Run()
	if built.dir != "" {
		_ = os.RemoveAll(built.dir) // of the system's folder for such things
	}
	os.Exit(code)
}

// program builds a package below scripts.
func program(t *testing.T, name string) string {
	t.Helper()
	built.Lock()
	defer built.Unlock()
	if built.dir == "" {
		var err error
		if built.dir, err = os.MkdirTemp("", "box-test-"); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(built.dir, name)
	if _, err := os.Stat(file); err == nil {
		return file
	}
	c := exec.Command("go", "build", "-o", file, "./scripts/"+name)
	if name == "function" { // as it is deployed, for this machine
		c = exec.Command("./scripts/deploy-unit", file)
		c.Env = append(os.Environ(), "GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH)
	}
	c.Dir = filepath.Join("..", "..")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return file
}

// box is a box of one test, in a folder of its own.
type box struct {
	*home.Box
	dir string
}

// open starts a box, with one process for each function or a single one.
func open(t *testing.T, single bool) *box {
	t.Helper()
	return openWith(t, home.Options{Single: single})
}

func openWith(t *testing.T, o home.Options) *box {
	t.Helper()
	if cloudbox.SQLPython() == "" {
		t.Skip("SKIPPED: no Python with bqemulator; scripts/python-env --bqemulator makes one, or B2BRECS_BQEMULATOR_PYTHON names one")
	}
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	o.Root, o.Dir, o.Unit = filepath.Join("..", ".."), t.TempDir(), program(t, "function")
	o.Log = slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelError}))
	started, err := home.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	b := &box{started, o.Dir}
	t.Cleanup(func() {
		if t.Failed() {
			b.tell(t)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// testLog keeps the box's own errors with the test's.
type testLog struct{ t *testing.T }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

// tell shows the end of what each process has said.
func (b *box) tell(t *testing.T) {
	for _, f := range b.logs(t) {
		if text, err := os.ReadFile(f); err == nil && len(text) > 0 {
			t.Logf("%s:\n%s", filepath.Base(f), text[max(0, len(text)-2000):])
		}
	}
}

// logs lists the logs, one for each process that was started.
func (b *box) logs(t *testing.T) []string {
	files, err := filepath.Glob(filepath.Join(b.Logs(), "*.log"))
	if err != nil {
		t.Error(err)
	}
	return files
}

func (b *box) client() *client.Client { return client.New(b.URL, b.Token) }

// platform is what a function of the box gets.
func (b *box) platform(t *testing.T) *cloud.Platform {
	t.Helper()
	p, err := b.Platform()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return p
}

// drop puts a file into the uploads bucket, as any tool for Cloud Storage does.
func (b *box) drop(t *testing.T, key, content string) {
	t.Helper()
	bucket, opts := b.Uploads()
	c, err := storage.NewClient(t.Context(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	w := c.Bucket(bucket).Object(key).NewWriter(t.Context())
	if _, err := fmt.Fprint(w, content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// killing kills processes of functions at random, each function's at most so many
// times, until stop is called, which says how many died.
func (b *box) killing(t *testing.T, each int, pause time.Duration) (stop func() map[string]int) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("processes are killed with seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // which process dies is no secret
	killed := map[string]int{}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-done:
				return
			case <-time.After(pause/2 + time.Duration(random.Int64N(int64(pause)))):
			}
			left := slices.DeleteFunc(b.Functions(), func(f string) bool { return killed[f] >= each })
			random.Shuffle(len(left), func(i, j int) { left[i], left[j] = left[j], left[i] })
			if i := slices.IndexFunc(left, b.Kill); i >= 0 {
				killed[left[i]]++
			}
		}
	}()
	return func() map[string]int {
		close(done)
		<-ended
		return killed
	}
}

// noLetters looks for dead letters: nothing that was sent may be given up.
func (b *box) noLetters(t *testing.T) {
	t.Helper()
	bus := b.platform(t).Events
	for _, f := range b.Functions() {
		dead, err := bus.DeadLetters(t.Context(), f, 10)
		if problem.Is(err, problem.NotFound) { // not an event function
			continue
		}
		if err != nil || len(dead) > 0 {
			t.Errorf("%s has the dead letters %+v, %v", f, dead, err)
		}
	}
}

// command runs the command line on a data folder and reads its document. What a
// function's death broke off is asked for again: every step is idempotent.
func command(t *testing.T, into any, args ...string) {
	t.Helper()
	var out []byte
	for try := 0; ; try++ {
		var said strings.Builder
		c := exec.CommandContext(t.Context(), program(t, "b2brecs"), append(args, "--json")...)
		c.Stderr = &said
		var err error
		if out, err = c.Output(); err == nil {
			break
		}
		var failed struct {
			Error problem.Error `json:"error"`
		}
		text := said.String()
		if i := strings.Index(text, "{\n"); i >= 0 {
			_ = json.Unmarshal([]byte(text[i:]), &failed) // another failure is told below
		}
		if failed.Error.Code != problem.Unavailable || try == 20 {
			t.Fatalf("b2brecs %s: %v\n%s", strings.Join(args, " "), err, text)
		}
		t.Logf("b2brecs is asked again: %s", failed.Error.Message)
	}
	if err := json.Unmarshal(out, into); err != nil {
		t.Fatalf("b2brecs %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}
