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

// Query runs a statement and keeps at most maxRows rows.
func (d *Driver) Query(ctx context.Context, s warehouse.Statement, maxRows int) (warehouse.Rows, error) {
	const what = "the query"
	ended, err := d.run(ctx, d.statement(ctx, "query", s, nil))
	if err != nil {
		return warehouse.Rows{}, statementProblem(ctx, err, what)
	}
	out, err := read(ctx, ended.job, maxRows)
	return out, statementProblem(ctx, err, what)
}

// Head lists rows as they lie in storage (tabledata.list), which is free of charge
// where SELECT with LIMIT reads all of the columns
// (https://cloud.google.com/bigquery/docs/best-practices-costs#preview-data). Rows
// that a load or a stream brought a moment ago may be missing.
func (d *Driver) Head(ctx context.Context, r warehouse.Ref, maxRows int) (warehouse.Rows, error) {
	what := "reading rows of " + r.String()
	c, err := d.client.Get(ctx)
	if err != nil {
		return warehouse.Rows{}, err
	}
	var out warehouse.Rows
	err = d.retry.do(ctx, func() (err error) {
		out, err = rowsOf(c.Dataset(r.Dataset).Table(r.Name).Read(ctx), maxRows)
		return err
	})
	return out, engineProblem(ctx, err, what)
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

// own makes a statement the driver's own: no remembered result answers.
func own(_ *bq.Client, q *bq.Query) { q.DisableQueryCache = true }

// query binds the parameters and sets the limit of bytes, which BigQuery estimates
// itself before it runs the statement, without a charge
// (https://cloud.google.com/bigquery/docs/best-practices-costs#restrict-bytes-billed).
func (d *Driver) query(c *bq.Client, s warehouse.Statement) *bq.Query {
	q := c.Query(s.SQL)
	q.MaxBytesBilled = s.MaxBytes
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

// read gives the result of a query that succeeded.
func read(ctx context.Context, job *bq.Job, maxRows int) (warehouse.Rows, error) {
	it, err := job.Read(ctx)
	if err != nil {
		return warehouse.Rows{}, err
	}
	return rowsOf(it, maxRows)
}

// rowsOf keeps at most maxRows rows.
func rowsOf(it *bq.RowIterator, maxRows int) (out warehouse.Rows, err error) {
	it.PageInfo().MaxSize = min(maxRows, pageRows)
	for len(out.Values) < maxRows {
		var row []bq.Value
		err := it.Next(&row)
		if err != nil && !errors.Is(err, iterator.Done) {
			return out, err
		}
		if out.Columns == nil { // it is known by now
			if out.Columns, err = columnsOf(it.Schema); err != nil {
				return out, err
			}
			out.Truncated = it.TotalRows > uint64(maxRows)
		}
		if row == nil {
			break
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
