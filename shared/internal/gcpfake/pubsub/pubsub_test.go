package pubsub_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	client "cloud.google.com/go/pubsub/v2"
	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/b2brecs/b2brecs/shared/internal/gcpfake/pubsub"
)

const project = "projects/fake-project"

func topicPath(id string) string        { return project + "/topics/" + id }
func subscriptionPath(id string) string { return project + "/subscriptions/" + id }

// box is a fake and a client of it.
type box struct {
	*client.Client
	t *testing.T
	s *pubsub.Server
}

func start(t *testing.T) *box {
	t.Helper()
	t.Parallel()
	s, err := pubsub.Start("")
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.NewClient(t.Context(), "fake-project", s.Options()...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &box{c, t, s}
}

func (b *box) topic(id string) {
	b.t.Helper()
	if _, err := b.TopicAdminClient.CreateTopic(b.t.Context(), &pb.Topic{Name: topicPath(id)}); err != nil {
		b.t.Fatal(err)
	}
}

func (b *box) subscription(s *pb.Subscription) {
	b.t.Helper()
	if _, err := b.SubscriptionAdminClient.CreateSubscription(b.t.Context(), s); err != nil {
		b.t.Fatal(err)
	}
}

func (b *box) publish(topic string, ms ...*pb.PubsubMessage) {
	b.t.Helper()
	if _, err := b.TopicAdminClient.Publish(b.t.Context(), &pb.PublishRequest{Topic: topicPath(topic), Messages: ms}); err != nil {
		b.t.Fatal(err)
	}
}

func text(s, key string) *pb.PubsubMessage {
	return &pb.PubsubMessage{Data: []byte(s), OrderingKey: key}
}

// pull gives what comes within a while.
func (b *box) pull(subscription string, wait time.Duration) []*pb.ReceivedMessage {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), wait)
	defer cancel()
	r, err := b.SubscriptionAdminClient.Pull(ctx, &pb.PullRequest{Subscription: subscriptionPath(subscription), MaxMessages: 100})
	if err != nil && status.Code(err) != codes.DeadlineExceeded {
		b.t.Fatal(err)
	}
	return r.GetReceivedMessages()
}

func (b *box) nack(subscription string, ms ...*pb.ReceivedMessage) {
	b.t.Helper()
	r := &pb.ModifyAckDeadlineRequest{Subscription: subscriptionPath(subscription), AckIds: ids(ms)}
	if err := b.SubscriptionAdminClient.ModifyAckDeadline(b.t.Context(), r); err != nil {
		b.t.Fatal(err)
	}
}

func (b *box) ack(subscription string, ms ...*pb.ReceivedMessage) {
	b.t.Helper()
	r := &pb.AcknowledgeRequest{Subscription: subscriptionPath(subscription), AckIds: ids(ms)}
	if err := b.SubscriptionAdminClient.Acknowledge(b.t.Context(), r); err != nil {
		b.t.Fatal(err)
	}
}

func ids(ms []*pb.ReceivedMessage) (out []string) {
	for _, m := range ms {
		out = append(out, m.AckId)
	}
	return out
}

func said(ms []*pb.ReceivedMessage) string {
	var out []string
	for _, m := range ms {
		out = append(out, string(m.Message.Data))
	}
	return strings.Join(out, " ")
}

