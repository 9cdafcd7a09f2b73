package warehousetest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/warehouse/dialect"
)

// Recorder is a DuckDB driver for which statements are written in both dialects at
// once: DuckDB runs its text and gives the answers, BigQuery's text is kept, each once,
// with the columns of DuckDB's result. So every statement of a walk through the product
// can be shown to BigQuery's parser, those that depend on earlier answers as well. It is
// for one goroutine.
type Recorder struct {
	warehouse.Driver // DuckDB's
	statements       []string
	seen             map[string]bool // texts
	tables           map[warehouse.Ref]string
}

// Record wraps DuckDB's driver.
func Record(duckdb warehouse.Driver) *Recorder {
	return &Recorder{Driver: duckdb, seen: map[string]bool{}, tables: map[warehouse.Ref]string{}}
}

// Dialect writes both.
func (r *Recorder) Dialect() warehouse.Dialect { return both{} }

// Query records, and runs on DuckDB.
func (r *Recorder) Query(ctx context.Context, s warehouse.Statement, maxRows int) (warehouse.Rows, error) {
	s, err := r.record(ctx, s)
	if err != nil {
		return warehouse.Rows{}, err
	}
	return r.Driver.Query(ctx, s, maxRows)
}

// DryRun records, and checks on DuckDB.
func (r *Recorder) DryRun(ctx context.Context, s warehouse.Statement) (warehouse.Estimate, error) {
	s, err := r.record(ctx, s)
	if err != nil {
		return warehouse.Estimate{}, err
	}
	return r.Driver.DryRun(ctx, s)
}

// Materialize records, and runs on DuckDB.
func (r *Recorder) Materialize(ctx context.Context, to warehouse.Ref, s warehouse.Statement) (int64, error) {
	s, err := r.record(ctx, s)
	if err != nil {
		return 0, err
	}
	return r.Driver.Materialize(ctx, to, s)
}

// Export records, and runs on DuckDB.
func (r *Recorder) Export(ctx context.Context, s warehouse.Statement, prefix string) ([]string, int64, error) {
	s, err := r.record(ctx, s)
	if err != nil {
		return nil, 0, err
	}
	return r.Driver.Export(ctx, s, prefix)
}

// record keeps BigQuery's statement with the tables that are there, and gives DuckDB's.
func (r *Recorder) record(ctx context.Context, s warehouse.Statement) (warehouse.Statement, error) {
	for _, name := range []string{warehouse.Raw, warehouse.ML} {
		list, err := r.Tables(ctx, name)
		if err != nil {
			return s, err
		}
		for _, t := range list {
			r.tables[t.Ref] = DDL(t.Table)
		}
	}
	big := s
	big.SQL, s.SQL = side(s.SQL, 1), side(s.SQL, 2)
	if r.seen[big.SQL] {
		return s, nil
	}
	est, err := r.Driver.DryRun(ctx, s)
	if err != nil {
		return s, err
	}
	r.seen[big.SQL] = true
	r.statements = append(r.statements, Golden(big, est.Columns))
	return s, nil
}

// Compare compares what was recorded with a golden file; update rewrites it. rename
// gives names that are drawn by lot a fixed one, in pairs; see strings.NewReplacer.
func (r *Recorder) Compare(t testing.TB, file string, update bool, rename ...string) {
	t.Helper()
	var parts []string
	for _, ddl := range r.tables {
		parts = append(parts, ddl)
	}
	slices.Sort(parts)
	parts = append(parts, r.statements...)
	Same(t, file, strings.NewReplacer(rename...).Replace(strings.Join(parts, "\n\n")+"\n"), update)
}

// Same compares a text with a golden file; update rewrites it.
func Same(t testing.TB, file, got string, update bool) {
	t.Helper()
	if update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got; rewrite with -update)\n%s", file, diff)
	}
}

// Golden writes a statement of BigQuery as golden files have it: its parameters with
// their types, the columns of its result, its text.
func Golden(s warehouse.Statement, gives []warehouse.Column) string {
	var lines []string
	for name, v := range s.Params {
		value := fmt.Sprint(v)
		switch v.(type) {
		case string, []string:
			value = fmt.Sprintf("%q", v)
		}
		lines = append(lines, fmt.Sprintf("-- @%s %s = %s", name, paramType(v), value))
	}
	slices.Sort(lines)
	if len(gives) > 0 {
		lines = append(lines, "-- gives "+strings.Join(columns(gives, "", false), ", "))
	}
	return strings.Join(append(lines, s.SQL), "\n")
}

// DDL writes a table of BigQuery.
func DDL(t warehouse.Table) string {
	d := dialect.BigQuery{}
	return "CREATE TABLE " + d.Table(t.Ref) + " (\n  " + strings.Join(columns(t.Columns, "`", true), ",\n  ") + "\n)"
}

func columns(list []warehouse.Column, quote string, required bool) []string {
	out := make([]string, len(list))
	for i, c := range list {
		typ := string(c.Type)
		if c.Repeated {
			typ = "ARRAY<" + typ + ">"
		}
		if c.Required && required {
			typ += " NOT NULL"
		}
		out[i] = quote + c.Name + quote + " " + typ
	}
	return out
}

// paramType is the type under which BigQuery's client binds a value
// (https://pkg.go.dev/cloud.google.com/go/bigquery#QueryParameter).
func paramType(v any) string {
	switch v.(type) {
	case string:
		return "STRING"
	case int64:
		return "INT64"
	case float64:
		return "FLOAT64"
	case bool:
		return "BOOL"
	case time.Time:
		return "TIMESTAMP"
	case []string:
		return "ARRAY<STRING>"
	case []int64:
		return "ARRAY<INT64>"
	}
	return fmt.Sprintf("%T", v) // no type of GoogleSQL: its check fails
}
