// Command loads does one load, or a part of one, and prints what it measured as JSON. The
// benchmarks start it once for each figure.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/duckdb/duckdb-go/v2"
	"golang.org/x/sync/errgroup"

	"github.com/b2brecs/b2brecs/functions"
	"github.com/b2brecs/b2brecs/scripts/benchmarks/wire"
	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/etl/stage"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/pipeline/runtime"
	"github.com/b2brecs/b2brecs/shared/platform/embedded"
	"github.com/b2brecs/b2brecs/shared/source"
	"github.com/b2brecs/b2brecs/shared/source/postgres"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	workflows "github.com/b2brecs/b2brecs/workflows-yaml"
)

// peakMB reads the process's greatest resident size; 0 where the system does not tell.
func peakMB() float64 {
	kb, err := strconv.ParseFloat(strings.TrimSuffix(wire.ProcField("/proc/self/status", "VmHWM"), " kB"), 64)
	if err != nil {
		return 0
	}
	return kb / 1024
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "loads: it is started by scripts/bench, with one JSON document")
		os.Exit(2)
	}
	if err := run(ctx, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "loads:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, encoded string) error {
	var spec wire.Spec
	if err := json.Unmarshal([]byte(encoded), &spec); err != nil {
		return err
	}
	if err := os.Setenv("XDG_CONFIG_HOME", filepath.Join(spec.Dir, "config")); err != nil {
		return err
	}
	work := map[string]func(context.Context, wire.Spec) (wire.Measure, error){
		"load-postgres": loadPostgres, "load-csv": loadCSV, "extract": extract, "duckdb-csv": duckdbCSV,
	}[spec.Kind]
	m, err := work(ctx, spec)
	if err != nil {
		return err
	}
	m.PeakMB = peakMB()
	return json.NewEncoder(os.Stdout).Encode(m)
}

// platform starts the whole product on a folder.
func platform(ctx context.Context, dir string) (*embedded.Platform, error) {
	folder, err := embedded.OpenFolder(filepath.Join(dir, "data"))
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p, err := embedded.Open(ctx, embedded.Options{Folder: folder, URL: "http://" + l.Addr().String(), Definitions: workflows.Files,
		Runtime: runtime.Files, Python: "/bin/false", Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))})
	if err != nil {
		return nil, err
	}
	h, err := p.Mount(functions.Catalog(), nil)
	if err != nil {
		return nil, err
	}
	go func() {
		if err := embedded.Serve(ctx, l, h); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}()
	return p, p.Resume(ctx)
}

// await waits for the first run and measures it from start.
func await(ctx context.Context, p *embedded.Platform, start time.Time, name string) (wire.Measure, error) {
	runs := etl.NewStore(p.State).Runs
	for ; ; time.Sleep(5 * time.Millisecond) {
		page, err := runs.Query(ctx, state.Query{Limit: 1})
		if err != nil {
			return wire.Measure{}, err
		}
		if len(page.Items) == 0 || !page.Items[0].Status.Ended() {
			continue
		}
		r := page.Items[0]
		if r.Status != etl.Completed {
			return wire.Measure{}, errors.Join(fmt.Errorf("the run is %s", r.Status), r.Error)
		}
		m := wire.Measure{Name: name, Rows: r.RowsStaged, Seconds: time.Since(start).Seconds()}
		for _, ph := range r.Phases {
			m.Note += fmt.Sprintf("%s %.1f ", ph.Name, ph.Ended.Sub(ph.Started).Seconds())
		}
		return m, nil
	}
}

func loadPostgres(ctx context.Context, spec wire.Spec) (wire.Measure, error) {
	p, err := platform(ctx, spec.Dir)
	if err != nil {
		return wire.Measure{}, err
	}
	store := etl.NewStore(p.State)
	payload, err := json.Marshal(spec.Secrets)
	if err != nil {
		return wire.Measure{}, err
	}
	if err := p.Secrets.Put(ctx, "pg", payload); err != nil {
		return wire.Measure{}, err
	}
	if err := store.Connections.Create(ctx, "pg", etl.Connection{ID: "pg", Name: "pg", Type: "postgresql", Params: spec.Params, SecretID: "pg"}); err != nil {
		return wire.Measure{}, err
	}
	job := etl.Job{ID: "sales", Name: "sales", Connection: "pg", Kind: "postgresql", Schema: "public", Table: spec.Table, Load: etl.Catalog,
		Destination: warehouse.Ref{Dataset: warehouse.Raw, Name: "sales"}, Enabled: true}
	if err := store.Jobs.Create(ctx, job.ID, job); err != nil {
		return wire.Measure{}, err
	}
	start := time.Now()
	if _, err := store.Start(ctx, p.Workflows, p.FunctionsURL, job.ID, "api", "", "bench"); err != nil {
		return wire.Measure{}, err
	}
	return await(ctx, p, start, "Postgres → warehouse")
}

