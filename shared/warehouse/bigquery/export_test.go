package bigquery

import "time"

// Hurry shortens the pauses; for tests.
func Hurry(d *Driver) {
	d.retry.first, d.retry.limit, d.retry.poll = time.Millisecond, 5*time.Millisecond, 20*time.Millisecond
}
