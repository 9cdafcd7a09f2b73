package duckdb

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// Create makes a table; the same one again is fine.
func (d *Driver) Create(ctx context.Context, t warehouse.Table) error {
	what := "creating " + t.Ref.String()
	return d.inTx(ctx, what, func(tx *sql.Tx) error {
		have, err := d.table(ctx, tx, t.Ref)
		if err == nil {
			if !sameColumns(have.Columns, t.Columns) {
				return problem.New(problem.AlreadyExists, "table %s exists with other columns", t.Ref).
					WithNext(problem.TurnYou, "Choose another table name, or drop the table first.")
			}
			return nil
		}
		if !problem.Is(err, problem.NotFound) {
			return err
		}
		return create(ctx, tx, t)
	})
}

// create makes a table that is known to be absent.
func create(ctx context.Context, tx *sql.Tx, t warehouse.Table) error {
	if _, err := tx.ExecContext(ctx, "CREATE SCHEMA IF NOT EXISTS "+duckSQL.Ident(t.Ref.Dataset)); err != nil {
		return err
	}
	ddl := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		ddl[i] = columnDDL(c)
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("CREATE TABLE %s (%s)", duckSQL.Table(t.Ref), strings.Join(ddl, ", "))); err != nil {
		return err
	}
	return remember(ctx, tx, t)
}

