package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// Commit applies c in one transaction that also holds its id: after a crash
// either both are there or neither is.
func (d *Driver) Commit(ctx context.Context, c warehouse.Commit) (warehouse.CommitResult, error) {
	// A repeated commit need not wait for the writers.
	if r, err := d.Committed(ctx, c.ID); !problem.Is(err, problem.NotFound) {
		r.Repeated = true
		return r, err
	}
	r := warehouse.CommitResult{ID: c.ID}
	err := d.inTx(ctx, fmt.Sprintf("the commit %s to %s", c.ID, c.Target), func(tx *sql.Tx) error {
		known, err := committed(ctx, tx, c.ID)
		if err == nil {
			r = known
			r.Repeated = true
			return nil
		}
		if !problem.Is(err, problem.NotFound) {
			return err
		}
		if err := d.apply(ctx, tx, c, &r); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO _b2brecs.commits VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			c.ID, c.Target.Dataset, c.Target.Name, r.Read, r.Inserted, r.Updated, r.Deleted, time.Now().UTC())
		return err
	})
	if err != nil {
		return warehouse.CommitResult{}, err
	}
	return r, nil
}

// Committed looks a commit up.
func (d *Driver) Committed(ctx context.Context, id string) (warehouse.CommitResult, error) {
	r, err := committed(ctx, d.db, id)
	return r, engineProblem(ctx, err, "looking up the commit "+id)
}

func committed(ctx context.Context, q querier, id string) (warehouse.CommitResult, error) {
	r := warehouse.CommitResult{ID: id}
	err := q.QueryRowContext(ctx, `SELECT read, inserted, updated, deleted FROM _b2brecs.commits WHERE id = $1`, id).
		Scan(&r.Read, &r.Inserted, &r.Updated, &r.Deleted)
	if errors.Is(err, sql.ErrNoRows) {
		return r, problem.New(problem.NotFound, "the commit %s did not happen", id)
	}
	return r, err
}

// Names that the Parquet reader adds; the product's own columns never begin so.
const fileColumn = "__b2brecs_file"

func (d *Driver) apply(ctx context.Context, tx *sql.Tx, c warehouse.Commit, r *warehouse.CommitResult) error {
	info, err := d.table(ctx, tx, c.Target)
	if err != nil {
		return err
	}
	if info.Rows < 0 {
		return problem.New(problem.FailedPrecondition, "%s is a view; rows cannot be committed to it", c.Target)
	}
	if err := addColumns(ctx, tx, &info, c.AddColumns); err != nil {
		return err
	}
	if err := remember(ctx, tx, info.Table); err != nil {
		return err
	}
	names := append(append([]string{}, c.Keys...), c.OrderBy, c.FileColumn)
	for _, n := range names {
		if _, ok := warehouse.FindColumn(info.Columns, n); n != "" && !ok {
			return problem.New(problem.InvalidArgument, "table %s has no column %q", c.Target, n)
		}
	}
	if err := checkParquet(ctx, tx, c, info); err != nil {
		return err
	}
	run := func(n *int64, query string, args ...any) error {
		res, err := tx.ExecContext(ctx, query, args...)
		if err == nil && n != nil {
			*n, err = res.RowsAffected()
		}
		return err
	}
	table := duckSQL.Table(info.Ref)
	switch c.Mode {
	case warehouse.Replace:
		err = run(&r.Deleted, "DELETE FROM "+table)
	case warehouse.ReplaceFiles:
		if len(c.Files) > 0 {
			err = run(&r.Deleted, fmt.Sprintf("DELETE FROM %s WHERE list_contains(CAST($1 AS VARCHAR[]), CAST(%s AS VARCHAR))", table, duckSQL.Ident(c.FileColumn)), c.Files)
		}
	}
	if err != nil || len(c.URIs) == 0 {
		return err
	}
	files := literals(c.URIs)
	if err := tx.QueryRowContext(ctx, fmt.Sprintf("SELECT COUNT(*) FROM read_parquet(%s)", files)).Scan(&r.Read); err != nil {
		return err
	}
	if c.Mode == warehouse.Upsert {
		return upsert(ctx, tx, c, table, files, r)
	}
	if err := run(&r.Inserted, fmt.Sprintf("INSERT INTO %s BY NAME SELECT * FROM read_parquet(%s, union_by_name = true)", table, files)); err != nil {
		return err
	}
	if r.Inserted != r.Read {
		return problem.New(problem.Internal, "the counts of commit %s do not reconcile: %d rows read, %d inserted", c.ID, r.Read, r.Inserted)
	}
	return nil
}

