package pubsub_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// What is not an event of ours goes to the dead letters as it came, and back.
func TestForeign(t *testing.T) {
	b, d := local(t)
	ensure(t, d, queue("foreign", "tp-foreign"))
	var in inbox
	in.subscribe(t, d, events.Subscription{Name: "foreign", Topic: "tp-foreign"}, nothing)
	c := raw(t, b)
	for _, m := range []*pb.PubsubMessage{
		{Data: []byte("no JSON"), Attributes: map[string]string{"a": "b"}},
		{Data: []byte(`{"protoPayload":{}}`)}, // a log sink's: taken
		{Data: []byte(`{}`), Attributes: map[string]string{"ce-specversion": "1.0", "ce-id": "1", "ce-type": "t.v1", "ce-source": "//b2brecs/topics/another-topic", "content-type": "application/json"}},
	} {
		if _, err := c.TopicAdminClient.Publish(t.Context(), &pb.PublishRequest{Topic: "projects/test-project/topics/tp-foreign", Messages: []*pb.PubsubMessage{m}}); err != nil {
			t.Fatal(err)
		}
	}
	var dead []events.DeadLetter
	eventually(t, "two dead letters", func() bool { dead = letters(t, d, "foreign"); return len(dead) == 2 })
	if ms := in.all(); len(ms) != 1 || string(ms[0].Data) != `{"protoPayload":{}}` || ms[0].Topic != "tp-foreign" {
		t.Fatalf("handled %+v", ms)
	}
	for _, l := range dead {
		if l.Message.Topic == "another-topic" {
			if !strings.Contains(l.Reason, "is of topic another-topic") || l.Message.ID != "1" {
				t.Errorf("%+v", l)
			}
			continue
		}
		if !strings.Contains(l.Reason, "is not JSON") || l.Message.Topic != "tp-foreign" || !strings.Contains(string(l.Message.Data), `"attributes":{"a":"b"},"data":"bm8gSlNPTg=="`) {
			t.Errorf("%+v, data %s", l, l.Message.Data)
		}
		if err := l.Message.Validate(); err != nil {
			t.Error(err)
		}
		if err := d.Replay(t.Context(), "foreign", l.Message.ID); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the replayed one, dead again", func() bool { return len(letters(t, d, "foreign")) == 2 })
}

// A replay reaches its own subscription alone; a reason is cut, never broken.
func TestReplayIsForOne(t *testing.T) {
	_, d := local(t)
	ensure(t, d, queue("sick", "tp-replay"))
	ensure(t, d, queue("well", "tp-replay"))
	var sick, well inbox
	var repaired atomic.Bool
	reason := strings.Repeat("ü", 2000)
	sick.subscribe(t, d, events.Subscription{Name: "sick", Topic: "tp-replay"}, func(context.Context, events.Message) error {
		if repaired.Load() {
			return nil
		}
		return problem.New(problem.InvalidArgument, "x%s\xff", reason)
	})
	well.subscribe(t, d, events.Subscription{Name: "well", Topic: "tp-replay"}, nothing)
	publish(t, d, message("tp-replay", "x"))
	var dead []events.DeadLetter
	eventually(t, "a dead letter", func() bool { dead = letters(t, d, "sick"); return len(dead) == 1 })
	if r := dead[0].Reason; len(r) < 1000 || len(r) > 1024 || !utf8.ValidString(r) {
		t.Errorf("%d bytes of reason", len(r))
	}
	repaired.Store(true)
	if err := d.Replay(t.Context(), "sick", "x"); err != nil {
		t.Fatal(err)
	}
	publish(t, d, message("tp-replay", "end"))
	eventually(t, "the replay and the end", func() bool { return len(sick.all()) == 3 && len(well.all()) >= 2 })
	if n := len(well.all()); n != 2 {
		t.Errorf("%d deliveries to the other subscription", n)
	}
}

// A dead letter that cannot be kept is not lost: its event comes again. A reply that
// is lost while it is kept makes two of it, which show as one and are replayed as one.
func TestDeadLetterFaults(t *testing.T) {
	b, d := local(t)
	ensure(t, d, queue("faulty", "tp-faulty"))
	var publishes atomic.Int32
	b.server.Fail(func(method string, after bool) error {
		switch n := publishes.Load(); {
		case method != "Publish":
		case !after:
			if publishes.Add(1) == 2 {
				return status.Error(codes.PermissionDenied, "no role")
			}
		case n == 3:
			return status.Error(codes.Unavailable, "connection reset")
		}
		return nil
	})
	publish(t, d, message("tp-faulty", "x")) // the first
	var in inbox
	in.subscribe(t, d, events.Subscription{Name: "faulty", Topic: "tp-faulty"}, func(context.Context, events.Message) error {
		return problem.New(problem.InvalidArgument, "for good")
	})
	eventually(t, "one dead letter", func() bool { return len(letters(t, d, "faulty")) == 1 })
	if ms := in.all(); len(ms) != 2 || publishes.Load() != 4 {
		t.Errorf("%d deliveries, %d publications", len(ms), publishes.Load())
	}
	if err := d.Replay(t.Context(), "faulty", "x"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the replay, dead again", func() bool { return len(in.all()) == 3 && len(letters(t, d, "faulty")) == 1 })
}

// Looks at the same time do not hide dead letters from each other, and a look whose
// context ends gives them back.
func TestLooksAtOnce(t *testing.T) {
	_, d := local(t)
	ensure(t, d, queue("looked", "tp-look"))
	for i := range 20 {
		if err := d.Bury(t.Context(), "looked", message("tp-look", fmt.Sprint(i)), errors.New("x")); err != nil {
			t.Fatal(err)
		}
	}
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond) // PeekWait is 150
	defer cancel()
	if _, err := d.DeadLetters(short, "looked", 5); err == nil {
		t.Error("a look took less than its wait")
	}
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if dead, err := d.DeadLetters(t.Context(), "looked", 100); err != nil || len(dead) != 20 || dead[0].Message.ID != "19" || dead[19].Message.ID != "0" {
				t.Errorf("%d dead letters, %v", len(dead), err)
			}
		})
	}
	wg.Wait()
	if dead, err := d.DeadLetters(t.Context(), "looked", 0); err != nil || len(dead) != 0 {
		t.Errorf("%v, %v", dead, err)
	}
}
