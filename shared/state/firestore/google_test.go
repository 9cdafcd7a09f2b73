package firestore_test

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"

	admin "cloud.google.com/go/firestore/apiv1/admin"
	"cloud.google.com/go/firestore/apiv1/admin/adminpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/b2brecs/b2brecs/shared/internal/gcp/gcptest"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/state/firestore"
	"github.com/b2brecs/b2brecs/shared/state/statetest"
)

// The suite in the project that gcptest knows, in a database that is made for it with
// its indexes and deleted after it; both take minutes. A database that
// B2BRECS_TEST_FIRESTORE names keeps what the suite writes.
func TestOnGoogleCloud(t *testing.T) {
	p := gcptest.Open(t)
	database := p.Firestore
	if database == "" {
		database = makeDatabase(t, p)
	}
	statetest.Run(t, func(t *testing.T) *state.DB {
		d, err := firestore.New(firestore.Options{Location: p.Location, Database: database, Shapes: suite, Client: p.Client("firestore")})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = d.Close() })
		return state.New(d)
	})
}

func makeDatabase(t *testing.T, p *gcptest.Project) string {
	t.Helper()
	ctx := t.Context()
	c, err := admin.NewFirestoreAdminClient(ctx, p.Client("firestore-admin")...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	id := p.Name("suite")
	name := "projects/" + p.Project + "/databases/" + id
	p.Cleanup(t, "database "+id, func(ctx context.Context) error {
		op, err := c.DeleteDatabase(ctx, &adminpb.DeleteDatabaseRequest{Name: name})
		if err != nil {
			return err
		}
		_, err = op.Wait(ctx)
		return err
	})
	made, err := c.CreateDatabase(ctx, &adminpb.CreateDatabaseRequest{Parent: "projects/" + p.Project, DatabaseId: id,
		Database: &adminpb.Database{LocationId: p.Region, Type: adminpb.Database_FIRESTORE_NATIVE}})
	if err == nil {
		_, err = made.Wait(ctx)
	}
	if err != nil {
		t.Fatal(err)
	}
	makeIndexes(t, c, name)
	return id
}

// makeIndexes makes what testdata/suite.indexes.json names, and waits for it.
func makeIndexes(t *testing.T, c *admin.FirestoreAdminClient, database string) {
	t.Helper()
	text, err := os.ReadFile("testdata/suite.indexes.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Indexes []struct {
			CollectionGroup, QueryScope string
			Fields                      []struct{ FieldPath, Order string }
		}
		FieldOverrides []struct {
			CollectionGroup, FieldPath string
			Indexes                    []struct{ Order, QueryScope string }
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	field := func(path, order string) []*adminpb.Index_IndexField {
		return []*adminpb.Index_IndexField{{FieldPath: path, ValueMode: &adminpb.Index_IndexField_Order_{
			Order: adminpb.Index_IndexField_Order(adminpb.Index_IndexField_Order_value[order])}}}
	}
	scope := func(s string) adminpb.Index_QueryScope {
		return adminpb.Index_QueryScope(adminpb.Index_QueryScope_value[s])
	}
	var waits []func() error
	for _, x := range file.Indexes {
		index := &adminpb.Index{QueryScope: scope(x.QueryScope)}
		for _, f := range x.Fields {
			index.Fields = append(index.Fields, field(f.FieldPath, f.Order)...)
		}
		op, err := c.CreateIndex(t.Context(), &adminpb.CreateIndexRequest{Parent: database + "/collectionGroups/" + x.CollectionGroup, Index: index})
		if err != nil {
			t.Fatal(err)
		}
		waits = append(waits, func() error { _, err := op.Wait(t.Context()); return err })
	}
	for _, x := range file.FieldOverrides {
		config := &adminpb.Field_IndexConfig{}
		for _, i := range x.Indexes {
			config.Indexes = append(config.Indexes, &adminpb.Index{QueryScope: scope(i.QueryScope), Fields: field(x.FieldPath, i.Order)})
		}
		op, err := c.UpdateField(t.Context(), &adminpb.UpdateFieldRequest{
			Field:      &adminpb.Field{Name: strings.Join([]string{database, "collectionGroups", x.CollectionGroup, "fields", x.FieldPath}, "/"), IndexConfig: config},
			UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"index_config"}}})
		if err != nil {
			t.Fatal(err)
		}
		waits = append(waits, func() error { _, err := op.Wait(t.Context()); return err })
	}
	for _, wait := range waits {
		if err := wait(); err != nil {
			t.Fatal(err)
		}
	}
}
