package functions_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/source/postgres/pgtest"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// caller makes requests as the owner.
type caller struct {
	t     *testing.T
	base  string
	token string
}

func (in *installation) caller(t *testing.T) caller {
	t.Helper()
	ctx := context.Background()
	owner, _, err := in.Users.EnsureOwner(ctx)
	if err != nil {
		t.Fatal(err)
	}
	token, err := in.Users.Session(ctx, owner.Subject)
	if err != nil {
		t.Fatal(err)
	}
	return caller{t, in.address, token}
}

// call sends a request and decodes the reply into out; it gives status and text.
func (c caller) call(method, path string, in, out any, header ...string) (int, string) {
	c.t.Helper()
	var body io.Reader
	if text, ok := in.(string); ok {
		body = strings.NewReader(text)
	} else if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			c.t.Fatal(err)
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequest(method, c.base+path, body)
	if err != nil {
		c.t.Fatal(err)
	}
	if _, raw := in.(string); in != nil && !raw {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	if out != nil && resp.StatusCode < 300 {
		if err := json.Unmarshal(text, out); err != nil {
			c.t.Fatalf("%s %s: %v in %s", method, path, err, text)
		}
	}
	return resp.StatusCode, string(text)
}

// must is call for requests that have to succeed.
func (c caller) must(method, path string, in, out any, header ...string) {
	c.t.Helper()
	if status, text := c.call(method, path, in, out, header...); status >= 300 {
		c.t.Fatalf("%s %s: %d %s", method, path, status, text)
	}
}

func TestDatabaseLoadsOverHTTP(t *testing.T) {
	pg := pgtest.Start(t)
	pg.Exec(t, `CREATE TABLE "Orders" (id bigint PRIMARY KEY, "Customer Name" text, amount numeric(10,2), updated_at timestamptz NOT NULL);
		INSERT INTO "Orders" SELECT i, 'c' || i % 3, i, '2024-01-01'::timestamptz + i * interval '1 hour' FROM generate_series(1, 100) i`)
	in := install(t, nil)
	c := in.caller(t)
	secret := pg.Secrets()["password"]

	if status, _ := (caller{t, c.base, ""}).call("GET", "/v1/etl/connections", nil, nil); status != http.StatusUnauthorized {
		t.Errorf("without a token: %d", status)
	}
	status, text := c.call("POST", "/v1/etl/connections", map[string]any{"name": "x", "type": "postgresql", "params": map[string]any{"port": 0, "tls": "maybe", "colour": "red"}}, nil)
	for _, want := range []string{"params.host", "params.database", "params.username", "params.port", "params.tls", "params.colour"} {
		if status != http.StatusBadRequest || !strings.Contains(text, want) {
			t.Errorf("bad inputs: %d, no word of %s in %s", status, want, text)
		}
	}

	params := pg.Params()
	params["password"] = secret
	var conn etl.Connection
	c.must("POST", "/v1/etl/connections", map[string]any{"name": "shop", "type": "postgresql", "params": params}, &conn)
	// The secret goes in and never comes out.
	for _, path := range []string{"/v1/etl/connections/" + conn.ID, "/v1/etl/connections"} {
		if _, text := c.call("GET", path, nil, nil); strings.Contains(text, secret) || strings.Contains(text, "pg test") {
			t.Errorf("%s shows the password", path)
		}
	}
	delete(params, "password")
	c.must("PATCH", "/v1/etl/connections/"+conn.ID, map[string]any{"description": "the shop", "params": params}, &conn)
	var tested struct{ OK bool }
	c.must("POST", "/v1/etl/connections/"+conn.ID+"/test", nil, &tested)
	if !tested.OK {
		t.Error("the stored password is lost by an edit that leaves it out")
	}
	params["password"] = "wrong"
	c.must("POST", "/v1/etl/connections:test", map[string]any{"type": "postgresql", "params": params}, &tested)
	if tested.OK {
		t.Error("a wrong password passes the test")
	}
	if status, _ := c.call("POST", "/v1/etl/connections", map[string]any{"name": "SHOP", "type": "postgresql", "params": params}, nil); status != http.StatusConflict {
		t.Errorf("a second connection of one name: %d", status)
	}
	var described struct {
		Columns     []etl.Column
		Keys        []string
		Recommended string `json:"recommended_timestamp"`
	}
	c.must("GET", "/v1/etl/connections/"+conn.ID+"/tables/public/Orders", nil, &described)
	if len(described.Columns) != 4 || described.Columns[1].Name != "customer_name" || described.Recommended != "updated_at" || described.Keys[0] != "id" {
		t.Errorf("described as %+v", described)
	}

	var job etl.Job
	c.must("POST", "/v1/etl/jobs", map[string]any{"name": "orders", "connection": conn.ID, "schema": "public", "table": "Orders", "load": "transactional",
		"timestamp_column": "updated_at", "keys": []string{"id"}, "start_date": "2024-01-02", "destination": warehouse.Ref{Dataset: "raw_data", Name: "orders"}}, &job)
	run := func(key string) etl.Run {
		t.Helper()
		var r, again etl.Run
		c.must("POST", "/v1/etl/jobs/"+job.ID+"/runs", nil, &r, "Idempotency-Key", key)
		c.must("POST", "/v1/etl/jobs/"+job.ID+"/runs", nil, &again, "Idempotency-Key", key)
		if r.ID != again.ID {
			t.Errorf("one key gave the runs %s and %s", r.ID, again.ID)
		}
		r = in.ended(t, r.ID)
		if r.Status != etl.Completed {
			t.Fatalf("run %s: %s, %v", key, r.Status, r.Error)
		}
		return r
	}
	if r := run("1"); r.RowsStaged != 77 || r.To != "2024-01-05T04:00:00.000000Z" {
		t.Errorf("first run: %d rows to %s", r.RowsStaged, r.To)
	}
	if r := run("2"); r.RowsRead != 0 {
		t.Errorf("nothing is new, but %d rows were read", r.RowsRead)
	}
	pg.Exec(t, `UPDATE "Orders" SET amount = -1, updated_at = '2024-02-01' WHERE id = 100; INSERT INTO "Orders" VALUES (101, 'new', 5, '2024-02-02'), (102, 'late', 5, now())`)
	r := run("3")
	if r.RowsStaged != 2 || r.Commit.Inserted != 1 || r.Commit.Updated != 1 {
		t.Errorf("third run: %d rows, %+v", r.RowsStaged, r.Commit)
	}
	if got := in.rows(t, "COUNT(*), COUNT(DISTINCT id), MIN(amount), MAX(id)", "orders"); got != "78 78 -1.000000000 101" && got != "78 78 -1 101" {
		t.Errorf("orders: %s", got)
	}
	c.must("POST", "/v1/etl/jobs/"+job.ID+"/watermark:reset", nil, nil)
	if r := run("4"); r.RowsStaged != 78 || r.Commit.Updated != 78 {
		t.Errorf("after a reset: %d rows, %+v", r.RowsStaged, r.Commit)
	}
	if status, text := c.call("DELETE", "/v1/etl/connections/"+conn.ID, nil, nil); status != http.StatusConflict || !strings.Contains(text, "orders") {
		t.Errorf("deleting a used connection: %d %s", status, text)
	}
	cancelled(t, in, c, pg, conn.ID)
}

// ended waits for the end of one run.
func (in *installation) ended(t *testing.T, id string) etl.Run {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		r, err := in.etl.Runs.Get(context.Background(), id)
		if err != nil {
			t.Fatal(err)
		}
		if r.Status.Ended() {
			return r
		}
		if time.Now().After(end) {
			t.Fatalf("run %s does not end: %+v", id, r)
		}
	}
}

