package verify

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/storage"

	"github.com/b2brecs/b2brecs/shared/internal/gcp"
	"github.com/b2brecs/b2brecs/shared/internal/gcp/gcptest"
	"github.com/b2brecs/b2brecs/shared/internal/gcpfake/firestore"
	"github.com/b2brecs/b2brecs/shared/internal/gcpfake/pubsub"
	"github.com/b2brecs/b2brecs/shared/internal/gcpfake/scheduler"
	"github.com/b2brecs/b2brecs/shared/internal/gcpfake/secretmanager"
	fakestorage "github.com/b2brecs/b2brecs/shared/internal/gcpfake/storage"
)

// Emulators are fakes of the services that a suite can use from another process: it
// runs there by the same path as on Google. The other suites start fakes of their own.
type Emulators struct {
	gcp.Location
	Addresses map[string]string // by service of gcptest.EmulatorsVar

	pubsub  *pubsub.Server
	buckets *storage.Client
	close   []func() error
}

// fakeDatabase is a database that has the indexes of the suite.
const fakeDatabase = "suite"

// StartEmulators starts the fakes; root is the repository's.
func StartEmulators(ctx context.Context, root string) (_ *Emulators, err error) {
	e := &Emulators{Location: gcp.Location{Project: "b2brecs-verification", Region: "europe-west4"}, Addresses: map[string]string{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.Close())
		}
	}()
	indexes, err := os.ReadFile(filepath.Join(root, "shared/state/firestore/testdata/suite.indexes.json"))
	if err != nil {
		return nil, err
	}
	documents, err := firestore.Start(firestore.Options{Project: e.Project, Database: fakeDatabase, Indexes: indexes})
	if err != nil {
		return nil, err
	}
	e.close = append(e.close, func() error { documents.Close(); return nil })
	e.Addresses["firestore"] = documents.Addr()
	if e.pubsub, err = pubsub.Start(""); err != nil {
		return nil, err
	}
	e.close = append(e.close, e.pubsub.Close)
	e.Addresses["pubsub"] = e.pubsub.Addr()
	secrets, err := secretmanager.Start("", e.Project)
	if err != nil {
		return nil, err
	}
	e.close = append(e.close, secrets.Close)
	e.Addresses["secretmanager"] = secrets.Addr()
	clock, err := scheduler.Start(ctx, scheduler.Options{Location: e.Location,
		Token: func(_ context.Context, account, audience string) (string, error) {
			return account + " for " + audience, nil
		}})
	if err != nil {
		return nil, err
	}
	e.close = append(e.close, clock.Close)
	e.Addresses["scheduler"] = clock.Addr()
	objects, err := fakestorage.Start(fakestorage.Options{Notify: e.announce})
	if err != nil {
		return nil, err
	}
	e.close = append(e.close, objects.Close)
	e.Addresses["storage"] = objects.URL() + "/storage/v1/"
	if e.buckets, err = storage.NewClient(ctx, objects.Options()...); err != nil {
		return nil, err
	}
	e.close = append(e.close, e.buckets.Close)
	return e, nil
}

// announce does what a bucket's own notification does.
func (e *Emulators) announce(ctx context.Context, n fakestorage.Notification) {
	bucket := n.Attributes["bucketId"]
	list, err := e.buckets.Bucket(bucket).Notifications(ctx)
	for _, c := range list {
		topic := "projects/" + c.TopicProjectID + "/topics/" + c.TopicID
		_, e := e.pubsub.Publish(ctx, &pb.PublishRequest{Topic: topic, Messages: []*pb.PubsubMessage{{Data: n.Data, Attributes: n.Attributes}}})
		err = errors.Join(err, e)
	}
	if err != nil { // the suite waits for what does not come, and fails
		fmt.Fprintf(os.Stderr, "verify: an object of %s is not announced: %v\n", bucket, err)
	}
}

// Env gives the variables that lead the suites to the fakes.
func (e *Emulators) Env() []string {
	var list []string
	for _, service := range slices.Sorted(maps.Keys(e.Addresses)) {
		list = append(list, service+"="+e.Addresses[service])
	}
	return []string{gcptest.FirestoreVar + "=" + fakeDatabase, gcptest.EmulatorsVar + "=" + strings.Join(list, ","),
		gcptest.AccountVar + "=verify@" + e.Project + ".iam.gserviceaccount.com"}
}

// Close ends the fakes.
func (e *Emulators) Close() error {
	var err error
	for _, c := range slices.Backward(e.close) {
		err = errors.Join(err, c())
	}
	return err
}
