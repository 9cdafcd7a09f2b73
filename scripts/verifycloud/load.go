package main

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/b2brecs/b2brecs/scripts/b2brecs/client"
	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/platform/verify"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// loadName is the row's name, beside those of the suites.
const loadName = "load"

// loadRows of the generated file; a preview of a table shows 1000 at most.
const loadRows = 500

func loadRow() verify.Row {
	return verify.Row{Name: loadName, Driver: "-", Service: "a load, end to end", Cost: "cents", Failed: []string{}, Skipped: []string{}}
}

// orders is a small CSV file, with the sums of its columns.
func orders() (csv string, quantity int64, amount float64) {
	var b strings.Builder
	b.WriteString("line,customer,day,quantity,amount\n")
	first := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range loadRows {
		q, a := int64(i%7+1), float64(i%90)/8+0.125 // eighths have exact sums
		fmt.Fprintf(&b, "%d,\"Kunde %d, ü\",%s,%d,%g\n", i, i%37, first.AddDate(0, 0, i%300).Format(time.DateOnly), q, a)
		quantity, amount = quantity+q, amount+a
	}
	return b.String(), quantity, amount
}

// load takes a file into the warehouse of a deployed installation as a person does, and
// compares what arrived. It deletes its job; the file, the table and the runs' records
// stay, for the API deletes none of them: stays names them.
func load(ctx context.Context, c *client.Client, run string, patience time.Duration) (row verify.Row, stays []string) {
	row = loadRow()
	row.Where = c.URL
	begun := time.Now()
	defer func() { row.Seconds = time.Since(begun).Seconds() }()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	step := func(name string, fn func() error) bool {
		err := fn()
		if err == nil {
			row.Passed++
			return true
		}
		row.Failed = append(row.Failed, name)
		p := problem.Of(err)
		row.Output += fmt.Sprintf("%s: %s %s\n", name, p.Message, p.Cause)
		return false
	}
	table := "b2brecs_verify_" + run + "_orders"
	csv, quantity, amount := orders()
	var job etl.Job
	var done etl.Run
	made := step("make a source", func() (err error) {
		job, err = client.Post[etl.Job](ctx, c, "/v1/etl/jobs", map[string]any{"name": table, "connection": etl.UploadsConnection, "load": etl.Transactional,
			"files": etl.FileOptions{Prefix: table + "/", Pattern: "*"}, "destination": warehouse.Ref{Dataset: warehouse.Raw, Name: table}}, "table-"+table)
		return err
	})
	if !made {
		return row, nil
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		if !step("delete the source", func() error {
			_, err := client.Do[struct{}](ctx, c, http.MethodDelete, "/v1/etl/jobs/"+job.ID, nil, "")
			return err
		}) {
			stays = append(stays, "job "+job.ID)
		}
	}()
	key := table + "/orders.csv"
	if !step("upload a file", func() error {
		return c.Upload(ctx, key, int64(len(csv)), strings.NewReader(csv), func(int64) {})
	}) {
		return row, stays
	}
	stays = append(stays, "the uploaded object "+key)
	if !step("load it", func() (err error) { done, err = ended(ctx, c, job.ID); return err }) {
		return row, stays
	}
	stays = append(stays, "table raw_data."+table, "the records of run "+done.ID)
	step("count its rows", func() error {
		if done.RowsRead != loadRows || done.RowsStaged != loadRows || done.RowsRejected != 0 {
			return problem.New(problem.Internal, "%d rows were read, %d loaded, %d rejected; %d were sent", done.RowsRead, done.RowsStaged, done.RowsRejected, loadRows)
		}
		return nil
	})
	step("compare its sums", func() error { return sums(ctx, c, table, quantity, amount) })
	return row, stays
}

// ended waits for the first run of a job.
func ended(ctx context.Context, c *client.Client, job string) (etl.Run, error) {
	for {
		j, err := client.Get[etl.Job](ctx, c, "/v1/etl/jobs/%s", job)
		if err == nil && j.LastRun != "" {
			var r etl.Run
			if r, err = client.Get[etl.Run](ctx, c, "/v1/etl/runs/%s", j.LastRun); err == nil && r.Status.Ended() {
				if r.Status != etl.Completed {
					return r, problem.New(problem.Internal, "the run ended as %s", r.Status).WithCause("%v", r.Error)
				}
				return r, nil
			}
		}
		if err != nil && !problem.Is(err, problem.Unavailable) {
			return etl.Run{}, err
		}
		select {
		case <-ctx.Done():
			return etl.Run{}, problem.New(problem.Unavailable, "no run of the job ended in time")
		case <-time.After(500 * time.Millisecond):
		}
	}
}

type tableRows struct {
	Columns []warehouse.Column `json:"columns"`
	Rows    [][]any            `json:"rows"`
}

func sums(ctx context.Context, c *client.Client, table string, quantity int64, amount float64) error {
	got, err := client.Get[tableRows](ctx, c, "/v1/tables/raw_data/%s/rows?limit=1000", table)
	if err != nil {
		return err
	}
	sum := map[string]float64{}
	for _, r := range got.Rows {
		for i, v := range r {
			switch v := v.(type) {
			case float64:
				sum[got.Columns[i].Name] += v
			case string: // a whole number that JSON cannot hold comes as text
				var f float64
				if _, err := fmt.Sscan(v, &f); err == nil {
					sum[got.Columns[i].Name] += f
				}
			}
		}
	}
	if len(got.Rows) != loadRows || sum["quantity"] != float64(quantity) || math.Abs(sum["amount"]-amount) > 1e-9 {
		return problem.New(problem.Internal, "the table has %d rows with the sums %v and %v, want %d, %d and %v", len(got.Rows), sum["quantity"], sum["amount"], loadRows, quantity, amount)
	}
	return nil
}
