package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	duck "github.com/duckdb/duckdb-go/v2"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// querier is a connection, pool or transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// bind turns a statement's @name into DuckDB's $name, each cast to its value's
// type so that a parameter is typed even where the engine cannot infer it.
func bind(s warehouse.Statement) (string, []any) {
	text := strings.TrimRight(strings.TrimSpace(s.SQL), "; \n")
	seen := map[string]bool{}
	var args []any
	text = warehouse.RewriteParams(text, func(name string) string {
		v := s.Params[name]
		if !seen[name] {
			seen[name] = true
			args = append(args, sql.Named(name, v))
		}
		var t string
		switch v.(type) {
		case string:
			t = "VARCHAR"
		case int64:
			t = "BIGINT"
		case float64:
			t = "DOUBLE"
		case bool:
			t = "BOOLEAN"
		case time.Time:
			t = "TIMESTAMPTZ"
		case []string:
			t = "VARCHAR[]"
		case []int64:
			t = "BIGINT[]"
		}
		return "CAST($" + name + " AS " + t + ")"
	})
	for i, a := range args {
		n := a.(sql.NamedArg)
		if t, ok := n.Value.(time.Time); ok {
			n.Value = t.UTC()
			args[i] = n
		}
	}
	return text, args
}

// wrap makes the text a subquery, so that it can be nothing but one SELECT.
func wrap(selectList, text, rest string) string {
	return "SELECT " + selectList + " FROM (\n" + text + "\n) AS q " + rest
}

// describe gives a statement's columns and their physical types without running it.
func describe(ctx context.Context, q querier, text string, args []any) ([]warehouse.Column, []string, error) {
	rows, err := q.QueryContext(ctx, wrap("*", text, "LIMIT 0"), args...)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, nil, err
	}
	cols := make([]warehouse.Column, len(types))
	names := make([]string, len(types))
	for i, t := range types {
		if cols[i], err = logical(t.Name(), t.DatabaseTypeName()); err != nil {
			return nil, nil, err
		}
		names[i] = t.DatabaseTypeName()
	}
	return cols, names, rows.Err()
}

// Query runs a statement and keeps at most maxRows rows.
func (d *Driver) Query(ctx context.Context, s warehouse.Statement, maxRows int) (warehouse.Rows, error) {
	text, args := bind(s)
	out, err := d.query(ctx, text, args, "*", maxRows)
	if errors.Is(err, errAsText) {
		// JSON and UUID come back as text only when the engine casts them.
		var cols []warehouse.Column
		var types []string
		if cols, types, err = describe(ctx, d.db, text, args); err == nil {
			if out, err = d.query(ctx, text, args, selectText(cols, types), maxRows); err == nil {
				out.Columns = cols
			}
		}
	}
	return out, engineProblem(ctx, err, "the query")
}

// Head reads the first rows.
func (d *Driver) Head(ctx context.Context, r warehouse.Ref, maxRows int) (warehouse.Rows, error) {
	if _, err := d.Table(ctx, r); err != nil {
		return warehouse.Rows{}, err
	}
	return d.Query(ctx, warehouse.Statement{SQL: "SELECT * FROM " + duckSQL.Table(r)}, maxRows)
}

var errAsText = errors.New("a column has to be cast to text")

func asText(duckType string) bool {
	base := strings.TrimSuffix(duckType, "[]")
	return base == "JSON" || base == "UUID" || strings.HasPrefix(base, "ENUM")
}

func selectText(cols []warehouse.Column, types []string) string {
	list := make([]string, len(cols))
	for i, c := range cols {
		list[i] = duckSQL.Ident(c.Name)
		if asText(types[i]) {
			to := "VARCHAR"
			if c.Repeated {
				to = "VARCHAR[]"
			}
			list[i] = fmt.Sprintf("CAST(%s AS %s) AS %s", list[i], to, list[i])
		}
	}
	return strings.Join(list, ", ")
}

func (d *Driver) query(ctx context.Context, text string, args []any, selectList string, maxRows int) (out warehouse.Rows, err error) {
	rows, err := d.db.QueryContext(ctx, wrap(selectList, text, fmt.Sprintf("LIMIT %d", maxRows+1)), args...)
	if err != nil {
		return out, err
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		return out, err
	}
	for _, t := range types {
		if asText(t.DatabaseTypeName()) {
			return out, errAsText
		}
		c, err := logical(t.Name(), t.DatabaseTypeName())
		if err != nil {
			return out, err
		}
		out.Columns = append(out.Columns, c)
	}
	for rows.Next() {
		if len(out.Values) == maxRows {
			out.Truncated = true
			break
		}
		row := make([]any, len(types))
		into := make([]any, len(types))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return out, err
		}
		for i := range row {
			if row[i], err = value(row[i], out.Columns[i]); err != nil {
				return out, err
			}
		}
		out.Values = append(out.Values, row)
	}
	return out, rows.Err()
}

// value gives what Rows promises for one value of the driver.
func value(v any, c warehouse.Column) (any, error) {
	switch v := v.(type) {
	case nil, string, int64, float64, bool, []byte:
		return v, nil
	case int8:
		return int64(v), nil
	case int16:
		return int64(v), nil
	case int32:
		return int64(v), nil
	case uint8:
		return int64(v), nil
	case uint16:
		return int64(v), nil
	case uint32:
		return int64(v), nil
	case uint64:
		return value(new(big.Int).SetUint64(v), c)
	case float32:
		return float64(v), nil
	case *big.Int: // HUGEINT, the sum of INT64
		if !v.IsInt64() {
			return nil, problem.New(problem.InvalidArgument, "a value of column %q does not fit INT64", c.Name)
		}
		return v.Int64(), nil
	case duck.Decimal:
		return v.String(), nil
	case time.Time:
		if c.Type == warehouse.Time {
			return v.Format("15:04:05.999999"), nil
		}
		return v.UTC(), nil
	case []any:
		out := slices.Clone(v)
		for i := range out {
			var err error
			if out[i], err = value(out[i], c); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return nil, problem.New(problem.Internal, "column %q has a value of Go type %T", c.Name, v)
}

// DryRun prepares a statement and tells its columns.
func (d *Driver) DryRun(ctx context.Context, s warehouse.Statement) (warehouse.Estimate, error) {
	text, args := bind(s)
	cols, _, err := describe(ctx, d.db, text, args)
	if err != nil {
		return warehouse.Estimate{}, engineProblem(ctx, err, "the dry run")
	}
	return warehouse.Estimate{Columns: cols}, nil
}
