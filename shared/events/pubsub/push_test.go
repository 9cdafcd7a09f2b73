package pubsub_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/events/cloudevent"
	"github.com/b2brecs/b2brecs/shared/events/pubsub"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// function answers pushes as the deploy unit does. With a bus it buries what fails
// for good.
type function struct {
	*httptest.Server
	mu  sync.Mutex
	got []events.Message
}

func serve(t *testing.T, d *pubsub.Driver, name string, handle events.Handler) *function {
	f := &function{}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m, err := cloudevent.FromRequest(r)
		if err == nil {
			f.mu.Lock()
			f.got = append(f.got, m)
			f.mu.Unlock()
			err = handle(r.Context(), m)
		}
		switch {
		case err == nil:
			w.WriteHeader(http.StatusNoContent)
		case problem.Retryable(err):
			http.Error(w, err.Error(), http.StatusInternalServerError)
		case d != nil && d.Bury(r.Context(), name, m, err) == nil:
			w.WriteHeader(http.StatusNoContent)
		default:
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *function) all() []events.Message {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]events.Message(nil), f.got...)
}

func publish(t *testing.T, d *pubsub.Driver, ms ...events.Message) {
	t.Helper()
	if err := events.New(d).PublishMessages(t.Context(), ms...); err != nil {
		t.Fatal(err)
	}
}

func ensure(t *testing.T, d *pubsub.Driver, q pubsub.Queue) {
	t.Helper()
	if err := d.Ensure(t.Context(), q); err != nil {
		t.Fatal(err)
	}
}

