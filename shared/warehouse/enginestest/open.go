// Package enginestest starts DuckDB and what stands for BigQuery side by side, for tests
// that compare the two: the official client, the strict server, and bqemulator's SQL.
//
// It refuses to be an oracle: bqemulator is DuckDB behind a translation of GoogleSQL.
// It shows where the translation of a statement means something else than the statement
// in DuckDB's dialect: order of NULL, empty arrays, ends of the calendar, digits. Where
// DuckDB itself has another way than BigQuery, as with the text of a FLOAT64, both
// sides have it. It has no GEOGRAPHY; what it gets wrong otherwise, and the product's
// statements need, is put right in gcpfake/bigquery/emulator/run.py.
package enginestest

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"

	"github.com/b2brecs/b2brecs/shared/internal/gcp"
	fake "github.com/b2brecs/b2brecs/shared/internal/gcpfake/bigquery"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/warehouse/bigquery"
	"github.com/b2brecs/b2brecs/shared/warehouse/duckdb"
	"github.com/b2brecs/b2brecs/shared/warehouse/warehousetest"
)

const (
	project = "acme-b2brecs"
	region  = "europe-west1"
	bucket  = "acme-staging"
)

// Pair is both engines, empty.
type Pair struct {
	DuckDB, BigQuery *warehouse.Warehouse
	put              func(file string) string
}

// Twin makes them one.
func (p Pair) Twin(t testing.TB) *warehousetest.Twin {
	return warehousetest.NewTwin(t, p.DuckDB.Driver, p.BigQuery.Driver, p.put)
}

// Open starts both until the test ends; bqemulator takes some seconds. It skips the
// test where there is no Python with bqemulator.
func Open(t testing.TB) Pair {
	t.Helper()
	if fake.Python() == "" {
		t.Skip("SKIPPED: no Python with bqemulator; scripts/python-env --bqemulator makes one, or " + fake.PythonEnv + " names one")
	}
	duck, err := duckdb.Open("", duckdb.Options{})
	check(t, err)
	closes(t, duck)
	folder := t.TempDir()
	objects := filepath.Join(folder, bucket)
	check(t, os.Mkdir(objects, 0o755))
	ctx := context.WithoutCancel(t.Context()) // they end in their turn
	sql, err := fake.StartEmulator(ctx, fake.Python(), folder)
	check(t, err)
	closes(t, sql)
	s, err := fake.Start(ctx, fake.Options{Project: project, Location: region, Engine: sql})
	check(t, err)
	closes(t, s)
	big, err := bigquery.New(bigquery.Options{
		Location: gcp.Location{Project: project, Region: region}, Client: s.ClientOptions(),
		Bucket: func(_ context.Context, name string) (*blob.Bucket, error) {
			if name != bucket {
				return nil, problem.New(problem.NotFound, "there is no bucket %s", name)
			}
			return fileblob.OpenBucket(objects, &fileblob.Options{Metadata: fileblob.MetadataDontWrite, NoTempDir: true})
		},
	})
	check(t, err)
	closes(t, big)
	return Pair{warehouse.New(duck), warehouse.New(big), func(file string) string {
		data, err := os.ReadFile(file)
		check(t, err)
		name := state.NewID() + ".parquet"
		check(t, os.WriteFile(filepath.Join(objects, name), data, 0o600))
		return "gs://" + bucket + "/" + name
	}}
}

func closes(t testing.TB, c io.Closer) {
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
