package bigquery_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/google/go-cmp/cmp"

	fake "github.com/b2brecs/b2brecs/shared/internal/gcpfake/bigquery"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/warehouse/bigquery"
	"github.com/b2brecs/b2brecs/shared/warehouse/warehousetest"
)

var saleColumns = []warehouse.Column{{Name: "id", Type: warehouse.Int64, Required: true}, {Name: "name", Type: warehouse.String}}

// sales makes a table with two rows to commit.
func sales(t *testing.T, d *bigquery.Driver) warehouse.Commit {
	t.Helper()
	r := warehouse.Ref{Dataset: warehouse.Raw, Name: "s_" + state.NewID()}
	if err := d.Create(t.Context(), warehouse.Table{Ref: r, Columns: saleColumns}); err != nil {
		t.Fatal(err)
	}
	schema := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}, {Name: "name", Type: arrow.BinaryTypes.String}, {Name: "added", Type: arrow.PrimitiveTypes.Float64}}, nil)
	uri := put(t, r.Name+".parquet", warehousetest.Parquet(t, schema, func(b *array.RecordBuilder) {
		for i := range int64(2) {
			b.Field(0).(*array.Int64Builder).Append(i)
			b.Field(1).(*array.StringBuilder).Append("x")
			b.Field(2).(*array.Float64Builder).Append(0.5)
		}
	}))
	return warehouse.Commit{ID: state.NewID(), Target: r, Mode: warehouse.Upsert, Keys: []string{"id", "name"}, URIs: []string{uri},
		AddColumns: []warehouse.Column{{Name: "added", Type: warehouse.Float64}}}
}

// once checks that the commit is in, with its rows, and nothing else.
func once(t *testing.T, d *bigquery.Driver, c warehouse.Commit) {
	t.Helper()
	r, err := d.Committed(t.Context(), c.ID)
	if diff := cmp.Diff(warehouse.CommitResult{ID: c.ID, Read: 2, Inserted: 2}, r); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	info, err := d.Table(t.Context(), c.Target)
	if err != nil || info.Rows != 2 {
		t.Errorf("%d rows, %v", info.Rows, err)
	}
}

// nth is a fault of call n, counted from 0.
func nth(n int32) (fn func(fake.Call) bool, met func() bool) {
	var count atomic.Int32
	return func(fake.Call) bool { return count.Add(1)-1 == n }, func() bool { return count.Load() > n }
}

// step is one kind of call that a commit makes, and the first call of it.
type step struct {
	name  string
	first int32
}

