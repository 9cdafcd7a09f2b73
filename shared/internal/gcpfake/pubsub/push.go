package pubsub

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
)

// pushWindow bounds the requests to one endpoint at a time.
const pushWindow = 16

// envelope is the body of a push (https://cloud.google.com/pubsub/docs/push#receive_push).
type envelope struct {
	Message         pushed `json:"message"`
	Subscription    string `json:"subscription"`
	DeliveryAttempt int32  `json:"deliveryAttempt,omitempty"`
}

type pushed struct {
	Attributes   map[string]string `json:"attributes,omitempty"`
	Data         []byte            `json:"data,omitempty"`
	MessageID    string            `json:"messageId"`
	MessageID2   string            `json:"message_id"`
	PublishTime  string            `json:"publishTime"`
	PublishTime2 string            `json:"publish_time"`
	OrderingKey  string            `json:"orderingKey,omitempty"`
}

// push posts the messages of a subscription to its endpoint until it is deleted or
// the server is closed.
func (s *Server) push(sub *subscription) {
	var running sync.WaitGroup
	defer running.Wait()
	slots := make(chan struct{}, pushWindow)
	deadline := time.Duration(sub.proto.AckDeadlineSeconds) * s.Second
	for {
		select {
		case slots <- struct{}{}:
		case <-s.life.Done():
			return
		}
		out, err := s.await(s.life, sub, nil, func() ([]*pb.ReceivedMessage, time.Time) {
			// The request's own deadline ends it; the lease MUST NOT end before.
			return s.take(sub, 1, deadline+time.Minute, nil)
		})
		if err != nil { // closed or deleted
			return
		}
		running.Go(func() {
			defer func() { <-slots }()
			ok := s.post(sub.proto.PushConfig.PushEndpoint, sub.proto.Name, out[0], deadline)
			s.mu.Lock()
			defer s.mu.Unlock()
			if ok {
				s.ack(sub, []string{out[0].AckId})
			} else {
				s.extend(sub, []string{out[0].AckId}, 0)
			}
		})
	}
}

// post makes one push request and says whether it acknowledges the message.
func (s *Server) post(endpoint, subscription string, r *pb.ReceivedMessage, deadline time.Duration) bool {
	at := r.Message.PublishTime.AsTime().Format(time.RFC3339Nano)
	body, err := json.Marshal(envelope{
		Message: pushed{
			Attributes: r.Message.Attributes, Data: r.Message.Data, OrderingKey: r.Message.OrderingKey,
			MessageID: r.Message.MessageId, MessageID2: r.Message.MessageId, PublishTime: at, PublishTime2: at,
		},
		Subscription: subscription, DeliveryAttempt: r.DeliveryAttempt,
	})
	if err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(s.life, deadline)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, bytes.NewReader(body))
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "CloudPubSub-Google")
	req.Header.Set("From", "noreply@google.com")
	res, err := s.http.Do(req)
	if err != nil {
		return false
	}
	if res.Body.Close() != nil {
		return false
	}
	switch res.StatusCode { // https://cloud.google.com/pubsub/docs/push#receive_push
	case http.StatusProcessing, http.StatusOK, http.StatusCreated, http.StatusAccepted, http.StatusNoContent:
		return true
	}
	return false
}
