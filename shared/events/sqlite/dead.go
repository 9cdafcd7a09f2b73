package sqlite

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/internal/sqlitefile"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// maxReason bounds the stored text of a failure, in bytes.
const maxReason = 4000

// bury moves a delivery to the dead letters.
func (s *subscriber) bury(v delivery, attempts int, reason error) {
	text := reason.Error()
	if len(text) > maxReason {
		text = strings.ToValidUTF8(text[:maxReason], "")
	}
	s.d.send(&op{run: func(t *sqlitefile.Tx) error {
		if _, err := t.Exec(`INSERT OR REPLACE INTO dead (subscription, `+messageColumns+`, attempts, reason, at)
SELECT ?, `+messageColumns+`, ?, ?, ? FROM messages WHERE seq = ?`, s.Name, attempts, text, time.Now().UnixMilli(), v.seq); err != nil {
			return err
		}
		_, err := t.Exec(sqlAck, s.Name, v.seq)
		return err
	}})
}

// DeadLetters implements events.Driver.
func (d *Driver) DeadLetters(ctx context.Context, subscription string, limit int) ([]events.DeadLetter, error) {
	var out []events.DeadLetter
	err := d.file.Rows(ctx, func(r *sql.Rows) error {
		var attempts int
		var reason string
		var at int64
		v, err := scanMessage(r.Scan, &attempts, &reason, &at)
		if err != nil {
			return err
		}
		v.msg.Attempt = attempts
		out = append(out, events.DeadLetter{Subscription: subscription, Message: v.msg, Reason: reason, At: time.UnixMilli(at).UTC()})
		return nil
	}, `SELECT `+messageColumns+`, attempts, reason, at FROM dead WHERE subscription = ? ORDER BY at DESC, seq DESC LIMIT ?`, subscription, limit)
	return out, err
}

// Replay implements events.Driver.
func (d *Driver) Replay(ctx context.Context, subscription, id string) error {
	var seq int64
	now := time.Now().UnixMilli()
	err, waited := d.do(ctx.Done(), &op{
		run: func(t *sqlitefile.Tx) error {
			found, err := t.Row(`SELECT seq FROM dead WHERE subscription = ? AND id = ? ORDER BY seq DESC LIMIT 1`, []any{subscription, id}, &seq)
			if err != nil {
				return err
			}
			if !found {
				return problem.New(problem.NotFound, "subscription %s has no dead letter %q", subscription, id)
			}
			// The message may have passed its retention; the dead letter keeps a copy.
			for _, step := range []struct {
				text string
				args []any
			}{
				{`INSERT OR IGNORE INTO messages (` + messageColumns + `, published) SELECT ` + messageColumns + `, ? FROM dead WHERE subscription = ? AND seq = ?`, []any{now, subscription, seq}},
				{`INSERT OR REPLACE INTO deliveries (subscription, seq, attempts, due) SELECT subscription, seq, 0, ? FROM dead WHERE subscription = ? AND seq = ?`, []any{now, subscription, seq}},
				{`DELETE FROM dead WHERE subscription = ? AND seq = ?`, []any{subscription, seq}},
			} {
				if _, err := t.Exec(step.text, step.args...); err != nil {
					return err
				}
			}
			return nil
		},
		after: func(err error) {
			if err != nil {
				return
			}
			d.mu.Lock()
			s := d.subs[subscription]
			d.mu.Unlock()
			if s != nil {
				s.delay(delay{due: now, seq: seq})
			}
		},
	})
	if !waited {
		return ctx.Err()
	}
	return err
}
