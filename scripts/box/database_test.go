package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/b2brecs/b2brecs/scripts/b2brecs/client"
	"github.com/b2brecs/b2brecs/shared/api"
	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/source/postgres/pgtest"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// asked repeats a request that a process's death may break off.
func asked[T any](t *testing.T, request func() (T, error)) T {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		v, err := request()
		if err == nil {
			return v
		}
		if !problem.Is(err, problem.Unavailable) || time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// A table of a real PostgreSQL comes to the warehouse in many chunks, though rows are
// written, processes die, and none of them can hold a snapshot.
func TestKilledDatabaseLoads(t *testing.T) {
	pg := pgtest.Start(t)
	// The statistics promise a large table, so that it is cut into many chunks.
	pg.Exec(t, `CREATE TABLE goods (id bigint PRIMARY KEY, v int NOT NULL, updated_at timestamptz NOT NULL) WITH (autovacuum_enabled = false);
		INSERT INTO goods SELECT i, 0, '2024-01-01' FROM generate_series(1, 12000) i; ANALYZE goods;
		UPDATE pg_class SET reltuples = 5000000 WHERE relname = 'goods'`)
	b := open(t, false)
	c := b.client()
	params := pg.Params()
	params["password"] = pg.Secrets()["password"]
	conn, err := client.Post[etl.Connection](t.Context(), c, "/v1/etl/connections", map[string]any{"name": "shop", "type": "postgresql", "params": params}, "")
	if err != nil {
		t.Fatal(err)
	}
	var jobs []etl.Job
	for name, more := range map[string]map[string]any{
		"replaced": {"load": "catalog"},
		"upserted": {"load": "transactional", "timestamp_column": "updated_at", "keys": []string{"id"}},
	} {
		body := map[string]any{"name": name, "connection": conn.ID, "schema": "public", "table": "goods", "safety_lag_seconds": 0,
			"destination": warehouse.Ref{Dataset: warehouse.Raw, Name: name}}
		for k, v := range more {
			body[k] = v
		}
		j, err := client.Post[etl.Job](t.Context(), c, "/v1/etl/jobs", body, "")
		if err != nil {
			t.Fatal(err)
		}
		jobs = append(jobs, j)
	}
	start := func(key string) {
		t.Helper()
		for _, j := range jobs {
			asked(t, func() (etl.Run, error) {
				return client.Post[etl.Run](t.Context(), c, "/v1/etl/jobs/"+j.ID+"/runs", nil, key)
			})
		}
	}
	written := make(chan struct{})
	go func() {
		defer close(written)
		session := pg.Connect(t)
		for n := 1; n <= 60; n++ {
			for _, sql := range []string{
				fmt.Sprintf(`UPDATE goods SET v = %d, updated_at = clock_timestamp() WHERE id %% 7 = %d`, n, n%7),
				fmt.Sprintf(`INSERT INTO goods VALUES (%d, %d, clock_timestamp()), (%d, %d, clock_timestamp())`, 12000+n, n, -n, n),
			} {
				if _, err := session.Exec(t.Context(), sql); err != nil {
					t.Error(err)
				}
			}
			time.Sleep(50 * time.Millisecond)
		}
	}()
	stop := b.killing(t, 2, 150*time.Millisecond)
	start("while it changes")
	b.ended(t, 2)
	<-written
	start("after the changes")
	runs := b.ended(t, 4)
	killed := stop()
	t.Logf("killed: %v", killed)
	for _, f := range []string{"plan-run", "extract-chunk", "load-chunk", "commit-run"} {
		if killed[f] == 0 {
			t.Errorf("no process of %s was killed", f)
		}
	}
	many := 0
	for _, r := range runs {
		if r.Status != etl.Completed || r.Snapshot != "" {
			t.Errorf("%+v", r)
		}
		if r.Chunks > 5 {
			many++
		}
		list := asked(t, func() (api.List[etl.Chunk], error) {
			return client.Get[api.List[etl.Chunk]](t.Context(), c, "/v1/etl/runs/%s/chunks", r.ID)
		})
		attempts := 0
		for _, x := range list.Items {
			if attempts += x.Attempts; x.State != etl.ChunkLoaded {
				t.Errorf("%+v", x)
			}
		}
		if len(list.Items) != r.Chunks {
			t.Errorf("%d of %d chunks are told of", len(list.Items), r.Chunks)
		}
		t.Logf("run #%d of %s took %s, %d chunks, %d attempts", r.Number, r.JobName, r.EndedAt.Sub(r.StartedAt).Round(time.Millisecond), r.Chunks, attempts)
	}
	if many < 3 {
		t.Errorf("%d runs had many chunks, want 3", many)
	}
	p := b.platform(t)
	var want [2]int64
	if err := pg.Connect(t).QueryRow(t.Context(), "SELECT count(*), sum(id * v)::bigint FROM goods").Scan(&want[0], &want[1]); err != nil {
		t.Fatal(err)
	}
	for _, j := range jobs {
		got, err := p.Warehouse.Query(t.Context(), warehouse.Statement{SQL: "SELECT COUNT(*), COUNT(DISTINCT id), SUM(id * v) FROM " + p.Warehouse.Dialect().Table(j.Destination)}, 1)
		if err != nil {
			t.Fatal(err)
		}
		if s := fmt.Sprint(got.Values); s != fmt.Sprintf("[[%d %d %d]]", want[0], want[0], want[1]) {
			t.Errorf("%s holds %s, the source %v", j.Name, s, want)
		}
	}
	// Only runs that are read have documents of their chunks.
	left, err := state.Of[etl.Chunk](p.State, etl.ChunksCollection).Query(t.Context(), state.Query{})
	if err != nil || len(left.Items) > 0 {
		t.Errorf("%d documents of chunks are left, %v", len(left.Items), err)
	}
	b.noLetters(t)
}
