package pubsub

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
)

// subscription holds what is not acknowledged. Its fields are guarded by the server's mu.
type subscription struct {
	proto  *pb.Subscription
	queue  []*delivery // in publish order
	leases map[string]*delivery
	gone   chan struct{} // closed when it is deleted
}

// delivery is a message of one subscription.
type delivery struct {
	msg    *pb.PubsubMessage
	failed int       // negative acknowledgements and deadlines that passed
	ackID  string    // "" while it is not outstanding
	lease  time.Time // end of the acknowledgement deadline
	due    time.Time // not before; zero is at once
	stream *stream   // whose flow control it counts in
}

// sort puts the queue in publish order; ids count up.
func (sub *subscription) sort() {
	slices.SortFunc(sub.queue, func(a, b *delivery) int {
		return cmp.Or(cmp.Compare(len(a.msg.MessageId), len(b.msg.MessageId)), cmp.Compare(a.msg.MessageId, b.msg.MessageId))
	})
}

func (sub *subscription) ordered(d *delivery) bool {
	return sub.proto.EnableMessageOrdering && d.msg.OrderingKey != ""
}

// take leases up to limit messages for a deadline. later is when the next one may be
// deliverable without another call, zero for never. The caller holds mu.
func (s *Server) take(sub *subscription, limit int, deadline time.Duration, st *stream) (out []*pb.ReceivedMessage, later time.Time) {
	now := time.Now()
	soon := func(t time.Time) {
		if later.IsZero() || t.Before(later) {
			later = t
		}
	}
	blocked := map[string]bool{} // ordering keys
	kept := sub.queue[:0]
	for _, d := range sub.queue {
		if d.ackID != "" && !now.Before(d.lease) {
			s.nack(sub, d)
		}
		if p := sub.proto.DeadLetterPolicy; p != nil && d.failed >= int(p.MaxDeliveryAttempts) && s.topics[p.DeadLetterTopic] != nil {
			s.forward(sub, d)
			continue
		}
		kept = append(kept, d)
		key := d.msg.OrderingKey
		waits := blocked[key]
		mine := d.ackID != "" && st != nil && d.stream == st
		// What is on its way to the same stream lets the next of its key follow.
		blocked[key] = sub.ordered(d) && (waits || !mine)
		switch {
		case d.ackID != "":
			soon(d.lease)
			continue
		case waits:
			continue
		case now.Before(d.due):
			soon(d.due)
			continue
		case len(out) == limit || st != nil && !st.fits(d):
			continue
		}
		blocked[key] = sub.ordered(d) && st == nil
		s.ids++
		d.ackID = fmt.Sprintf("%s:%d", d.msg.MessageId, s.ids)
		d.lease = now.Add(deadline)
		sub.leases[d.ackID] = d
		soon(d.lease)
		if d.stream = st; st != nil {
			st.count(d, 1)
		}
		r := &pb.ReceivedMessage{AckId: d.ackID, Message: d.msg}
		if sub.proto.DeadLetterPolicy != nil {
			r.DeliveryAttempt = int32(d.failed + 1)
		}
		out = append(out, r)
	}
	clear(sub.queue[len(kept):])
	sub.queue = kept
	return out, later
}

// ack removes outstanding messages; unknown ids are no error. The caller holds mu.
func (s *Server) ack(sub *subscription, ids []string) {
	done := map[*delivery]bool{}
	for _, id := range ids {
		if d := sub.leases[id]; d != nil {
			d.release(sub)
			done[d] = true
			if s.Acknowledged != nil {
				s.Acknowledged(sub.proto.Name, d.msg)
			}
		}
	}
	sub.queue = slices.DeleteFunc(sub.queue, func(d *delivery) bool { return done[d] })
	s.wake()
}

// nack gives a message back, to come after the back-off of the retry policy; later
// ones of its ordering key come again after it
// (https://cloud.google.com/pubsub/docs/ordering#redelivery). The caller holds mu.
func (s *Server) nack(sub *subscription, d *delivery) {
	if later := slices.Index(sub.queue, d) + 1; sub.ordered(d) {
		for _, l := range sub.queue[later:] {
			if l.ackID != "" && l.msg.OrderingKey == d.msg.OrderingKey {
				l.release(sub)
			}
		}
	}
	d.release(sub)
	d.failed++
	d.due = time.Time{}
	if p := sub.proto.RetryPolicy; p != nil {
		low, high := backoffs(p)
		wait := high
		if shift := d.failed - 1; shift < 20 {
			wait = min(high, low<<shift)
		}
		d.due = time.Now().Add(wait)
	}
}

func (d *delivery) release(sub *subscription) {
	delete(sub.leases, d.ackID)
	d.ackID = ""
	if d.stream != nil {
		d.stream.count(d, -1)
		d.stream = nil
	}
}

// extend moves the deadline of outstanding messages; 0 gives them back. The caller
// holds mu.
func (s *Server) extend(sub *subscription, ids []string, seconds int32) {
	for _, id := range ids {
		switch d := sub.leases[id]; {
		case d == nil: // acknowledged, or its deadline passed
		case seconds == 0:
			s.nack(sub, d)
		default:
			d.lease = time.Now().Add(time.Duration(seconds) * s.Second)
		}
	}
	s.wake()
}

// forward publishes a message to the dead-letter topic, with the attributes
// documented at https://cloud.google.com/pubsub/docs/handling-failures#receive_messages_from_a_dead-letter_topic.
// The caller holds mu and drops it from the queue.
func (s *Server) forward(sub *subscription, d *delivery) {
	a := maps.Clone(d.msg.Attributes)
	if a == nil {
		a = map[string]string{}
	}
	m := subscriptionName.FindStringSubmatch(sub.proto.Name)
	a["CloudPubSubDeadLetterSourceDeliveryCount"] = strconv.Itoa(d.failed)
	a["CloudPubSubDeadLetterSourceSubscription"] = m[1]
	a["CloudPubSubDeadLetterSourceSubscriptionProject"] = project(sub.proto.Name)
	a["CloudPubSubDeadLetterSourceTopicPublishTime"] = d.msg.PublishTime.AsTime().Format(time.RFC3339Nano)
	s.append(sub.proto.DeadLetterPolicy.DeadLetterTopic, &pb.PubsubMessage{Data: d.msg.Data, Attributes: a, OrderingKey: d.msg.OrderingKey})
}
