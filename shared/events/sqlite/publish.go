package sqlite

import (
	"context"
	"database/sql"
	"time"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/internal/sqlitefile"
	"github.com/b2brecs/b2brecs/shared/problem"
)

const (
	sqlInsertMessage    = `INSERT INTO messages (topic, id, type, time, key, data, traceparent, published) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (topic, id) DO NOTHING RETURNING seq`
	sqlInsertDeliveries = `INSERT INTO deliveries (subscription, seq, attempts, due) SELECT name, ?, 0, 0 FROM subscriptions WHERE topic = ?`
	messageColumns      = `seq, topic, id, type, time, key, data, traceparent`
)

// Publish implements events.Driver. The messages of one call become durable
// together, in their order.
func (d *Driver) Publish(ctx context.Context, ms ...events.Message) error {
	if len(ms) == 0 {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	fresh := make([]delivery, 0, len(ms))
	err, waited := d.do(ctx.Done(), &op{
		run: func(t *sqlitefile.Tx) error {
			fresh = fresh[:0]
			now := time.Now().UnixMilli()
			for _, m := range ms {
				var seq int64
				found, err := t.Row(sqlInsertMessage, []any{m.Topic, m.ID, m.Type, m.Time.UTC().Format(time.RFC3339Nano), m.Key, string(m.Data), m.Traceparent, now}, &seq)
				if err != nil {
					return err
				}
				if !found {
					continue // a repeated id
				}
				if _, err := t.Exec(sqlInsertDeliveries, seq, m.Topic); err != nil {
					return err
				}
				m.Attempt = 0
				fresh = append(fresh, delivery{seq: seq, msg: m})
			}
			return nil
		},
		after: func(err error) {
			if err == nil {
				d.offer(fresh)
			}
		},
	})
	if !waited {
		return ctx.Err()
	}
	return err
}

// offer hands new messages to the subscribers of their topics, in commit order.
func (d *Driver) offer(fresh []delivery) {
	d.mu.Lock()
	subs := make([]*subscriber, 0, len(d.subs))
	for _, s := range d.subs {
		subs = append(subs, s)
	}
	d.mu.Unlock()
	for _, s := range subs {
		for _, f := range fresh {
			if f.msg.Topic == s.Topic {
				s.offer(f)
			}
		}
	}
}

// Subscribe implements events.Driver.
func (d *Driver) Subscribe(s events.Subscription) error {
	sub := newSubscriber(d, s)
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return errClosed()
	}
	if d.subs[s.Name] != nil {
		d.mu.Unlock()
		return problem.New(problem.AlreadyExists, "subscription %q exists already", s.Name)
	}
	d.subs[s.Name] = sub // offers before start are left to the file
	d.mu.Unlock()

	var last sql.NullInt64
	err, _ := d.do(nil, &op{
		run: func(t *sqlitefile.Tx) error {
			var topic string
			known, err := t.Row(`SELECT topic FROM subscriptions WHERE name = ?`, []any{s.Name}, &topic)
			if err != nil {
				return err
			}
			if known && topic != s.Topic {
				if _, err := t.Exec(`DELETE FROM deliveries WHERE subscription = ?`, s.Name); err != nil {
					return err
				}
			}
			if _, err := t.Exec(`INSERT INTO subscriptions (name, topic, seen) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET topic = excluded.topic, seen = excluded.seen`,
				s.Name, s.Topic, time.Now().UnixMilli()); err != nil {
				return err
			}
			last = sql.NullInt64{}
			if known && topic == s.Topic {
				_, err = t.Row(`SELECT max(seq) FROM deliveries WHERE subscription = ?`, []any{s.Name}, &last)
				return err
			}
			_, err = t.Exec(`INSERT INTO deliveries (subscription, seq, attempts, due) SELECT ?, seq, 0, 0 FROM messages WHERE topic = ?`, s.Name, s.Topic)
			return err
		},
		after: func(err error) {
			if err == nil {
				sub.start(last.Int64)
			}
		},
	})
	if err != nil {
		d.mu.Lock()
		delete(d.subs, s.Name)
		d.mu.Unlock()
	}
	return err
}

// scanMessage reads the columns of messageColumns.
func scanMessage(scan func(...any) error, extra ...any) (delivery, error) {
	var v delivery
	var at, data string
	err := scan(append([]any{&v.seq, &v.msg.Topic, &v.msg.ID, &v.msg.Type, &at, &v.msg.Key, &data, &v.msg.Traceparent}, extra...)...)
	if err != nil {
		return v, err
	}
	v.msg.Data = []byte(data)
	v.msg.Time, err = time.Parse(time.RFC3339Nano, at)
	return v, err
}
