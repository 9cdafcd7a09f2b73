package functions_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/platform"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

func TestUploads(t *testing.T) {
	in := install(t, nil)
	// A bare file is a catalog: the next one of its name takes its place.
	in.upload(t, "products.csv", "id,name,price\n001,apple,1.5\n002,pear,2\n")
	runs := in.settle(t, 1)
	if r := runs[0]; r.Status != etl.Completed || r.RowsRead != 2 || r.Commit == nil || r.Commit.Inserted != 2 {
		t.Fatalf("first run: %+v", r)
	}
	if got, want := in.rows(t, "*", "products"), "001 apple 1.5; 002 pear 2"; got != want {
		t.Errorf("products: %s, want %s", got, want)
	}
	in.upload(t, "products.csv", "id,name,price,brand\n003,plum,3,x\n")
	runs = in.settle(t, 2)
	if got, want := in.rows(t, "*", "products"), "003 plum 3 x"; got != want {
		t.Errorf("products replaced: %s, want %s; run %+v", got, want, runs[1])
	}
	// An empty source keeps what is there.
	in.upload(t, "products.csv", "id,name,price,brand\n")
	runs = in.settle(t, 3)
	if got := in.rows(t, "*", "products"); got != "003 plum 3 x" || runs[2].Status != etl.Partial {
		t.Errorf("after an empty file: %s, run %s", got, runs[2].Status)
	}
	// Files of a folder add up; a changed one takes the place of its rows.
	in.upload(t, "orders/1.csv", "id,qty\na,1\nb,2\n")
	in.upload(t, "orders/2.csv", "qty,id\n3,c\n")
	in.becomes(t, "a 1 orders/1.csv; b 2 orders/1.csv; c 3 orders/2.csv", "id, qty, _file", "orders")
	in.upload(t, "orders/1.csv", "id,qty\nz,9\n")
	in.becomes(t, "c 3 orders/2.csv; z 9 orders/1.csv", "id, qty, _file", "orders")
	// A file that is no table: the run fails and says why; the others go on.
	runs = in.settle(t, 4)
	in.upload(t, "orders/3.csv", "\x00\x01\x02\x03binary\x00")
	runs = in.settle(t, len(runs)+1)
	last := runs[len(runs)-1]
	if last.Status != etl.Failed || last.Error == nil || !strings.Contains(last.Error.Error(), "3.csv") {
		t.Errorf("a binary file: %s, %v", last.Status, last.Error)
	}
	in.upload(t, "orders/4.csv", "id,qty\nd,4\n")
	in.becomes(t, "c 3; d 4; z 9", "id, qty", "orders")
	runs = in.settle(t, len(runs)+1)
	if last = runs[len(runs)-1]; last.Status != etl.Partial || len(last.FileProblems) != 1 {
		t.Errorf("beside a bad file: %s, %v", last.Status, last.FileProblems)
	}
}

func TestRejectedRows(t *testing.T) {
	in := install(t, nil)
	var b strings.Builder
	b.WriteString("id,qty\n")
	for i := range 100 {
		fmt.Fprintf(&b, "k%d,%d\n", i, i)
	}
	in.upload(t, "some.csv", b.String()+"bad,oops\nragged\n")
	r := in.settle(t, 1)[0]
	if r.Status != etl.Partial || r.RowsRead != 102 || r.RowsStaged != 100 || r.RowsRejected != 2 || r.RejectReasons["not an integer"] != 1 {
		t.Errorf("run: %+v", r)
	}
	list, err := in.Staging.List(context.Background(), r.RejectsKey)
	if err != nil || len(list) != 1 {
		t.Fatalf("rejects: %v, %v", list, err)
	}
	in.upload(t, "worse.csv", b.String()+strings.Repeat("ragged\n", 30))
	r = in.settle(t, 2)[1]
	if r.Status != etl.Failed || r.Error.Code != problem.FailedPrecondition {
		t.Errorf("run: %s, %v", r.Status, r.Error)
	}
	if _, err := in.Warehouse.Table(context.Background(), warehouse.Ref{Dataset: "raw_data", Name: "worse"}); !problem.Is(err, problem.NotFound) {
		t.Errorf("a failed first run left a table: %v", err)
	}
}

// twice delivers every event two times and out of order.
func twice(catalog []platform.Function) []platform.Function {
	for i, f := range catalog {
		if f.Event == nil {
			continue
		}
		catalog[i].Concurrency = 4
		catalog[i].Event = func(p *platform.Platform) events.Handler {
			p.HTTP.Transport = &losesCallback{RoundTripper: p.HTTP.Transport}
			h := f.Event(p)
			return func(ctx context.Context, m events.Message) error {
				time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond)
				second := make(chan error, 1)
				go func() { second <- h(ctx, m) }()
				err := h(ctx, m)
				if e := <-second; err == nil {
					err = e
				}
				return err
			}
		}
	}
	return catalog
}

