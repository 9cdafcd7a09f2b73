package bigquery

import (
	"context"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// ledger has one row per commit, written in the commit's own transaction.
var ledger = warehouse.Table{
	Ref: warehouse.Ref{Dataset: Ledger, Name: "commits"},
	Columns: []warehouse.Column{
		{Name: "id", Type: warehouse.String, Required: true},
		{Name: "dataset", Type: warehouse.String, Required: true},
		{Name: "name", Type: warehouse.String, Required: true},
		{Name: "rows_read", Type: warehouse.Int64, Required: true},
		{Name: "inserted", Type: warehouse.Int64, Required: true},
		{Name: "updated", Type: warehouse.Int64, Required: true},
		{Name: "deleted", Type: warehouse.Int64, Required: true},
		{Name: "committed", Type: warehouse.Timestamp, Required: true},
	},
	ClusterBy:   []string{"id"}, // a look-up reads one block
	Description: "Commits of b2brecs. A commit whose id is here is in its table.",
}

// Committed looks a commit up.
func (d *Driver) Committed(ctx context.Context, id string) (warehouse.CommitResult, error) {
	what := "looking up the commit " + id
	if err := d.ledger(ctx); err != nil {
		return warehouse.CommitResult{}, err
	}
	ended, err := d.run(ctx, d.statement(ctx, "lookup", lookup(id), own))
	if err != nil {
		return warehouse.CommitResult{}, engineProblem(ctx, err, what)
	}
	rows, err := read(ctx, ended.job, 1)
	if err != nil {
		return warehouse.CommitResult{}, engineProblem(ctx, err, what)
	}
	if len(rows.Values) == 0 {
		return warehouse.CommitResult{}, problem.New(problem.NotFound, "the commit %s did not happen", id)
	}
	n := func(i int) int64 { return rows.Values[0][i].(int64) } // the ledger's columns are INT64 and required
	return warehouse.CommitResult{ID: id, Read: n(0), Inserted: n(1), Updated: n(2), Deleted: n(3)}, nil
}

func lookup(id string) warehouse.Statement {
	return warehouse.Statement{
		SQL:    "SELECT rows_read, inserted, updated, deleted FROM " + bigSQL.Table(ledger.Ref) + " WHERE id = @id",
		Params: map[string]any{"id": id},
	}
}

// ledger makes the ledger where there is none.
func (d *Driver) ledger(ctx context.Context) error {
	return d.once(ledger.Ref.String(), func() error { return d.Create(ctx, ledger) })
}
