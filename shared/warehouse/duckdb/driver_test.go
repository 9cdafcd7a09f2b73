package duckdb_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/warehouse/duckdb"
	"github.com/b2brecs/b2brecs/shared/warehouse/warehousetest"
)

// childEnv makes the test binary act as the other process.
const childEnv = "B2BRECS_TEST_WAREHOUSE"

func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		if err := child(path, os.Getenv(childEnv+"_PARQUET")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// child opens the file, says so, and commits until it is killed.
func child(path, parquet string) error {
	ctx := context.Background()
	d, err := duckdb.Open(path, duckdb.Options{})
	if err != nil {
		return err
	}
	fmt.Println("open")
	for i := 0; ; i++ {
		if parquet == "" {
			time.Sleep(time.Hour)
		}
		id := fmt.Sprintf("c%d", i)
		if _, err := d.Commit(ctx, warehouse.Commit{ID: id, Target: target, Mode: warehouse.Append, URIs: []string{parquet}}); err != nil {
			return err
		}
		fmt.Println(id)
	}
}

var target = warehouse.Ref{Dataset: warehouse.Raw, Name: "sales"}

func start(t *testing.T, path, parquet string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+path, childEnv+"_PARQUET="+parquet)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "open" {
		t.Fatalf("the other process said %q", lines.Text())
	}
	return cmd, lines
}

func TestFileHeldByAnotherProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.duckdb")
	cmd, _ := start(t, path, "")
	_, err := duckdb.Open(path, duckdb.Options{})
	if problem.CodeOf(err) != problem.FailedPrecondition {
		t.Fatalf("%v", err)
	}
	if want := fmt.Sprint(cmd.Process.Pid); !strings.Contains(err.Error(), want) {
		t.Errorf("%q does not name process %s", err, want)
	}
}

func TestNotAWarehouseFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.duckdb")
	if err := os.WriteFile(path, bytes.Repeat([]byte("no "), 9000), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := duckdb.Open(path, duckdb.Options{}); problem.CodeOf(err) != problem.FailedPrecondition {
		t.Fatalf("%v", err)
	}
}

