package functions_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/b2brecs/b2brecs/functions"
	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/fault"
	"github.com/b2brecs/b2brecs/shared/platform"
	"github.com/b2brecs/b2brecs/shared/platform/embedded"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// faulty opens a platform whose services fail as planned. What it gives looks at the
// undisturbed ones.
func faulty(t *testing.T, f *fault.Faults) *installation {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(dir, "config"))
	return faultyAt(t, filepath.Join(dir, "data"), "", f)
}

func faultyAt(t *testing.T, dir, python string, f *fault.Faults) *installation {
	t.Helper()
	var calm *platform.Platform
	in, err := start(context.Background(), dir, setup{python: python, services: func(p *platform.Platform) { calm = fault.Platform(p, f) }})
	if err != nil {
		t.Fatal(err)
	}
	stop := sync.OnceFunc(in.stop)
	t.Cleanup(stop)
	return &installation{Platform: &embedded.Platform{Platform: calm, Users: in.Users}, etl: etl.NewStore(calm.State), address: in.address, stop: stop}
}

// dead lists the messages that no attempt could handle.
func (in *installation) dead(t *testing.T) (out []string) {
	t.Helper()
	for _, f := range functions.Catalog() {
		if f.Kind != platform.Event {
			continue
		}
		list, err := in.Events.DeadLetters(context.Background(), f.Name, 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range list {
			out = append(out, fmt.Sprintf("%s: %s: %s", d.Subscription, d.Message.ID, d.Reason))
		}
	}
	return out
}

// met fails the test where a kind of fault did not happen: it would prove nothing.
func met(t *testing.T, all ...*fault.Faults) {
	t.Helper()
	for _, k := range fault.Kinds {
		n := 0
		for _, f := range all {
			n += f.Count(k)
		}
		t.Logf("%4d times %s", n, k)
		if n == 0 {
			t.Errorf("nothing met %q", k)
		}
	}
}

// Dropped files come to the same rows, however the services fail on the way.
func TestLoadsUnderFaults(t *testing.T) {
	for _, tc := range []struct {
		percent int // of each kind
		seeds   uint64
	}{{1, 4}, {5, 2}} {
		t.Run(fmt.Sprint("percent ", tc.percent), func(t *testing.T) {
			if tc.percent > 1 && testing.Short() {
				t.Skip("waits for many repetitions")
			}
			var all []*fault.Faults
			for seed := range tc.seeds {
				t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
					f := fault.New(seed, fault.Each(float64(tc.percent)/100))
					all = append(all, f)
					loadUnderFaults(t, faulty(t, f))
					t.Log(f)
				})
			}
			met(t, all...)
		})
	}
}

func loadUnderFaults(t *testing.T, in *installation) {
	began := time.Now()
	const files, rows = 6, 500
	for n := range files {
		var b strings.Builder
		b.WriteString("nid,qty\n")
		for i := range rows {
			fmt.Fprintf(&b, "%d,%d\n", n*rows+i, i)
		}
		in.upload(t, fmt.Sprintf("facts/%d.csv", n), b.String())
	}
	in.upload(t, "products.csv", "id,name,price\n001,apple,1.5\n002,pear,2\n")
	in.comesTo(t, "001 apple 1.5; 002 pear 2", "*", "products")
	in.upload(t, "products.csv", "id,name,price\n003,plum,3\n")
	in.comesTo(t, "3000 3000 748500", "COUNT(*), COUNT(DISTINCT nid), SUM(qty)", "facts")
	in.comesTo(t, "003 plum 3", "*", "products")
	runs := in.settle(t, 3)
	t.Logf("%d runs in %.1f s", len(runs), time.Since(began).Seconds())
	for _, r := range runs {
		if off := r.Reconcile(); r.Status != etl.Completed || off != "" {
			t.Errorf("run #%d of %s: %s, %v; %s", r.Number, r.JobName, r.Status, r.Error, off)
		}
	}
	for table, want := range map[string]string{"facts": "3000 3000", "products": "1 1"} {
		id := map[string]string{"facts": "nid", "products": "id"}[table]
		if got := in.rows(t, "COUNT(*), COUNT(DISTINCT "+id+")", table); got != want {
			t.Errorf("%s at the end: %s, want %s", table, got, want)
		}
	}
	if dead := in.dead(t); len(dead) > 0 {
		t.Errorf("dead letters:\n%s", strings.Join(dead, "\n"))
	}
}

// comesTo waits until a table holds what is wanted. What fails is tried again, after
// waits that double from a second, so it can take its time.
func (in *installation) comesTo(t *testing.T, want, columns, table string) {
	t.Helper()
	ctx, got := context.Background(), ""
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if _, err := in.Warehouse.Table(ctx, warehouse.Ref{Dataset: warehouse.Raw, Name: table}); err != nil {
			continue
		}
		if got = in.rows(t, columns, table); got == want {
			return
		}
	}
	for r, err := range in.etl.Runs.All(ctx, state.Query{}) {
		x, _ := in.Workflows.Get(ctx, etl.Workflow, r.ID)
		t.Logf("run #%d of %s: %s, %v, %d of %d chunks; its workflow is %s at %s; %v", r.Number, r.JobName, r.Status, r.Error, r.ChunksLoaded, r.Chunks, x.Status, x.Step, err)
	}
	for j, err := range in.etl.Jobs.All(ctx, state.Query{}) {
		t.Logf("job %s: active run %q, again %v; %v", j.Name, j.ActiveRun, j.RunAgain, err)
	}
	t.Fatalf("%s holds %s, want %s; dead letters %v", table, got, want, in.dead(t))
}
