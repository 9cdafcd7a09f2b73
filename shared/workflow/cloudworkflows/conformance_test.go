package cloudworkflows

import (
	"context"
	"io/fs"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/b2brecs/b2brecs/shared/internal/gcp"
	"github.com/b2brecs/b2brecs/shared/internal/gcpfake/workflows"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/state/sqlite"
	"github.com/b2brecs/b2brecs/shared/workflow"
	"github.com/b2brecs/b2brecs/shared/workflow/interpreter"
	"github.com/b2brecs/b2brecs/shared/workflow/workflowtest"
)

var location = gcp.Location{Project: "acme-b2brecs", Region: "europe-west1"}

func database(t *testing.T, file string) *state.DB {
	t.Helper()
	return state.New(store(t, file))
}

func store(t *testing.T, file string) state.Driver {
	t.Helper()
	drv, err := sqlite.Open(filepath.Join(t.TempDir(), file))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { drv.Close() })
	return drv
}

// serve starts the fake on definitions.
func serve(t *testing.T, defs fs.FS) (*workflows.Server, error) {
	t.Helper()
	db := database(t, "fake.db")
	s, err := workflows.Start(t.Context(), workflows.Options{
		Location: location, State: db,
		Open: func(ctx context.Context, callbackURL string) (workflows.Interpreter, error) {
			d, err := interpreter.Open(ctx, interpreter.Options{
				State: db, FS: defs, CallbackURL: callbackURL, Env: map[string]string{"COLOUR": "blue"}, Log: slog.New(slog.DiscardHandler),
				Token: func(_ context.Context, audience string) (string, error) { return "token-for " + audience, nil },
			})
			if err != nil {
				return nil, err
			}
			return d, d.Resume(ctx)
		},
	})
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, nil
}

func TestConformance(t *testing.T) {
	workflowtest.Run(t, func(t *testing.T, defs fs.FS) (*workflow.Engine, error) {
		s, err := serve(t, defs)
		if err != nil {
			return nil, err
		}
		d, err := New(Options{Location: location, State: database(t, "state.db"), Client: s.Options()})
		if err != nil {
			return nil, err
		}
		return workflow.New(d), nil
	}, workflowtest.Lack{Ability: workflowtest.OwnIDs, Reason: "Cloud Workflows names executions itself"})
}
