package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// Materialize replaces a table by a statement's result. Columns get the one
// physical type of their warehouse type, so a sum of INT64 is INT64 again.
func (d *Driver) Materialize(ctx context.Context, r warehouse.Ref, s warehouse.Statement) (int64, error) {
	text, args := bind(s)
	var n int64
	err := d.inTx(ctx, "materialising "+r.String(), func(tx *sql.Tx) error {
		have, err := d.table(ctx, tx, r)
		switch {
		case err == nil && have.Rows < 0:
			return problem.New(problem.FailedPrecondition, "%s is a view; it cannot be replaced by a table", r)
		case err != nil && !problem.Is(err, problem.NotFound):
			return err
		}
		cols, types, err := describe(ctx, tx, text, args)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "CREATE SCHEMA IF NOT EXISTS "+duckSQL.Ident(r.Dataset)); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, fmt.Sprintf("CREATE OR REPLACE TABLE %s AS %s", duckSQL.Table(r), canonical(text, cols, types)), args...); err != nil {
			return err
		}
		if err := tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+duckSQL.Table(r)).Scan(&n); err != nil {
			return err
		}
		return remember(ctx, tx, warehouse.Table{Ref: r, Columns: cols, Labels: s.Labels})
	})
	return n, err
}

// canonical casts the columns of a statement to their warehouse types where they
// have another one.
func canonical(text string, cols []warehouse.Column, types []string) string {
	list := make([]string, len(cols))
	plain := true
	for i, c := range cols {
		list[i] = duckSQL.Ident(c.Name)
		want := physical(c)
		have := strings.Replace(types[i], "TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ", 1)
		if have != want {
			plain = false
			list[i] = fmt.Sprintf("CAST(%s AS %s) AS %s", list[i], want, list[i])
		}
	}
	if plain {
		return text
	}
	return wrap(strings.Join(list, ", "), text, "")
}
