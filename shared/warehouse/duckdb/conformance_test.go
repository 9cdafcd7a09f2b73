package duckdb_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/warehouse/duckdb"
	"github.com/b2brecs/b2brecs/shared/warehouse/warehousetest"
)

func open(t *testing.T, path string) *warehouse.Warehouse {
	t.Helper()
	d, err := duckdb.Open(path, duckdb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return warehouse.New(d)
}

func TestConformance(t *testing.T) {
	// The folder's name would be a pattern to the Parquet reader if it were not escaped.
	dir := filepath.Join(t.TempDir(), "it's [1]*")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	w := open(t, filepath.Join(dir, "warehouse.duckdb"))
	warehousetest.Run(t, func(*testing.T) warehousetest.Harness {
		return warehousetest.Harness{
			Warehouse: w,
			Put: func(t *testing.T, name string, data []byte) string {
				path := filepath.Join(dir, name)
				if err := os.WriteFile(path, data, 0o644); err != nil {
					t.Fatal(err)
				}
				return path
			},
			Read: func(t *testing.T, uri string) []byte {
				data, err := os.ReadFile(uri)
				if err != nil {
					t.Fatal(err)
				}
				return data
			},
			Prefix: dir + "/exports/",
		}
	})
}