// upsert keeps one row per key of the batch, removes the rows it replaces, and
// inserts. Ties of OrderBy go to the later row of the later file, so that a
// repeat gives the same table. NULL keys equal each other.
//
// Only keys and positions of rows are held, never whole rows: a batch may be
// larger than memory.
func upsert(ctx context.Context, tx *sql.Tx, c warehouse.Commit, table, files string, r *warehouse.CommitResult) error {
	keys, match := make([]string, len(c.Keys)), make([]string, len(c.Keys))
	for i, k := range c.Keys {
		keys[i] = duckSQL.Ident(k)
		match[i] = fmt.Sprintf("t.%s IS NOT DISTINCT FROM b.%s", keys[i], keys[i])
	}
	list, on := strings.Join(keys, ", "), strings.Join(match, " AND ")
	read := fmt.Sprintf("read_parquet(%s, union_by_name = true, filename = '%s', file_row_number = true)", files, fileColumn)
	exec := func(query string) (int64, error) {
		res, err := tx.ExecContext(ctx, query)
		if err != nil {
			return 0, err
		}
		return res.RowsAffected()
	}
	var distinct int64
	if err := tx.QueryRowContext(ctx, fmt.Sprintf("SELECT COUNT(*) FROM (SELECT DISTINCT %s FROM %s)", list, read)).Scan(&distinct); err != nil {
		return err
	}
	batch := fmt.Sprintf("CREATE OR REPLACE TEMP TABLE b2brecs_batch AS SELECT %s FROM %s", list, read)
	insert := fmt.Sprintf("INSERT INTO %s BY NAME SELECT * EXCLUDE (%s, file_row_number) FROM %s", table, fileColumn, read)
	if distinct != r.Read {
		position := fmt.Sprintf("CAST(list_position(%s, %s) AS INTEGER)", paths(c.URIs), fileColumn)
		order := "b2brecs_file DESC, file_row_number DESC"
		if c.OrderBy != "" {
			order = duckSQL.Ident(c.OrderBy) + " DESC NULLS LAST, " + order
		}
		batch = fmt.Sprintf(`CREATE OR REPLACE TEMP TABLE b2brecs_batch AS
			SELECT %s, %s AS b2brecs_file, file_row_number AS b2brecs_row FROM %s
			QUALIFY row_number() OVER (PARTITION BY %s ORDER BY %s) = 1`, list, position, read, list, order)
		insert += fmt.Sprintf(" AS p SEMI JOIN b2brecs_batch AS b ON b.b2brecs_row = p.file_row_number AND b.b2brecs_file = %s", position)
	}
	if _, err := exec(batch); err != nil {
		return err
	}
	if err := tx.QueryRowContext(ctx, fmt.Sprintf("SELECT COUNT(*) FROM b2brecs_batch AS b SEMI JOIN %s AS t ON %s", table, on)).Scan(&r.Updated); err != nil {
		return err
	}
	removed, err := exec(fmt.Sprintf("DELETE FROM %s AS t USING b2brecs_batch AS b WHERE %s", table, on))
	if err != nil {
		return err
	}
	inserted, err := exec(insert)
	if err != nil {
		return err
	}
	if inserted != distinct {
		return problem.New(problem.Internal, "the counts of commit %s do not reconcile: %d keys read, %d rows inserted", c.ID, distinct, inserted)
	}
	if _, err := exec("DROP TABLE b2brecs_batch"); err != nil {
		return err
	}
	r.Inserted = inserted - r.Updated
	r.Deleted = removed - r.Updated // earlier doubles of a key
	return nil
}

func addColumns(ctx context.Context, tx *sql.Tx, info *warehouse.Info, add []warehouse.Column) error {
	for _, c := range add {
		if have, ok := warehouse.FindColumn(info.Columns, c.Name); ok {
			if have.Type != c.Type || have.Repeated != c.Repeated {
				return problem.New(problem.FailedPrecondition, "column %s.%s exists as %s; it cannot be added as %s", info.Ref, c.Name, have.Type, c.Type)
			}
			continue
		}
		if _, err := tx.ExecContext(ctx, fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s", duckSQL.Table(info.Ref), columnDDL(c))); err != nil {
			return err
		}
		info.Columns = append(info.Columns, c)
	}
	return nil
}

// checkParquet names every column of the objects that the table lacks, and
// decimals that DuckDB would turn into approximate numbers.
func checkParquet(ctx context.Context, tx *sql.Tx, c warehouse.Commit, info warehouse.Info) error {
	if len(c.URIs) == 0 {
		return nil
	}
	rows, err := tx.QueryContext(ctx, fmt.Sprintf(
		`SELECT name, MAX(COALESCE(precision, 0)) FROM parquet_schema(%s) WHERE precision > 38 GROUP BY name
		 UNION ALL SELECT column_name, -1 FROM (DESCRIBE SELECT * FROM read_parquet(%s, union_by_name = true))`, literals(c.URIs), literals(c.URIs)))
	if err != nil {
		return err
	}
	defer rows.Close()
	e := problem.New(problem.InvalidArgument, "the objects of commit %s do not fit table %s", c.ID, c.Target).
		WithNext(problem.TurnYou, "Add the column to the table, or leave it out of the load.")
	seen := map[string]bool{}
	for rows.Next() {
		var name string
		var precision int64
		if err := rows.Scan(&name, &precision); err != nil {
			return err
		}
		if _, ok := warehouse.FindColumn(info.Columns, name); !ok {
			if !seen[name] {
				e.WithField("columns."+name, "the table has no such column")
			}
			seen[name] = true
		}
		if precision > 38 {
			e.WithField("columns."+name, "a decimal of %d digits: at most 38 can be kept", precision)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if len(e.Fields) > 0 {
		return e
	}
	return nil
}

var quoteEscapes = strings.NewReplacer("'", "''")

var globEscapes = strings.NewReplacer("[", "[[]", "*", "[*]", "?", "[?]", "'", "''")

// literals writes objects' addresses as a DuckDB list for the Parquet reader;
// what it would take for a pattern is escaped.
func literals(uris []string) string { return texts(uris, globEscapes) }

// paths writes the same list as the reader's file name column has it.
func paths(uris []string) string { return texts(uris, quoteEscapes) }

func texts(uris []string, escapes *strings.Replacer) string {
	out := make([]string, len(uris))
	for i, u := range uris {
		out[i] = "'" + escapes.Replace(strings.TrimPrefix(u, "file://")) + "'"
	}
	return "[" + strings.Join(out, ", ") + "]"
}
