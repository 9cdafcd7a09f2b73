package functions_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/b2brecs/b2brecs/functions"
	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/pipeline/runtime"
	"github.com/b2brecs/b2brecs/shared/platform"
	"github.com/b2brecs/b2brecs/shared/platform/embedded"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	workflows "github.com/b2brecs/b2brecs/workflows-yaml"
)

// installation is a running embedded platform with the whole catalogue.
type installation struct {
	*embedded.Platform
	etl     *etl.Store
	address string
	stop    func()
}

// start opens a platform on a folder; change adapts the catalogue.
func start(ctx context.Context, dir string, change func([]platform.Function) []platform.Function) (*installation, error) {
	folder, err := embedded.OpenFolder(dir)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	level := slog.LevelError
	if os.Getenv("VERBOSE") != "" {
		level = slog.LevelDebug
	}
	inner, cancel := context.WithCancel(ctx)
	p, err := embedded.Open(inner, embedded.Options{
		Folder: folder, URL: "http://" + l.Addr().String(), Definitions: workflows.Files, Runtime: runtime.Files, Python: "/bin/false",
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})),
	})
	if err != nil {
		cancel()
		return nil, err
	}
	catalog := functions.Catalog()
	if change != nil {
		catalog = change(catalog)
	}
	h, err := p.Mount(catalog, nil)
	if err != nil {
		cancel()
		return nil, err
	}
	serving, end := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- embedded.Serve(serving, l, h) }()
	if err := p.Resume(inner); err != nil {
		end()
		cancel()
		return nil, err
	}
	return &installation{Platform: p, etl: etl.NewStore(p.State), address: "http://" + l.Addr().String(), stop: func() {
		end()
		<-done
		closing, c := context.WithTimeout(ctx, 10*time.Second)
		defer c()
		_ = p.Close(closing) // the test looks at the data, not at the shutdown
		cancel()
		folder.Close()
	}}, nil
}

func install(t *testing.T, change func([]platform.Function) []platform.Function) *installation {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(dir, "config"))
	in, err := start(context.Background(), filepath.Join(dir, "data"), change)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(in.stop)
	return in
}

func (in *installation) upload(t *testing.T, key, text string) {
	t.Helper()
	if err := in.Uploads.Write(context.Background(), key, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

// settle waits until the n-th run has ended and no run is active, and gives all
// runs by number.
func (in *installation) settle(t *testing.T, n int) []etl.Run {
	t.Helper()
	ctx := context.Background()
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		p, err := in.etl.Runs.Query(ctx, state.Query{OrderBy: "number", Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		active := len(p.Items) < n
		for _, r := range p.Items {
			active = active || !r.Status.Ended()
		}
		for j, err := range in.etl.Jobs.All(ctx, state.Query{}) {
			if err != nil {
				t.Fatal(err)
			}
			active = active || j.ActiveRun != "" || j.RunAgain
		}
		if !active {
			return p.Items
		}
		if time.Now().After(end) {
			for _, r := range p.Items {
				t.Logf("%+v", r)
			}
			t.Fatalf("%d runs, want %d ended", len(p.Items), n)
		}
	}
}

// becomes waits until a table holds what is wanted.
func (in *installation) becomes(t *testing.T, want, columns, table string) {
	t.Helper()
	got := ""
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if _, err := in.Warehouse.Table(context.Background(), warehouse.Ref{Dataset: "raw_data", Name: table}); err != nil {
			continue
		}
		if got = in.rows(t, columns, table); got == want {
			return
		}
	}
	t.Fatalf("%s holds %s, want %s", table, got, want)
}

// rows reads a table as text, sorted.
func (in *installation) rows(t *testing.T, columns, table string) string {
	t.Helper()
	r, err := in.Warehouse.Query(context.Background(), warehouse.Statement{SQL: "SELECT " + columns + " FROM raw_data." + table + " ORDER BY ALL"}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, row := range r.Values {
		var cells []string
		for _, v := range row {
			cells = append(cells, fmt.Sprint(v))
		}
		out = append(out, strings.Join(cells, " "))
	}
	return strings.Join(out, "; ")
}

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