// What Google refuses, the fake refuses.
func TestRefuses(t *testing.T) {
	b := start(t)
	b.topic("there")
	b.subscription(&pb.Subscription{Name: subscriptionPath("there"), Topic: topicPath("there")})
	b.subscription(&pb.Subscription{Name: subscriptionPath("pushed"), Topic: topicPath("there"), PushConfig: &pb.PushConfig{PushEndpoint: "http://127.0.0.1:1"}})
	ctx := t.Context()
	topic := func(p *pb.Topic) error { _, err := b.TopicAdminClient.CreateTopic(ctx, p); return err }
	sub := func(change func(*pb.Subscription)) error {
		p := &pb.Subscription{Name: subscriptionPath("new"), Topic: topicPath("there")}
		change(p)
		_, err := b.SubscriptionAdminClient.CreateSubscription(ctx, p)
		return err
	}
	publish := func(ms ...*pb.PubsubMessage) error {
		_, err := b.TopicAdminClient.Publish(ctx, &pb.PublishRequest{Topic: topicPath("there"), Messages: ms})
		return err
	}
	pull := func(name string, n int32) error {
		_, err := b.SubscriptionAdminClient.Pull(ctx, &pb.PullRequest{Subscription: subscriptionPath(name), MaxMessages: n})
		return err
	}
	many := map[string]string{}
	for len(many) < 101 {
		many[strings.Repeat("k", len(many)+1)] = ""
	}
	for name, c := range map[string]struct {
		err  error
		want codes.Code
	}{
		"topic again":        {topic(&pb.Topic{Name: topicPath("there")}), codes.AlreadyExists},
		"topic's form":       {topic(&pb.Topic{Name: "there"}), codes.InvalidArgument},
		"short topic":        {topic(&pb.Topic{Name: topicPath("ab")}), codes.InvalidArgument},
		"goog topic":         {topic(&pb.Topic{Name: topicPath("google")}), codes.InvalidArgument},
		"retention":          {topic(&pb.Topic{Name: topicPath("new"), MessageRetentionDuration: durationpb.New(time.Minute)}), codes.InvalidArgument},
		"schema":             {topic(&pb.Topic{Name: topicPath("new"), SchemaSettings: &pb.SchemaSettings{}}), codes.Unimplemented},
		"subscription again": {sub(func(p *pb.Subscription) { p.Name = subscriptionPath("there") }), codes.AlreadyExists},
		"no topic":           {sub(func(p *pb.Subscription) { p.Topic = topicPath("nowhere") }), codes.NotFound},
		"no dead-letter topic": {sub(func(p *pb.Subscription) {
			p.DeadLetterPolicy = &pb.DeadLetterPolicy{DeadLetterTopic: topicPath("nowhere")}
		}), codes.NotFound},
		"few attempts": {sub(func(p *pb.Subscription) {
			p.DeadLetterPolicy = &pb.DeadLetterPolicy{DeadLetterTopic: topicPath("there"), MaxDeliveryAttempts: 4}
		}), codes.InvalidArgument},
		"short deadline":         {sub(func(p *pb.Subscription) { p.AckDeadlineSeconds = 9 }), codes.InvalidArgument},
		"long deadline":          {sub(func(p *pb.Subscription) { p.AckDeadlineSeconds = 601 }), codes.InvalidArgument},
		"long back-off":          {sub(func(p *pb.Subscription) { p.RetryPolicy = &pb.RetryPolicy{MaximumBackoff: durationpb.New(time.Hour)} }), codes.InvalidArgument},
		"endpoint":               {sub(func(p *pb.Subscription) { p.PushConfig = &pb.PushConfig{PushEndpoint: "here"} }), codes.InvalidArgument},
		"filter":                 {sub(func(p *pb.Subscription) { p.Filter = "attributes:x" }), codes.Unimplemented},
		"exactly once":           {sub(func(p *pb.Subscription) { p.EnableExactlyOnceDelivery = true }), codes.Unimplemented},
		"nothing published":      {publish(), codes.InvalidArgument},
		"1001 messages":          {publish(make([]*pb.PubsubMessage, 1001)...), codes.InvalidArgument},
		"too many bytes":         {publish(text(strings.Repeat("x", 10_000_000), "")), codes.InvalidArgument},
		"empty message":          {publish(&pb.PubsubMessage{}), codes.InvalidArgument},
		"attribute value":        {publish(&pb.PubsubMessage{Attributes: map[string]string{"a": strings.Repeat("x", 1025)}}), codes.InvalidArgument},
		"attribute key":          {publish(&pb.PubsubMessage{Attributes: map[string]string{"google": ""}}), codes.InvalidArgument},
		"101 attributes":         {publish(&pb.PubsubMessage{Attributes: many}), codes.InvalidArgument},
		"ordering key":           {publish(text("x", strings.Repeat("k", 1025))), codes.InvalidArgument},
		"pull of nothing":        {pull("nowhere", 1), codes.NotFound},
		"pull of 0":              {pull("there", 0), codes.InvalidArgument},
		"pull of a pushed one":   {pull("pushed", 1), codes.FailedPrecondition},
		"acknowledgement of 0":   {b.SubscriptionAdminClient.Acknowledge(ctx, &pb.AcknowledgeRequest{Subscription: subscriptionPath("there")}), codes.InvalidArgument},
		"deadline out of bounds": {b.SubscriptionAdminClient.ModifyAckDeadline(ctx, &pb.ModifyAckDeadlineRequest{Subscription: subscriptionPath("there"), AckIds: []string{"x"}, AckDeadlineSeconds: 601}), codes.InvalidArgument},
	} {
		if got := status.Code(c.err); got != c.want {
			t.Errorf("%s: %v, want %s", name, c.err, c.want)
		}
	}
	// Late or unknown acknowledgements are no error.
	b.ack("there", &pb.ReceivedMessage{AckId: "unknown"})
}

