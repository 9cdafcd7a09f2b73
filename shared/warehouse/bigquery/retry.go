package bigquery

import (
	"context"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/b2brecs/b2brecs/shared/internal/gcp"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// retry is how requests whose reply was lost and jobs that ended by a fault of
// BigQuery's side are repeated: with a pause that doubles and is jittered, as
// https://cloud.google.com/bigquery/sla asks. The client itself repeats what was
// answered by backendError, rateLimitExceeded or a status of 5xx, as long as the
// context lasts.
type retry struct {
	attempts     int
	first, limit time.Duration
	poll         time.Duration // longest pause between two looks at a running job
}

var defaultRetry = retry{attempts: 5, first: time.Second, limit: 32 * time.Second, poll: 5 * time.Second}

// do calls fn until it succeeds, fails for good, or has been tried often enough. fn
// MUST be safe to repeat after a reply that was lost.
func (r retry) do(ctx context.Context, fn func() error) error {
	for n := 1; ; n++ {
		err := fn()
		if err == nil || !transient(err) || n == r.attempts || ctx.Err() != nil {
			return err
		}
		if err := r.pause(ctx, n); err != nil {
			return err
		}
	}
}

// pause waits after failure n, counted from 1.
func (r retry) pause(ctx context.Context, n int) error {
	return pause(ctx, min(r.first<<(n-1), r.limit))
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d/2 + rand.N(d/2+1))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// transient says whether the same may succeed later. An exceeded quota is not: it
// lasts for hours, which is for whoever called to wait out.
func transient(err error) bool {
	switch reason(err) {
	case "backendError", "internalError", "jobBackendError", "jobInternalError", "rateLimitExceeded", "jobRateLimitExceeded", "tableUnavailable":
		return true
	case "":
		return gcp.Code(err) == problem.Unavailable
	}
	return conflict(err)
}

// conflict says whether a transaction or a statement met another one on the same table
// (https://cloud.google.com/bigquery/docs/transactions#transaction_concurrency).
func conflict(err error) bool {
	text := err.Error()
	return strings.Contains(text, "due to concurrent update") || strings.Contains(text, "Could not serialize access")
}