// cancelled: a run whose source gives a row now and then ends soon after it is told to.
func cancelled(t *testing.T, in *installation, c caller, pg *pgtest.Server, conn string) {
	pg.Exec(t, `CREATE VIEW slow AS SELECT i, pg_sleep(0.05)::text AS z FROM generate_series(1, 100000) i`)
	var job etl.Job
	c.must("POST", "/v1/etl/jobs", map[string]any{"name": "slow", "connection": conn, "schema": "public", "table": "slow", "load": "catalog"}, &job)
	var r etl.Run
	c.must("POST", "/v1/etl/jobs/"+job.ID+"/runs", nil, &r)
	for r.Chunks == 0 || r.Status != etl.Running {
		time.Sleep(20 * time.Millisecond)
		c.must("GET", "/v1/etl/runs/"+r.ID, nil, &r)
	}
	if status, _ := c.call("POST", "/v1/etl/jobs/"+job.ID+"/runs", nil, nil); status != http.StatusConflict {
		t.Errorf("a second run beside an active one: %d", status)
	}
	start := time.Now()
	c.must("POST", "/v1/etl/runs/"+r.ID+"/cancel", nil, nil)
	r = in.ended(t, r.ID)
	if r.Status != etl.Cancelled {
		t.Errorf("the run is %s", r.Status)
	}
	if d := time.Since(start); d > 10*time.Second {
		t.Errorf("it took %s to cancel", d)
	}
	if _, err := in.Warehouse.Table(context.Background(), job.Destination); !problem.Is(err, problem.NotFound) {
		t.Errorf("a cancelled first run left a table: %v", err)
	}
}

func TestUploadsOverHTTP(t *testing.T) {
	in := install(t, nil)
	c := in.caller(t)
	c.must("PUT", "/v1/uploads/sales%2Fjan.csv", "id;amount;when\n007;1,50;13.02.2024\n008;x;14.02.2024\n"+strings.Repeat("009;2,00;15.02.2024\n", 30), nil)
	var found struct {
		Columns   []etl.Column
		Delimiter string
	}
	c.must("POST", "/v1/uploads:detect", map[string]any{"key": "sales/jan.csv"}, &found)
	if found.Delimiter != ";" || len(found.Columns) != 3 || found.Columns[0].Type != warehouse.String || found.Columns[2].Type != warehouse.Date {
		t.Errorf("detected %+v", found)
	}
	r := in.settle(t, 1)[0]
	var chunks struct{ Items []etl.Chunk }
	c.must("GET", "/v1/etl/runs/"+r.ID+"/chunks", nil, &chunks)
	if len(chunks.Items) != 1 || chunks.Items[0].State != etl.ChunkLoaded {
		t.Errorf("chunks: %+v", chunks.Items)
	}
	var rows struct{ Rows [][]any }
	c.must("GET", "/v1/tables/raw_data/sales/rows?limit=1", nil, &rows)
	if len(rows.Rows) != 1 {
		t.Errorf("preview: %v", rows.Rows)
	}
}
