package cloudevent

import (
	"strings"
	"time"

	ce "github.com/cloudevents/sdk-go/v2/event"

	"github.com/b2brecs/b2brecs/shared/events"
)

const (
	// sourcePrefix + topic is the source attribute of the product's events.
	sourcePrefix = "//b2brecs/topics/"
	// keyExtension carries the ordering key
	// (https://github.com/cloudevents/spec/blob/main/cloudevents/extensions/partitioning.md).
	keyExtension = "partitionkey"
	// attemptExtension carries Message.Attempt.
	attemptExtension = "attempt"
	// traceExtension carries Message.Traceparent
	// (https://github.com/cloudevents/spec/blob/main/cloudevents/extensions/distributed-tracing.md).
	traceExtension = "traceparent"
)

// ToEvent makes the CloudEvent of a message. The payload is carried as it is.
func ToEvent(m events.Message) ce.Event {
	e := ce.New()
	e.SetID(m.ID)
	e.SetType(m.Type)
	e.SetSource(sourcePrefix + m.Topic)
	e.SetTime(m.Time.UTC())
	if m.Key != "" {
		e.SetExtension(keyExtension, m.Key)
	}
	if m.Attempt != 0 {
		e.SetExtension(attemptExtension, m.Attempt)
	}
	if m.Traceparent != "" {
		e.SetExtension(traceExtension, m.Traceparent)
	}
	e.SetDataContentType(ce.ApplicationJSON)
	e.DataEncoded = m.Data
	return e
}

// ToPubSub makes the attributes and the data of a Pub/Sub message in CloudEvents'
// binary mode
// (https://github.com/googleapis/google-cloudevents/blob/main/docs/spec/pubsub.md).
// The ordering key travels as Pub/Sub's own.
func ToPubSub(m events.Message) (attributes map[string]string, data []byte, orderingKey string) {
	attributes = map[string]string{
		"ce-specversion": ce.CloudEventsVersionV1,
		"ce-id":          m.ID,
		"ce-type":        m.Type,
		"ce-source":      sourcePrefix + m.Topic,
		"ce-time":        m.Time.UTC().Format(time.RFC3339Nano),
		"content-type":   ce.ApplicationJSON,
	}
	if m.Traceparent != "" {
		attributes["ce-"+traceExtension] = m.Traceparent
	}
	return attributes, m.Data, m.Key
}

// topicOf takes the topic out of a source: the product's own, or Pub/Sub's
// "//pubsub.googleapis.com/projects/p/topics/t".
func topicOf(source string) string {
	if t, ours := strings.CutPrefix(source, sourcePrefix); ours {
		return t
	}
	if i := strings.LastIndex(source, "/topics/"); i >= 0 {
		return source[i+len("/topics/"):]
	}
	return ""
}
