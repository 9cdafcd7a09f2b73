package cloudevent

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	ce "github.com/cloudevents/sdk-go/v2/event"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/telemetry"
)

// maxBody is the largest delivery: a Pub/Sub message holds 10 MB, a third more in base64.
const maxBody = 14 << 20

const (
	typePubSub    = "google.cloud.pubsub.topic.v1.messagePublished"
	typeFinalized = "google.cloud.storage.object.v1.finalized"
)

// Decoder decodes deliveries. The zero value takes buckets by their own names.
type Decoder struct {
	// Buckets gives the product's name ("uploads", …) of each bucket of the
	// installation. When it is not nil, events of other buckets are refused.
	Buckets map[string]string
}

// FromRequest is Decoder.FromRequest of the zero Decoder.
func FromRequest(r *http.Request) (events.Message, error) { return Decoder{}.FromRequest(r) }

// FromEvent is Decoder.FromEvent of the zero Decoder.
func FromEvent(e ce.Event) (events.Message, error) { return Decoder{}.FromEvent(e) }

// FromRequest decodes a delivery by HTTP. It reads the whole body. A push of a message
// that another service published is of the topic in the address, else of the one that
// the subscription is named after.
func (d Decoder) FromRequest(r *http.Request) (events.Message, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return events.Message{}, problem.Wrap(err, problem.Unavailable, "read an event delivery")
	}
	if len(body) > maxBody {
		return events.Message{}, refuse("an event delivery has more than %d bytes", maxBody)
	}
	structured := strings.HasPrefix(r.Header.Get("Content-Type"), ce.ApplicationCloudEventsJSON)
	if structured || r.Header.Get("Ce-Specversion") != "" {
		r = r.WithContext(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
		e, err := cehttp.NewEventFromHTTPRequest(r)
		if err != nil {
			return events.Message{}, problem.Wrap(err, problem.InvalidArgument, "the CloudEvent cannot be read")
		}
		return d.FromEvent(*e)
	}
	return d.fromPush(body, "", topicOfPath(r.URL.Path))
}

// topicOfPath gives the topic of a push address that ends in /projects/P/topics/T,
// as the product's subscriptions have it: a push names its subscription and not its
// topic. "" for other addresses.
func topicOfPath(path string) string {
	const parts = "/topics/"
	at := strings.LastIndex(path, parts)
	if at < 0 || strings.Contains(path[at+len(parts):], "/") {
		return ""
	}
	return path[at+len(parts):]
}

// FromEvent decodes a CloudEvent: one of the product's, a Pub/Sub message or a
// Cloud Storage event.
func (d Decoder) FromEvent(e ce.Event) (events.Message, error) {
	if err := e.Validate(); err != nil {
		return events.Message{}, problem.Wrap(err, problem.InvalidArgument, "the CloudEvent is not valid")
	}
	switch {
	case e.Type() == typePubSub:
		return d.fromPush(e.Data(), e.ID(), topicOf(e.Source()))
	case e.Type() == typeFinalized:
		return d.fromObject(e.Data())
	case strings.HasPrefix(e.Type(), "google.cloud.storage."):
		return events.Message{}, refuse("event %q is not about a finalized object", e.Type())
	}
	m := events.Message{ID: e.ID(), Topic: topicOf(e.Source()), Type: e.Type(), Time: e.Time().UTC(), Data: e.Data()}
	if key, ok := e.Extensions()[keyExtension].(string); ok {
		m.Key = key
	}
	if trace, ok := e.Extensions()[traceExtension].(string); ok {
		m.Traceparent = trace
	}
	switch n := e.Extensions()[attemptExtension].(type) {
	case int32: // structured
		m.Attempt = max(0, int(n))
	case string: // a header
		if a, err := strconv.Atoi(n); err == nil {
			m.Attempt = max(0, a)
		}
	}
	return valid(m)
}

// push is the body of a Pub/Sub push and the data of its CloudEvent
// (https://cloud.google.com/pubsub/docs/push#receive_push).
type push struct {
	Message *struct {
		Attributes  map[string]string `json:"attributes"`
		Data        []byte            `json:"data"`
		MessageID   string            `json:"messageId"`
		PublishTime time.Time         `json:"publishTime"`
		OrderingKey string            `json:"orderingKey"`
	} `json:"message"`
	Subscription    string `json:"subscription"`
	DeliveryAttempt int    `json:"deliveryAttempt"`
}

