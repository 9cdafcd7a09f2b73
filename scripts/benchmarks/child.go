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
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/duckdb/duckdb-go/v2"
	"golang.org/x/sync/errgroup"

	"github.com/b2brecs/b2brecs/functions"
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

// childSpec tells a child process what to measure.
type childSpec struct {
	Kind    string // "load-postgres", "load-csv", "extract", "duckdb-csv"
	Dir     string
	Params  map[string]any
	Secrets map[string]string
	Table   string
	File    string
}

// spawn runs a part in a process of its own, so that its peak memory is its own.
func spawn(ctx context.Context, spec childSpec) (measure, error) {
	var m measure
	in, err := json.Marshal(spec)
	if err != nil {
		return m, err
	}
	self, err := os.Executable()
	if err != nil {
		return m, err
	}
	cmd := exec.CommandContext(ctx, self, "-child", string(in))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return m, fmt.Errorf("%s: %w", spec.Kind, err)
	}
	if err := json.Unmarshal(out, &m); err != nil {
		return m, err
	}
	m.CPU = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	m.print()
	return m, nil
}

// peakMB reads the process's greatest resident size; 0 where the system does not tell.
func peakMB() float64 {
	kb, err := strconv.ParseFloat(strings.TrimSuffix(procField("/proc/self/status", "VmHWM"), " kB"), 64)
	if err != nil {
		return 0
	}
	return kb / 1024
}

func runChild(ctx context.Context, encoded string) error {
	var spec childSpec
	if err := json.Unmarshal([]byte(encoded), &spec); err != nil {
		return err
	}
	if err := os.Setenv("XDG_CONFIG_HOME", filepath.Join(spec.Dir, "config")); err != nil {
		return err
	}
	work := map[string]func(context.Context, childSpec) (measure, error){
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
func await(ctx context.Context, p *embedded.Platform, start time.Time, name string) (measure, error) {
	runs := etl.NewStore(p.State).Runs
	for ; ; time.Sleep(5 * time.Millisecond) {
		page, err := runs.Query(ctx, state.Query{Limit: 1})
		if err != nil {
			return measure{}, err
		}
		if len(page.Items) == 0 || !page.Items[0].Status.Ended() {
			continue
		}
		r := page.Items[0]
		if r.Status != etl.Completed {
			return measure{}, errors.Join(fmt.Errorf("the run is %s", r.Status), r.Error)
		}
		m := measure{Name: name, Rows: r.RowsStaged, Seconds: time.Since(start).Seconds()}
		for _, ph := range r.Phases {
			m.Note += fmt.Sprintf("%s %.1f ", ph.Name, ph.Ended.Sub(ph.Started).Seconds())
		}
		return m, nil
	}
}

func loadPostgres(ctx context.Context, spec childSpec) (measure, error) {
	p, err := platform(ctx, spec.Dir)
	if err != nil {
		return measure{}, err
	}
	store := etl.NewStore(p.State)
	payload, err := json.Marshal(spec.Secrets)
	if err != nil {
		return measure{}, err
	}
	if err := p.Secrets.Put(ctx, "pg", payload); err != nil {
		return measure{}, err
	}
	if err := store.Connections.Create(ctx, "pg", etl.Connection{ID: "pg", Name: "pg", Type: "postgresql", Params: spec.Params, SecretID: "pg"}); err != nil {
		return measure{}, err
	}
	job := etl.Job{ID: "sales", Name: "sales", Connection: "pg", Kind: "postgresql", Schema: "public", Table: spec.Table, Load: etl.Catalog,
		Destination: warehouse.Ref{Dataset: warehouse.Raw, Name: "sales"}, Enabled: true}
	if err := store.Jobs.Create(ctx, job.ID, job); err != nil {
		return measure{}, err
	}
	start := time.Now()
	if _, err := store.Start(ctx, p.Workflows, p.FunctionsURL, job.ID, "api", "", "bench"); err != nil {
		return measure{}, err
	}
	return await(ctx, p, start, "Postgres → warehouse")
}

func loadCSV(ctx context.Context, spec childSpec) (measure, error) {
	p, err := platform(ctx, spec.Dir)
	if err != nil {
		return measure{}, err
	}
	w, err := p.Uploads.NewWriter(ctx, "sales.csv", nil)
	if err != nil {
		return measure{}, err
	}
	f, err := os.Open(spec.File)
	if err != nil {
		return measure{}, err
	}
	defer f.Close()
	if _, err := io.Copy(w, f); err != nil {
		return measure{}, err
	}
	// The file is there; from here on it is loaded.
	start := time.Now()
	if err := w.Close(); err != nil {
		return measure{}, err
	}
	return await(ctx, p, start, "CSV → warehouse")
}

// extractors is how many chunks are read at once, as the catalogue has it.
const extractors = 2

// extract reads the table to Parquet in a bucket, without a warehouse in the process.
func extract(ctx context.Context, spec childSpec) (measure, error) {
	if err := os.MkdirAll(spec.Dir, 0o700); err != nil {
		return measure{}, err
	}
	defer os.RemoveAll(spec.Dir)
	drv, err := plainFolder(spec.Dir)
	if err != nil {
		return measure{}, err
	}
	bucket := objects.NewBucket(objects.Staging, drv)
	s, err := postgres.Open(source.Config{Params: spec.Params, Secrets: spec.Secrets, Guard: &source.Guard{AllowPrivate: true}})
	if err != nil {
		return measure{}, err
	}
	o := source.Object{Schema: "public", Table: spec.Table}
	start := time.Now()
	d, err := s.Describe(ctx, o)
	if err != nil {
		return measure{}, err
	}
	plan, err := s.Plan(ctx, source.PlanRequest{Object: o, Columns: d.Columns})
	if err != nil {
		return measure{}, err
	}
	defer plan.Hold.Close()
	m := measure{Name: "Postgres → Parquet"}
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

func duckdbCSV(ctx context.Context, spec childSpec) (measure, error) {
	m := measure{Name: "DuckDB read_csv"}
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
