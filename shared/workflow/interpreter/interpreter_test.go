package interpreter_test

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/state/sqlite"
	"github.com/b2brecs/b2brecs/shared/workflow"
	"github.com/b2brecs/b2brecs/shared/workflow/interpreter"
	"github.com/b2brecs/b2brecs/shared/workflow/workflowtest"
)

func openState(t testing.TB, path string) *state.DB {
	t.Helper()
	drv, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	db := state.New(drv)
	t.Cleanup(func() { db.Close() })
	return db
}

func token(_ context.Context, audience string) (string, error) { return "token-for " + audience, nil }

// open makes a driver with its callbacks served over HTTP.
func open(t *testing.T, defs fs.FS) (*workflow.Engine, error) {
	mux := http.NewServeMux()
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	d, err := interpreter.Open(t.Context(), interpreter.Options{
		State: openState(t, filepath.Join(t.TempDir(), "state.db")), FS: defs, Token: token,
		CallbackURL: srv.URL + "/cb", Env: map[string]string{"COLOUR": "blue"},
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	mux.HandleFunc("/cb/", d.ServeCallback)
	return workflow.New(d), d.Resume(t.Context())
}

func TestConformance(t *testing.T) { workflowtest.Run(t, open) }
