// Package retry makes calls again while they are Unavailable. It is the portable
// types' part in retries: it bridges a moment. Longer trouble is the caller's, who
// comes again by an event, a workflow or a person.
package retry

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/b2brecs/b2brecs/shared/problem"
)

// reads is how often a call without effect is made. A function makes hundreds of them,
// which cannot all succeed where one in a hundred fails, and who comes again makes all
// of them again.
const reads = 4

// Read makes a call without effect.
func Read[T any](ctx context.Context, fn func() (T, error)) (v T, err error) {
	err = Do(ctx, reads, func() (again bool, err error) { v, err = fn(); return true, err })
	return v, err
}

// Do makes at most so many attempts, with jittered back-off between them, until one
// succeeds, is not Unavailable, or says that it is not to be made again.
func Do(ctx context.Context, attempts int, fn func() (again bool, err error)) error {
	wait := 5 * time.Millisecond
	for attempt := 1; ; attempt++ {
		again, err := fn()
		if !again || !problem.Is(err, problem.Unavailable) || attempt == attempts {
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