// TestKilled kills a committing process several times: every commit that was
// reported is there, once, and so are its rows.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	path, parquet := filepath.Join(dir, "w.duckdb"), filepath.Join(dir, "rows.parquet")
	const batch = 3000
	schema := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}}, nil)
	if err := os.WriteFile(parquet, warehousetest.Parquet(t, schema, func(b *array.RecordBuilder) {
		for i := range int64(batch) {
			b.Field(0).(*array.Int64Builder).Append(i)
		}
	}), 0o644); err != nil {
		t.Fatal(err)
	}
	d, err := duckdb.Open(path, duckdb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Create(t.Context(), warehouse.Table{Ref: target, Columns: []warehouse.Column{{Name: "id", Type: warehouse.Int64}}}); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	said := 0
	for round := range 3 {
		cmd, lines := start(t, path, parquet)
		for lines.Scan() {
			var n int
			if _, err := fmt.Sscanf(lines.Text(), "c%d", &n); err != nil {
				t.Fatal(err)
			}
			said = max(said, n+1)
			if n >= (round+1)*8 {
				break
			}
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	d, err = duckdb.Open(path, duckdb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for i := range said {
		if r, err := d.Committed(t.Context(), fmt.Sprintf("c%d", i)); err != nil || r.Inserted != batch {
			t.Fatalf("commit c%d of %d: %+v, %v", i, said, r, err)
		}
	}
	info, err := d.Table(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := d.Query(t.Context(), warehouse.Statement{SQL: "SELECT COUNT(*), SUM(read) FROM _b2brecs.commits"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	commits, read := rows.Values[0][0].(int64), rows.Values[0][1].(int64)
	if info.Rows != read || read != commits*batch || commits < int64(said) {
		t.Errorf("%d rows, %d commits that read %d, %d reported", info.Rows, commits, read, said)
	}
	if said < 20 {
		t.Errorf("only %d commits were reported", said)
	}
}

// TestTypesOutsideTheSet reads what DuckDB has and the product has not.
func TestTypesOutsideTheSet(t *testing.T) {
	w := open(t, "")
	for sql, want := range map[string]any{
		"SELECT CAST(5 AS UTINYINT) AS v":                                  int64(5),
		"SELECT SUM(CAST(7 AS BIGINT)) AS v":                               int64(7),
		"SELECT CAST(1.5 AS FLOAT) AS v":                                   1.5,
		"SELECT CAST('0f0e0d0c-0b0a-0908-0706-050403020100' AS UUID) AS v": "0f0e0d0c-0b0a-0908-0706-050403020100",
		"SELECT NULL AS v":                                                 nil,
		"SELECT CAST('0.10' AS DECIMAL(4,2)) AS v":                         "0.1",
	} {
		out, err := w.Query(t.Context(), warehouse.Statement{SQL: sql}, 1)
		if err != nil {
			t.Errorf("%s: %v", sql, err)
			continue
		}
		if out.Values[0][0] != want {
			t.Errorf("%s: %v, want %v", sql, out.Values[0][0], want)
		}
	}
	for _, sql := range []string{"SELECT INTERVAL 1 DAY AS v", "SELECT {'a': 1} AS v", "SELECT CAST(170141183460469231731687303715884105727 AS HUGEINT) AS v"} {
		if _, err := w.Query(t.Context(), warehouse.Statement{SQL: sql}, 1); problem.CodeOf(err) != problem.InvalidArgument {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

// TestDecimalTooWide refuses what DuckDB would read as an approximate number.
func TestDecimalTooWide(t *testing.T) {
	w := open(t, "")
	ref := warehouse.Ref{Dataset: warehouse.Raw, Name: "wide"}
	if err := w.Create(t.Context(), warehouse.Table{Ref: ref, Columns: []warehouse.Column{{Name: "v", Type: warehouse.BigNumeric}}}); err != nil {
		t.Fatal(err)
	}
	schema := arrow.NewSchema([]arrow.Field{{Name: "v", Type: &arrow.Decimal256Type{Precision: 76, Scale: 38}, Nullable: true}}, nil)
	path := filepath.Join(t.TempDir(), "wide.parquet")
	if err := os.WriteFile(path, warehousetest.Parquet(t, schema, func(b *array.RecordBuilder) { b.Field(0).AppendNull() }), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := w.Commit(t.Context(), warehouse.Commit{ID: "wide", Target: ref, Mode: warehouse.Append, URIs: []string{path}})
	if problem.CodeOf(err) != problem.InvalidArgument {
		t.Fatalf("%v", err)
	}
	if f := problem.Of(err).Fields; len(f) != 1 || f[0].Location != "columns.v" {
		t.Errorf("fields %+v", f)
	}
}

// TestInterrupted stops a statement that would run for minutes.
func TestInterrupted(t *testing.T) {
	w := open(t, "")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := w.Query(ctx, warehouse.Statement{SQL: "SELECT COUNT(*) FROM range(100000000) a, range(100000) b WHERE a.range % 7 = b.range % 11"}, 1)
	if problem.CodeOf(err) != problem.Unavailable {
		t.Errorf("%v", err)
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("it went on for %s", d)
	}
}

// TestUpsertTies: of equal rows the later one of the later file wins, also where
// the file's name is a pattern, so that a repeat gives the same table.
func TestUpsertTies(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a*[b]")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	w := open(t, "")
	ref := warehouse.Ref{Dataset: warehouse.Raw, Name: "ties"}
	if err := w.Create(t.Context(), warehouse.Table{Ref: ref, Columns: []warehouse.Column{{Name: "k", Type: warehouse.Int64}, {Name: "v", Type: warehouse.Int64}}}); err != nil {
		t.Fatal(err)
	}
	schema := arrow.NewSchema([]arrow.Field{{Name: "k", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, {Name: "v", Type: arrow.PrimitiveTypes.Int64}}, nil)
	write := func(name string, from int64) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, warehousetest.Parquet(t, schema, func(b *array.RecordBuilder) {
			for i := range int64(6) {
				if i < 2 {
					b.Field(0).AppendNull()
				} else {
					b.Field(0).(*array.Int64Builder).Append(i / 4)
				}
				b.Field(1).(*array.Int64Builder).Append(from + i)
			}
		}), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, id := range []string{"one", "two"} {
		r, err := w.Commit(t.Context(), warehouse.Commit{ID: id, Target: ref, Mode: warehouse.Upsert, Keys: []string{"k"}, URIs: []string{write("z", 10), write("a", 20)}})
		if err != nil || r.Read != 12 || r.Inserted+r.Updated != 3 {
			t.Fatalf("%+v, %v", r, err)
		}
		out, err := w.Query(t.Context(), warehouse.Statement{SQL: "SELECT k, v FROM raw_data.ties ORDER BY v"}, 10)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(out.Values); got != "[[<nil> 21] [0 23] [1 25]]" {
			t.Errorf("%s: %s", id, got)
		}
	}
}

// TestEveryConnectionIsInUTC: the zone of the machine must not show in dates.
func TestEveryConnectionIsInUTC(t *testing.T) {
	t.Setenv("TZ", "Asia/Tokyo")
	w := open(t, filepath.Join(t.TempDir(), "w.duckdb"))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			out, err := w.Query(t.Context(), warehouse.Statement{SQL: "SELECT current_setting('TimeZone') AS z, CAST(TIMESTAMPTZ '2026-01-01 23:30:00+00' AS DATE) AS d, COUNT(*) AS n FROM range(3000000)"}, 1)
			if err != nil {
				t.Error(err)
			} else if out.Values[0][0] != "UTC" || !out.Values[0][1].(time.Time).Equal(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)) {
				t.Errorf("%v", out.Values)
			}
		})
	}
	wg.Wait()
}

// TestViews are tables whose rows are not counted.
func TestViews(t *testing.T) {
	d, err := duckdb.Open("", duckdb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := duckdb.Exec(d, "CREATE VIEW raw_data.v AS SELECT 1 AS a"); err != nil {
		t.Fatal(err)
	}
	info, err := d.Table(t.Context(), warehouse.Ref{Dataset: warehouse.Raw, Name: "v"})
	if err != nil {
		t.Fatal(err)
	}
	if info.Rows != -1 || info.Bytes != -1 || len(info.Columns) != 1 {
		t.Errorf("%+v", info)
	}
}
