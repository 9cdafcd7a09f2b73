package warehousetest

import (
	"context"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// Twin is a driver that is two: whatever it is asked goes to DuckDB and to BigQuery,
// each in its dialect, and the answers have to be the same; see Differ for what that
// means. The answers that it gives are DuckDB's. So a walk through the product compares
// every statement that it makes.
type Twin struct {
	warehouse.Driver // DuckDB's
	big              warehouse.Driver
	put              func(file string) string
	t                testing.TB

	mu         sync.Mutex
	statements map[string]bool // BigQuery's texts that were compared
}

// NewTwin makes one. put copies a file of DuckDB's to where BigQuery reads it, and gives
// its address there.
func NewTwin(t testing.TB, duckdb, bigquery warehouse.Driver, put func(file string) string) *Twin {
	w := &Twin{Driver: duckdb, big: bigquery, put: put, t: t, statements: map[string]bool{}}
	t.Cleanup(func() { t.Logf("%d statements were compared", w.Statements()) })
	return w
}

// Statements gives how many different statements were compared.
func (w *Twin) Statements() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.statements)
}

// Dialect writes both.
func (w *Twin) Dialect() warehouse.Dialect { return both{} }

// Create makes both tables.
func (w *Twin) Create(ctx context.Context, t warehouse.Table) error {
	return w.agree("create "+t.Ref.String(), w.Driver.Create(ctx, t), w.big.Create(ctx, t))
}

// Drop removes both tables.
func (w *Twin) Drop(ctx context.Context, r warehouse.Ref) error {
	return w.agree("drop "+r.String(), w.Driver.Drop(ctx, r), w.big.Drop(ctx, r))
}

// Commit commits to both.
func (w *Twin) Commit(ctx context.Context, c warehouse.Commit) (warehouse.CommitResult, error) {
	there := c
	there.URIs = make([]string, len(c.URIs))
	for i, uri := range c.URIs {
		there.URIs[i] = w.put(strings.TrimPrefix(uri, "file://"))
	}
	got, err := w.big.Commit(ctx, there)
	want, ours := w.Driver.Commit(ctx, c)
	what := "commit to " + c.Target.String()
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("%s (-DuckDB +BigQuery)\n%s", what, diff)
	}
	return want, w.agree(what, ours, err)
}

// Query runs both statements.
func (w *Twin) Query(ctx context.Context, s warehouse.Statement, maxRows int) (warehouse.Rows, error) {
	duck, big := w.sides(s)
	want, ours := w.Driver.Query(ctx, duck, maxRows)
	got, err := w.big.Query(ctx, big, maxRows)
	if err := w.agree(big.SQL, ours, err); err != nil {
		return want, err
	}
	w.compare(big.SQL, want, got)
	return want, nil
}

// DryRun checks both statements.
func (w *Twin) DryRun(ctx context.Context, s warehouse.Statement) (warehouse.Estimate, error) {
	duck, big := w.sides(s)
	want, ours := w.Driver.DryRun(ctx, duck)
	got, err := w.big.DryRun(ctx, big)
	if err := w.agree(big.SQL, ours, err); err != nil {
		return want, err
	}
	w.compare(big.SQL, warehouse.Rows{Columns: want.Columns}, warehouse.Rows{Columns: got.Columns})
	return want, nil
}

// Materialize makes both tables and compares their rows.
func (w *Twin) Materialize(ctx context.Context, r warehouse.Ref, s warehouse.Statement) (int64, error) {
	duck, big := w.sides(s)
	want, ours := w.Driver.Materialize(ctx, r, duck)
	got, err := w.big.Materialize(ctx, r, big)
	if err := w.agree(big.SQL, ours, err); err != nil {
		return want, err
	}
	if got != want {
		w.t.Errorf("%d rows in DuckDB, %d in BigQuery\n%s", want, got, big.SQL)
	}
	_, err = w.Query(ctx, warehouse.Statement{SQL: "SELECT * FROM " + w.Dialect().Table(r)}, twinRows)
	return want, err
}

// Export compares what would be written, and writes DuckDB's.
func (w *Twin) Export(ctx context.Context, s warehouse.Statement, prefix string) ([]string, int64, error) {
	if _, err := w.Query(ctx, s, twinRows); err != nil {
		return nil, 0, err
	}
	duck, _ := w.sides(s)
	return w.Driver.Export(ctx, duck, prefix)
}

// twinRows is more than the tables of a test have.
const twinRows = 100_000

func (w *Twin) sides(s warehouse.Statement) (duck, big warehouse.Statement) {
	duck, big = s, s
	big.SQL, duck.SQL = side(s.SQL, 1), side(s.SQL, 2)
	return duck, big
}

// agree gives DuckDB's error; it is of the same kind in both, or in neither.
func (w *Twin) agree(what string, duck, big error) error {
	if problem.CodeOf(duck) != problem.CodeOf(big) {
		w.t.Errorf("DuckDB: %v\nBigQuery: %v\n%s", duck, big, what)
	}
	if duck == nil && big != nil {
		return big
	}
	return duck
}

// reApproximate finds the names of columns that are estimates: a line each.
var reApproximate = regexp.MustCompile("APPROX_(?:COUNT_DISTINCT|QUANTILES)\\(.*?\\) AS `?(\\w+)`?")

func (w *Twin) compare(sql string, want, got warehouse.Rows) {
	var approximate []string
	for _, m := range reApproximate.FindAllStringSubmatch(sql, -1) {
		approximate = append(approximate, m[1])
	}
	diff := Differ(want, got, ordered(sql), approximate...)
	w.mu.Lock()
	w.statements[sql] = true
	w.mu.Unlock()
	if diff != "" {
		w.t.Errorf("(-DuckDB +BigQuery)\n%s\n%s", diff, sql)
	}
}
