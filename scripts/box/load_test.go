package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/b2brecs/b2brecs/scripts/b2brecs/client"
	"github.com/b2brecs/b2brecs/shared/api"
	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// orders are the lines of a file; number tells files apart.
func orders(file, lines int) (csv string, rows [][]any) {
	var b strings.Builder
	b.WriteString("line,customer,day,amount,paid\n")
	first := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range lines {
		id, day := int64(file*1_000_000+i), first.AddDate(0, 0, i%300)
		customer, amount, paid := fmt.Sprintf("Kunde %d ü", i%37), float64(i%1000)/8+0.125, i%3 == 0
		fmt.Fprintf(&b, "%d,%s,%s,%g,%t\n", id, customer, day.Format(time.DateOnly), amount, paid)
		rows = append(rows, []any{id, customer, day, amount, paid})
	}
	return b.String(), rows
}

// patience of a test. A process that dies within a transaction leaves its locks for a
// minute, as on Firestore, and workflows wait longer after each failed call.
const patience = 12 * time.Minute

// ended waits until so many runs have ended and gives them.
func (b *box) ended(t *testing.T, n int) []etl.Run {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		list, err := client.Get[api.List[etl.Run]](t.Context(), b.client(), "/v1/etl/runs?limit=100")
		if err != nil && !problem.Is(err, problem.Unavailable) { // a process may just have died
			t.Fatal(err)
		}
		done := 0
		for _, r := range list.Items {
			if r.Status.Ended() {
				done++
			}
		}
		if err == nil && done == n && done == len(list.Items) {
			return list.Items
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d runs have ended, want %d: %+v, %v", done, len(list.Items), n, list.Items, err)
		}
	}
}

// holds compares a table with the rows it is to have, by line.
func (b *box) holds(t *testing.T, table string, want [][]any) {
	t.Helper()
	wh := b.platform(t).Warehouse
	got, err := wh.Query(t.Context(), warehouse.Statement{SQL: "SELECT line, customer, day, amount, paid FROM " +
		wh.Dialect().Table(warehouse.Ref{Dataset: warehouse.Raw, Name: table}) + " ORDER BY line"}, len(want)+1000)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got.Values); diff != "" {
		t.Errorf("%s holds %d rows, want %d: %s", table, len(got.Values), len(want), diff[:min(len(diff), 2000)])
	}
}

// A file that is dropped into the bucket comes to the warehouse, through the deployed
// functions and the drivers of Google Cloud alone; dropped again it changes nothing.
func TestDroppedFile(t *testing.T) {
	for name, single := range map[string]bool{"a process for each function": false, "one process": true} {
		t.Run(name, func(t *testing.T) { dropped(t, open(t, single)) })
	}
}

func dropped(t *testing.T, b *box) {
	csv, want := orders(1, 2000)
	b.drop(t, "orders.csv", csv)
	for _, r := range b.ended(t, 1) {
		if r.Status != etl.Completed || r.RowsRead != 2000 || r.RowsStaged != 2000 || r.Trigger != "upload" {
			t.Errorf("%+v", r)
		}
	}
	b.holds(t, "orders", want)
	b.drop(t, "orders.csv", csv)
	b.ended(t, 2)
	b.holds(t, "orders", want)

	for _, c := range []struct {
		name, method, path, token string
		want                      int
	}{
		{"a person", http.MethodGet, "/v1/etl/jobs", b.Token, http.StatusOK},
		{"nobody", http.MethodGet, "/v1/etl/jobs", "", http.StatusUnauthorized},
		{"a forged token", http.MethodGet, "/v1/etl/jobs", b.Token[:len(b.Token)-3] + "AAA", http.StatusUnauthorized},
		{"by name", http.MethodGet, "/functions/etl-api/v1/etl/jobs", b.Token, http.StatusOK},
		{"a person calls what only services may", http.MethodPost, "/functions/plan-run", b.Token, http.StatusForbidden},
		{"no such path", http.MethodGet, "/v1/nothing", b.Token, http.StatusNotFound},
		{"no such function", http.MethodPost, "/functions/nothing", b.Token, http.StatusNotFound},
		{"what no push sends", http.MethodPost, "/functions/receive-upload", b.Token, http.StatusBadRequest},
		{"health", http.MethodGet, "/healthz", "", http.StatusNoContent},
	} {
		r, err := http.NewRequestWithContext(t.Context(), c.method, b.URL+c.path, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		if c.token != "" {
			r.Header.Set("Authorization", "Bearer "+c.token)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
		if resp.StatusCode != c.want {
			t.Errorf("%s: %s %s answers %d, want %d", c.name, c.method, c.path, resp.StatusCode, c.want)
		}
	}
}

// Processes that die on the way change nothing of what comes in.
func TestKilledLoads(t *testing.T) {
	b := open(t, false)
	const files, lines = 6, 3000
	var want [][]any
	b.drop(t, "sales/0.csv", func() string { csv, rows := orders(0, lines); want = rows; return csv }())
	b.ended(t, 1) // the table is there, and so are the processes
	stop := b.killing(t, 3, 60*time.Millisecond)
	for i := 1; i < files; i++ {
		csv, rows := orders(i, lines)
		want = append(want, rows...)
		b.drop(t, fmt.Sprintf("sales/%d.csv", i), csv)
	}
	deadline := time.Now().Add(patience)
	for { // a queued file is a run of its own, or shares one
		runs, err := client.Get[api.List[etl.Run]](t.Context(), b.client(), "/v1/etl/runs?limit=100")
		read := map[string]bool{}
		open := 0
		for _, r := range runs.Items {
			if !r.Status.Ended() {
				open++
			}
			if r.Status == etl.Failed || r.Status == etl.Cancelled {
				t.Fatalf("%+v", r)
			}
			for _, f := range r.Files {
				read[f.Key] = true
			}
		}
		if err == nil && open == 0 && len(read) == files {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d files are read and %d runs open: %v", len(read), open, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	killed := stop()
	t.Logf("killed: %v", killed)
	for _, f := range []string{"receive-upload", "plan-run", "extract-chunk", "load-chunk", "commit-run"} {
		if killed[f] == 0 {
			t.Errorf("no process of %s was killed", f)
		}
	}
	b.holds(t, "sales", want)
	b.noLetters(t)
}

// The one process of all functions that dies on the way changes nothing either.
func TestKilledSingle(t *testing.T) {
	b := open(t, true)
	csv, want := orders(1, 3000)
	stop := b.killing(t, 1, 250*time.Millisecond)
	b.drop(t, "orders.csv", csv)
	runs := b.ended(t, 1)
	killed := stop()
	if runs[0].Status != etl.Completed {
		t.Errorf("%+v", runs[0])
	}
	if len(killed) < 2 {
		t.Errorf("the process was killed %d times, want 2 at least", len(killed))
	}
	if logs := b.logs(t); len(logs) != 1 {
		t.Errorf("there are the logs %v, want one", logs)
	}
	b.holds(t, "orders", want)
	b.noLetters(t)
}
