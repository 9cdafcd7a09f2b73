package fault_test

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/events/eventstest"
	eventqueue "github.com/b2brecs/b2brecs/shared/events/sqlite"
	"github.com/b2brecs/b2brecs/shared/fault"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/objects/folder"
	"github.com/b2brecs/b2brecs/shared/objects/objectstest"
	"github.com/b2brecs/b2brecs/shared/schedule"
	"github.com/b2brecs/b2brecs/shared/schedule/cron"
	"github.com/b2brecs/b2brecs/shared/schedule/scheduletest"
	"github.com/b2brecs/b2brecs/shared/secret"
	"github.com/b2brecs/b2brecs/shared/secret/age"
	"github.com/b2brecs/b2brecs/shared/secret/secrettest"
	"github.com/b2brecs/b2brecs/shared/state"
	statestore "github.com/b2brecs/b2brecs/shared/state/sqlite"
	"github.com/b2brecs/b2brecs/shared/state/statetest"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/warehouse/duckdb"
	"github.com/b2brecs/b2brecs/shared/warehouse/warehousetest"
	"github.com/b2brecs/b2brecs/shared/workflow"
	"github.com/b2brecs/b2brecs/shared/workflow/interpreter"
	"github.com/b2brecs/b2brecs/shared/workflow/workflowtest"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// suites run each conformance suite on an embedded driver behind its wrapper, with the
// faults that change nothing a suite may count: deliveries and generations are counted
// exactly, so those suites take delays alone; a transaction that is undone at its end
// is run again by the portable type.
var suites = []struct {
	name  string
	rates fault.Rates
	run   func(*testing.T, *fault.Faults)
}{
	{"events", fault.Rates{fault.Delay: 0.1}, func(t *testing.T, f *fault.Faults) {
		eventstest.Run(t, func(t *testing.T) *events.Bus { return bus(t, f) })
	}},
	{"state", fault.Rates{fault.Delay: 0.01, fault.Lost: 0.1}, func(t *testing.T, f *fault.Faults) {
		statetest.Run(t, func(t *testing.T) *state.DB { return documents(t, f) })
	}},
	{"objects", fault.Rates{fault.Delay: 0.1}, func(t *testing.T, f *fault.Faults) {
		objectstest.Run(t, func(t *testing.T) (*objects.Bucket, *events.Bus) {
			b := bus(t, fault.New(0, nil))
			d, err := folder.Open("uploads", t.TempDir(), b)
			must(t, err)
			return objects.NewBucket("uploads", fault.Objects(d, f)), b
		})
	}},
	{"warehouse", late, func(t *testing.T, f *fault.Faults) {
		dir := t.TempDir()
		d, err := duckdb.Open(filepath.Join(dir, "warehouse.duckdb"), duckdb.Options{})
		must(t, err)
		t.Cleanup(func() { must(t, d.Close()) })
		warehousetest.Run(t, func(*testing.T) warehousetest.Harness {
			return warehousetest.Harness{
				Warehouse: warehouse.New(fault.Warehouse(d, f)), Prefix: dir + "/exports/",
				Put: func(t *testing.T, name string, data []byte) string {
					path := filepath.Join(dir, name)
					must(t, os.WriteFile(path, data, 0o600))
					return path
				},
				Read: func(t *testing.T, uri string) []byte {
					data, err := os.ReadFile(uri)
					must(t, err)
					return data
				},
			}
		})
	}},
	{"workflow", late, func(t *testing.T, f *fault.Faults) {
		workflowtest.Run(t, func(t *testing.T, defs fs.FS) (*workflow.Engine, error) {
			mux := http.NewServeMux()
			srv := httptest.NewServer(mux)
			t.Cleanup(srv.Close)
			d, err := interpreter.Open(t.Context(), interpreter.Options{
				State: documents(t, fault.New(0, nil)), FS: defs, CallbackURL: srv.URL + "/cb", Env: map[string]string{"COLOUR": "blue"},
				Token: func(_ context.Context, audience string) (string, error) { return "token-for " + audience, nil },
				Log:   slog.New(slog.DiscardHandler),
			})
			if err != nil {
				return nil, err
			}
			mux.HandleFunc("/cb/", d.ServeCallback)
			return workflow.New(fault.Workflow(d, f)), d.Resume(t.Context())
		})
	}},
	{"schedule", late, func(t *testing.T, f *fault.Faults) {
		scheduletest.Run(t, func(t *testing.T) (*schedule.Scheduler, <-chan string) {
			fired := make(chan string, 10)
			d, err := cron.Open(t.Context(), documents(t, fault.New(0, nil)), func(_ context.Context, s schedule.Schedule, _ time.Time) error {
				fired <- s.ID
				return nil
			})
			must(t, err)
			t.Cleanup(func() { _ = d.Close() })
			return schedule.New(fault.Schedule(d, f)), fired
		})
	}},
	{"secret", late, func(t *testing.T, f *fault.Faults) {
		secrettest.Run(t, func(t *testing.T) *secret.Store {
			d, err := age.Open(filepath.Join(t.TempDir(), "secrets"), filepath.Join(t.TempDir(), "key"))
			must(t, err)
			return secret.New(fault.Secret(d, f))
		})
	}},
}

var late = fault.Rates{fault.Delay: 0.1, fault.Duplicate: 0.1}

func bus(t *testing.T, f *fault.Faults) *events.Bus {
	t.Helper()
	drv, err := eventqueue.Open(filepath.Join(t.TempDir(), "events.db"))
	must(t, err)
	b := events.New(fault.Events(drv, f))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 5*time.Second)
		defer cancel()
		_ = b.Close(ctx) // a case may have closed it
	})
	return b
}

func documents(t *testing.T, f *fault.Faults) *state.DB {
	t.Helper()
	drv, err := statestore.Open(filepath.Join(t.TempDir(), "state.db"))
	must(t, err)
	db := state.New(fault.State(drv, f))
	t.Cleanup(func() { _ = db.Close() }) // a case may have closed it
	return db
}

func TestConformance(t *testing.T) {
	for _, s := range suites {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel() // they wait most of the time
			t.Run("nothing fails", func(t *testing.T) {
				if testing.Short() {
					t.Skip("the drivers' own tests run the suites")
				}
				f := fault.New(1, nil)
				s.run(t, f)
				if f.Calls() == 0 {
					t.Error("no call went through the wrapper")
				}
			})
			t.Run("late and twice", func(t *testing.T) {
				f := fault.New(1, s.rates)
				s.run(t, f)
				t.Log(f)
				for k := range s.rates {
					if f.Count(k) == 0 {
						t.Errorf("nothing met %q", k)
					}
				}
			})
		})
	}
}
