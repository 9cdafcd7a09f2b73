package bigquery_test

import (
	"context"
	"strings"
	"testing"

	bq "cloud.google.com/go/bigquery"
	"cloud.google.com/go/storage"
	"gocloud.dev/blob"
	"google.golang.org/api/iterator"

	"github.com/b2brecs/b2brecs/shared/internal/gcp/gcptest"
	"github.com/b2brecs/b2brecs/shared/objects/gcs"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/warehouse/bigquery"
	"github.com/b2brecs/b2brecs/shared/warehouse/warehousetest"
)

// The suite in the project that gcptest knows, in a bucket of its own and in tables of
// the run. The datasets stay, and in them the ledger's rows and staging tables, which
// expire. It scans megabytes, hence costs nothing beyond the least there is to pay.
func TestOnGoogleCloud(t *testing.T) {
	p := gcptest.Open(t)
	name := p.Name("warehouse")
	client, err := storage.NewClient(t.Context(), p.Client("storage")...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	p.Bucket(t, client, name)
	open := func(_ context.Context, name string) (*blob.Bucket, error) {
		d, err := gcs.New(gcs.Options{Bucket: name, Client: p.Client("storage")})
		if err != nil {
			return nil, err
		}
		return d.Blob(), nil
	}
	objects, err := open(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	d, err := bigquery.New(bigquery.Options{Location: p.Location, Bucket: open, Client: p.Client("bigquery")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if err := objects.Close(); err != nil {
			t.Error(err)
		}
	})
	warehousetest.Tables = strings.ReplaceAll(p.Name(""), "-", "_")
	dropTables(t, p, warehousetest.Tables)
	root := "gs://" + name + "/"
	warehousetest.Run(t, func(*testing.T) warehousetest.Harness {
		return warehousetest.Harness{
			Warehouse: warehouse.New(d),
			Put: func(t *testing.T, key string, data []byte) string {
				if err := objects.WriteAll(t.Context(), key, data, nil); err != nil {
					t.Fatal(err)
				}
				return root + key
			},
			Read: func(t *testing.T, uri string) []byte {
				data, err := objects.ReadAll(t.Context(), strings.TrimPrefix(uri, root))
				if err != nil {
					t.Fatal(err)
				}
				return data
			},
			Prefix: root + "exports/",
		}
	})
}

// dropTables drops, at the end, what a case that failed half-way did not.
func dropTables(t *testing.T, p *gcptest.Project, prefix string) {
	t.Helper()
	c, err := bq.NewClient(t.Context(), p.Project, p.Client("bigquery")...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	p.Cleanup(t, "tables", func(ctx context.Context) error {
		it := c.Dataset(warehouse.Raw).Tables(ctx)
		for {
			table, err := it.Next()
			if err == iterator.Done { //nolint:errorlint // the client's own end
				return nil
			}
			if err != nil {
				return err
			}
			if strings.HasPrefix(table.TableID, prefix) {
				if err := table.Delete(ctx); err != nil {
					return err
				}
			}
		}
	})
}
