package pubsub_test

import (
	"context"
	"strings"
	"testing"

	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"
	"github.com/google/go-cmp/cmp"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/events/pubsub"
	fake "github.com/b2brecs/b2brecs/shared/internal/gcpfake/pubsub"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// The client's own fake as a second opinion on the life of one event: delivered,
// retried, dead with its reason, replayed. It takes no part in the suites: it cannot
// seek to before a subscription, and counts attempts per message, not per subscription.
func TestOnGooglesFake(t *testing.T) {
	t.Parallel()
	server := pstest.NewServer()
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	b := on(fake.Options(server.Addr))
	d := b.driver(t)
	t.Cleanup(func() { closeDriver(t, d) })
	c := raw(t, b)
	const path = "projects/test-project/"
	for _, n := range []string{"tp-second", pubsub.DeadName("second")} {
		if _, err := c.TopicAdminClient.CreateTopic(t.Context(), &pb.Topic{Name: path + "topics/" + n}); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range []*pb.Subscription{
		{Name: path + "subscriptions/second", Topic: path + "topics/tp-second", AckDeadlineSeconds: 10, EnableMessageOrdering: true,
			DeadLetterPolicy: &pb.DeadLetterPolicy{DeadLetterTopic: path + "topics/" + pubsub.DeadName("second"), MaxDeliveryAttempts: 100}},
		{Name: path + "subscriptions/" + pubsub.DeadName("second"), Topic: path + "topics/" + pubsub.DeadName("second"), AckDeadlineSeconds: 60},
	} {
		if _, err := c.SubscriptionAdminClient.CreateSubscription(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	want := message("tp-second", "日本 ä")
	want.Key = "schlüssel"
	want.Data = []byte(`"` + strings.Repeat("ü", 200_000) + `"`)
	var in inbox
	in.subscribe(t, d, events.Subscription{Name: "second", Topic: "tp-second", MaxAttempts: 3}, func(context.Context, events.Message) error {
		return problem.New(problem.Unavailable, "away")
	})
	publish(t, d, want)
	var dead []events.DeadLetter
	eventually(t, "a dead letter", func() bool { dead = letters(t, d, "second"); return len(dead) == 1 })
	for i, m := range in.all() {
		want.Attempt = i + 1
		if diff := cmp.Diff(want, m, payloads); diff != "" {
			t.Fatalf("delivery %d (-want +got):\n%.2000s", i+1, diff)
		}
	}
	if len(in.all()) != 3 || dead[0].Reason != "away" || cmp.Diff(want, dead[0].Message, payloads) != "" {
		t.Fatalf("%d deliveries, then %s", len(in.all()), dead[0].Reason)
	}
	if err := d.Replay(t.Context(), "second", want.ID); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the replay", func() bool { return len(in.all()) > 3 })
	if m := in.all()[3]; m.Attempt != 1 {
		t.Errorf("the replay says attempt %d", m.Attempt)
	}
}
