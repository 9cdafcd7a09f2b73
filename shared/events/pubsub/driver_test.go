package pubsub_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	client "cloud.google.com/go/pubsub/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/events/pubsub"
	"github.com/b2brecs/b2brecs/shared/problem"
)

func raw(t *testing.T, b *back) *client.Client {
	t.Helper()
	c, err := client.NewClient(t.Context(), b.opt.Project, b.opt.Client...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// inbox collects what a subscription handles.
type inbox struct {
	mu sync.Mutex
	ms []events.Message
}

func (i *inbox) all() []events.Message {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]events.Message(nil), i.ms...)
}

func (i *inbox) subscribe(t *testing.T, d *pubsub.Driver, s events.Subscription, handle events.Handler) {
	t.Helper()
	s.Handler = func(ctx context.Context, m events.Message) error {
		i.mu.Lock()
		i.ms = append(i.ms, m)
		i.mu.Unlock()
		return handle(ctx, m)
	}
	if err := events.New(d).Subscribe(s); err != nil {
		t.Fatal(err)
	}
}

func nothing(context.Context, events.Message) error { return nil }

func TestOptions(t *testing.T) {
	_, err := pubsub.New(pubsub.Options{Project: "Not A Project", PeekWait: -1})
	if p := problem.Of(err); !problem.Is(err, problem.InvalidArgument) || len(p.Fields) != 2 {
		t.Fatalf("%v %+v", err, p)
	}
	d, err := pubsub.New(pubsub.Options{Project: "nobody-answers"}) // no credentials, no network: nothing is dialled
	if err != nil {
		t.Fatal(err)
	}
	closeDriver(t, d)
	closeDriver(t, d)
	if err := d.Publish(t.Context(), message("tp-any", "x")); !problem.Is(err, problem.Unavailable) {
		t.Errorf("publish after close: %v", err)
	}
	if err := d.Subscribe(events.Subscription{Name: "any"}); !problem.Is(err, problem.Unavailable) {
		t.Errorf("subscribe after close: %v", err)
	}
}

// A reply that is lost, and a service that is away, are retried by the client: the
// event comes, perhaps twice, and its handler sees the same id.
func TestLostReply(t *testing.T) {
	for _, after := range []bool{false, true} {
		t.Run(fmt.Sprint(after), func(t *testing.T) {
			b, d := local(t)
			ensure(t, d, queue("lost", "tp-lost"))
			var calls atomic.Int32
			b.server.Fail(func(method string, done bool) error {
				if method == "Publish" && done == after && calls.Add(1) == 1 {
					return status.Error(codes.Unavailable, "connection reset")
				}
				return nil
			})
			publish(t, d, message("tp-lost", "x"))
			var in inbox
			in.subscribe(t, d, events.Subscription{Name: "lost", Topic: "tp-lost"}, nothing)
			want := 1
			if after {
				want = 2
			}
			eventually(t, "the event", func() bool { return len(in.all()) == want })
			for _, m := range in.all() {
				if m.ID != "x" || m.Attempt != 1 {
					t.Errorf("%+v", m)
				}
			}
		})
	}
}

// A failure to publish pauses nothing: later events of the key are published.
func TestPublishAfterFailure(t *testing.T) {
	b, d := local(t)
	ensure(t, d, queue("resumes", "tp-key"))
	b.server.Fail(func(method string, _ bool) error {
		if method == "Publish" {
			return status.Error(codes.PermissionDenied, "no role")
		}
		return nil
	})
	m := message("tp-key", "1")
	m.Key = "k"
	if err := d.Publish(t.Context(), m); !problem.Is(err, problem.PermissionDenied) {
		t.Fatal(err)
	}
	b.server.Fail(nil)
	second := m
	second.ID = "2"
	publish(t, d, m, second)
	var in inbox
	in.subscribe(t, d, events.Subscription{Name: "resumes", Topic: "tp-key", Concurrency: 4}, nothing)
	eventually(t, "both", func() bool { return len(in.all()) == 2 })
	if ms := in.all(); ms[0].ID != "1" || ms[1].ID != "2" {
		t.Errorf("%+v", ms)
	}
}