// Attempts are counted per subscription, and the retry policy delays them.
func TestRetryPolicy(t *testing.T) {
	b := start(t)
	b.s.Second = 20 * time.Millisecond
	b.topic("work")
	b.topic("dead")
	b.subscription(&pb.Subscription{Name: subscriptionPath("dead"), Topic: topicPath("dead")})
	for _, id := range []string{"first", "second"} {
		b.subscription(&pb.Subscription{
			Name: subscriptionPath(id), Topic: topicPath("work"), AckDeadlineSeconds: 10,
			DeadLetterPolicy: &pb.DeadLetterPolicy{DeadLetterTopic: topicPath("dead"), MaxDeliveryAttempts: 5},
			RetryPolicy:      &pb.RetryPolicy{MinimumBackoff: durationpb.New(20 * time.Millisecond), MaximumBackoff: durationpb.New(time.Second)},
		})
	}
	b.publish("work", &pb.PubsubMessage{Data: []byte("x"), Attributes: map[string]string{"a": "b"}, OrderingKey: "k"})
	began := time.Now()
	for attempt := int32(1); attempt <= 5; attempt++ {
		ms := b.pull("first", 5*time.Second)
		if len(ms) != 1 || ms[0].DeliveryAttempt != attempt {
			t.Fatalf("attempt %d: %v", attempt, ms)
		}
		if attempt%2 == 0 {
			continue // its deadline of 10 × 20 ms passes
		}
		b.nack("first", ms[0])
	}
	if took, least := time.Since(began), (20+40+80+160)*time.Millisecond+2*200*time.Millisecond; took < least {
		t.Errorf("5 attempts took %v, want at least %v", took, least)
	}
	if ms := b.pull("first", time.Second); len(ms) != 0 {
		t.Errorf("after 5 attempts: %v", ms)
	}
	if ms := b.pull("second", time.Second); len(ms) != 1 || ms[0].DeliveryAttempt != 1 {
		t.Errorf("the other subscription: %v", ms)
	}
	ms := b.pull("dead", time.Second)
	if len(ms) != 1 || ms[0].DeliveryAttempt != 0 || ms[0].Message.OrderingKey != "k" {
		t.Fatalf("dead letters %v", ms)
	}
	a := ms[0].Message.Attributes
	if at, err := time.Parse(time.RFC3339Nano, a["CloudPubSubDeadLetterSourceTopicPublishTime"]); err != nil || at.IsZero() {
		t.Error(err)
	}
	delete(a, "CloudPubSubDeadLetterSourceTopicPublishTime")
	if diff := cmp.Diff(map[string]string{
		"a": "b", "CloudPubSubDeadLetterSourceDeliveryCount": "5",
		"CloudPubSubDeadLetterSourceSubscription": "first", "CloudPubSubDeadLetterSourceSubscriptionProject": "fake-project",
	}, a); diff != "" {
		t.Error(diff)
	}
}

