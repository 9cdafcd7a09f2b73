package cloudbox

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/storage"
	"google.golang.org/api/option"
	grpctransport "google.golang.org/api/transport/grpc"
	httptransport "google.golang.org/api/transport/http"

	"github.com/b2brecs/b2brecs/shared/internal/gcpfake/firestore"
	"github.com/b2brecs/b2brecs/shared/internal/gcpfake/iamcredentials"
	fakeoidc "github.com/b2brecs/b2brecs/shared/internal/gcpfake/oidc"
	fakepubsub "github.com/b2brecs/b2brecs/shared/internal/gcpfake/pubsub"
	"github.com/b2brecs/b2brecs/shared/internal/gcpfake/scheduler"
	"github.com/b2brecs/b2brecs/shared/internal/gcpfake/secretmanager"
	fakestorage "github.com/b2brecs/b2brecs/shared/internal/gcpfake/storage"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// startServices starts what holds data and carries messages.
func (b *Box) startServices(ctx context.Context) (err error) {
	if b.issuer, err = fakeoidc.Start(); err != nil {
		return err
	}
	b.onClose(b.issuer.Close)
	b.issuer.Account(functionsAccount)
	b.issuer.Register(fakeoidc.Client{ID: clientID, Redirects: []string{b.URL + "/sign-in/callback"}, AfterLogout: []string{b.URL + "/"}, Life: b.opts.TokenLife})
	b.issuer.Admit(fakeoidc.Person{Email: Owner, Name: "Owner"})
	b.issuer.Admit(fakeoidc.Person{Email: Colleague, Name: "Vera"})

	if b.pubsub, err = fakepubsub.Start(""); err != nil {
		return err
	}
	b.pubsub.Acknowledged = b.opts.Acknowledged
	b.onClose(b.pubsub.Close)
	b.services["pubsub"] = b.pubsub.Addr()

	documents, err := firestore.Start(firestore.Options{Project: place.Project, Indexes: b.opts.Indexes, Locks: true})
	if err != nil {
		return err
	}
	b.onClose(func() error { documents.Close(); return nil })
	if b.services["firestore"], err = grpcAddress(ctx, documents.Client()); err != nil {
		return err
	}

	secrets, err := secretmanager.Start("", place.Project)
	if err != nil {
		return err
	}
	b.onClose(secrets.Close)
	b.services["secretmanager"] = secrets.Addr()

	if b.signers, err = iamcredentials.Start("", functionsAccount); err != nil {
		return err
	}
	b.onClose(b.signers.Close)
	b.services["iamcredentials"] = b.signers.Addr()

	clock, err := scheduler.Start(ctx, scheduler.Options{Location: place, Token: b.serviceToken})
	if err != nil {
		return err
	}
	b.onClose(clock.Close)
	b.services["scheduler"] = clock.Addr()
	return b.startStorage(ctx)
}

func (b *Box) startStorage(ctx context.Context) (err error) {
	b.storage, err = fakestorage.Start(fakestorage.Options{
		Buckets: []string{buckets[objects.Uploads], buckets[objects.Staging], buckets[objects.Pipelines]},
		Notify:  b.finalized,
		Signers: b.signers.Public(),
		Fault: func(r *http.Request) fakestorage.Fault { // the one place that sees deletions
			if err := b.mirror.observe(r); err != nil {
				b.opts.Log.ErrorContext(r.Context(), "a deleted object keeps its file", "path", r.URL.Path, "error", err)
				return fakestorage.Fault{Before: http.StatusServiceUnavailable}
			}
			return fakestorage.Fault{}
		},
	})
	if err != nil {
		return err
	}
	b.onClose(b.storage.Close)
	if b.services["storage"], err = httpAddress(ctx, b.storage.Options()); err != nil {
		return err
	}
	client, err := storage.NewClient(ctx, append([]option.ClientOption{storage.WithXMLReads()}, b.storage.Options()...)...)
	if err != nil {
		return err
	}
	b.onClose(client.Close)
	b.mirror, err = newMirror(b.path("objects"), client, buckets[objects.Staging], buckets[objects.Pipelines])
	return err
}

// finalized does what follows the writing of an object: its file, where engines read
// it, and the notification of its bucket.
func (b *Box) finalized(ctx context.Context, n fakestorage.Notification) {
	if err := b.mirror.finalized(ctx, n); err != nil {
		b.opts.Log.ErrorContext(ctx, "an object has no file", "object", n.Attributes["objectId"], "error", err)
	}
	i := slices.IndexFunc(b.catalog, func(f entry) bool { return f.Bucket != "" && buckets[f.Bucket] == n.Attributes["bucketId"] })
	if i < 0 {
		return // the bucket has no notification
	}
	if err := b.publish(ctx, b.catalog[i].source, n.Data, n.Attributes); err != nil {
		b.opts.Log.ErrorContext(ctx, "a notification is lost", "object", n.Attributes["objectId"], "error", err)
	}
}

// sink does what the log sink of the pipelines does.
func (b *Box) sink(ctx context.Context) func(entry []byte) {
	return func(entry []byte) {
		if err := b.publish(ctx, pipeline.LogTopic, entry, nil); err != nil {
			b.opts.Log.ErrorContext(ctx, "a log entry is lost", "error", err)
		}
	}
}

// publish sends what a service of Google's sends, which is no event of the product's.
func (b *Box) publish(ctx context.Context, topic string, data []byte, attributes map[string]string) error {
	_, err := b.pubsub.Publish(ctx, &pb.PublishRequest{Topic: "projects/" + place.Project + "/topics/" + topic,
		Messages: []*pb.PubsubMessage{{Data: data, Attributes: attributes}}})
	return err
}

// serviceToken signs the token of a service account of the installation's, for an
// address of the installation's.
func (b *Box) serviceToken(_ context.Context, account, audience string) (string, error) {
	if audience != b.functionsURL() && !strings.HasPrefix(audience, b.functionsURL()+"/") {
		return "", problem.New(problem.PermissionDenied, "a service asks for a token for %q, which is not this installation", audience)
	}
	return b.issuer.ServiceToken(account, audience)
}

// grpcAddress gives the host and port that client options lead to.
func grpcAddress(ctx context.Context, o []option.ClientOption) (string, error) {
	c, err := grpctransport.Dial(ctx, o...)
	if err != nil {
		return "", err
	}
	return strings.TrimPrefix(c.Target(), "dns:///"), c.Close()
}

// httpAddress gives the base that client options lead to.
func httpAddress(ctx context.Context, o []option.ClientOption) (string, error) {
	_, endpoint, err := httptransport.NewClient(ctx, o...)
	if err == nil && endpoint == "" {
		err = errors.New("a fake does not say where it is")
	}
	return endpoint, err
}
