package bigquery

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	bq "google.golang.org/api/bigquery/v2"
	"google.golang.org/api/googleapi"

	"github.com/b2brecs/b2brecs/shared/warehouse"
)

//go:embed emulator/run.py
var runner []byte

// PythonEnv names an interpreter that has bqemulator.
const PythonEnv = "B2BRECS_BQEMULATOR_PYTHON"

// Python gives the interpreter that has bqemulator: the one named by PythonEnv, or
// the one that scripts/python-env --bqemulator made; "" where there is none.
func Python() string {
	if p := os.Getenv(PythonEnv); p != "" {
		return p
	}
	cache := os.Getenv("XDG_CACHE_HOME")
	if cache == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		cache = filepath.Join(home, ".cache")
	}
	p := filepath.Join(cache, "b2brecs", "python-bqemulator", "bin", "python")
	if _, err := os.Stat(p); err != nil {
		return ""
	}
	return p
}

// Emulator is an Engine: a process of bqemulator with an empty database in memory.
type Emulator struct {
	cmd  *exec.Cmd
	dir  string
	url  string
	log  bytes.Buffer
	http http.Client
	n    int
	done chan struct{} // closed when the process has ended
}

// startup is how long the emulator may take to start; 3 to 10 s are usual.
const startup = 90 * time.Second