func letters(t *testing.T, d *pubsub.Driver, subscription string) []events.DeadLetter {
	t.Helper()
	out, err := d.DeadLetters(t.Context(), subscription, 100)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func message(topic, id string) events.Message {
	return events.Message{ID: id, Topic: topic, Type: "t.v1", Data: []byte(`{"n":1}`), Time: time.Date(2026, 2, 1, 8, 30, 0, 123456789, time.UTC)}
}

// Published, pushed and decoded, a message is what it was; so it is when it is pulled.
func TestExact(t *testing.T) {
	_, d := local(t)
	var ms []events.Message
	for _, id := range []string{"run1/chunk7/extract", "日本 ä", `"quoted" %41 \b`, strings.Repeat("x", 1024)} {
		for _, key := range []string{"", "schlüssel 1"} {
			m := message("exact", id)
			m.ID, m.Key = id[:min(len(id), 1024-len(key))]+key, key
			ms = append(ms, m)
		}
	}
	big := message("exact", "big")
	big.Data = []byte(`{"s":"` + strings.Repeat("ü", (events.MaxDataBytes-8)/2) + `"}`)
	ms = append(ms, big)

	f := serve(t, nil, "", func(context.Context, events.Message) error { return nil })
	q := queue("pushed", "exact")
	q.Push = f.URL
	ensure(t, d, q)
	ensure(t, d, queue("pulled", "exact"))
	var mu sync.Mutex
	var pulled []events.Message
	if err := events.New(d).Subscribe(events.Subscription{Name: "pulled", Topic: "exact", Handler: func(_ context.Context, m events.Message) error {
		mu.Lock()
		defer mu.Unlock()
		pulled = append(pulled, m)
		return nil
	}}); err != nil {
		t.Fatal(err)
	}
	publish(t, d, ms...)
	for way, all := range map[string]func() []events.Message{
		"push": f.all,
		"pull": func() []events.Message { mu.Lock(); defer mu.Unlock(); return append([]events.Message(nil), pulled...) },
	} {
		eventually(t, way+" of all", func() bool { return len(all()) == len(ms) })
		got := map[string]events.Message{}
		for _, m := range all() {
			got[m.ID] = m
		}
		for _, want := range ms {
			want.Attempt = 1
			if diff := cmp.Diff(want, got[want.ID], payloads); diff != "" {
				t.Errorf("%s (-want +got):\n%.2000s", way, diff)
			}
		}
	}
}

// A push that fails is made again after the back-off, with the attempt counted, and
// no other subscription of the topic notices.
func TestPushRetries(t *testing.T) {
	_, d := local(t)
	f := serve(t, d, "flaky", func(_ context.Context, m events.Message) error {
		if m.Attempt < 3 {
			return problem.New(problem.Unavailable, "not yet")
		}
		return nil
	})
	other := serve(t, d, "other", func(context.Context, events.Message) error { return nil })
	q := queue("flaky", "tp-retry")
	q.Push = f.URL
	ensure(t, d, q)
	q.Name, q.Push = "other", other.URL
	ensure(t, d, q)
	publish(t, d, message("tp-retry", "x"))
	eventually(t, "third attempt", func() bool { return len(f.all()) >= 3 })
	time.Sleep(100 * time.Millisecond)
	for i, m := range f.all() {
		if i > 2 || m.Attempt != i+1 {
			t.Fatalf("delivery %d says attempt %d", i+1, m.Attempt)
		}
	}
	if n := len(other.all()); n != 1 {
		t.Fatalf("%d deliveries to the other subscription", n)
	}
	if dead := letters(t, d, "flaky"); len(dead) != 0 {
		t.Fatalf("%+v", dead)
	}
}

// What a push that fails for good leaves: with Bury the reason, without it the count.
func TestPushFailsForGood(t *testing.T) {
	_, d := local(t)
	final := func(context.Context, events.Message) error {
		return problem.New(problem.InvalidArgument, "column %q is unknown", "price")
	}
	buries, answers := serve(t, d, "buries", final), serve(t, nil, "answers", final)
	q := queue("buries", "tp-final")
	q.Push = buries.URL
	ensure(t, d, q)
	q.Name, q.Push, q.MaxAttempts = "answers", answers.URL, 5
	ensure(t, d, q)
	sent := message("tp-final", "x")
	sent.Key = "k"
	publish(t, d, sent)

	var dead []events.DeadLetter
	eventually(t, "a buried dead letter", func() bool { dead = letters(t, d, "buries"); return len(dead) == 1 })
	want := sent
	want.Attempt = 1
	if diff := cmp.Diff(want, dead[0].Message, payloads); diff != "" || dead[0].Reason != `column "price" is unknown` || len(buries.all()) != 1 {
		t.Fatalf("%+v after %d pushes %s", dead[0], len(buries.all()), diff)
	}
	eventually(t, "a forwarded dead letter", func() bool { dead = letters(t, d, "answers"); return len(dead) == 1 })
	want.Attempt = 5
	if diff := cmp.Diff(want, dead[0].Message, payloads); diff != "" || dead[0].Reason != "5 deliveries failed; the log of answers has the reason of each" || len(answers.all()) != 5 {
		t.Fatalf("%+v after %d pushes %s", dead[0], len(answers.all()), diff)
	}
	if since := time.Since(dead[0].At); since < 0 || since > time.Minute {
		t.Fatalf("at %v", dead[0].At)
	}

	// A replay is pushed again, from attempt 1, with nothing left of the dead letter.
	if err := d.Replay(t.Context(), "answers", "x"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the replay", func() bool { return len(answers.all()) > 5 })
	want.Attempt = 1
	if diff := cmp.Diff(want, answers.all()[5], payloads); diff != "" {
		t.Fatal(diff)
	}
}

func TestBuryRefuses(t *testing.T) {
	_, d := local(t)
	if err := d.Bury(t.Context(), "no name", message("tp-none", "x"), errors.New("x")); !problem.Is(err, problem.InvalidArgument) {
		t.Error(err)
	}
	if err := d.Bury(t.Context(), "unknown", message("tp-none", "x"), errors.New("x")); !problem.Is(err, problem.NotFound) {
		t.Error(err)
	}
}
