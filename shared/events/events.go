package events

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/telemetry"
)

// Topic names a stream of events of one Go type. The CloudEvent type is the
// versioned name, e.g. "b2brecs.etl.chunk.planned.v1".
type Topic[T any] struct {
	// Name of the stream, e.g. "etl-chunk-planned"; letters, digits, hyphens.
	Name string
	// Type is the versioned CloudEvent type.
	Type string
}

// Message is one event on the wire: the CloudEvents attributes the product uses
// and a JSON payload.
type Message struct {
	// ID makes the event idempotent: two messages of one topic with the same ID
	// are the same event. MUST derive from the work, e.g. run + chunk + step.
	ID    string          `json:"id"`
	Topic string          `json:"topic"`
	Type  string          `json:"type"`
	Time  time.Time       `json:"time"`
	Key   string          `json:"key,omitempty"` // ordering key; "" = no order
	Data  json.RawMessage `json:"data"`
	// Traceparent names the span of who published it
	// (https://www.w3.org/TR/trace-context/#traceparent-header); PublishMessages sets it.
	// A repeated ID keeps the first one's or takes the last one's, as the driver has it.
	Traceparent string `json:"traceparent,omitempty"`
	// Attempt counts deliveries to the present subscription from 1; set on delivery.
	Attempt int `json:"attempt,omitempty"`
}

// Handler consumes one message. A nil return acknowledges it. An error that
// problem.Retryable accepts brings it back after a back-off; any other error,
// or the last attempt, moves it to the dead letters with its reason.
// A handler MUST be idempotent: a message can come twice and out of order.
type Handler func(ctx context.Context, m Message) error

// MaxAttempts is how often a message is delivered before it is a dead letter: with
// back-off, some minutes of trouble pass by themselves.
const MaxAttempts = 8

// Subscription binds a handler to a topic.
type Subscription struct {
	// Name is unique per bus, e.g. the function's name.
	Name  string
	Topic string
	// Concurrency is how many messages are handled at once; 0 means 1.
	Concurrency int
	// Timeout ends one handling; 0 means 1 minute.
	Timeout time.Duration
	// MaxAttempts before the dead letter; 0 means the package's MaxAttempts.
	MaxAttempts int
	Handler     Handler
}

// DeadLetter is a message no attempt could handle.
type DeadLetter struct {
	Subscription string    `json:"subscription"`
	Message      Message   `json:"message"`
	Reason       string    `json:"reason"`
	At           time.Time `json:"at"`
}

// Bus publishes and delivers events at least once.
type Bus struct{ drv Driver }

// New makes a bus on a driver.
func New(drv Driver) *Bus { return &Bus{drv} }

// Driver is what the bus runs on, for who wraps it.
func (b *Bus) Driver() Driver { return b.drv }

// Driver is the smallest broker behind a Bus.
type Driver interface {
	// Publish MUST return only after the messages are durable. A repeated ID
	// within the retention time MAY be delivered once or twice.
	Publish(ctx context.Context, ms ...Message) error
	// Subscribe registers a handler and starts delivery, messages published
	// before included. Calling it twice with one name is an error.
	Subscribe(s Subscription) error
	// DeadLetters lists up to limit dead letters of a subscription, newest first.
	DeadLetters(ctx context.Context, subscription string, limit int) ([]DeadLetter, error)
	// Replay puts a dead letter back with attempt 1. NotFound when absent.
	Replay(ctx context.Context, subscription, id string) error
	// Close stops delivery and waits for running handlers until ctx ends;
	// unacknowledged messages stay for the next start.
	Close(ctx context.Context) error
}

// Publish sends payloads of a topic; id gives each its idempotent id.
func Publish[T any](ctx context.Context, b *Bus, t Topic[T], id, key string, payload T) error {
	m, err := Encode(t, id, key, payload)
	if err != nil {
		return err
	}
	return b.PublishMessages(ctx, m)
}

// Encode makes the message of a payload.
func Encode[T any](t Topic[T], id, key string, payload T) (Message, error) {
	if id == "" {
		return Message{}, problem.New(problem.InvalidArgument, "an event of %s needs an id", t.Name)
	}
	data, err := json.Marshal(payload)
	if err != nil {
		return Message{}, problem.Wrap(err, problem.Internal, "encode event %s of %s", id, t.Name)
	}
	return Message{ID: id, Topic: t.Name, Type: t.Type, Time: time.Now().UTC(), Key: key, Data: data}, nil
}

// Decode reads a message's payload. A type of another version or topic, or a
// malformed payload, is InvalidArgument: it goes to the dead letters at once.
func Decode[T any](t Topic[T], m Message) (T, error) {
	var v T
	if m.Type != t.Type {
		return v, problem.New(problem.InvalidArgument, "event %s has type %q, want %q", m.ID, m.Type, t.Type)
	}
	if err := json.Unmarshal(m.Data, &v); err != nil {
		return v, problem.Wrap(err, problem.InvalidArgument, "event %s of %s cannot be read", m.ID, m.Topic)
	}
	return v, nil
}

// PublishMessages sends encoded messages, many at once where the driver can.
func (b *Bus) PublishMessages(ctx context.Context, ms ...Message) error {
	ms = slices.Clone(ms)
	for i, m := range ms {
		if err := m.Validate(); err != nil {
			return err
		}
		if m.Traceparent == "" {
			ms[i].Traceparent = telemetry.Traceparent(ctx)
		}
	}
	return b.drv.Publish(ctx, ms...)
}

// Begin begins one attempt of a subscription at a message, for telemetry: drivers, and
// who gets messages by push, call it around the handler with a context that ends with
// the process's work. What they log of the attempt goes with the context it gives; end
// takes the outcome.
func Begin(ctx context.Context, subscription string, m Message) (_ context.Context, end func(error)) {
	return telemetry.Process(ctx, subscription, telemetry.Delivery{Topic: m.Topic, ID: m.ID, Attempt: m.Attempt, Traceparent: m.Traceparent, Data: m.Data})
}

// Subscribe registers a subscription; see Driver.Subscribe.
func (b *Bus) Subscribe(s Subscription) error {
	if s.Name == "" || s.Topic == "" || s.Handler == nil {
		return problem.New(problem.InvalidArgument, "a subscription needs a name, a topic and a handler")
	}
	if s.Concurrency < 0 || s.Timeout < 0 || s.MaxAttempts < 0 {
		return problem.New(problem.InvalidArgument, "subscription %q has a negative limit", s.Name)
	}
	if s.Concurrency == 0 {
		s.Concurrency = 1
	}
	if s.Timeout == 0 {
		s.Timeout = time.Minute
	}
	if s.MaxAttempts == 0 {
		s.MaxAttempts = MaxAttempts
	}
	return b.drv.Subscribe(s)
}

// DeadLetters lists dead letters, newest first.
func (b *Bus) DeadLetters(ctx context.Context, subscription string, limit int) ([]DeadLetter, error) {
	return b.drv.DeadLetters(ctx, subscription, limit)
}

// Replay delivers a dead letter again.
func (b *Bus) Replay(ctx context.Context, subscription, id string) error {
	return b.drv.Replay(ctx, subscription, id)
}

// Close stops delivery.
func (b *Bus) Close(ctx context.Context) error { return b.drv.Close(ctx) }
