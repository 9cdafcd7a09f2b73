package functions_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel"

	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/source/postgres/pgtest"
	"github.com/b2brecs/b2brecs/shared/telemetry"
	"github.com/b2brecs/b2brecs/shared/telemetry/telemetrytest"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// buffer is a log of many writers.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// A load is one trace, from the request through the workflow, the events and the commit;
// its lines carry the run; and the source's password is in none of it, whether the load
// works or not.
func TestFollowingALoad(t *testing.T) {
	r := telemetrytest.Listen(t)
	telemetrytest.Start(t, r.URL)
	var out buffer
	log := slog.New(telemetry.Handler(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}), ""))
	before := slog.Default()
	slog.SetDefault(log)
	t.Cleanup(func() { slog.SetDefault(before) })
	dir := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(dir, "config"))
	in, err := start(context.Background(), filepath.Join(dir, "data"), setup{log: log})
	if err != nil {
		t.Fatal(err)
	}
	stopped := sync.OnceFunc(in.stop)
	t.Cleanup(stopped)
	pg := pgtest.Start(t)
	pg.Exec(t, `CREATE TABLE orders (id bigint PRIMARY KEY, updated_at timestamptz NOT NULL); INSERT INTO orders SELECT i, now() - interval '1 day' FROM generate_series(1, 10) i`)
	c := in.caller(t)
	secret := pg.Secrets()["password"]
	params := pg.Params()
	params["password"] = secret
	var conn etl.Connection
	c.must("POST", "/v1/etl/connections", map[string]any{"name": "shop", "type": "postgresql", "params": params}, &conn)
	var job etl.Job
	c.must("POST", "/v1/etl/jobs", map[string]any{"name": "orders", "connection": conn.ID, "schema": "public", "table": "orders", "load": "transactional",
		"timestamp_column": "updated_at", "keys": []string{"id"}, "destination": warehouse.Ref{Dataset: "raw_data", Name: "orders"}}, &job)
	var run etl.Run
	c.must("POST", "/v1/etl/jobs/"+job.ID+"/runs", nil, &run)
	if run = in.ended(t, run.ID); run.Status != etl.Completed || run.RowsStaged != 10 {
		t.Fatalf("%+v", run)
	}
	// The same load against a source that is gone fails, and says so in the log.
	pg.Exec(t, `DROP TABLE orders`)
	var failed etl.Run
	c.must("POST", "/v1/etl/jobs/"+job.ID+"/runs", nil, &failed)
	if failed = in.ended(t, failed.ID); failed.Status != etl.Failed {
		t.Fatalf("%+v", failed)
	}
	time.Sleep(100 * time.Millisecond) // the last call's span ends after its run
	flush(t)

	trace := ""
	names := map[string][]string{} // by run
	for _, s := range r.Spans() {
		id := s.Attributes["b2brecs.run"]
		names[id] = append(names[id], s.Name+" "+s.Attributes["b2brecs.function"])
		if id == run.ID && s.Name != "GET /v1/etl/runs/{id}" {
			if trace == "" {
				trace = s.Trace
			}
			if s.Trace != trace {
				t.Errorf("%s of %s is in a trace of its own", s.Name, id)
			}
		}
	}
	for _, want := range []string{"POST /v1/etl/jobs/{id}/runs etl-api", "POST /functions/infer-schema infer-schema", "POST /functions/plan-run plan-run",
		"process etl-chunk-planned extract-chunk", "process object-finalized-staging load-chunk", "POST /functions/commit-run commit-run"} {
		if !slices.Contains(names[run.ID], want) {
			t.Errorf("no span %q of the run; there are %q", want, names[run.ID])
		}
	}
	stopped()
	found := false
	for line := range strings.SplitSeq(strings.TrimSpace(out.String()), "\n") {
		var v map[string]any
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if v["msg"] == "call failed" && v["run"] == failed.ID {
			found = v["trace_id"] != nil && v["span_id"] != nil && v["function"] == "infer-schema"
		}
	}
	if !found {
		t.Errorf("no line of the failed call carries its run:\n%s", out.String())
	}
	for what, text := range map[string]string{"log": out.String(), "spans": r.Text()} {
		for _, s := range []string{secret, c.token} {
			if strings.Contains(text, s) {
				t.Errorf("a secret is in the %s", what)
			}
		}
	}
}

func flush(t *testing.T) {
	t.Helper()
	if err := otel.GetTracerProvider().(interface{ ForceFlush(context.Context) error }).ForceFlush(t.Context()); err != nil {
		t.Fatal(err)
	}
}
