package state

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/b2brecs/b2brecs/shared/problem"
)

// maxAttempts bounds a contended transaction; Firestore's clients give up after five.
const maxAttempts = 10

// Transact runs fn in a serializable transaction and again, with jittered
// back-off, when it met a conflict. fn MUST have no effect besides tx.
// AlreadyExists, NotFound and other problems of fn end it at once.
func (db *DB) Transact(ctx context.Context, fn func(*Tx) error) error {
	wait := 5 * time.Millisecond
	for attempt := 1; ; attempt++ {
		var fnErr error
		err := db.drv.Transact(ctx, func(tx DriverTx) error {
			t := &Tx{drv: tx}
			if fnErr = fn(t); fnErr != nil {
				return fnErr
			}
			return t.flush()
		})
		if err == nil || fnErr != nil && !problem.Is(fnErr, problem.Unavailable) ||
			!problem.Is(err, problem.Unavailable) || attempt == maxAttempts {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait/2 + rand.N(wait)):
		}
		wait = min(2*wait, time.Second)
	}
}
