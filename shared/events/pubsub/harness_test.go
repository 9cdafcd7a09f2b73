package pubsub_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	client "cloud.google.com/go/pubsub/v2"
	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/api/option"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/events/pubsub"
	"github.com/b2brecs/b2brecs/shared/internal/gcp/gcptest"
	fake "github.com/b2brecs/b2brecs/shared/internal/gcpfake/pubsub"
)

// back is what a test runs on: a fake of its own, or the project that gcptest knows,
// with application default credentials of a Pub/Sub administrator.
type back struct {
	opt    pubsub.Options
	prefix string       // before the names of topics and subscriptions
	server *fake.Server // nil with a real project

	mu     sync.Mutex
	topics map[string]bool // by their full names, as are queues
	queues map[string]bool
}

func newBack(t *testing.T) *back {
	t.Helper()
	if !gcptest.Configured() {
		s := start(t)
		b := on(s.Options())
		b.server = s
		return b
	}
	p := gcptest.Open(t)
	b := on(p.Client("pubsub"))
	b.prefix = p.Name("")
	b.opt.Project, b.opt.PeekWait = p.Project, 5*time.Second
	if p.Emulated("pubsub") {
		b.opt.PeekWait = time.Second
	}
	t.Cleanup(func() { b.clean(t, p) })
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
func (b *back) clean(t *testing.T, p *gcptest.Project) {
	ctx := context.WithoutCancel(t.Context())
	c, err := client.NewClient(ctx, b.opt.Project, b.opt.Client...)
	if err != nil {
		t.Error(err)
		return
	}
	p.Cleanup(t, "a client", func(context.Context) error { return c.Close() })
	path := "projects/" + b.opt.Project
	for q := range b.queues {
		b.topics[pubsub.DeadName(q)] = true
		for _, n := range []string{q, pubsub.DeadName(q)} {
			p.Cleanup(t, "subscription "+n, func(ctx context.Context) error {
				return c.SubscriptionAdminClient.DeleteSubscription(ctx, &pb.DeleteSubscriptionRequest{Subscription: path + "/subscriptions/" + n})
			})
		}
	}
	for n := range b.topics {
		p.Cleanup(t, "topic "+n, func(ctx context.Context) error {
			return c.TopicAdminClient.DeleteTopic(ctx, &pb.DeleteTopicRequest{Topic: path + "/topics/" + n})
		})
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

// making makes topics and subscriptions at their first use, as Terraform does before,
// under names of the run.
type making struct {
	*pubsub.Driver
	b *back
}

func (b *back) bus(t testing.TB) *events.Bus { return events.New(making{b.driver(t), b}) }

func (m making) Publish(ctx context.Context, ms ...events.Message) error {
	ms = slices.Clone(ms)
	for i := range ms {
		ms[i].Topic = m.b.prefix + ms[i].Topic
		if err := m.topic(ctx, ms[i].Topic); err != nil {
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
	s.Name, s.Topic = m.b.prefix+s.Name, m.b.prefix+s.Topic
	if err := m.Ensure(ctx, queue(s.Name, s.Topic)); err != nil {
		return err
	}
	m.b.mu.Lock()
	m.b.topics[s.Topic], m.b.queues[s.Name] = true, true
	m.b.mu.Unlock()
	handle := s.Handler
	s.Handler = func(ctx context.Context, e events.Message) error {
		e.Topic = strings.TrimPrefix(e.Topic, m.b.prefix)
		return handle(ctx, e)
	}
	return m.Driver.Subscribe(s)
}

func (m making) DeadLetters(ctx context.Context, subscription string, limit int) ([]events.DeadLetter, error) {
	out, err := m.Driver.DeadLetters(ctx, m.b.prefix+subscription, limit)
	for i := range out {
		out[i].Subscription = strings.TrimPrefix(out[i].Subscription, m.b.prefix)
		out[i].Message.Topic = strings.TrimPrefix(out[i].Message.Topic, m.b.prefix)
	}
	return out, err
}

func (m making) Replay(ctx context.Context, subscription, id string) error {
	return m.Driver.Replay(ctx, m.b.prefix+subscription, id)
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
