package functions_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/b2brecs/b2brecs/functions"
	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/pipeline/runtime"
	"github.com/b2brecs/b2brecs/shared/platform"
	"github.com/b2brecs/b2brecs/shared/platform/embedded"
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

// setup is how a test's platform differs from the product's.
type setup struct {
	python   string // of the pipelines; "" runs none
	log      *slog.Logger
	services func(*platform.Platform)
	catalog  func([]platform.Function) []platform.Function
}

// start opens a platform on a folder.
func start(ctx context.Context, dir string, o setup) (*installation, error) {
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
	if o.python == "" {
		o.python = "/bin/false"
	}
	if o.log == nil {
		o.log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	}
	inner, cancel := context.WithCancel(ctx)
	p, err := embedded.Open(inner, embedded.Options{
		Folder: folder, URL: "http://" + l.Addr().String(), Definitions: workflows.Files, Runtime: runtime.Files, Python: o.python,
		Log: o.log,
	})
	if err != nil {
		cancel()
		return nil, err
	}
	if o.services != nil {
		o.services(p.Platform)
	}
	catalog := functions.Catalog()
	if o.catalog != nil {
		catalog = o.catalog(catalog)
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
	in, err := start(context.Background(), filepath.Join(dir, "data"), setup{catalog: change})
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