func loadCSV(ctx context.Context, spec wire.Spec) (wire.Measure, error) {
	p, err := platform(ctx, spec.Dir)
	if err != nil {
		return wire.Measure{}, err
	}
	w, err := p.Uploads.NewWriter(ctx, "sales.csv", nil)
	if err != nil {
		return wire.Measure{}, err
	}
	f, err := os.Open(spec.File)
	if err != nil {
		return wire.Measure{}, err
	}
	defer f.Close()
	if _, err := io.Copy(w, f); err != nil {
		return wire.Measure{}, err
	}
	// The file is there; from here on it is loaded.
	start := time.Now()
	if err := w.Close(); err != nil {
		return wire.Measure{}, err
	}
	return await(ctx, p, start, "CSV → warehouse")
}

// extractors is how many chunks are read at once, as the catalogue has it.
const extractors = 2

// extract reads the table to Parquet in a bucket, without a warehouse in the process.
func extract(ctx context.Context, spec wire.Spec) (wire.Measure, error) {
	if err := os.MkdirAll(spec.Dir, 0o700); err != nil {
		return wire.Measure{}, err
	}
	defer os.RemoveAll(spec.Dir)
	drv, err := plainFolder(spec.Dir)
	if err != nil {
		return wire.Measure{}, err
	}
	bucket := objects.NewBucket(objects.Staging, drv)
	s, err := postgres.Open(source.Config{Params: spec.Params, Secrets: spec.Secrets, Guard: &source.Guard{AllowPrivate: true}})
	if err != nil {
		return wire.Measure{}, err
	}
	o := source.Object{Schema: "public", Table: spec.Table}
	start := time.Now()
	d, err := s.Describe(ctx, o)
	if err != nil {
		return wire.Measure{}, err
	}
	plan, err := s.Plan(ctx, source.PlanRequest{Object: o, Columns: d.Columns})
	if err != nil {
		return wire.Measure{}, err
	}
	defer plan.Hold.Close()
	m := wire.Measure{Name: "Postgres → Parquet"}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(extractors)
	staged := make([]int64, len(plan.Chunks))
	for n, c := range plan.Chunks {
		g.Go(func() error {
			w := stage.NewWriter(ctx, bucket, etl.Chunk{Run: "bench", ID: etl.ChunkID("bench", 1, n)}, source.Schema(d.Columns, false))
			st, err := s.Read(ctx, source.ReadRequest{Object: o, Columns: d.Columns, Spec: c.Spec, Snapshot: plan.Snapshot}, w)
			if err != nil {
				w.Abort()
				return err
			}
			manifest, err := w.Finish(st)
			staged[n] = manifest.Staged
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return m, err
	}
	for _, n := range staged {
		m.Rows += n
	}
	m.Seconds = time.Since(start).Seconds()
	return m, nil
}

func duckdbCSV(ctx context.Context, spec wire.Spec) (wire.Measure, error) {
	m := wire.Measure{Name: "DuckDB read_csv"}
	if err := os.MkdirAll(spec.Dir, 0o700); err != nil {
		return m, err
	}
	c, err := duckdb.NewConnector(filepath.Join(spec.Dir, "bench.duckdb"), nil)
	if err != nil {
		return m, err
	}
	db := sql.OpenDB(c)
	defer db.Close()
	start := time.Now()
	if _, err := db.ExecContext(ctx, "CREATE TABLE sales AS SELECT * FROM read_csv($1)", spec.File); err != nil {
		return m, err
	}
	m.Seconds = time.Since(start).Seconds()
	return m, db.QueryRowContext(ctx, "SELECT count(*) FROM sales").Scan(&m.Rows)
}
