package pubsub_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	client "cloud.google.com/go/pubsub/v2"
	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/api/option"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/events/pubsub"
	fake "github.com/b2brecs/b2brecs/shared/internal/gcpfake/pubsub"
)

// projectEnv names a Google Cloud project: with it, and application default
// credentials of a Pub/Sub administrator, the suites run there instead of on the fake.
// What they make they delete.
const projectEnv = "B2BRECS_TEST_PROJECT"

// back is what a test runs on.
type back struct {
	opt    pubsub.Options
	server *fake.Server // nil with a real project

	mu     sync.Mutex
	topics map[string]bool
	queues map[string]bool
}

func newBack(t *testing.T) *back {
	t.Helper()
	p := os.Getenv(projectEnv)
	if p == "" {
		s := start(t)
		b := on(s.Options())
		b.server = s
		return b
	}
	b := on(nil)
	b.opt.Project, b.opt.PeekWait = p, 5*time.Second
	t.Cleanup(func() { b.clean(t) })
	return b
}

func on(options []option.ClientOption) *back {
	return &back{topics: map[string]bool{}, queues: map[string]bool{}, opt: pubsub.Options{
		Project: "test-project", PeekWait: 150 * time.Millisecond, Client: options, Log: slog.New(slog.DiscardHandler),
	}}
}

// local gives a driver on the fake, whatever the environment says.
func local(t *testing.T) (*back, *pubsub.Driver) {
	t.Helper()
	t.Parallel()
	s := start(t)
	b := on(s.Options())
	b.server = s
	d := b.driver(t)
	t.Cleanup(func() { closeDriver(t, d) })
	return b, d
}

func start(t *testing.T) *fake.Server {
	t.Helper()
	s, err := fake.Start("")
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

// clean deletes what was made in a real project.
func (b *back) clean(t *testing.T) {
	ctx := context.WithoutCancel(t.Context())
	c, err := client.NewClient(ctx, b.opt.Project, b.opt.Client...)
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	path := "projects/" + b.opt.Project
	for q := range b.queues {
		for _, n := range []string{q, pubsub.DeadName(q)} {
			if err := c.SubscriptionAdminClient.DeleteSubscription(ctx, &pb.DeleteSubscriptionRequest{Subscription: path + "/subscriptions/" + n}); err != nil {
				t.Error(err)
			}
		}
		b.topics[pubsub.DeadName(q)] = true
	}
	for n := range b.topics {
		if err := c.TopicAdminClient.DeleteTopic(ctx, &pb.DeleteTopicRequest{Topic: path + "/topics/" + n}); err != nil {
			t.Error(err)
		}
	}
}

func (b *back) driver(t testing.TB) *pubsub.Driver {
	t.Helper()
	d, err := pubsub.New(b.opt)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// making makes topics and subscriptions at their first use, as Terraform does before.
type making struct {
	*pubsub.Driver
	b *back
}

func (b *back) bus(t testing.TB) *events.Bus { return events.New(making{b.driver(t), b}) }

func (m making) Publish(ctx context.Context, ms ...events.Message) error {
	for _, e := range ms {
		if err := m.topic(ctx, e.Topic); err != nil {
			return err
		}
	}
	return m.Driver.Publish(ctx, ms...)
}

func (m making) topic(ctx context.Context, topic string) error {
	m.b.mu.Lock()
	defer m.b.mu.Unlock()
	if m.b.topics[topic] {
		return nil
	}
	if err := m.EnsureTopic(ctx, topic); err != nil {
		return err
	}
	m.b.topics[topic] = true
	return nil
}

func (m making) Subscribe(s events.Subscription) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := m.Ensure(ctx, queue(s.Name, s.Topic)); err != nil {
		return err
	}
	m.b.mu.Lock()
	m.b.topics[s.Topic], m.b.queues[s.Name] = true, true
	m.b.mu.Unlock()
	return m.Driver.Subscribe(s)
}

func queue(name, topic string) pubsub.Queue {
	return pubsub.Queue{Name: name, Topic: topic, MinBackoff: 20 * time.Millisecond, MaxBackoff: time.Second}
}

func closeDriver(t *testing.T, d interface{ Close(context.Context) error }) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
	defer cancel()
	if err := d.Close(ctx); err != nil {
		t.Error(err)
	}
}

// payloads compares payloads as a whole: large ones take cmp seconds by the byte.
var payloads = cmp.Comparer(func(a, b json.RawMessage) bool { return bytes.Equal(a, b) })

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}
