package bigquery

import (
	"context"

	bq "cloud.google.com/go/bigquery"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// Materialize writes the result of a query job over the table. BigQuery replaces
// rows and columns when the job succeeds and not before
// (https://cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobConfigurationQuery, writeDisposition).
func (d *Driver) Materialize(ctx context.Context, r warehouse.Ref, s warehouse.Statement) (int64, error) {
	what := "materialising " + r.String()
	if err := d.dataset(ctx, r.Dataset, 0); err != nil {
		return 0, err
	}
	have, err := d.Table(ctx, r)
	switch {
	case err == nil && have.Rows < 0:
		return 0, problem.New(problem.FailedPrecondition, "%s is a view; it cannot be replaced by a table", r)
	case err != nil && !problem.Is(err, problem.NotFound):
		return 0, err
	}
	return d.into(ctx, what, r, s)
}

// into writes a statement's result over a table and gives the number of rows.
func (d *Driver) into(ctx context.Context, what string, r warehouse.Ref, s warehouse.Statement) (int64, error) {
	ended, err := d.run(ctx, d.statement(ctx, "materialize", s, func(c *bq.Client, q *bq.Query) {
		q.Dst = c.Dataset(r.Dataset).Table(r.Name)
		q.WriteDisposition, q.CreateDisposition = bq.WriteTruncate, bq.CreateIfNeeded
	}))
	if err != nil {
		return 0, statementProblem(ctx, err, what)
	}
	it, err := ended.job.Read(ctx)
	if err != nil {
		return 0, engineProblem(ctx, err, what)
	}
	return int64(it.TotalRows), nil
}
