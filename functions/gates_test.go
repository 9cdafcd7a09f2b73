package functions_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/b2brecs/b2brecs/shared/platform"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/workflow"
)

// gate is a place in the victim where it can be held, so that a kill finds it
// there and nowhere else. Whoever comes to a closed gate leaves word in the data
// folder and waits for the end.
type gate struct{ dir, closed string }

func (g gate) pass(name string) {
	if name != g.closed {
		return
	}
	if err := os.WriteFile(filepath.Join(g.dir, "held-"+name), nil, 0o600); err != nil {
		fmt.Fprintln(os.Stderr, "gate:", err)
	}
	select {}
}

// gates puts the gates into a platform's services.
func (g gate) gates(p *platform.Platform) {
	p.Workflows = workflow.New(gatedWorkflows{p.Workflows.Driver, g})
	p.Warehouse = warehouse.New(gatedWarehouse{p.Warehouse.Driver, g})
	p.HTTP.Transport = gatedTransport{p.HTTP.Transport, g}
}

type gatedWorkflows struct {
	workflow.Driver
	gate
}

// Start comes after an experiment is stored.
func (w gatedWorkflows) Start(ctx context.Context, name, id string, argument any) (workflow.Execution, error) {
	w.pass("start")
	return w.Driver.Start(ctx, name, id, argument)
}

type gatedWarehouse struct {
	warehouse.Driver
	gate
}

// Export is where analyze-dataset writes the files of a run.
func (w gatedWarehouse) Export(ctx context.Context, s warehouse.Statement, prefix string) ([]string, int64, error) {
	uris, n, err := w.Driver.Export(ctx, s, prefix)
	w.pass("export")
	return uris, n, err
}

// Commit is where harvest-metrics writes the lists of a run.
func (w gatedWarehouse) Commit(ctx context.Context, c warehouse.Commit) (warehouse.CommitResult, error) {
	r, err := w.Driver.Commit(ctx, c)
	w.pass("commit")
	return r, err
}

type gatedTransport struct {
	http.RoundTripper
	gate
}

// RoundTrip is where harvest-metrics calls the workflow back, when all is stored.
func (t gatedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.Contains(r.URL.Path, "/workflow-callbacks/") {
		t.pass("callback")
	}
	return t.RoundTripper.RoundTrip(r)
}

// calls puts a gate between the work of every function that a workflow calls and
// its reply.
func (g gate) calls(catalog []platform.Function) []platform.Function {
	for i, f := range catalog {
		if f.Call == nil {
			continue
		}
		catalog[i].Call = func(p *platform.Platform) http.Handler {
			h := f.Call(p)
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				h.ServeHTTP(w, r) // what it writes waits in a buffer until this returns
				g.pass(f.Name)
			})
		}
	}
	return catalog
}
