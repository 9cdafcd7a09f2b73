package bigquery_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	bq "google.golang.org/api/bigquery/v2"

	"github.com/b2brecs/b2brecs/shared/internal/gcp"
	fake "github.com/b2brecs/b2brecs/shared/internal/gcpfake/bigquery"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/warehouse/bigquery"
)

// canned is an engine with one answer; it shows what the driver makes of jobs.
type canned struct {
	result fake.Result
	err    *fake.Error
}

func (c canned) Run(_ context.Context, sql string, _ []*bq.QueryParameter, _ bool) (*fake.Result, *fake.Error) {
	if c.err != nil {
		return nil, c.err
	}
	out := c.result
	return &out, nil
}

func (c canned) Load(context.Context, *bq.TableReference, []string) (int64, *fake.Error) {
	return 0, c.err
}

func numbers(n int) fake.Result {
	out := fake.Result{Type: "SELECT", Schema: &bq.TableSchema{Fields: []*bq.TableFieldSchema{{Name: "n", Type: "INTEGER", Mode: "NULLABLE"}}}}
	for i := range n {
		out.Rows = append(out.Rows, &bq.TableRow{F: []*bq.TableCell{{V: fmt.Sprint(i)}}})
	}
	return out
}

var one = warehouse.Statement{SQL: "SELECT 1 AS n"}

func TestOptions(t *testing.T) {
	_, err := bigquery.New(bigquery.Options{})
	if p := problem.Of(err); p == nil || p.Code != problem.InvalidArgument || len(p.Fields) != 3 {
		t.Errorf("%v", err)
	}
	d, err := bigquery.New(bigquery.Options{Location: gcp.Location{Project: "p", Region: "EU"}, Bucket: nobucket})
	if err != nil {
		t.Fatal(err) // nothing is dialled
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

// What BigQuery says becomes a code with a next step, and never tells a value.
func TestErrors(t *testing.T) {
	for _, tc := range []struct {
		err  fake.Error
		want problem.Code
		says string // a part of the cause
	}{
		{fake.Error{Status: 403, Reason: "accessDenied", Message: "Access Denied: Table p:raw_data.sales: User does not have permission to query"}, problem.PermissionDenied, "raw_data.sales"},
		{fake.Error{Status: 404, Reason: "notFound", Message: "Not found: Table p:raw_data.nope was not found in location EU"}, problem.InvalidArgument, "raw_data.nope"},
		{fake.Error{Status: 400, Reason: "invalidQuery", Message: "Syntax error: Unexpected identifier \"SELEC\" at [1:1]"}, problem.InvalidArgument, "at [1:1]"},
		{fake.Error{Status: 400, Reason: "invalidQuery", Message: "Unrecognized name: foo at [1:8]"}, problem.InvalidArgument, "foo"},
		{fake.Error{Status: 400, Reason: "invalidQuery", Message: "Bad int64 value: secret name"}, problem.InvalidArgument, "Bad int64 value"},
		{fake.Error{Status: 400, Reason: "invalidQuery", Message: "Could not cast literal \"secret name\" to type INT64 at [1:13]"}, problem.InvalidArgument, "Could not cast"},
		{fake.Error{Status: 400, Reason: "invalidQuery", Message: "Invalid date: 'secret name'"}, problem.InvalidArgument, "Invalid date"},
		{fake.Error{Status: 400, Reason: "invalidQuery", Message: "Failed to parse input string \"secret name\""}, problem.InvalidArgument, "Failed to parse"},
		{fake.Error{Status: 400, Reason: "invalid", Message: "Error while reading data, error message: Invalid value for column: secret name"}, problem.InvalidArgument, "reading data"},
		{fake.Error{Status: 403, Reason: "quotaExceeded", Message: "Quota exceeded"}, problem.ResourceExhausted, "Quota"},
		{fake.Error{Status: 403, Reason: "responseTooLarge", Message: "Response too large to return"}, problem.ResourceExhausted, "too large"},
		{fake.Error{Status: 400, Reason: "resourcesExceeded", Message: "Resources exceeded during query execution"}, problem.ResourceExhausted, "Resources"},
		{fake.Error{Status: 400, Reason: "bytesBilledLimitExceeded", Message: "Query exceeded limit for bytes billed: 1. 10485760 or higher required."}, problem.FailedPrecondition, "10485760"},
		{fake.Error{Status: 499, Reason: "stopped", Message: "Job execution was cancelled: User requested cancellation"}, problem.Cancelled, "cancelled"},
		{fake.Error{Status: 403, Reason: "billingNotEnabled", Message: "Billing has not been enabled"}, problem.FailedPrecondition, "Billing"},
		{fake.Error{Status: 503, Reason: "backendError", Message: "Error encountered during execution. Retrying may solve the problem."}, problem.Unavailable, "Retrying"},
		{fake.Error{Status: 500, Reason: "internalError", Message: "An internal error occurred"}, problem.Unavailable, "internal"},
		{fake.Error{Status: 403, Reason: "neverHeardOf", Message: "no"}, problem.Unavailable, ""}, // a job's error carries no status
	} {
		t.Run(tc.err.Reason+" "+tc.err.Message, func(t *testing.T) {
			s := serve(t, fake.Options{Engine: canned{err: &tc.err}})
			_, err := connect(t, s).Query(t.Context(), one, 1)
			p := problem.Of(err)
			again := tc.want == problem.Unavailable && tc.says != ""
			if p == nil || p.Code != tc.want || !strings.Contains(p.Cause, tc.says) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%+v", p)
			}
			if p != nil && (again || tc.want == problem.ResourceExhausted || tc.want == problem.PermissionDenied) && p.Next == "" {
				t.Error("it does not say what to do next")
			}
			// Nothing is tried twice that cannot succeed.
			inserts := 0
			for _, c := range s.Calls() {
				if c.Method == "jobs.insert" {
					inserts++
				}
			}
			if retried := inserts > 1; retried != again {
				t.Errorf("%d jobs", inserts)
			}
		})
	}
}

// Requests that were refused for their rate are made again, as long as there is time.
func TestRefusedRequests(t *testing.T) {
	var left atomic.Int32
	s := serve(t, fake.Options{Engine: canned{result: numbers(1)}, Running: 2, Faults: fake.Faults{Refuse: func(c fake.Call) *fake.Error {
		if c.Method == "jobs.insert" && left.Add(-1) >= 0 {
			return &fake.Error{Status: http.StatusForbidden, Reason: "rateLimitExceeded", Message: "Exceeded rate limits: too many api requests per user per method for this user_method."}
		}
		return nil
	}}})
	d := connect(t, s)
	left.Store(1)
	if out, err := d.Query(t.Context(), one, 1); err != nil || len(out.Values) != 1 {
		t.Errorf("%+v, %v", out, err)
	}
	left.Store(1000)
	ctx, end := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer end()
	if _, err := d.Query(ctx, one, 1); !problem.Is(err, problem.Unavailable) {
		t.Errorf("%v", err)
	}
}

// A statement that nobody waits for any more is cancelled.
func TestCancelsTheJob(t *testing.T) {
	s := serve(t, fake.Options{Engine: canned{result: numbers(1)}, Running: 1000})
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second) // it is inserted by then
	defer cancel()
	_, err := connect(t, s).Query(ctx, one, 1)
	if !problem.Is(err, problem.Unavailable) || problem.Of(err).Message != "the query took too long" {
		t.Errorf("%v", err)
	}
	calls := s.Calls()
	if len(calls) == 0 {
		t.Fatal("nothing was asked for")
	}
	if last := calls[len(calls)-1]; last.Method != "jobs.cancel" || last.Job != calls[0].Job {
		t.Errorf("%+v", calls)
	}
}

