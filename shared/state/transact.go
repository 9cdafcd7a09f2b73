package state

import (
	"context"

	"github.com/b2brecs/b2brecs/shared/internal/retry"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// maxAttempts bounds a contended transaction; Firestore's clients give up after five.
const maxAttempts = 10

// Transact runs fn in a serializable transaction and again, with jittered
// back-off, when it met a conflict. fn MUST have no effect besides tx.
// AlreadyExists, NotFound and other problems of fn end it at once.
func (db *DB) Transact(ctx context.Context, fn func(*Tx) error) error {
	return retry.Do(ctx, maxAttempts, func() (again bool, err error) {
		var fnErr error
		err = db.drv.Transact(ctx, func(tx DriverTx) error {
			t := &Tx{drv: tx}
			if fnErr = fn(t); fnErr != nil {
				return fnErr
			}
			return t.flush()
		})
		return fnErr == nil || problem.Is(fnErr, problem.Unavailable), err
	})
}
