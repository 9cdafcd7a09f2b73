package sourcetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/google/go-cmp/cmp"

	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/source"
)

// Row is one row of the suite's tables: id, text, amount.
type Row struct {
	ID     int64
	Text   *string // nil is NULL
	Amount float64
}

// Subject is a connector under test.
type Subject struct {
	// Source is open for the whole suite.
	Source source.Source
	// Make puts rows into a new object with the columns id (integer), text and
	// amount (floating point), and gives it with the files of a plan, if any.
	Make func(t *testing.T, rows []Row) (source.Object, []etl.File)
	// ChunkRows and ChunkBytes make plans of several chunks out of few rows.
	ChunkRows, ChunkBytes int64
}

// Run proves the promises of source.Source.
func Run(t *testing.T, s Subject) {
	t.Run("sizes", s.sizes)
	t.Run("repeatable", s.repeatable)
	t.Run("values", s.values)
	t.Run("sink error", s.sinkError)
	t.Run("cancelled", s.cancelled)
	t.Run("test is quick", s.quick)
}

func numbered(n int) []Row {
	out := make([]Row, n)
	for i := range out {
		text := fmt.Sprintf("row %d", i)
		out[i] = Row{int64(i), &text, float64(i) / 4}
	}
	return out
}

type plan struct {
	source.Plan
	object  source.Object
	columns []etl.Column
}

func (s Subject) plan(t *testing.T, rows []Row, small bool) plan {
	t.Helper()
	ctx := context.Background()
	o, files := s.Make(t, rows)
	d, err := s.Source.Describe(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	req := source.PlanRequest{Object: o, Columns: d.Columns, Files: files}
	if small {
		req.ChunkRows, req.ChunkBytes = s.ChunkRows, s.ChunkBytes
	}
	p, err := s.Source.Plan(ctx, req)
	if err != nil {
		t.Fatal(err)
	}
	if p.Hold != nil {
		t.Cleanup(func() { _ = p.Hold.Close() }) // a read-only session
	}
	for k, err := range p.FileProblems {
		t.Fatalf("%s: %v", k, err)
	}
	return plan{p, o, d.Columns}
}

// read reads one chunk whose spec has been through JSON, as it is between functions.
func (s Subject) read(ctx context.Context, t *testing.T, p plan, c source.Chunk, to source.Sink) (source.Stats, error) {
	t.Helper()
	b, err := json.Marshal(c.Spec)
	if err != nil {
		t.Fatal(err)
	}
	var spec map[string]any
	if err := json.Unmarshal(b, &spec); err != nil {
		t.Fatal(err)
	}
	return s.Source.Read(ctx, source.ReadRequest{Object: p.object, Columns: p.columns, Spec: spec, Snapshot: p.Snapshot}, to)
}

func (s Subject) all(t *testing.T, p plan) [][]string {
	t.Helper()
	var out Collector
	var rows int64
	for _, c := range p.Chunks {
		st, err := s.read(context.Background(), t, p, c, &out)
		if err != nil {
			t.Fatal(err)
		}
		rows += st.Rows
	}
	if len(out.Rejects) > 0 {
		t.Errorf("rejected: %+v", out.Rejects[0])
	}
	if rows != int64(len(out.Rows)) {
		t.Errorf("the source counts %d rows, %d came", rows, len(out.Rows))
	}
	slices.SortFunc(out.Rows, slices.Compare[[]string])
	return out.Rows
}

// sizes: no row is lost or doubled at the edges of batches and chunks.
func (s Subject) sizes(t *testing.T) {
	for _, n := range []int{0, 1, 2, source.BatchRows - 1, source.BatchRows, source.BatchRows + 1} {
		p := s.plan(t, numbered(n), n > 2)
		seen := map[string]bool{}
		got := s.all(t, p)
		for _, r := range got {
			seen[r[0]] = true
		}
		if len(got) != n || len(seen) != n {
			t.Errorf("%d rows became %d, %d of them different", n, len(got), len(seen))
		}
		if n > 1000 && s.ChunkBytes > 0 && len(p.Chunks) < 2 {
			t.Errorf("%d rows were planned as %d chunk", n, len(p.Chunks))
		}
	}
}

// repeatable: a chunk gives the same rows each time, alone and among others.
func (s Subject) repeatable(t *testing.T) {
	p := s.plan(t, numbered(5000), true)
	for _, c := range p.Chunks {
		var first, second Collector
		for _, to := range []*Collector{&first, &second} {
			if _, err := s.read(context.Background(), t, p, c, to); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(first.Rows, second.Rows); diff != "" {
			t.Fatalf("%s read twice: %s", c.Label, diff[:min(len(diff), 400)])
		}
	}
}

func (s Subject) values(t *testing.T) {
	texts := []string{"", "plain", "quote \" and ''", "comma, semicolon; tab\t pipe|", "two\nlines", "Zażółć гесь 漢字 🙂", strings.Repeat("long ", 2000), " spaces "}
	var rows []Row
	for i := range texts {
		rows = append(rows, Row{int64(i), &texts[i], -1.5 * float64(i)})
	}
	rows = append(rows, Row{99, nil, 1e15})
	got := s.all(t, s.plan(t, rows, false))
	if len(got) != len(rows) {
		t.Fatalf("%d rows, want %d", len(got), len(rows))
	}
	byID := map[string]string{}
	for _, r := range got {
		byID[r[0]] = r[1]
	}
	for i, text := range texts {
		if byID[fmt.Sprint(i)] != text {
			t.Errorf("text %d is %q, want %q", i, byID[fmt.Sprint(i)], text)
		}
	}
	if byID["99"] != Null {
		t.Errorf("NULL is %q", byID["99"])
	}
}

var errSink = errors.New("the sink is full")

type failing struct{}

func (failing) Batch(arrow.RecordBatch) error { return errSink }
func (failing) Reject(source.Reject) error    { return errSink }

// sinkError: what the sink says ends the read and comes back as it is.
func (s Subject) sinkError(t *testing.T) {
	p := s.plan(t, numbered(100), false)
	if _, err := s.read(context.Background(), t, p, p.Chunks[0], failing{}); !errors.Is(err, errSink) {
		t.Errorf("the error is %v", err)
	}
}

// cancelled: a read ends soon after its context.
func (s Subject) cancelled(t *testing.T) {
	p := s.plan(t, numbered(100), false)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	start := time.Now()
	_, err := s.read(ctx, t, p, p.Chunks[0], &Collector{})
	if err == nil {
		t.Error("a read whose context had ended went on")
	}
	if d := time.Since(start); d > 3*time.Second {
		t.Errorf("it took %s to end", d)
	}
}

func (s Subject) quick(t *testing.T) {
	start := time.Now()
	if _, err := s.Source.Test(context.Background()); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(start); d > source.TestTimeout {
		t.Errorf("a test took %s", d)
	}
}
