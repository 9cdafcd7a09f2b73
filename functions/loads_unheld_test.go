package functions_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/platform"
	"github.com/b2brecs/b2brecs/shared/source/postgres/pgtest"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// Loads from a database that is written to all the while, on a platform whose processes
// do not last: no snapshot is held. The rows of a run may be of several moments, but
//
//   - a catalog has every row that stayed, once, in one of the versions it had meanwhile;
//   - an upsert has every row's last version once its window is over;
//   - an append has every row once, over all runs.
func TestUnheldLoads(t *testing.T) {
	ctx := context.Background()
	pg := pgtest.Start(t)
	// The statistics promise a large table, so that it is cut into many chunks.
	pg.Exec(t, `CREATE TABLE goods (id bigint PRIMARY KEY, v int NOT NULL, pad text, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL) WITH (autovacuum_enabled = false);
		INSERT INTO goods SELECT i, 0, repeat('x', 100), '2024-01-01', '2024-01-01' FROM generate_series(1, 20000) i; ANALYZE goods;
		UPDATE pg_class SET reltuples = 5000000 WHERE relname = 'goods'`)
	dir := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(dir, "config"))
	in, err := start(ctx, filepath.Join(dir, "data"), setup{
		services: func(p *platform.Platform) { p.OneProcess = false },
		catalog: func(catalog []platform.Function) []platform.Function { // time for writes between the chunks
			for i, f := range catalog {
				if f.Name == "extract-chunk" {
					catalog[i].Event = func(p *platform.Platform) events.Handler {
						h := f.Event(p)
						return func(ctx context.Context, m events.Message) error {
							time.Sleep(time.Duration(rand.IntN(200)) * time.Millisecond)
							return h(ctx, m)
						}
					}
				}
			}
			return catalog
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(in.stop)
	c := in.caller(t)
	params := pg.Params()
	params["password"] = pg.Secrets()["password"]
	var conn etl.Connection
	c.must("POST", "/v1/etl/connections", map[string]any{"name": "shop", "type": "postgresql", "params": params}, &conn)
	job := func(name string, more map[string]any) (j etl.Job) {
		body := map[string]any{"name": name, "connection": conn.ID, "schema": "public", "table": "goods", "safety_lag_seconds": 0,
			"destination": warehouse.Ref{Dataset: "raw_data", Name: name}}
		for k, v := range more {
			body[k] = v
		}
		c.must("POST", "/v1/etl/jobs", body, &j)
		return j
	}
	replaced := job("replaced", map[string]any{"load": "catalog"})
	upserted := job("upserted", map[string]any{"load": "transactional", "timestamp_column": "updated_at", "keys": []string{"id"}})
	appended := job("appended", map[string]any{"load": "transactional", "timestamp_column": "created_at"})
	run := func(key string, jobs ...etl.Job) (out []etl.Run) {
		t.Helper()
		for _, j := range jobs {
			var r etl.Run
			c.must("POST", "/v1/etl/jobs/"+j.ID+"/runs", nil, &r, "Idempotency-Key", key)
			out = append(out, r)
		}
		for i := range out {
			if out[i] = in.ended(t, out[i].ID); out[i].Status != etl.Completed {
				t.Fatalf("%s: %s, %v", out[i].JobName, out[i].Status, out[i].Error)
			}
			if out[i].Snapshot != "" {
				t.Errorf("%s has a snapshot", out[i].JobName)
			}
		}
		return out
	}
	stop := writing(t, pg)
	first := run("1", replaced, upserted, appended)
	written := stop()
	for _, r := range first {
		if r.Chunks < 5 {
			t.Errorf("%s was read in %d chunks: nothing could change between them", r.JobName, r.Chunks)
		}
	}
	if written < 20 {
		t.Errorf("only %d statements were committed meanwhile", written)
	}
	t.Logf("%d statements were committed meanwhile", written)
	// 1 to 10000 stayed, 1 to 5000 untouched; v of the rest is the number of a statement.
	if got := in.rows(t, "COUNT(*) = COUNT(DISTINCT id), COUNT(*) FILTER (id BETWEEN 1 AND 10000), SUM(v) FILTER (id BETWEEN 1 AND 5000)", "replaced"); got != "true 10000 0" {
		t.Errorf("the catalog: %s, want every row that stayed", got)
	}
	if got := in.rows(t, "COUNT(*) = COUNT(DISTINCT id)", "upserted"); got != "true" {
		t.Error("the upsert doubles rows")
	}
	if got := in.rows(t, "COUNT(DISTINCT v) > 3", "replaced"); got != "true" {
		t.Errorf("nothing changed while the catalog was read")
	}
	// The writes are over: the next runs bring what the first ones had no hold of.
	run("2", replaced, upserted, appended)
	digest := "COUNT(*), COUNT(DISTINCT id), SUM(id), SUM(v), SUM(id * v)"
	here := func(where string) string {
		var row [5]int64
		if err := pg.Connect(t).QueryRow(ctx, "SELECT "+strings.ReplaceAll(digest, "SUM(id * v)", "SUM(id * v)::bigint")+" FROM goods"+where).Scan(&row[0], &row[1], &row[2], &row[3], &row[4]); err != nil {
			t.Fatal(err)
		}
		return strings.Trim(fmt.Sprint(row), "[]")
	}
	if got, want := in.rows(t, digest, "replaced"), here(""); got != want {
		t.Errorf("the catalog holds %s, the source %s", got, want)
	}
	// Deletions do not travel with a watermark: what is gone at the source stays.
	if got, want := in.rows(t, digest, "upserted WHERE id <= 10000 OR id > 20000"), here(" WHERE id <= 10000 OR id > 20000"); got != want {
		t.Errorf("the upsert holds %s, the source %s", got, want)
	}
	// created_at does not change: every row is in one window. Those of 10001 to 20000 may go before they are read.
	if got, want := in.rows(t, "COUNT(*), COUNT(DISTINCT id)", "appended WHERE id <= 10000 OR id > 20000"), strings.Join(strings.Fields(here(" WHERE id <= 10000 OR id > 20000"))[:2], " "); got != want {
		t.Errorf("the append holds %s rows and ids, the source %s", got, want)
	}
	if got := in.rows(t, "COUNT(*) = COUNT(DISTINCT id)", "appended"); got != "true" {
		t.Error("the append doubles rows")
	}
}

// writing updates, deletes and inserts rows until it is stopped; it gives how many
// statements were committed. Rows 1 to 5000 are left alone, 5001 to 10000 change, 10001 to
// 20000 go one by one, and new ones come above. Times grow with the commits.
func writing(t *testing.T, pg *pgtest.Server) (stop func() int) {
	t.Helper()
	conn := pg.Connect(t)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan int, 1)
	go func() {
		for n := 1; ; n++ {
			for _, sql := range []string{
				fmt.Sprintf(`UPDATE goods SET v = %d, updated_at = clock_timestamp() WHERE id BETWEEN 5001 AND 10000 AND id %% 7 = %d`, n, n%7),
				fmt.Sprintf(`DELETE FROM goods WHERE id = %d`, 10000+n*13%10000),
				fmt.Sprintf(`INSERT INTO goods VALUES (%d, %d, 'new', clock_timestamp(), clock_timestamp())`, 20000+n, n),
			} {
				if ctx.Err() != nil {
					done <- n
					return
				}
				if _, err := conn.Exec(context.WithoutCancel(ctx), sql); err != nil {
					t.Error(err)
				}
			}
			time.Sleep(2 * time.Millisecond)
		}
	}()
	return func() int { cancel(); return <-done }
}
