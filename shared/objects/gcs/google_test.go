package gcs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"cloud.google.com/go/iam/apiv1/iampb"
	credentials "cloud.google.com/go/iam/credentials/apiv1"
	"cloud.google.com/go/iam/credentials/apiv1/credentialspb"
	pubsub "cloud.google.com/go/pubsub/v2"
	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/storage"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/events/cloudevent"
	"github.com/b2brecs/b2brecs/shared/internal/gcp/gcptest"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/objects/objectstest"
)

// The suite in the project that gcptest knows: a bucket for each case, whose
// announcements come by a topic. It costs cents at most.
func TestOnGoogleCloud(t *testing.T) {
	p := gcptest.Open(t)
	ctx := t.Context()
	buckets, err := storage.NewClient(ctx, p.Client("storage")...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = buckets.Close() })
	messages, err := pubsub.NewClient(ctx, p.Project, p.Client("pubsub")...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = messages.Close() })
	signer := signBlob(t, p)
	n := 0
	objectstest.Run(t, func(t *testing.T) (*objects.Bucket, *events.Bus) {
		n++
		name := p.Name(fmt.Sprint("objects-", n))
		b := p.Bucket(t, buckets, name)
		subscription := announced(t, p, messages, buckets, b, name)
		bus := newBus(t)
		relay(t, messages, subscription, name, bus)
		return newBucket(t, Options{Bucket: name, Signer: signer, Client: p.Client("storage")}), bus
	})
}

// signBlob signs as the tests' account; without one SignedUpload is refused, which the
// suite takes.
func signBlob(t *testing.T, p *gcptest.Project) Signer {
	t.Helper()
	if p.Account == "" || p.Emulated("storage") {
		t.Log("no upload address is signed: there is no account, or no Google")
		return Signer{}
	}
	c, err := credentials.NewIamCredentialsClient(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return Signer{Account: p.Account, Sign: func(ctx context.Context, payload []byte) ([]byte, error) {
		reply, err := c.SignBlob(ctx, &credentialspb.SignBlobRequest{Name: "projects/-/serviceAccounts/" + p.Account, Payload: payload})
		return reply.GetSignedBlob(), err
	}}
}

// announced makes a topic of a bucket's objects, and gives a subscription to it.
func announced(t *testing.T, p *gcptest.Project, c *pubsub.Client, buckets *storage.Client, b *storage.BucketHandle, name string) string {
	t.Helper()
	ctx := t.Context()
	topic, subscription := "projects/"+p.Project+"/topics/"+name, "projects/"+p.Project+"/subscriptions/"+name
	p.Cleanup(t, "topic "+name, func(ctx context.Context) error {
		return c.TopicAdminClient.DeleteTopic(ctx, &pb.DeleteTopicRequest{Topic: topic})
	})
	if _, err := c.TopicAdminClient.CreateTopic(ctx, &pb.Topic{Name: topic, Labels: p.Labels()}); err != nil {
		t.Fatal(err)
	}
	if !p.Emulated("pubsub") {
		// https://cloud.google.com/storage/docs/reporting-changes#prereqs
		agent, err := buckets.ServiceAccount(ctx, p.Project)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.TopicAdminClient.SetIamPolicy(ctx, &iampb.SetIamPolicyRequest{Resource: topic, Policy: &iampb.Policy{
			Bindings: []*iampb.Binding{{Role: "roles/pubsub.publisher", Members: []string{"serviceAccount:" + agent}}}}}); err != nil {
			t.Fatal(err)
		}
	}
	p.Cleanup(t, "subscription "+name, func(ctx context.Context) error {
		return c.SubscriptionAdminClient.DeleteSubscription(ctx, &pb.DeleteSubscriptionRequest{Subscription: subscription})
	})
	if _, err := c.SubscriptionAdminClient.CreateSubscription(ctx, &pb.Subscription{Name: subscription, Topic: topic, AckDeadlineSeconds: 30, Labels: p.Labels()}); err != nil {
		t.Fatal(err)
	}
	// A binding is seen after seconds, sometimes a minute.
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(5 * time.Second) {
		_, err := b.AddNotification(ctx, &storage.Notification{TopicProjectID: p.Project, TopicID: name,
			PayloadFormat: storage.JSONPayload, EventTypes: []string{storage.ObjectFinalizeEvent}})
		if err == nil {
			return subscription
		}
		if time.Now().After(deadline) {
			t.Fatalf("the bucket announces nothing: %v", err)
		}
	}
}

// relay carries announcements to the bus as a push would bring them.
func relay(t *testing.T, c *pubsub.Client, subscription, bucket string, bus *events.Bus) {
	d := cloudevent.Decoder{Buckets: map[string]string{bucket: objects.Uploads}}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	t.Cleanup(func() { cancel(); <-done })
	one := func(m *pb.ReceivedMessage) error {
		body, err := json.Marshal(map[string]any{"subscription": subscription, "message": map[string]any{
			"attributes": m.Message.Attributes, "data": m.Message.Data, "messageId": m.Message.MessageId, "publishTime": m.Message.PublishTime.AsTime()}})
		if err != nil {
			return err
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://function/", bytes.NewReader(body))
		if err != nil {
			return err
		}
		pushed, err := d.FromRequest(r)
		if err != nil {
			return err
		}
		return bus.PublishMessages(ctx, pushed)
	}
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			reply, err := c.SubscriptionAdminClient.Pull(ctx, &pb.PullRequest{Subscription: subscription, MaxMessages: 100})
			if err != nil {
				if ctx.Err() == nil {
					t.Logf("pull: %v", err)
					time.Sleep(time.Second)
				}
				continue
			}
			var ids []string
			for _, m := range reply.ReceivedMessages {
				if err := one(m); err != nil && ctx.Err() == nil {
					t.Errorf("an announcement: %v", err)
				}
				ids = append(ids, m.AckId)
			}
			if len(ids) == 0 {
				continue
			}
			if err := c.SubscriptionAdminClient.Acknowledge(ctx, &pb.AcknowledgeRequest{Subscription: subscription, AckIds: ids}); err != nil && ctx.Err() == nil {
				t.Logf("acknowledge: %v", err) // they come again
			}
		}
	}()
}