// A subscription with ordering gives a key's messages one after the other; one that
// comes again comes before the later ones. Others give them at once.
func TestOrdering(t *testing.T) {
	b := start(t)
	b.topic("work")
	b.subscription(&pb.Subscription{Name: subscriptionPath("ordered"), Topic: topicPath("work"), EnableMessageOrdering: true})
	b.subscription(&pb.Subscription{Name: subscriptionPath("loose"), Topic: topicPath("work")})
	b.publish("work", text("a1", "a"), text("a2", "a"), text("b1", "b"), text("x", ""), text("y", ""))
	if got := said(b.pull("loose", time.Second)); got != "a1 a2 b1 x y" {
		t.Errorf("loose: %s", got)
	}
	ms := b.pull("ordered", time.Second)
	if got := said(ms); got != "a1 b1 x y" {
		t.Fatalf("ordered: %s", got)
	}
	b.nack("ordered", ms[0])
	b.ack("ordered", ms[1:]...)
	ms = b.pull("ordered", time.Second)
	if got := said(ms); got != "a1" {
		t.Fatalf("again: %s", got)
	}
	b.ack("ordered", ms...)
	if got := said(b.pull("ordered", time.Second)); got != "a2" {
		t.Errorf("then: %s", got)
	}
}

// A stream gets no more than its flow control allows, and its order survives a nack.
func TestStream(t *testing.T) {
	b := start(t)
	b.topic("work")
	b.subscription(&pb.Subscription{Name: subscriptionPath("stream"), Topic: topicPath("work"), EnableMessageOrdering: true})
	st, err := b.SubscriptionAdminClient.StreamingPull(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Send(&pb.StreamingPullRequest{Subscription: subscriptionPath("stream"), StreamAckDeadlineSeconds: 10, MaxOutstandingMessages: 3}); err != nil {
		t.Fatal(err)
	}
	receive := func(n int) (out []*pb.ReceivedMessage) {
		t.Helper()
		for len(out) < n {
			r, err := st.Recv()
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, r.ReceivedMessages...)
		}
		return out
	}
	b.publish("work", text("1", "k"), text("2", "k"), text("3", "k"), text("4", "k"))
	ms := receive(3)
	if got := said(ms); got != "1 2 3" {
		t.Fatalf("first %s", got)
	}
	b.ack("stream", ms[0])
	ms = append(ms, receive(1)...)
	b.nack("stream", ms[1])
	b.ack("stream", ms[2]) // came with what was given back, so it comes again
	if got := said(receive(3)); got != "2 3 4" {
		t.Fatalf("after the nack %s", got)
	}
	if err := st.Send(&pb.StreamingPullRequest{}); err != nil { // a ping
		t.Fatal(err)
	}
	if r, err := st.Recv(); err != nil || len(r.ReceivedMessages) != 0 || !r.SubscriptionProperties.MessageOrderingEnabled {
		t.Fatalf("%v %v", r, err)
	}
}