func (d Decoder) fromPush(body []byte, id, topic string) (events.Message, error) {
	var p push
	if err := json.Unmarshal(body, &p); err != nil {
		return events.Message{}, problem.Wrap(err, problem.InvalidArgument, "the delivery is neither a CloudEvent nor a Pub/Sub push")
	}
	if p.Message == nil {
		return events.Message{}, refuse("the delivery is neither a CloudEvent nor a Pub/Sub push")
	}
	a := p.Message.Attributes
	var m events.Message
	switch {
	case a["ce-type"] != "":
		m = events.Message{ID: a["ce-id"], Topic: topicOf(a["ce-source"]), Type: a["ce-type"], Traceparent: a["ce-"+traceExtension], Data: p.Message.Data}
		if a["ce-time"] != "" {
			t, err := time.Parse(time.RFC3339Nano, a["ce-time"])
			if err != nil {
				return m, problem.Wrap(err, problem.InvalidArgument, "the time of event %s cannot be read", m.ID)
			}
			m.Time = t.UTC()
		}
	case a["eventType"] == "OBJECT_FINALIZE":
		var err error
		if m, err = d.fromObject(p.Message.Data); err != nil {
			return m, err
		}
	case a["eventType"] != "" && a["bucketId"] != "":
		return m, refuse("storage event %q is not about a finalized object", a["eventType"])
	default:
		m = events.Message{ID: p.Message.MessageID, Topic: topic, Type: typePubSub, Time: p.Message.PublishTime.UTC(), Data: p.Message.Data}
		if m.ID == "" {
			m.ID = id
		}
		if m.Topic == "" {
			m.Topic = p.Subscription[strings.LastIndex(p.Subscription, "/")+1:]
		}
	}
	if m.Key == "" {
		m.Key = p.Message.OrderingKey
	}
	m.Attempt = max(0, p.DeliveryAttempt)
	return valid(m)
}

// object is the part of Cloud Storage's object resource the product uses; 64-bit
// numbers come as strings (https://cloud.google.com/storage/docs/json_api/v1/objects).
type object struct {
	Bucket     string    `json:"bucket"`
	Name       string    `json:"name"`
	Generation digits    `json:"generation"`
	Size       digits    `json:"size"`
	Updated    time.Time `json:"updated"`
	Created    time.Time `json:"timeCreated"`
}

// digits is a number written as a JSON string or number.
type digits string

// UnmarshalJSON implements json.Unmarshaler.
func (d *digits) UnmarshalJSON(b []byte) error {
	s := strings.Trim(string(b), `"`)
	if _, err := strconv.ParseInt(s, 10, 64); err != nil {
		return problem.New(problem.InvalidArgument, "%.40q is not a whole number", s)
	}
	*d = digits(s)
	return nil
}

func (d Decoder) fromObject(data []byte) (events.Message, error) {
	var o object
	if err := json.Unmarshal(data, &o); err != nil {
		return events.Message{}, problem.Wrap(err, problem.InvalidArgument, "the storage event cannot be read")
	}
	if o.Bucket == "" || o.Name == "" || o.Generation == "" {
		return events.Message{}, refuse("the storage event names no bucket, object or generation")
	}
	bucket := o.Bucket
	if d.Buckets != nil {
		if bucket = d.Buckets[o.Bucket]; bucket == "" {
			return events.Message{}, refuse("bucket %q is not one of this installation", o.Bucket)
		}
	}
	size, _ := strconv.ParseInt(string(o.Size), 10, 64) // absent is 0
	at := o.Updated
	if at.IsZero() {
		at = o.Created
	}
	m, err := objects.FinalizedMessage(objects.Finalized{Bucket: bucket, Key: o.Name, Generation: string(o.Generation), Size: size, Time: at.UTC()})
	if err != nil {
		return m, err
	}
	m.Time = at.UTC()
	return valid(m)
}

func valid(m events.Message) (events.Message, error) {
	if err := m.Validate(); err != nil {
		return events.Message{}, err
	}
	if !telemetry.Valid(m.Traceparent) {
		m.Traceparent = "" // no reason to refuse an event
	}
	return m, nil
}

func refuse(format string, args ...any) error {
	return problem.New(problem.InvalidArgument, format, args...)
}