// StartEmulator starts it. objects is a folder in which gs://bucket/key is bucket/key.
func StartEmulator(ctx context.Context, python, objects string) (*Emulator, error) {
	if python == "" {
		return nil, errors.New("there is no Python with bqemulator; scripts/python-env --bqemulator makes one, or " + PythonEnv + " names one")
	}
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "bqemulator-")
	if err != nil {
		return nil, err
	}
	e := &Emulator{dir: dir, url: fmt.Sprintf("http://127.0.0.1:%d/bigquery/v2/projects/fake", ports[0]), done: make(chan struct{})}
	script := filepath.Join(dir, "run.py")
	if err := os.WriteFile(script, runner, 0o600); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	e.cmd = exec.CommandContext(ctx, python, script, "start", "--rest-port", fmt.Sprint(ports[0]), "--grpc-port", fmt.Sprint(ports[1]), "--ephemeral", "--log-level", "error")
	e.cmd.Env = append(os.Environ(), "BQEMU_GCS_LOCAL_ROOT="+objects, "BQEMU_ENABLE_FORMAT_EXTENSIONS=false",
		"BQEMU_QUERY_CACHE_TTL_SECONDS=0", "BQEMU_TIME_TRAVEL_RETENTION_DAYS=0", "BQEMU_METRICS_ENABLED=false")
	e.cmd.Stdout, e.cmd.Stderr = &e.log, &e.log
	if _, err := e.cmd.StdinPipe(); err != nil { // it ends with this process
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := e.cmd.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	go func() { _ = e.cmd.Wait(); close(e.done) }()
	limit := time.After(startup)
	for {
		if _, f := e.Run(ctx, "SELECT 1 AS ready", nil, false); f == nil {
			return e, nil
		}
		select {
		case <-e.done:
			return nil, errors.Join(fmt.Errorf("bqemulator ended: %s", tailOf(e.log.String())), os.RemoveAll(dir))
		case <-limit:
			return nil, errors.Join(errors.New("bqemulator did not start"), e.Close())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func tailOf(s string) string { return s[max(0, len(s)-2000):] }

func freePorts(n int) ([]int, error) {
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

// Close ends the process.
func (e *Emulator) Close() error {
	_ = e.cmd.Process.Kill() // it may have ended
	<-e.done
	return os.RemoveAll(e.dir)
}

// Run runs a statement. The emulator takes "@x" within a constant for a parameter, and
// knows no parameters in scripts, so their values are written as constants.
func (e *Emulator) Run(ctx context.Context, sql string, params []*bq.QueryParameter, dry bool) (*Result, *Error) {
	values := map[string]string{}
	for _, p := range params {
		v, f := constant(p.ParameterType, p.ParameterValue)
		if f != nil {
			return nil, f
		}
		values[p.Name] = v
	}
	missing := ""
	sql = warehouse.RewriteParams(sql, func(name string) string {
		if _, ok := values[name]; !ok {
			missing = name
		}
		return values[name]
	})
	if missing != "" {
		return nil, fail(http.StatusBadRequest, "invalidQuery", "Query parameter '%s' not found", missing)
	}
	legacy := false
	job, f := e.job(ctx, &bq.JobConfiguration{DryRun: dry, Query: &bq.JobConfigurationQuery{
		Query: sql, UseLegacySql: &legacy, ForceSendFields: []string{"UseLegacySql"},
	}})
	if f != nil {
		return nil, f
	}
	out := &Result{}
	if q := job.Statistics.Query; q != nil {
		out.Type, out.Schema = q.StatementType, q.Schema
		if q.ExportDataStatistics != nil {
			out.Files = q.ExportDataStatistics.FileCount
		}
	}
	if dry || out.Type != "SELECT" {
		return out, nil
	}
	var rows bq.GetQueryResultsResponse
	if f := e.call(ctx, http.MethodGet, fmt.Sprintf("/queries/%s?maxResults=%d", job.JobReference.JobId, 10_000_000), nil, &rows); f != nil {
		return nil, f
	}
	out.Schema, out.Rows = rows.Schema, rows.Rows
	return out, nil
}

// Load appends Parquet objects and gives the table's number of rows.
func (e *Emulator) Load(ctx context.Context, t *bq.TableReference, uris []string) (int64, *Error) {
	job, f := e.job(ctx, &bq.JobConfiguration{Load: &bq.JobConfigurationLoad{
		DestinationTable: &bq.TableReference{ProjectId: "fake", DatasetId: t.DatasetId, TableId: t.TableId},
		SourceUris:       uris, SourceFormat: "PARQUET", WriteDisposition: "WRITE_APPEND", CreateDisposition: "CREATE_NEVER",
	}})
	if f != nil {
		return 0, f
	}
	return job.Statistics.Load.OutputRows, nil
}

// job runs one job, which the emulator has done when it answers.
func (e *Emulator) job(ctx context.Context, c *bq.JobConfiguration) (*bq.Job, *Error) {
	e.n++ // the server makes one call at a time
	var out bq.Job
	f := e.call(ctx, http.MethodPost, "/jobs", &bq.Job{Configuration: c, JobReference: &bq.JobReference{ProjectId: "fake", JobId: fmt.Sprintf("j%d", e.n)}}, &out)
	if f != nil {
		return nil, f
	}
	if r := out.Status.ErrorResult; r != nil {
		return nil, asGoogle(&Error{http.StatusBadRequest, r.Reason, r.Message})
	}
	return &out, nil
}

func (e *Emulator) call(ctx context.Context, method, path string, body, into any) *Error {
	lost := func(err error) *Error {
		return fail(http.StatusServiceUnavailable, "backendError", "the engine does not answer: %v", err)
	}
	var in io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return lost(err)
		}
		in = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, e.url+path, in)
	if err != nil {
		return lost(err)
	}
	res, err := e.http.Do(req)
	if err != nil {
		return lost(err)
	}
	defer res.Body.Close()
	if err := googleapi.CheckResponse(res); err != nil {
		var g *googleapi.Error
		if errors.As(err, &g) && len(g.Errors) > 0 {
			return asGoogle(&Error{g.Code, g.Errors[0].Reason, g.Message})
		}
		return lost(err)
	}
	if err := json.NewDecoder(res.Body).Decode(into); err != nil {
		return lost(err)
	}
	return nil
}

// asGoogle gives an error the words that BigQuery has for it.
func asGoogle(e *Error) *Error {
	if _, rest, ok := strings.Cut(e.Message, "Could not convert string '"); ok {
		value, _, _ := strings.Cut(rest, "'")
		return fail(http.StatusBadRequest, "invalidQuery", "Bad int64 value: %s", value)
	}
	if _, rest, ok := strings.Cut(e.Message, "NOT NULL constraint failed: "); ok {
		_, column, _ := strings.Cut(rest, ".")
		return fail(http.StatusBadRequest, "invalidQuery", "Required field %s cannot be null", column)
	}
	if strings.Contains(e.Message, "No files found that match") {
		return fail(http.StatusNotFound, "notFound", "Not found: Uri")
	}
	if e.Reason == "notFound" {
		e.Status = http.StatusNotFound
	}
	return e
}

// constant writes a parameter's value.
func constant(t *bq.QueryParameterType, v *bq.QueryParameterValue) (string, *Error) {
	if t.Type == "ARRAY" {
		list := make([]string, len(v.ArrayValues))
		for i := range v.ArrayValues {
			one, e := constant(t.ArrayType, v.ArrayValues[i])
			if e != nil {
				return "", e
			}
			list[i] = one
		}
		return fmt.Sprintf("CAST([%s] AS ARRAY<%s>)", strings.Join(list, ", "), t.ArrayType.Type), nil
	}
	switch t.Type {
	case "STRING":
		return quote(v.Value), nil
	case "INT64", "FLOAT64", "BOOL", "TIMESTAMP":
		return fmt.Sprintf("CAST(%s AS %s)", quote(v.Value), t.Type), nil
	}
	return "", fail(http.StatusNotImplemented, "notImplemented", "the fake has no parameters of type %s", t.Type)
}
