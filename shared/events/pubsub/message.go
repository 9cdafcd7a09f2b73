package pubsub

import (
	"encoding/json"
	"time"

	ce "github.com/cloudevents/sdk-go/v2/event"

	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"github.com/b2brecs/b2brecs/shared/events"
)

// typePublished is the CloudEvents type of a Pub/Sub message
// (https://github.com/googleapis/google-cloudevents/blob/main/proto/google/events/cloud/pubsub/v1/events.proto).
const typePublished = "google.cloud.pubsub.topic.v1.messagePublished"

// received is a message as Pub/Sub gives it.
type received struct {
	id         string
	attributes map[string]string
	data       []byte
	key        string
	published  time.Time
	attempt    int
}

func receivedOf(m *pb.PubsubMessage) received {
	return received{id: m.MessageId, attributes: m.Attributes, data: m.Data, key: m.OrderingKey, published: m.PublishTime.AsTime()}
}

// pushed is the data of the CloudEvent of a Pub/Sub message.
type pushed struct {
	Message         pushedMessage `json:"message"`
	Subscription    string        `json:"subscription"`
	DeliveryAttempt int           `json:"deliveryAttempt,omitempty"`
}

type pushedMessage struct {
	Attributes  map[string]string `json:"attributes,omitempty"`
	Data        []byte            `json:"data,omitempty"`
	MessageID   string            `json:"messageId"`
	PublishTime time.Time         `json:"publishTime"`
	OrderingKey string            `json:"orderingKey,omitempty"`
}

func (d *Driver) push(subscription string, v received) ([]byte, error) {
	return json.Marshal(pushed{
		Message:         pushedMessage{Attributes: v.attributes, Data: v.data, MessageID: v.id, PublishTime: v.published.UTC(), OrderingKey: v.key},
		Subscription:    d.subscriptionPath(subscription),
		DeliveryAttempt: v.attempt,
	})
}

// decode reads a message as shared/events/cloudevent reads its delivery by push, so
// that a handler sees one message either way.
func (d *Driver) decode(topic, subscription string, v received) (events.Message, error) {
	body, err := d.push(subscription, v)
	if err != nil {
		return events.Message{}, err
	}
	e := ce.New()
	e.SetType(typePublished)
	e.SetID(v.id)
	e.SetSource("//pubsub.googleapis.com/" + d.topicPath(topic))
	e.SetDataContentType(ce.ApplicationJSON)
	e.DataEncoded = body
	return d.decoder().FromEvent(e)
}

// raw is the message of what decode refuses: its payload is the push itself.
func (d *Driver) raw(topic, subscription string, v received) (events.Message, error) {
	body, err := d.push(subscription, v)
	return events.Message{ID: v.id, Topic: topic, Type: typePublished, Time: v.published.UTC(), Key: v.key, Data: body, Attempt: v.attempt}, err
}