// remember keeps what DuckDB's catalogue has no place for, and the time of the change.
func remember(ctx context.Context, tx *sql.Tx, t warehouse.Table) error {
	doc, err := json.Marshal(t)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT OR REPLACE INTO _b2brecs.tables VALUES ($1, $2, $3, $4)`,
		t.Ref.Dataset, t.Ref.Name, string(doc), time.Now().UTC())
	return err
}

func sameColumns(a, b []warehouse.Column) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !a[i].Equal(b[i]) {
			return false
		}
	}
	return true
}

// Table describes a table or view.
func (d *Driver) Table(ctx context.Context, r warehouse.Ref) (warehouse.Info, error) {
	info, err := d.table(ctx, d.db, r)
	if err == nil {
		err = d.measure(ctx, &info)
	}
	return info, engineProblem(ctx, err, "reading the description of "+r.String())
}

func (d *Driver) table(ctx context.Context, q querier, r warehouse.Ref) (warehouse.Info, error) {
	infos, err := d.tables(ctx, q, r.Dataset, r.Name)
	if err != nil {
		return warehouse.Info{}, err
	}
	if len(infos) == 0 {
		return warehouse.Info{}, problem.New(problem.NotFound, "there is no table %s", r)
	}
	return infos[0], nil
}

// Tables lists a dataset, most rows first.
func (d *Driver) Tables(ctx context.Context, dataset string) ([]warehouse.Info, error) {
	what := "listing the tables of " + dataset
	infos, err := d.tables(ctx, d.db, dataset, "")
	if err != nil {
		return nil, engineProblem(ctx, err, what)
	}
	for i := range infos {
		if err := d.measure(ctx, &infos[i]); err != nil {
			return nil, engineProblem(ctx, err, what)
		}
	}
	sort.SliceStable(infos, func(i, j int) bool { return infos[i].Rows > infos[j].Rows })
	return infos, nil
}

const tablesSQL = `
SELECT t.table_name, t.view, c.column_name, c.data_type, c.is_nullable, m.doc, m.modified
FROM (SELECT schema_name, table_name, false AS view FROM duckdb_tables()
      UNION ALL SELECT schema_name, view_name, true FROM duckdb_views() WHERE NOT internal) t
JOIN duckdb_columns() c ON c.schema_name = t.schema_name AND c.table_name = t.table_name
LEFT JOIN _b2brecs.tables m ON m.dataset = t.schema_name AND m.name = t.table_name
WHERE lower(t.schema_name) = lower($1) AND ($2 = '' OR lower(t.table_name) = lower($2))
ORDER BY t.table_name, c.column_index`

// tables reads the catalogue; rows and bytes are left for measure.
func (d *Driver) tables(ctx context.Context, q querier, dataset, name string) ([]warehouse.Info, error) {
	rows, err := q.QueryContext(ctx, tablesSQL, dataset, name)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []warehouse.Info
	var doc warehouse.Table
	for rows.Next() {
		var table, column, duckType string
		var view, nullable bool
		var text sql.NullString
		var modified sql.NullTime
		if err := rows.Scan(&table, &view, &column, &duckType, &nullable, &text, &modified); err != nil {
			return nil, err
		}
		if len(out) == 0 || out[len(out)-1].Ref.Name != table {
			doc = warehouse.Table{}
			if text.Valid {
				if err := json.Unmarshal([]byte(text.String), &doc); err != nil {
					return nil, fmt.Errorf("the description of %s.%s: %w", dataset, table, err)
				}
			}
			info := warehouse.Info{Table: doc, Modified: modified.Time.UTC()}
			info.Ref = warehouse.Ref{Dataset: dataset, Name: table}
			info.Columns = nil
			if view {
				info.Rows, info.Bytes = -1, -1
			}
			out = append(out, info)
		}
		c, err := logical(column, duckType)
		if err != nil {
			return nil, err
		}
		c.Required = !nullable && !view
		// The declared type counts as long as it is kept the way the column is.
		if was, ok := warehouse.FindColumn(doc.Columns, column); ok {
			c.Description = was.Description
			if physical(was) == duckType || physical(was) == physical(c) {
				c.Type = was.Type
			}
		}
		last := &out[len(out)-1]
		last.Columns = append(last.Columns, c)
	}
	return out, rows.Err()
}

// measure fills rows and bytes. Bytes are logical, by BigQuery's size of each
// type (https://cloud.google.com/bigquery/pricing#data): 8 a number or time, 16
// a NUMERIC, 2 plus its length a text. They are counted once per change.
func (d *Driver) measure(ctx context.Context, info *warehouse.Info) error {
	if info.Rows < 0 {
		return nil
	}
	d.mu.Lock()
	known, ok := d.sizes[info.Ref]
	d.mu.Unlock()
	ok = ok && known.modified.Equal(info.Modified) && !info.Modified.IsZero()
	fixed, texts := int64(0), []string{}
	for _, c := range info.Columns {
		name := duckSQL.Ident(c.Name)
		switch {
		case c.Repeated:
			texts = append(texts, fmt.Sprintf("COALESCE(SUM(len(%s)), 0) * 8", name))
		case c.Type == warehouse.String || c.Type == warehouse.JSON || c.Type == warehouse.Geography:
			texts = append(texts, fmt.Sprintf("COALESCE(SUM(strlen(%s) + 2), 0)", name))
		case c.Type == warehouse.Bytes:
			texts = append(texts, fmt.Sprintf("COALESCE(SUM(octet_length(%s) + 2), 0)", name))
		case c.Type == warehouse.Bool:
			fixed++
		case c.Type == warehouse.Numeric || c.Type == warehouse.BigNumeric:
			fixed += 16
		default:
			fixed += 8
		}
	}
	expr := "0"
	if !ok && len(texts) > 0 {
		expr = strings.Join(texts, " + ")
	}
	var text int64
	err := d.db.QueryRowContext(ctx, fmt.Sprintf("SELECT COUNT(*), CAST(%s AS BIGINT) FROM %s", expr, duckSQL.Table(info.Ref))).Scan(&info.Rows, &text)
	if err != nil {
		return err
	}
	info.Bytes = known.bytes
	if !ok {
		info.Bytes = text + fixed*info.Rows
		d.mu.Lock()
		d.sizes[info.Ref] = size{info.Modified, info.Bytes}
		d.mu.Unlock()
	}
	return nil
}

// Drop removes a table or view; an absent one is fine.
func (d *Driver) Drop(ctx context.Context, r warehouse.Ref) error {
	return d.inTx(ctx, "dropping "+r.String(), func(tx *sql.Tx) error {
		info, err := d.table(ctx, tx, r)
		if problem.Is(err, problem.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		kind := "TABLE"
		if info.Rows < 0 {
			kind = "VIEW"
		}
		_, err = tx.ExecContext(ctx, "DROP "+kind+" "+duckSQL.Table(info.Ref))
		_, err2 := tx.ExecContext(ctx, `DELETE FROM _b2brecs.tables WHERE dataset = $1 AND name = $2`, info.Ref.Dataset, info.Ref.Name)
		return errors.Join(err, err2)
	})
}
