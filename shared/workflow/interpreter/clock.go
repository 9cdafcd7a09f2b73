package interpreter

import (
	"context"
	"time"
)

// Clock tells and waits for times. Tests bring one that does not wait.
type Clock interface {
	Now() time.Time
	// Sleep returns at the given time, or with ctx's error before it.
	Sleep(ctx context.Context, until time.Time) error
}

type wallClock struct{}

func (wallClock) Now() time.Time { return time.Now().UTC() }

func (wallClock) Sleep(ctx context.Context, until time.Time) error {
	t := time.NewTimer(time.Until(until))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
