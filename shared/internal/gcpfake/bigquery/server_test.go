package bigquery

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	bq "google.golang.org/api/bigquery/v2"
)

// silent is an engine without rows.
type silent struct{}

func (silent) Run(_ context.Context, sql string, _ []*bq.QueryParameter, _ bool) (*Result, *Error) {
	if strings.Contains(sql, "broken") {
		return nil, fail(http.StatusBadRequest, "invalidQuery", "Syntax error: broken")
	}
	return &Result{Type: "SELECT", Schema: &bq.TableSchema{}, Rows: []*bq.TableRow{{F: []*bq.TableCell{{V: "0"}}}}}, nil
}

func (silent) Load(context.Context, *bq.TableReference, []string) (int64, *Error) { return 3, nil }

// send gives the status and reason of a reply.
func send(t *testing.T, s *Server, method, path, body string, header ...string) (int, string, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+"projects/p/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "lost", ""
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var e struct {
		Error struct{ Errors []struct{ Reason string } }
	}
	if err := json.NewDecoder(bytes.NewReader(data)).Decode(&e); err != nil {
		t.Fatal(err)
	}
	reason := ""
	if len(e.Error.Errors) > 0 {
		reason = e.Error.Errors[0].Reason
	}
	return res.StatusCode, reason, string(data)
}

