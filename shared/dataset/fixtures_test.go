package dataset_test

import (
	"context"
	"flag"
	"path/filepath"
	"testing"
	"time"

	"github.com/b2brecs/b2brecs/shared/dataset"
	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/events/sqlite"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/objects/folder"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/warehouse/duckdb"
	"github.com/b2brecs/b2brecs/shared/warehouse/warehousetest"
)

var update = flag.Bool("update", false, "rewrite golden files")

var (
	sales     = warehouse.Ref{Dataset: warehouse.Raw, Name: "sales"}
	products  = warehouse.Ref{Dataset: warehouse.Raw, Name: "products"}
	customers = warehouse.Ref{Dataset: warehouse.Raw, Name: "customers"}
	now       = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

func schemas() dataset.Schemas {
	return dataset.Schemas{
		sales: {
			{Name: "id", Type: warehouse.Int64}, {Name: "customer_no", Type: warehouse.Int64}, {Name: "item_no", Type: warehouse.String},
			{Name: "sold_at", Type: warehouse.Timestamp}, {Name: "amount", Type: warehouse.Numeric}, {Name: "paid", Type: warehouse.Bool},
			{Name: "note", Type: warehouse.JSON}, {Name: "tags", Type: warehouse.String, Repeated: true},
		},
		products: {
			{Name: "item_no", Type: warehouse.String}, {Name: "name", Type: warehouse.String}, {Name: "price", Type: warehouse.Float64},
			{Name: "since", Type: warehouse.Date}, {Name: "opens", Type: warehouse.Time},
		},
		customers: {{Name: "customer_no", Type: warehouse.String}, {Name: "City", Type: warehouse.String}, {Name: "id", Type: warehouse.Int64}},
	}
}

func col(t warehouse.Ref, name string) dataset.Column { return dataset.Column{Table: t, Column: name} }

// base is the definition most tests vary.
func base() dataset.Definition {
	return dataset.Definition{
		Primary: sales,
		Columns: []dataset.Column{col(sales, "customer_no"), col(sales, "item_no"), col(sales, "sold_at"), col(sales, "amount")},
		Roles:   map[dataset.Role]string{dataset.Customer: "customer_no", dataset.Product: "item_no", dataset.Time: "sold_at", dataset.Value: "amount"},
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	warehousetest.Same(t, filepath.Join("testdata", name), got, *update)
}

func open(t testing.TB) *warehouse.Warehouse {
	t.Helper()
	d, err := duckdb.Open("", duckdb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return warehouse.New(d)
}

// pipelines gives a bucket in a fresh folder.
func pipelines(t testing.TB) *objects.Bucket {
	t.Helper()
	dir := t.TempDir()
	queue, err := sqlite.Open(filepath.Join(dir, "events.db"))
	must(t, err)
	bus := events.New(queue)
	t.Cleanup(func() { _ = bus.Close(context.WithoutCancel(t.Context())) })
	drv, err := folder.Open(objects.Pipelines, filepath.Join(dir, "pipelines"), bus)
	must(t, err)
	return objects.NewBucket(objects.Pipelines, drv)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
