package bigquery

import (
	"context"
	"errors"

	bq "cloud.google.com/go/bigquery"
	"google.golang.org/api/iterator"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// pageRows is how many rows one reply carries at most; a reply ends at 10 MB anyway
// (https://cloud.google.com/bigquery/docs/paging-results).
const pageRows = 10_000

// Query runs a statement and keeps at most maxRows rows. A statement with a limit of
// bytes is estimated first, so that its refusal says how much it would scan.
func (d *Driver) Query(ctx context.Context, s warehouse.Statement, maxRows int) (warehouse.Rows, error) {
	const what = "the query"
	if err := d.within(ctx, s, what); err != nil {
		return warehouse.Rows{}, err
	}
	ended, err := d.run(ctx, d.statement(ctx, "query", s, nil))
	if err != nil {
		return warehouse.Rows{}, statementProblem(ctx, err, what)
	}
	out, err := read(ctx, ended.job, maxRows)
	return out, statementProblem(ctx, err, what)
}

// statement is the work of running s; set changes the job's configuration.
func (d *Driver) statement(ctx context.Context, kind string, s warehouse.Statement, set func(c *bq.Client, q *bq.Query)) work {
	return work{kind: kind, labels: s.Labels, start: func(c *bq.Client, id bq.JobIDConfig, labels map[string]string) (*bq.Job, error) {
		q := d.query(c, s)
		q.JobIDConfig, q.Labels = id, labels
		if set != nil {
			set(c, q)
		}
		return q.Run(ctx)
	}}
}

// own makes a statement the driver's own: no limit of bytes keeps a load from its end,
// and no remembered result answers.
func own(_ *bq.Client, q *bq.Query) { q.MaxBytesBilled, q.DisableQueryCache = 0, true }

// query binds the parameters and sets the limit of bytes.
func (d *Driver) query(c *bq.Client, s warehouse.Statement) *bq.Query {
	q := c.Query(s.SQL)
	q.MaxBytesBilled = d.limit(s)
	for name, v := range s.Params {
		switch list := v.(type) { // the client refuses a nil slice
		case []string:
			v = append([]string{}, list...)
		case []int64:
			v = append([]int64{}, list...)
		}
		q.Parameters = append(q.Parameters, bq.QueryParameter{Name: name, Value: v})
	}
	return q
}

func (d *Driver) limit(s warehouse.Statement) int64 {
	if s.MaxBytes > 0 {
		return s.MaxBytes
	}
	return d.o.MaxBytes
}

// within refuses a statement that has a limit of its own and would exceed it.
func (d *Driver) within(ctx context.Context, s warehouse.Statement, what string) error {
	if s.MaxBytes <= 0 {
		return nil
	}
	est, err := d.DryRun(ctx, s)
	if err != nil {
		return err
	}
	if est.Bytes > s.MaxBytes {
		return problem.New(problem.ResourceExhausted, "%s would scan %d bytes, more than its limit of %d", what, est.Bytes, s.MaxBytes).
			WithNext(problem.TurnYou, "Select fewer columns or days, or raise the limit of scanned bytes.")
	}
	return nil
}

// read gives the result of a query that succeeded.
func read(ctx context.Context, job *bq.Job, maxRows int) (out warehouse.Rows, err error) {
	it, err := job.Read(ctx)
	if err != nil {
		return out, err
	}
	if out.Columns, err = columnsOf(it.Schema); err != nil {
		return out, err
	}
	it.PageInfo().MaxSize = min(maxRows, pageRows)
	out.Truncated = it.TotalRows > uint64(maxRows)
	for len(out.Values) < maxRows {
		var row []bq.Value
		err := it.Next(&row)
		if errors.Is(err, iterator.Done) {
			break
		}
		if err != nil {
			return out, err
		}
		values := make([]any, len(row))
		for i := range row {
			if values[i], err = value(row[i], out.Columns[i]); err != nil {
				return out, err
			}
		}
		out.Values = append(out.Values, values)
	}
	return out, nil
}

// DryRun asks BigQuery for a statement's columns and the bytes it would scan; it
// costs nothing. The bytes are an upper bound where the table is clustered.
func (d *Driver) DryRun(ctx context.Context, s warehouse.Statement) (warehouse.Estimate, error) {
	const what = "the dry run"
	c, err := d.client.Get(ctx)
	if err != nil {
		return warehouse.Estimate{}, err
	}
	var stats *bq.JobStatistics
	err = d.retry.do(ctx, func() error {
		q := d.query(c, s)
		q.DryRun = true
		q.MaxBytesBilled = 0 // it is the answer that is compared
		job, err := q.Run(ctx)
		if err == nil {
			stats, err = job.LastStatus().Statistics, job.LastStatus().Err()
		}
		return err
	})
	if err != nil {
		return warehouse.Estimate{}, statementProblem(ctx, err, what)
	}
	details, ok := stats.Details.(*bq.QueryStatistics)
	if !ok {
		return warehouse.Estimate{}, problem.New(problem.Internal, "%s was answered without the statement's columns", what)
	}
	if details.StatementType != "SELECT" {
		return warehouse.Estimate{}, problem.New(problem.InvalidArgument, "the statement is %s; only one SELECT can be run", details.StatementType)
	}
	cols, err := columnsOf(details.Schema)
	return warehouse.Estimate{Bytes: stats.TotalBytesProcessed, Columns: cols}, err
}