func start(t *testing.T, o Options) *Server {
	t.Helper()
	o.Project, o.Location, o.Engine = "p", "EU", silent{}
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

const (
	datasetD = `{"datasetReference":{"projectId":"p","datasetId":"d"},"location":"EU","defaultTableExpirationMs":"3600000"}`
	tableT   = `{"tableReference":{"projectId":"p","datasetId":"d","tableId":"t"},"schema":{"fields":[{"name":"a","type":"INTEGER","mode":"REQUIRED"}]}}`
)

func query(id, sql, more string) string {
	return `{"jobReference":{"projectId":"p","jobId":"` + id + `","location":"EU"},"configuration":{` + more + `"query":{"query":"` + sql + `","useLegacySql":false}}}`
}

func load(id, more string) string {
	return `{"jobReference":{"projectId":"p","jobId":"` + id + `","location":"EU"},"configuration":{"load":{"sourceUris":["gs://b/o"],"sourceFormat":"PARQUET",` +
		`"writeDisposition":"WRITE_TRUNCATE","createDisposition":"CREATE_IF_NEEDED","destinationTable":{"projectId":"p","datasetId":"d","tableId":"l"},` + more + `}}}`
}

// Each line is sent in turn to one server.
func TestStrict(t *testing.T) {
	s := start(t, Options{LoadsPerTable: 2})
	for _, tc := range []struct {
		name, method, path, body string
		status                   int
		reason                   string
	}{
		{"another project", "GET", "../q/datasets/d", "", 404, "notFound"},
		{"a call it does not have", "GET", "routines", "", 501, "notImplemented"},
		{"absent dataset", "GET", "datasets/d", "", 404, "notFound"},
		{"table without dataset", "POST", "datasets/d/tables", tableT, 404, "notFound"},
		{"another location", "POST", "datasets", strings.Replace(datasetD, `"EU"`, `"US"`, 1), 400, "invalid"},
		{"unknown field", "POST", "datasets", strings.Replace(datasetD, `"location"`, `"lokation"`, 1), 400, "invalid"},
		{"dataset name", "POST", "datasets", strings.Replace(datasetD, `"d"`, `"d-d"`, 1), 400, "invalid"},
		{"dataset", "POST", "datasets", datasetD, 200, ""},
		{"dataset again", "POST", "datasets", datasetD, 409, "duplicate"},
		{"column type", "POST", "datasets/d/tables", strings.Replace(tableT, "INTEGER", "INT", 1), 400, "invalid"},
		{"column name", "POST", "datasets/d/tables", strings.Replace(tableT, `"a"`, `"_PARTITIONTIME"`, 1), 400, "invalid"},
		{"label", "POST", "datasets/d/tables", strings.Replace(tableT, "{", `{"labels":{"A":"b"},`, 1), 400, "invalid"},
		{"partition", "POST", "datasets/d/tables", strings.Replace(tableT, "{", `{"timePartitioning":{"type":"DAY","field":"a"},`, 1), 400, "invalid"},
		{"cluster", "POST", "datasets/d/tables", strings.Replace(tableT, "{", `{"clustering":{"fields":["b"]},`, 1), 400, "invalid"},
		{"table", "POST", "datasets/d/tables", tableT, 200, ""},
		{"table again", "POST", "datasets/d/tables", tableT, 409, "duplicate"},
		{"column changed", "PATCH", "datasets/d/tables/t", `{"schema":{"fields":[{"name":"a","type":"STRING","mode":"REQUIRED"}]}}`, 400, "invalid"},
		{"column gone", "PATCH", "datasets/d/tables/t", `{"schema":{"fields":[{"name":"b","type":"STRING"}]}}`, 400, "invalid"},
		{"required column added", "PATCH", "datasets/d/tables/t", `{"schema":{"fields":[{"name":"a","type":"INTEGER","mode":"REQUIRED"},{"name":"b","type":"STRING","mode":"REQUIRED"}]}}`, 400, "invalid"},
		{"column added", "PATCH", "datasets/d/tables/t", `{"schema":{"fields":[{"name":"a","type":"INTEGER","mode":"REQUIRED"},{"name":"b","type":"STRING"}]}}`, 200, ""},
		{"description", "PATCH", "datasets/d/tables/t", `{"description":"x"}`, 501, "notImplemented"},

		{"job id", "POST", "jobs", query("a b", "SELECT 1", ""), 400, "invalid"},
		{"job label", "POST", "jobs", query("j", "SELECT 1", `"labels":{"run":"ABC"},`), 400, "invalid"},
		{"two kinds", "POST", "jobs", query("j", "SELECT 1", `"extract":{},`), 400, "invalid"},
		{"legacy SQL", "POST", "jobs", strings.Replace(query("j", "SELECT 1", ""), "false", "true", 1), 501, "notImplemented"},
		{"job", "POST", "jobs", query("j", "SELECT 1", ""), 200, ""},
		{"job again", "POST", "jobs", query("j", "SELECT 2", ""), 409, "duplicate"},
		{"job elsewhere", "GET", "jobs/j?location=US", "", 404, "notFound"},
		{"job without location", "GET", "jobs/j", "", 404, "notFound"},
		{"its state", "GET", "jobs/j?location=EU", "", 200, ""},
		{"wrong statement", "POST", "jobs", query("k", "broken", ""), 400, "invalidQuery"},
		{"its id is taken", "POST", "jobs", query("k", "SELECT 1", ""), 409, "duplicate"},
		{"its results", "GET", "queries/k?location=EU&maxResults=0", "", 400, "invalidQuery"},
		{"dry run", "POST", "jobs", query("x", "SELECT 1", `"dryRun":true,`), 200, ""},
		{"a dry run takes no id", "POST", "jobs", query("x", "SELECT 1", ""), 200, ""},

		{"load of JSON", "POST", "jobs", load("l1", `"schema":{"fields":[{"name":"a","type":"JSON"}]}`), 200, ""},
		{"list without inference", "POST", "jobs", load("l2", `"schema":{"fields":[{"name":"a","type":"STRING","mode":"REPEATED"}]}`), 200, ""},
		{"load", "POST", "jobs", load("l3", `"schema":{"fields":[{"name":"a","type":"STRING"}]}`), 200, ""},
		{"load again", "POST", "jobs", load("l3", `"schema":{"fields":[{"name":"a","type":"STRING"}]}`), 409, "duplicate"},
		{"second load", "POST", "jobs", load("l4", `"schema":{"fields":[{"name":"a","type":"STRING"}]}`), 200, ""},
		{"third load", "POST", "jobs", load("l5", `"schema":{"fields":[{"name":"a","type":"STRING"}]}`), 200, ""},
	} {
		if status, reason, data := send(t, s, tc.method, tc.path, tc.body); status != tc.status || reason != tc.reason {
			t.Errorf("%s: %d %q, want %d %q: %s", tc.name, status, reason, tc.status, tc.reason, data)
		}
	}
	for id, want := range map[string]string{"l1": "invalid", "l2": "invalid", "l3": "", "l4": "", "l5": "quotaExceeded", "k": "invalidQuery"} {
		var j bq.Job
		_, _, data := send(t, s, "GET", "jobs/"+id+"?location=EU", "")
		if err := json.Unmarshal([]byte(data), &j); err != nil {
			t.Fatal(err)
		}
		got := ""
		if j.Status.ErrorResult != nil {
			got = j.Status.ErrorResult.Reason
		}
		if got != want {
			t.Errorf("job %s ended with %q, want %q", id, got, want)
		}
	}
}

func TestEtagAndExpiration(t *testing.T) {
	s := start(t, Options{})
	send(t, s, "POST", "datasets", datasetD)
	_, _, data := send(t, s, "POST", "datasets/d/tables", tableT)
	var table bq.Table
	if err := json.Unmarshal([]byte(data), &table); err != nil {
		t.Fatal(err)
	}
	if table.ExpirationTime != table.CreationTime+3600_000 {
		t.Errorf("made %d, expires %d", table.CreationTime, table.ExpirationTime)
	}
	const more = `{"schema":{"fields":[{"name":"a","type":"INTEGER","mode":"REQUIRED"},{"name":"b","type":"STRING"}]}}`
	if status, _, data := send(t, s, "GET", "datasets/d/tables/t/data?formatOptions.useInt64Timestamp=true&maxResults=5", ""); status != 200 || !strings.Contains(data, `"totalRows":"1"`) {
		t.Errorf("%d %s", status, data)
	}
	if status, _, _ := send(t, s, "GET", "datasets/d/tables/nope/data?formatOptions.useInt64Timestamp=true", ""); status != 404 {
		t.Errorf("%d of a table that is not there", status)
	}
	if status, _, data := send(t, s, "PATCH", "datasets/d/tables/t", more, "If-Match", table.Etag); status != 200 {
		t.Errorf("%d %s", status, data)
	}
	if status, reason, _ := send(t, s, "PATCH", "datasets/d/tables/t", more, "If-Match", table.Etag); status != 412 || reason != "conditionNotMet" {
		t.Errorf("an old etag: %d %s", status, reason)
	}
	if e := s.Expire(t.Context(), "d", "t"); e != nil {
		t.Errorf("%+v", e)
	}
	if status, _, _ := send(t, s, "GET", "datasets/d/tables/t", ""); status != 404 {
		t.Errorf("%d after it expired", status)
	}
}

func TestFaults(t *testing.T) {
	s := start(t, Options{Running: 1})
	s.Break(Faults{Lose: func(c Call) bool { return c.Method == "jobs.insert" }})
	if status, reason, _ := send(t, s, "POST", "jobs", query("j", "SELECT 1", "")); reason != "lost" {
		t.Errorf("%d %s", status, reason)
	}
	s.Break(Faults{Refuse: func(Call) *Error { return fail(403, "rateLimitExceeded", "slow down") }})
	if status, reason, _ := send(t, s, "POST", "jobs", query("k", "SELECT 1", "")); status != 403 || reason != "rateLimitExceeded" {
		t.Errorf("%d %s", status, reason)
	}
	s.Break(Faults{Fail: func(Call) *Error { return fail(503, "backendError", "no") }})
	if status, reason, _ := send(t, s, "POST", "jobs", query("k", "SELECT 1", "")); status != 200 {
		t.Errorf("a refused job had taken its id: %d %s", status, reason)
	}
	s.Break(Faults{})
	if _, _, data := send(t, s, "GET", "queries/k?location=EU&maxResults=0", ""); !strings.Contains(data, `"jobComplete":false`) {
		t.Errorf("results of a job that runs: %s", data)
	}
	for _, id := range []string{"j", "k"} {
		for _, want := range []string{`"RUNNING"`, `"DONE"`} {
			if _, _, data := send(t, s, "GET", "jobs/"+id+"?location=EU", ""); !strings.Contains(data, want) {
				t.Errorf("want %s: %s", want, data)
			}
		}
	}
	if status, reason, _ := send(t, s, "GET", "queries/k?location=EU&maxResults=0", ""); status != 503 || reason != "backendError" {
		t.Errorf("%d %s", status, reason)
	}
	if n := len(s.Calls()); n != 9 {
		t.Errorf("%d calls", n)
	}
}
