package main

import (
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/b2brecs/b2brecs/scripts/b2brecs/client"
	"github.com/b2brecs/b2brecs/scripts/box/home"
	"github.com/b2brecs/b2brecs/shared/api"
	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/platform/cloudbox"
)

// The load goes through a deployed installation, here one in a box.
func TestLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped in short mode: it builds the deploy unit and starts a box")
	}
	if cloudbox.SQLPython() == "" {
		t.Skip("SKIPPED: no Python with bqemulator; scripts/python-env --bqemulator makes one, or B2BRECS_BQEMULATOR_PYTHON names one")
	}
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	dir := t.TempDir()
	unit := filepath.Join(dir, "function")
	c := exec.CommandContext(t.Context(), "./scripts/deploy-unit", unit)
	c.Dir, c.Env = root, append(os.Environ(), "GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b, err := home.Start(t.Context(), home.Options{Root: root, Dir: filepath.Join(dir, "data"), Unit: unit, Single: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	file := filepath.Join(dir, "token")
	token := func(s string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(s+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	token(b.Token)
	args := []string{"--emulators", "--only", "load", "--url", b.URL, "--token-file", file}
	code, r, said := verified(t, args...)
	if code != 0 || len(r.Rows) != 1 || r.Rows[0].Passed != 6 || !r.Rows[0].OK() || r.Rows[0].Where != b.URL {
		t.Fatalf("%d: %+v\n%s", code, r, said)
	}
	person := client.New(b.URL, b.Token)
	jobs, err := client.Get[api.List[etl.Job]](t.Context(), person, "/v1/etl/jobs")
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range jobs.Items {
		if strings.HasPrefix(j.Name, "b2brecs_verify_") {
			t.Errorf("job %s is left behind", j.Name)
		}
	}
	// What does not arrive as it was sent is a failure.
	if err := sums(t.Context(), person, "b2brecs_verify_"+r.Run+"_orders", 1, 1); err == nil {
		t.Error("sums that differ are taken")
	}
	token("nobody")
	if code, r, _ := verified(t, args...); code != codeFailed || len(r.Rows[0].Failed) == 0 || strings.Contains(r.Rows[0].Output, "nobody") {
		t.Errorf("a wrong token: %d %+v", code, r)
	}
	token(b.Token)
	if row, _ := load(t.Context(), person, "shortof10", time.Nanosecond); row.OK() {
		t.Errorf("%+v", row)
	}
}