// A statement whose reply never came is cancelled as well: the job may be there.
func TestCancelsTheJobThatNobodySaw(t *testing.T) {
	s := serve(t, fake.Options{Engine: canned{result: numbers(1)}, Running: 1000})
	d := connect(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	s.Break(fake.Faults{Lose: func(c fake.Call) bool {
		if c.Method == "jobs.insert" {
			cancel()
		}
		return c.Method == "jobs.insert"
	}})
	if _, err := d.Query(ctx, one, 1); !problem.Is(err, problem.Cancelled) {
		t.Errorf("%v", err)
	}
	calls := s.Calls()
	if last := calls[len(calls)-1]; len(calls) != 3 || last.Method != "jobs.cancel" || last.Job != calls[0].Job {
		t.Errorf("%+v", calls)
	}
	// A job that was never made is not waited for.
	ctx, cancel = context.WithCancel(t.Context())
	s.Break(fake.Faults{Refuse: func(c fake.Call) *fake.Error {
		if c.Method != "jobs.insert" {
			return nil
		}
		cancel()
		return &fake.Error{Status: http.StatusServiceUnavailable, Reason: "backendError", Message: "no"}
	}})
	if _, err := d.Query(ctx, one, 1); !problem.Is(err, problem.Cancelled) {
		t.Errorf("%v", err)
	}
	for _, c := range s.Calls() {
		if c.Method == "jobs.cancel" {
			t.Errorf("a job that is not there was cancelled: %+v", c)
		}
	}
	// Nobody asked for anything.
	if _, err := d.Query(ctx, one, 1); !problem.Is(err, problem.Cancelled) || len(s.Calls()) > 0 {
		t.Errorf("%v", err)
	}
}

// The limit of bytes is told to BigQuery, which refuses by itself; the portable type
// asks first, once for the same statement, and says what is too much.
func TestBytes(t *testing.T) {
	s := serve(t, fake.Options{Engine: canned{result: numbers(1)}, Scans: func(string) int64 { return 12_345_678_901 }})
	d := connect(t, s)
	for limit, want := range map[int64]problem.Code{0: "", 12_345_678_900: problem.FailedPrecondition, 12_345_678_901: ""} {
		st := one
		st.MaxBytes = limit
		if _, err := d.Query(t.Context(), st, 1); problem.CodeOf(err) != want {
			t.Errorf("%d: %v", limit, err)
		}
		if s.Calls()[0].Kind != "query" {
			t.Errorf("%d: the driver asked first", limit)
		}
	}
	est, err := d.DryRun(t.Context(), one)
	if err != nil || est.Bytes != 12_345_678_901 || len(est.Columns) != 1 {
		t.Errorf("%+v, %v", est, err)
	}
	asked := func() (n, ran int) {
		for _, c := range s.Calls() {
			switch c.Kind {
			case "dry run":
				n++
			case "query":
				ran++
			}
		}
		return n, ran
	}
	asked()
	w := warehouse.NewBilled(d, warehouse.Billing{USDPerTiB: bigquery.USDPerTiB, MaxBytes: 13e9})
	for range 2 {
		out, err := w.Query(t.Context(), one, 1)
		if err != nil || out.Cost == nil || out.Cost.Bytes != 12_345_678_901 || fmt.Sprintf("%.2f", out.Cost.USD) != "0.07" {
			t.Errorf("%+v, %v", out.Cost, err)
		}
	}
	if n, ran := asked(); n != 1 || ran != 2 {
		t.Errorf("asked %d times, ran %d", n, ran)
	}
	w = warehouse.NewBilled(d, warehouse.Billing{USDPerTiB: bigquery.USDPerTiB, MaxBytes: 10e9, Setting: "B2BRECS_X"})
	_, query := w.Query(t.Context(), one, 1)
	_, table := w.Materialize(t.Context(), warehouse.Ref{Dataset: "ml", Name: "t"}, one)
	_, _, export := w.Export(t.Context(), one, "gs://"+bucket+"/x/")
	for _, err := range []error{query, table, export} {
		p := problem.Of(err)
		if p == nil || p.Code != problem.FailedPrecondition || p.Message != "the statement would read 12.4 GB; one statement may read 10 GB" || !strings.Contains(p.Next, "B2BRECS_X") {
			t.Errorf("%+v", p)
		}
	}
	if _, ran := asked(); ran != 0 {
		t.Error("a refused statement ran")
	}
	// The product's own lookups go unasked, and keep to the limit.
	look := one
	look.Lookup = true
	if _, err := w.Query(t.Context(), look, 1); !problem.Is(err, problem.FailedPrecondition) {
		t.Errorf("%v", err)
	}
	if n, ran := asked(); n != 0 || ran != 1 {
		t.Errorf("asked %d times, ran %d", n, ran)
	}
}

// Results come by page; records have no place in them; only one SELECT runs.
func TestResults(t *testing.T) {
	s := serve(t, fake.Options{Engine: canned{result: numbers(250)}})
	out, err := connect(t, s).Query(t.Context(), one, 1000)
	if err != nil || len(out.Values) != 250 || out.Truncated || out.Values[249][0] != int64(249) {
		t.Errorf("%d rows, %v", len(out.Values), err)
	}
	out, err = connect(t, s).Query(t.Context(), one, 249)
	if err != nil || len(out.Values) != 249 || !out.Truncated {
		t.Errorf("%d rows, %v", len(out.Values), err)
	}
	record := numbers(0)
	record.Schema.Fields[0].Type = "RECORD"
	if _, err := connect(t, serve(t, fake.Options{Engine: canned{result: record}})).Query(t.Context(), one, 1); !problem.Is(err, problem.InvalidArgument) {
		t.Errorf("%v", err)
	}
	drop := fake.Result{Type: "DROP_TABLE"}
	if _, err := connect(t, serve(t, fake.Options{Engine: canned{result: drop}})).DryRun(t.Context(), one); !problem.Is(err, problem.InvalidArgument) {
		t.Errorf("%v", err)
	}
}

// Labels of any text become labels that BigQuery takes; the fake refuses others.
func TestLabels(t *testing.T) {
	s := serve(t, fake.Options{Engine: canned{result: numbers(1)}})
	st := one
	st.Labels = map[string]string{"Run": "01JD/Ä " + strings.Repeat("x", 80)}
	if _, err := connect(t, s).Query(t.Context(), st, 1); err != nil {
		t.Error(err)
	}
}
