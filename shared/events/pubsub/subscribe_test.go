package pubsub_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// Subscribe says at once what would keep a consumer from working.
func TestSubscribeRefuses(t *testing.T) {
	b, d := local(t)
	bus := events.New(d)
	ensure(t, d, queue("pulled", "tp-sub"))
	pushed := queue("pushed", "tp-sub")
	pushed.Push = "http://127.0.0.1:1"
	ensure(t, d, pushed)
	few := queue("few", "tp-sub")
	few.MaxAttempts = 7
	ensure(t, d, few)
	c := raw(t, b)
	create := func(id string, ordered bool, policy *pb.DeadLetterPolicy) {
		t.Helper()
		if _, err := c.SubscriptionAdminClient.CreateSubscription(t.Context(), &pb.Subscription{
			Name: "projects/test-project/subscriptions/" + id, Topic: "projects/test-project/topics/tp-sub",
			EnableMessageOrdering: ordered, DeadLetterPolicy: policy,
		}); err != nil {
			t.Fatal(err)
		}
	}
	create("uncounted", true, nil)
	create("loose", false, &pb.DeadLetterPolicy{DeadLetterTopic: "projects/test-project/topics/few.dead", MaxDeliveryAttempts: 100})
	create("astray", true, &pb.DeadLetterPolicy{DeadLetterTopic: "projects/test-project/topics/few.dead", MaxDeliveryAttempts: 100})
	for _, c := range []struct {
		name, topic string
		want        problem.Code
		text        string
	}{
		{"nobody", "tp-sub", problem.NotFound, "cannot be read"},
		{"pulled", "tp-other", problem.FailedPrecondition, "is of"},
		{"pushed", "tp-sub", problem.FailedPrecondition, "is pushed"},
		{"uncounted", "tp-sub", problem.FailedPrecondition, "no dead-letter policy"},
		{"loose", "tp-sub", problem.FailedPrecondition, "order of keys"},
		{"few", "tp-sub", problem.FailedPrecondition, "after 7 attempts"},
		{"astray", "tp-sub", problem.FailedPrecondition, "dead letters at"},
		{"no name", "tp-sub", problem.InvalidArgument, "is not a subscription"},
	} {
		if err := bus.Subscribe(events.Subscription{Name: c.name, Topic: c.topic, Handler: nothing}); !problem.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v, want %s with %q", c.name, err, c.want, c.text)
		}
	}
	if err := bus.Subscribe(events.Subscription{Name: "pulled", Topic: "tp-sub", Handler: nothing}); err != nil {
		t.Errorf("after a refusal: %v", err)
	}
}

// A handler that takes longer than the acknowledgement deadline keeps its message.
func TestLeaseIsExtended(t *testing.T) {
	b, d := local(t)
	b.server.Second = time.Second // 10 s of deadline end after 10 s; the client extends after 5
	ensure(t, d, queue("slow", "tp-slow"))
	var in inbox
	var done atomic.Bool
	in.subscribe(t, d, events.Subscription{Name: "slow", Topic: "tp-slow"}, func(context.Context, events.Message) error {
		time.Sleep(11 * time.Second)
		done.Store(true)
		return nil
	})
	publish(t, d, message("tp-slow", "x"))
	eventually(t, "the end of the slow handler", done.Load)
	if n := len(in.all()); n != 1 {
		t.Errorf("%d deliveries", n)
	}
}

// Close gives back what waited in the process and waits for what is handled.
func TestCloseGivesBack(t *testing.T) {
	b, d := local(t)
	b.server.Second = 100 * time.Millisecond
	ensure(t, d, queue("closing", "tp-close"))
	first := b.driver(t)
	var in inbox
	started, release := make(chan struct{}), make(chan struct{})
	in.subscribe(t, first, events.Subscription{Name: "closing", Topic: "tp-close"}, func(ctx context.Context, _ events.Message) error {
		close(started)
		<-release
		return ctx.Err()
	})
	for i := range 10 {
		publish(t, d, message("tp-close", fmt.Sprint(i)))
	}
	<-started
	time.AfterFunc(2*time.Second, func() { close(release) })
	closeDriver(t, first)
	if n := len(in.all()); n != 1 {
		t.Fatalf("%d handlers began during the close", n)
	}
	var rest inbox
	rest.subscribe(t, d, events.Subscription{Name: "closing", Topic: "tp-close"}, nothing)
	eventually(t, "the others", func() bool { return len(rest.all()) >= 9 })
	for _, m := range rest.all() {
		if m.ID == in.all()[0].ID {
			t.Errorf("event %s was acknowledged and came again", m.ID)
		}
	}
}

// A handler that does not heed its context is not waited for without end.
func TestCloseDoesNotHang(t *testing.T) {
	b, d := local(t)
	ensure(t, d, queue("hanging", "tp-hang"))
	first := b.driver(t)
	var in inbox
	release := make(chan struct{})
	defer close(release)
	in.subscribe(t, first, events.Subscription{Name: "hanging", Topic: "tp-hang"}, func(context.Context, events.Message) error {
		<-release
		return nil
	})
	publish(t, d, message("tp-hang", "x"))
	eventually(t, "the handler", func() bool { return len(in.all()) == 1 })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	began := time.Now()
	if err := first.Close(ctx); !problem.Is(err, problem.Unavailable) || time.Since(began) > 6*time.Second {
		t.Errorf("%v after %v", err, time.Since(began))
	}
}

// A consumer whose stream fails for good is started again.
func TestConsumerStartsAgain(t *testing.T) {
	b, d := local(t)
	q := queue("mended", "tp-mend")
	ensure(t, d, q)
	var in inbox
	in.subscribe(t, d, events.Subscription{Name: q.Name, Topic: q.Topic}, nothing)
	publish(t, d, message(q.Topic, "before"))
	eventually(t, "the first event", func() bool { return len(in.all()) == 1 })
	if err := raw(t, b).SubscriptionAdminClient.DeleteSubscription(t.Context(), &pb.DeleteSubscriptionRequest{Subscription: "projects/test-project/subscriptions/mended"}); err != nil {
		t.Fatal(err)
	}
	ensure(t, d, q) // from the beginning of the topic
	publish(t, d, message(q.Topic, "after"))
	eventually(t, "both", func() bool {
		ms := in.all()
		return len(ms) >= 3 && ms[len(ms)-1].ID == "after"
	})
}