// steps gives those of an undisturbed commit.
func steps(t *testing.T, s *fake.Server, d *bigquery.Driver) []step {
	t.Helper()
	if _, err := d.Commit(t.Context(), sales(t, d)); err != nil { // makes ledger and datasets
		t.Fatal(err)
	}
	c := sales(t, d)
	s.Calls()
	if _, err := d.Commit(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	var out []step
	for i, call := range s.Calls() {
		name := call.Method
		if call.Kind != "" {
			name += " " + strings.TrimPrefix(call.Job[:strings.LastIndex(call.Job[:len("b2brecs_commit_")], "_")], "b2brecs_")
		}
		if !slices.ContainsFunc(out, func(s step) bool { return s.name == name }) {
			out = append(out, step{name, int32(i)})
		}
	}
	return out
}

// The reply of every kind of call is lost in turn: the commit is committed once, and its caller hears so.
func TestCommitLostReplies(t *testing.T) {
	s := serve(t, fake.Options{Engine: needEmulator(t)})
	d := connect(t, s)
	for _, step := range steps(t, s, d) {
		t.Run(step.name, func(t *testing.T) {
			c := sales(t, d)
			lose, met := nth(step.first)
			s.Break(fake.Faults{Lose: lose})
			r, err := d.Commit(t.Context(), c)
			s.Break(fake.Faults{})
			if err != nil || r.Repeated || r.Inserted != 2 || !met() {
				t.Errorf("%+v, %v, the fault happened: %v", r, err, met())
			}
			once(t, d, c)
		})
	}
}

// Whoever makes the commit dies after each of its changes in turn; another one repeats it.
func TestCommitAfterDeath(t *testing.T) {
	s := serve(t, fake.Options{Engine: needEmulator(t)})
	d := connect(t, s)
	changes := slices.DeleteFunc(steps(t, s, d), func(s step) bool {
		return !slices.Contains([]string{"jobs.insert load", "jobs.insert check", "tables.patch", "jobs.insert commit", "tables.delete"}, s.name)
	})
	if len(changes) != 5 {
		t.Fatalf("the steps are %v", changes)
	}
	for _, step := range changes {
		t.Run(step.name, func(t *testing.T) {
			c := sales(t, d)
			ctx, die := context.WithCancel(t.Context())
			defer die()
			hit, met := nth(step.first)
			s.Break(fake.Faults{Lose: func(call fake.Call) bool {
				if hit(call) {
					die()
					return true
				}
				return false
			}})
			_, err := d.Commit(ctx, c)
			s.Break(fake.Faults{})
			if !met() {
				t.Fatal("it did not get that far")
			}
			if err != nil && !problem.Is(err, problem.Cancelled) {
				t.Errorf("%v", err)
			}
			other := connect(t, s)
			r, err := other.Commit(t.Context(), c)
			if err != nil || r.Inserted != 2 {
				t.Errorf("%+v, %v", r, err)
			}
			once(t, other, c)
		})
	}
}

// A commit whose staging table expired before anybody repeated it loads again.
func TestCommitAfterExpiry(t *testing.T) {
	s := serve(t, fake.Options{Engine: needEmulator(t)})
	d := connect(t, s)
	c := sales(t, d)
	s.Break(fake.Faults{Refuse: func(call fake.Call) *fake.Error {
		if call.Kind == "query" && strings.HasPrefix(call.Job, "b2brecs_commit_") {
			return &fake.Error{Status: http.StatusForbidden, Reason: "accessDenied", Message: "Access Denied: Table x: User does not have permission"}
		}
		return nil
	}})
	_, err := d.Commit(t.Context(), c)
	if !problem.Is(err, problem.PermissionDenied) {
		t.Fatalf("%v", err)
	}
	s.Break(fake.Faults{})
	var staged string
	infos, err := d.Tables(t.Context(), bigquery.Staging)
	if err != nil || len(infos) != 1 || infos[0].Rows != 2 {
		t.Fatalf("%+v, %v", infos, err)
	}
	staged = infos[0].Ref.Name
	if e := s.Expire(t.Context(), bigquery.Staging, staged); e != nil {
		t.Fatalf("%+v", e)
	}
	s.Calls()
	r, err := d.Commit(t.Context(), c)
	if err != nil || r.Repeated {
		t.Fatalf("%+v, %v", r, err)
	}
	once(t, d, c)
	loads := 0
	for _, call := range s.Calls() {
		if call.Kind == "load" {
			loads++
		}
	}
	if loads != 2 { // the first id is taken
		t.Errorf("%d loads were submitted", loads)
	}
	if infos, err := d.Tables(t.Context(), bigquery.Staging); err != nil || len(infos) != 0 {
		t.Errorf("left behind: %+v, %v", infos, err)
	}
}

// Jobs that end by a fault of the service, or that met another transaction, are made
// again; an exceeded quota is not.
func TestCommitRetriesJobs(t *testing.T) {
	s := serve(t, fake.Options{Engine: needEmulator(t), Running: 1})
	d := connect(t, s)
	for name, tc := range map[string]struct {
		job   string
		times int
		err   fake.Error
		want  problem.Code
	}{
		"load, back end":           {"b2brecs_load_", 2, fake.Error{Status: 503, Reason: "backendError", Message: "Visibility check was unavailable."}, ""},
		"load, quota":              {"b2brecs_load_", 9, fake.Error{Status: 403, Reason: "quotaExceeded", Message: "Quota exceeded: Your table exceeded quota for imports"}, problem.ResourceExhausted},
		"load, back end, for ever": {"b2brecs_load_", 99, fake.Error{Status: 503, Reason: "backendError", Message: "no"}, problem.Unavailable},
		"transaction": {"b2brecs_commit_", 3, fake.Error{Status: 400, Reason: "invalidQuery",
			Message: "Transaction is aborted due to concurrent update against table acme:raw_data.sales. Transaction ID: 1"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := sales(t, d)
			left := tc.times
			s.Break(fake.Faults{Fail: func(call fake.Call) *fake.Error {
				if !strings.HasPrefix(call.Job, tc.job) || left == 0 {
					return nil
				}
				left--
				e := tc.err
				return &e
			}})
			_, err := d.Commit(t.Context(), c)
			s.Break(fake.Faults{})
			if problem.CodeOf(err) != tc.want {
				t.Fatalf("%v", err)
			}
			if tc.want == "" && left != 0 {
				t.Errorf("%d faults are left", left)
			}
			if tc.want == problem.ResourceExhausted && left != tc.times-1 {
				t.Error("an exceeded quota was tried again at once")
			}
			if tc.want != "" { // the same commit later
				if _, err := d.Commit(t.Context(), c); err != nil {
					t.Fatal(err)
				}
			}
			once(t, d, c)
		})
	}
}

// Two callers with one id: one transaction, and one of them did it.
func TestCommitTwiceAtOnce(t *testing.T) {
	s := serve(t, fake.Options{Engine: needEmulator(t)})
	c := sales(t, connect(t, s))
	s.Calls()
	results := make([]warehouse.CommitResult, 4)
	var wg sync.WaitGroup
	for i := range results {
		d := connect(t, s)
		wg.Go(func() {
			var err error
			if results[i], err = d.Commit(t.Context(), c); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	ids := map[string]bool{}
	for _, call := range s.Calls() {
		if call.Method == "jobs.insert" && (strings.HasPrefix(call.Job, "b2brecs_commit_") || strings.HasPrefix(call.Job, "b2brecs_load_")) {
			ids[call.Job] = true
		}
	}
	if len(ids) != 2 {
		t.Errorf("more than one job of a kind: %v", ids)
	}
	did := slices.DeleteFunc(slices.Clone(results), func(r warehouse.CommitResult) bool { return r.Repeated })
	if len(did) != 1 {
		t.Errorf("%d did it: %+v", len(did), results)
	}
	once(t, connect(t, s), c)
}

// Job ids outlive a ledger that was made anew; the rows come in again then.
func TestCommitWithoutItsRecord(t *testing.T) {
	e := needEmulator(t)
	s := serve(t, fake.Options{Engine: e})
	d := connect(t, s)
	c := sales(t, d)
	if _, err := d.Commit(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"`" + bigquery.Ledger + "`.`commits`", bigqueryTable(c.Target)} {
		if _, f := e.Run(t.Context(), "DELETE FROM "+table+" WHERE TRUE", nil, false); f != nil {
			t.Fatalf("%+v", f)
		}
	}
	if r, err := d.Commit(t.Context(), c); err != nil || r.Repeated {
		t.Fatalf("%+v, %v", r, err)
	}
	once(t, d, c)
}

func bigqueryTable(r warehouse.Ref) string { return (&bigquery.Driver{}).Dialect().Table(r) }

// Columns of other types are converted, and rows that cannot be are named by number.
func TestCommitConverts(t *testing.T) {
	s := serve(t, fake.Options{Engine: needEmulator(t)})
	d := connect(t, s)
	r := warehouse.Ref{Dataset: warehouse.Raw, Name: "c_" + state.NewID()}
	cols := []warehouse.Column{
		{Name: "k", Type: warehouse.String}, {Name: "w", Type: warehouse.Float64}, {Name: "n", Type: warehouse.Int64},
		{Name: "day", Type: warehouse.Date}, {Name: "at", Type: warehouse.DateTime}, {Name: "text", Type: warehouse.String},
	}
	if err := d.Create(t.Context(), warehouse.Table{Ref: r, Columns: cols}); err != nil {
		t.Fatal(err)
	}
	at := arrow.Timestamp(1767225601000000)
	write := func(k any, n, day string) string {
		schema := arrow.NewSchema([]arrow.Field{
			{Name: "K", Type: arrow.BinaryTypes.String, Nullable: true}, {Name: "w", Type: arrow.PrimitiveTypes.Float64}, {Name: "n", Type: arrow.BinaryTypes.String},
			{Name: "day", Type: arrow.BinaryTypes.String}, {Name: "at", Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}}, {Name: "text", Type: arrow.PrimitiveTypes.Int32},
		}, nil)
		return put(t, state.NewID()+".parquet", warehousetest.Parquet(t, schema, func(b *array.RecordBuilder) {
			if k == nil {
				b.Field(0).AppendNull()
			} else {
				b.Field(0).(*array.StringBuilder).Append(k.(string))
			}
			b.Field(1).(*array.Float64Builder).Append(1.5)
			b.Field(2).(*array.StringBuilder).Append(n)
			b.Field(3).(*array.StringBuilder).Append(day)
			b.Field(4).(*array.TimestampBuilder).Append(at)
			b.Field(5).(*array.Int32Builder).Append(7)
		}))
	}
	commit := func(uris ...string) (warehouse.CommitResult, error) {
		return d.Commit(t.Context(), warehouse.Commit{ID: state.NewID(), Target: r, Mode: warehouse.Upsert, Keys: []string{"k", "w"}, URIs: uris})
	}
	if _, err := commit(write("a", "x", "2026-01-01"), write("b", "y", "never"), write("c", "1", "2026-01-01")); !problem.Is(err, problem.InvalidArgument) {
		t.Errorf("%v", err)
	} else if diff := cmp.Diff([]problem.Field{{Location: "columns.n", Message: "the values of 2 rows are not INT64"}, {Location: "columns.day", Message: "the values of 1 rows are not DATE"}}, problem.Of(err).Fields); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	// A type that has no conversion is refused before anything is loaded.
	dates := warehouse.Ref{Dataset: warehouse.Raw, Name: "d_" + state.NewID()}
	other := slices.Clone(cols)
	other[1].Type = warehouse.Date
	if err := d.Create(t.Context(), warehouse.Table{Ref: dates, Columns: other}); err != nil {
		t.Fatal(err)
	}
	_, err := d.Commit(t.Context(), warehouse.Commit{ID: state.NewID(), Target: dates, Mode: warehouse.Append, URIs: []string{write("a", "1", "2026-01-01")}})
	if !problem.Is(err, problem.InvalidArgument) {
		t.Errorf("%v", err)
	} else if diff := cmp.Diff([]problem.Field{{Location: "columns.w", Message: "it is FLOAT64; the table's is DATE"}}, problem.Of(err).Fields); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	// NULL keys equal each other.
	for i, want := range []warehouse.CommitResult{{Read: 2, Inserted: 2}, {Read: 2, Updated: 2}} {
		got, err := commit(write("a", "1", "2026-01-01"), write(nil, fmt.Sprint(i), "2026-01-02"))
		got.ID = ""
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v (-want +got)\n%s", err, diff)
		}
	}
	rows, err := d.Query(t.Context(), warehouse.Statement{SQL: "SELECT k, n, CAST(day AS STRING) AS d, CAST(`at` AS STRING) AS a, text FROM " + bigqueryTable(r) + " ORDER BY n"}, 10)
	if err != nil {
		t.Fatal(err)
	}
	want := [][]any{{"a", int64(1), "2026-01-01", "2026-01-01 00:00:01", "7"}, {nil, int64(1), "2026-01-02", "2026-01-01 00:00:01", "7"}}
	slices.SortFunc(rows.Values, func(a, b []any) int { return strings.Compare(a[2].(string), b[2].(string)) })
	if diff := cmp.Diff(want, rows.Values); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
