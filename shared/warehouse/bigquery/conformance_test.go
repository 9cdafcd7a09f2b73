package bigquery_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"

	"github.com/b2brecs/b2brecs/shared/internal/gcp"
	fake "github.com/b2brecs/b2brecs/shared/internal/gcpfake/bigquery"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/warehouse/bigquery"
	"github.com/b2brecs/b2brecs/shared/warehouse/warehousetest"
)

const (
	project = "acme-b2brecs"
	region  = "europe-west1"
	bucket  = "acme-staging"
)

// engine is one emulator for all tests of the package; they use tables of their own.
var engine struct {
	*fake.Emulator
	objects string // gs://bucket/key is bucket/key below it
}

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) (code int) {
	if fake.Python() == "" {
		return m.Run()
	}
	var err error
	if engine.objects, err = os.MkdirTemp("", "bigquery-objects-"); err == nil {
		defer os.RemoveAll(engine.objects)
		if err = os.Mkdir(filepath.Join(engine.objects, bucket), 0o755); err == nil {
			engine.Emulator, err = fake.StartEmulator(context.Background(), fake.Python(), engine.objects)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() {
		if err := engine.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}()
	return m.Run()
}

// needEmulator gives the engine that runs statements.
func needEmulator(t *testing.T) fake.Engine {
	t.Helper()
	if engine.Emulator == nil {
		t.Skip("SKIPPED: no Python with bqemulator; scripts/python-env --bqemulator makes one, or B2BRECS_BQEMULATOR_PYTHON names one")
	}
	return engine.Emulator
}

func serve(t *testing.T, o fake.Options) *fake.Server {
	t.Helper()
	o.Project, o.Location = project, region
	s, err := fake.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// connect makes a driver on the server.
func connect(t *testing.T, s *fake.Server) *bigquery.Driver {
	t.Helper()
	d, err := bigquery.New(bigquery.Options{
		Location: gcp.Location{Project: project, Region: region},
		Client:   s.ClientOptions(),
		Bucket: func(_ context.Context, name string) (*blob.Bucket, error) {
			if name != bucket {
				return nobucket(t.Context(), name)
			}
			return fileblob.OpenBucket(filepath.Join(engine.objects, name), &fileblob.Options{Metadata: fileblob.MetadataDontWrite, NoTempDir: true})
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	bigquery.Hurry(d)
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func nobucket(_ context.Context, name string) (*blob.Bucket, error) {
	return nil, problem.New(problem.NotFound, "there is no bucket %s", name)
}

func put(t *testing.T, name string, data []byte) string {
	t.Helper()
	if err := os.WriteFile(filepath.Join(engine.objects, bucket, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
	return "gs://" + bucket + "/" + name
}

func get(t *testing.T, uri string) []byte {
	t.Helper()
	f, err := os.Open(filepath.Join(engine.objects, strings.TrimPrefix(uri, "gs://")))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// The suite over the official client, the strict server and the emulator's SQL.
func TestConformance(t *testing.T) {
	s := serve(t, fake.Options{Engine: needEmulator(t)})
	w := warehouse.New(connect(t, s))
	warehousetest.Run(t, func(*testing.T) warehousetest.Harness {
		return warehousetest.Harness{Warehouse: w, Put: put, Read: get, Prefix: "gs://" + bucket + "/exports/"}
	})
}