func TestEveryEventTwice(t *testing.T) {
	in := install(t, twice)
	for f := range 5 {
		var b strings.Builder
		b.WriteString("id,qty\n")
		for i := range 1000 {
			fmt.Fprintf(&b, "%d,%d\n", f*1000+i, i)
		}
		in.upload(t, fmt.Sprintf("facts/%d.csv", f), strings.Replace(b.String(), "id", "nid", 1))
	}
	in.becomes(t, "5000 5000 2497500", "COUNT(*), COUNT(DISTINCT nid), SUM(qty)", "facts")
	for i, r := range in.settle(t, 1) {
		if r.Status != etl.Completed {
			t.Errorf("run %d: %s, %v", i, r.Status, r.Error)
		}
	}
	if got, want := in.rows(t, "COUNT(*), COUNT(DISTINCT nid), SUM(qty)", "facts"), "5000 5000 2497500"; got != want {
		t.Errorf("facts: %s, want %s", got, want)
	}
}

// Many triggers at once start one run; those that may wait get one more after it.
func TestOneRunAtATime(t *testing.T) {
	in := install(t, nil)
	ctx := context.Background()
	in.upload(t, "one.csv", "a,n\nx,1\n")
	job := in.settle(t, 1)[0].Job
	const triggers = 12
	errs := make(chan error, triggers)
	for i := range triggers {
		go func() {
			_, err := in.etl.Start(ctx, in.Workflows, in.FunctionsURL, job, "manual", "", fmt.Sprint("key ", i))
			errs <- err
		}()
	}
	started := 0
	for range triggers {
		switch err := <-errs; {
		case err == nil:
			started++
		case !problem.Is(err, problem.FailedPrecondition):
			t.Error(err)
		}
	}
	runs := in.settle(t, 1+started)
	if len(runs) != 1+started || started == 0 {
		t.Errorf("%d runs, %d triggers say they started one", len(runs)-1, started)
	}
	for i, r := range runs[1:] {
		if r.Number != runs[i].Number+1 {
			t.Errorf("run #%d follows run #%d", r.Number, runs[i].Number)
		}
		if prev := runs[i]; r.StartedAt.Before(prev.EndedAt) {
			t.Errorf("run #%d began before run #%d had ended", r.Number, prev.Number)
		}
	}
}

// losesCallback takes the first callback of a workflow to nobody, as a process does
// that ends before it could post it.
type losesCallback struct {
	http.RoundTripper
	lost atomic.Bool
}

func (l *losesCallback) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.Contains(r.URL.Path, "/workflow-callbacks/") && l.lost.CompareAndSwap(false, true) {
		return nil, errors.New("the process ended")
	}
	return l.RoundTripper.RoundTrip(r)
}

// A chunk whose attempts all ended with their process ends its run, and says why, also
// when the workflow is told at the second time only.
func TestChunkThatNeverEnds(t *testing.T) {
	begun := false
	in := install(t, func(catalog []platform.Function) []platform.Function {
		i := slices.IndexFunc(catalog, func(f platform.Function) bool { return f.Name == "extract-chunk" })
		event := catalog[i].Event
		catalog[i].Concurrency = 1
		catalog[i].Event = func(p *platform.Platform) events.Handler {
			h := event(p)
			return func(ctx context.Context, m events.Message) error {
				planned, err := events.Decode(etl.TopicChunkPlanned, m)
				if err != nil || begun {
					return errors.Join(err, h(ctx, m))
				}
				begun = true
				// What seven processes leave that were killed while they read.
				if _, err = etl.NewStore(p.State).Chunks.Update(ctx, planned.Chunk, func(c *etl.Chunk) error {
					c.State, c.Attempts = etl.ChunkRunning, 7
					return nil
				}); err != nil {
					return err
				}
				return h(ctx, m)
			}
		}
		return catalog
	})
	in.upload(t, "heavy.csv", "id,qty\na,1\n")
	r := in.settle(t, 1)[0]
	if r.Status != etl.Failed || r.Error == nil || r.Error.Code != problem.ResourceExhausted || r.Error.Step != "extract-chunk" || r.Error.Cause == "" || r.Error.Next == "" {
		t.Errorf("run: %s, %+v", r.Status, r.Error)
	}
	if dead, err := in.Events.DeadLetters(context.Background(), "extract-chunk", 10); err != nil || len(dead) > 0 {
		t.Errorf("dead letters: %v, %v", dead, err)
	}
	in.upload(t, "heavy.csv", "id,qty\na,2\n")
	if r = in.settle(t, 2)[1]; r.Status != etl.Completed {
		t.Errorf("the next run: %s, %v", r.Status, r.Error)
	}
}