// Batches are cut at Pub/Sub's limits of messages and of bytes, in order.
func TestBatches(t *testing.T) {
	b, d := local(t)
	ensure(t, d, queue("batches", "tp-batch"))
	if err := d.EnsureTopic(t.Context(), "tp-other"); err != nil {
		t.Fatal(err)
	}
	var requests atomic.Int32
	b.server.Fail(func(method string, after bool) error {
		if method == "Publish" && !after {
			requests.Add(1)
		}
		return nil
	})
	for _, c := range []struct{ messages, bytes, requests int }{{2500, 10, 3}, {45, events.MaxDataBytes - 2, 3}} {
		requests.Store(0)
		ms := make([]events.Message, c.messages)
		for i := range ms {
			ms[i] = message("tp-batch", fmt.Sprint(c.bytes, "-", i))
			ms[i].Data = []byte(`"` + strings.Repeat("x", c.bytes) + `"`)
		}
		publish(t, d, ms...)
		if n := requests.Load(); int(n) != c.requests {
			t.Errorf("%d messages of %d bytes took %d requests, want %d", c.messages, c.bytes, n, c.requests)
		}
	}
	requests.Store(0)
	publish(t, d, message("tp-batch", "a"), message("tp-other", "b"), message("tp-batch", "c"))
	if n := requests.Load(); n != 2 {
		t.Errorf("two topics took %d requests", n)
	}
	var in inbox
	in.subscribe(t, d, events.Subscription{Name: "batches", Topic: "tp-batch", Concurrency: 20}, nothing)
	eventually(t, "all", func() bool { return len(in.all()) == 2500+45+2 })
}

func TestErrors(t *testing.T) {
	b, d := local(t)
	for code, want := range map[codes.Code]problem.Code{
		codes.PermissionDenied: problem.PermissionDenied, codes.Unauthenticated: problem.Unauthenticated,
		codes.FailedPrecondition: problem.FailedPrecondition, codes.InvalidArgument: problem.InvalidArgument,
	} {
		b.server.Fail(func(string, bool) error { return status.Error(code, "x") })
		if err := d.Publish(t.Context(), message("tp-none", "x")); !problem.Is(err, want) {
			t.Errorf("%s: publish gives %v", code, err)
		}
		if err := d.Replay(t.Context(), "any", "x"); !problem.Is(err, want) {
			t.Errorf("%s: replay gives %v", code, err)
		}
		if err := d.Ensure(t.Context(), queue("any", "tp-none")); !problem.Is(err, want) {
			t.Errorf("%s: ensure gives %v", code, err)
		}
	}
	b.server.Fail(func(string, bool) error { return status.Error(codes.Unavailable, "away") })
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := d.Publish(ctx, message("tp-none", "x")); !problem.Is(err, problem.Unavailable) {
		t.Errorf("a service that stays away: %v", err)
	}
	b.server.Fail(nil)
	if err := d.Publish(t.Context(), message("tp-none", "x")); !problem.Is(err, problem.NotFound) {
		t.Errorf("unknown topic: %v", err)
	}
	if err := d.Publish(t.Context(), message("goog-topic", "x")); !problem.Is(err, problem.InvalidArgument) {
		t.Errorf("reserved name: %v", err)
	}
	long := message("tp-none", "x")
	long.Type = strings.Repeat("t", 1025)
	if err := d.EnsureTopic(t.Context(), "tp-none"); err != nil {
		t.Fatal(err)
	}
	if err := d.Publish(t.Context(), long); !problem.Is(err, problem.InvalidArgument) {
		t.Errorf("attribute over the limit: %v", err)
	}
}

// Ensure again changes nothing; a subscription of another kind is not taken for it.
func TestEnsureAgain(t *testing.T) {
	_, d := local(t)
	q := queue("twice", "tp-twice")
	publishBefore := func(id string) {
		if err := d.EnsureTopic(t.Context(), q.Topic); err != nil {
			t.Fatal(err)
		}
		publish(t, d, message(q.Topic, id))
	}
	publishBefore("before")
	ensure(t, d, q)
	var in inbox
	in.subscribe(t, d, events.Subscription{Name: q.Name, Topic: q.Topic}, nothing)
	eventually(t, "the event from before", func() bool { return len(in.all()) == 1 })
	time.Sleep(300 * time.Millisecond) // acknowledged
	ensure(t, d, q)
	publish(t, d, message(q.Topic, "after"))
	eventually(t, "the event from after", func() bool { return len(in.all()) > 1 })
	time.Sleep(100 * time.Millisecond)
	if n := len(in.all()); n != 2 {
		t.Errorf("%d deliveries: the second Ensure went back in time", n)
	}
	other := q
	other.Topic = "tp-elsewhere"
	if err := d.Ensure(t.Context(), other); !problem.Is(err, problem.FailedPrecondition) {
		t.Errorf("another topic: %v", err)
	}
	other = q
	other.Push = "http://127.0.0.1:1"
	if err := d.Ensure(t.Context(), other); !problem.Is(err, problem.FailedPrecondition) {
		t.Errorf("another kind: %v", err)
	}
	other.Name, other.Timeout = "slow", time.Hour
	if err := d.Ensure(t.Context(), other); !problem.Is(err, problem.InvalidArgument) {
		t.Errorf("a deadline Pub/Sub has not: %v", err)
	}
}