// Seek reaches what the topic keeps, and skips what is older than its time.
func TestSeek(t *testing.T) {
	b := start(t)
	if _, err := b.TopicAdminClient.CreateTopic(t.Context(), &pb.Topic{Name: topicPath("kept"), MessageRetentionDuration: durationpb.New(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	b.publish("kept", text("1", ""), text("2", ""))
	middle := time.Now()
	b.subscription(&pb.Subscription{Name: subscriptionPath("late"), Topic: topicPath("kept")})
	b.publish("kept", text("3", ""))
	seek := func(at time.Time) {
		t.Helper()
		if _, err := b.SubscriptionAdminClient.Seek(t.Context(), &pb.SeekRequest{Subscription: subscriptionPath("late"), Target: &pb.SeekRequest_Time{Time: timestamppb.New(at)}}); err != nil {
			t.Fatal(err)
		}
	}
	seek(middle.Add(-time.Minute))
	if got := said(b.pull("late", time.Second)); got != "1 2 3" {
		t.Errorf("from the beginning: %s", got)
	}
	seek(time.Now().Add(time.Minute))
	if got := said(b.pull("late", 400*time.Millisecond)); got != "" {
		t.Errorf("from the future: %s", got)
	}
	seek(middle)
	if got := said(b.pull("late", time.Second)); got != "3" {
		t.Errorf("from the middle: %s", got)
	}
}

// A push is the documented request; 102, 200, 201, 202 and 204 acknowledge it.
func TestPush(t *testing.T) {
	b := start(t)
	b.topic("work")
	var mu sync.Mutex
	var bodies []map[string]any
	answers := []int{http.StatusInternalServerError, http.StatusFound, http.StatusPartialContent, http.StatusAccepted}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		body, err := io.ReadAll(r.Body)
		var v map[string]any
		if err != nil || json.Unmarshal(body, &v) != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %v %s %v", r.Method, r.Header, body, err)
		}
		code := http.StatusTeapot
		if len(bodies) < len(answers) {
			code = answers[len(bodies)]
		}
		bodies = append(bodies, v)
		w.WriteHeader(code)
	}))
	t.Cleanup(srv.Close)
	b.subscription(&pb.Subscription{Name: subscriptionPath("pushed"), Topic: topicPath("work"), PushConfig: &pb.PushConfig{PushEndpoint: srv.URL}, AckDeadlineSeconds: 600})
	b.publish("work", &pb.PubsubMessage{Data: []byte("ä"), Attributes: map[string]string{"a": "b"}, OrderingKey: "k"})
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		mu.Lock()
		n := len(bodies)
		mu.Unlock()
		if n >= len(answers) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d pushes", n)
		}
	}
	time.Sleep(100 * time.Millisecond)
	mu.Lock()
	defer mu.Unlock()
	if len(bodies) != len(answers) {
		t.Errorf("%d pushes, want %d: the last one was acknowledged", len(bodies), len(answers))
	}
	m, _ := bodies[0]["message"].(map[string]any)
	if m["publishTime"] == nil || m["publishTime"] != m["publish_time"] || m["messageId"] == nil || m["messageId"] != m["message_id"] {
		t.Errorf("%v", m)
	}
	for _, k := range []string{"publishTime", "publish_time", "messageId", "message_id"} {
		delete(m, k)
	}
	if diff := cmp.Diff(map[string]any{
		"subscription": subscriptionPath("pushed"),
		"message":      map[string]any{"attributes": map[string]any{"a": "b"}, "data": "w6Q=", "orderingKey": "k"},
	}, bodies[0]); diff != "" {
		t.Error(diff)
	}
}

// Faults come before the effect or after it; deleted things are gone.
func TestFaultsAndDeletes(t *testing.T) {
	b := start(t)
	b.topic("work")
	b.subscription(&pb.Subscription{Name: subscriptionPath("sub"), Topic: topicPath("work")})
	publish := func() error {
		_, err := b.TopicAdminClient.Publish(t.Context(), &pb.PublishRequest{Topic: topicPath("work"), Messages: []*pb.PubsubMessage{text("x", "")}})
		return err
	}
	for _, after := range []bool{false, true} {
		b.s.Fail(func(method string, done bool) error {
			if method == "Publish" && done == after {
				return status.Error(codes.PermissionDenied, "as told")
			}
			return nil
		})
		if err := publish(); status.Code(err) != codes.PermissionDenied {
			t.Fatal(err)
		}
		b.s.Fail(nil)
		if ms := b.pull("sub", 150*time.Millisecond); (len(ms) == 1) != after {
			t.Errorf("after %v: %v", after, ms)
		}
	}
	ctx := t.Context()
	if err := b.TopicAdminClient.DeleteTopic(ctx, &pb.DeleteTopicRequest{Topic: topicPath("work")}); err != nil {
		t.Fatal(err)
	}
	if err := publish(); status.Code(err) != codes.NotFound {
		t.Error(err)
	}
	if s, err := b.SubscriptionAdminClient.GetSubscription(ctx, &pb.GetSubscriptionRequest{Subscription: subscriptionPath("sub")}); err != nil || s.Topic != "_deleted-topic_" {
		t.Errorf("%v %v", s, err)
	}
	if err := b.SubscriptionAdminClient.DeleteSubscription(ctx, &pb.DeleteSubscriptionRequest{Subscription: subscriptionPath("sub")}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.SubscriptionAdminClient.GetSubscription(ctx, &pb.GetSubscriptionRequest{Subscription: subscriptionPath("sub")}); status.Code(err) != codes.NotFound {
		t.Error(err)
	}
}
