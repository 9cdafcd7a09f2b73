package sqlite

import (
	"database/sql"
	"time"

	"github.com/b2brecs/b2brecs/shared/internal/sqlitefile"
)

// purgeEvery is how often old messages are removed.
const purgeEvery = time.Hour

// purgePage is how many messages one commit removes, so that publishes pass between.
const purgePage = 500

func (d *Driver) purgeHourly() {
	tick := time.NewTicker(purgeEvery)
	defer tick.Stop()
	for {
		if err := d.purge(time.Now().Add(-d.opt.Retention)); err != nil && d.handlers.Err() == nil {
			d.opt.Log.Error("old events cannot be removed", "error", err)
		}
		select {
		case <-tick.C:
		case <-d.handlers.Done():
			return
		}
	}
}

// purge removes what was acknowledged by all and published before cutoff, and
// forgets subscriptions that no start has named since.
func (d *Driver) purge(cutoff time.Time) error {
	before := cutoff.UnixMilli()
	err, _ := d.do(d.handlers.Done(), &op{run: func(t *sqlitefile.Tx) error {
		var gone []string
		err := t.Rows(func(r *sql.Rows) error {
			var name string
			if err := r.Scan(&name); err != nil {
				return err
			}
			if !d.subscribed(name) {
				gone = append(gone, name)
			}
			return nil
		}, `SELECT name FROM subscriptions WHERE seen < ?`, before)
		if err != nil {
			return err
		}
		for _, name := range gone {
			if _, err := t.Exec(`DELETE FROM deliveries WHERE subscription = ?`, name); err != nil {
				return err
			}
			if _, err := t.Exec(`DELETE FROM subscriptions WHERE name = ?`, name); err != nil {
				return err
			}
		}
		return nil
	}})
	for err == nil {
		var seqs []int64
		err = d.file.Rows(d.handlers, func(r *sql.Rows) error {
			var seq int64
			err := r.Scan(&seq)
			seqs = append(seqs, seq)
			return err
		}, `SELECT seq FROM messages WHERE published < ? AND seq NOT IN (SELECT seq FROM deliveries) ORDER BY seq LIMIT ?`, before, purgePage)
		if err != nil || len(seqs) == 0 {
			return err
		}
		err, _ = d.do(d.handlers.Done(), &op{run: func(t *sqlitefile.Tx) error {
			for _, seq := range seqs {
				if _, err := t.Exec(`DELETE FROM messages WHERE seq = ? AND seq NOT IN (SELECT seq FROM deliveries WHERE seq = ?)`, seq, seq); err != nil {
					return err
				}
			}
			return nil
		}})
		if d.handlers.Err() != nil {
			return nil
		}
	}
	return err
}

func (d *Driver) subscribed(name string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.subs[name] != nil
}
