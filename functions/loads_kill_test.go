package functions_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/source/postgres/pgtest"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// loadsPlan tells the process that is killed what to load.
type loadsPlan struct {
	Dir      string
	Params   map[string]any
	Password string
}

// outcome is what the process leaves when it comes to the end.
type outcome struct {
	Runs  []etl.Run
	Sales string // count, distinct ids, sum
	Files string
}

// loadsVictim serves a platform, asks for its loads once, and goes when they have ended.
func loadsVictim(ctx context.Context, encoded json.RawMessage) error {
	var plan loadsPlan
	if err := json.Unmarshal(encoded, &plan); err != nil {
		return err
	}
	in, err := start(ctx, plan.Dir, setup{})
	if err != nil {
		return err
	}
	payload, err := json.Marshal(map[string]string{"password": plan.Password})
	if err != nil {
		return err
	}
	if err := in.Secrets.Put(ctx, "pg", payload); err != nil {
		return err
	}
	c := etl.Connection{ID: "pg", Name: "pg", Type: "postgresql", Params: plan.Params, SecretID: "pg"}
	if err := in.etl.Connections.Create(ctx, c.ID, c); err != nil && !problem.Is(err, problem.AlreadyExists) {
		return err
	}
	j := etl.Job{ID: "sales", Name: "sales", Connection: "pg", Kind: "postgresql", Schema: "public", Table: "sales",
		Destination: warehouse.Ref{Dataset: "raw_data", Name: "sales"}, Load: etl.Transactional, TimestampColumn: "at", Enabled: true}
	if err := in.etl.Jobs.Create(ctx, j.ID, j); err != nil && !problem.Is(err, problem.AlreadyExists) {
		return err
	}
	if _, err := in.etl.Start(ctx, in.Workflows, in.FunctionsURL, "sales", "api", "", "once"); err != nil {
		return err
	}
	return in.finish(ctx, plan.Dir)
}

func (in *installation) finish(ctx context.Context, dir string) error {
	query := func(sql string) string {
		r, err := in.Warehouse.Query(ctx, warehouse.Statement{SQL: sql}, 1)
		if err != nil {
			return err.Error()
		}
		return fmt.Sprint(r.Values)
	}
	for {
		time.Sleep(20 * time.Millisecond)
		p, err := in.etl.Runs.Query(ctx, state.Query{OrderBy: "number", Limit: 100})
		if err != nil {
			return err
		}
		out := outcome{Runs: p.Items, Files: query("SELECT COUNT(*), COUNT(DISTINCT nid), SUM(qty) FROM raw_data.facts")}
		done := out.Files == "[[400000 400000 79999800000]]"
		for _, r := range p.Items {
			done = done && r.Status.Ended()
		}
		if !done {
			continue
		}
		out.Sales = query("SELECT COUNT(*), COUNT(DISTINCT id), SUM(qty), SUM(price) = 59940000 FROM raw_data.sales")
		b, err := json.Marshal(out)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, "outcome.json"), b, 0o600); err != nil {
			return err
		}
		in.stop()
		return nil
	}
}

// A process that is killed again and again on the way loads the same rows.
func TestKilledLoads(t *testing.T) {
	if testing.Short() {
		t.Skip("kills processes for half a minute")
	}
	pg := pgtest.Start(t)
	pg.Exec(t, `CREATE TABLE sales (id bigint PRIMARY KEY, customer text, product text, qty int, price numeric(10,2), at timestamptz);
		INSERT INTO sales SELECT i, 'c' || i % 5000, 'p' || i % 700, i % 10, i % 1000 / 10.0, '2023-01-01'::timestamptz + i * interval '30 seconds' FROM generate_series(1, 1200000) i;
		ANALYZE sales`)
	dir := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(dir, "config"))
	data := filepath.Join(dir, "data")
	uploads := filepath.Join(data, "objects", "uploads", "facts")
	if err := os.MkdirAll(uploads, 0o700); err != nil {
		t.Fatal(err)
	}
	for f := range 4 {
		var b bytes.Buffer
		b.WriteString("nid,qty\n")
		for i := range 100_000 {
			fmt.Fprintf(&b, "%d,%d\n", f*100_000+i, f*100_000+i)
		}
		if err := os.WriteFile(filepath.Join(uploads, fmt.Sprintf("%d.csv", f)), b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	plan := loadsPlan{Dir: data, Params: pg.Params(), Password: pg.Secrets()["password"]}
	run := func(limit time.Duration) (ended bool) {
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		return life(ctx, t, "loads", plan)
	}
	kills := 0
	for _, base := range []int{700, 1300, 1900, 2600, 1000} {
		if run(time.Duration(base+rand.IntN(500)) * time.Millisecond) {
			break
		}
		kills++
	}
	if !run(2 * time.Minute) {
		t.Fatal("the loads did not end")
	}
	b, err := os.ReadFile(filepath.Join(data, "outcome.json"))
	if err != nil {
		t.Fatal(err)
	}
	var out outcome
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	if kills < 2 {
		t.Errorf("only %d kills: the case does not bite", kills)
	}
	if want := "[[1200000 1200000 5400000 true]]"; out.Sales != want {
		t.Errorf("sales: %s, want %s", out.Sales, want)
	}
	if want := "[[400000 400000 79999800000]]"; out.Files != want {
		t.Errorf("facts: %s, want %s", out.Files, want)
	}
	for _, r := range out.Runs {
		t.Logf("after %d kills: run #%d of %s, epoch %d: %s, %d rows read; %s", kills, r.Number, r.JobName, r.Epoch, r.Status, r.RowsRead, strings.Join(r.Warnings, "; "))
		if r.Status != etl.Completed {
			t.Errorf("run #%d of %s: %s, %v", r.Number, r.JobName, r.Status, r.Error)
		}
		if off := r.Reconcile(); off != "" {
			t.Errorf("run #%d: %s", r.Number, off)
		}
	}
}
