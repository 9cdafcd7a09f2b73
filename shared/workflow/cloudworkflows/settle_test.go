package cloudworkflows

import (
	"context"
	"testing"
	"time"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/workflow"
)

// failing answers one transaction, counted from one, with an error in place of its
// commit: fn has run, nothing is written.
type failing struct {
	state.Driver
	left int
	code problem.Code
}

func (f *failing) Transact(ctx context.Context, fn func(state.DriverTx) error) error {
	f.left--
	if f.left != 0 {
		return f.Driver.Transact(ctx, fn)
	}
	undo := problem.New(f.code, "injected")
	return f.Driver.Transact(ctx, func(tx state.DriverTx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return undo
	})
}

// A start whose execution was made and could not be written down ends its claim: the
// next start waits for nobody, and finds the execution instead of making a second one.
func TestStartThatCannotSettle(t *testing.T) {
	for _, code := range []problem.Code{problem.Internal, problem.ResourceExhausted, problem.PermissionDenied} {
		t.Run(string(code), func(t *testing.T) {
			w := newWorld(t)
			drv := store(t, "settle.db")
			w.db = state.New(drv)
			d := w.driver()
			broken := state.New(&failing{Driver: drv, left: 2, code: code}) // the first claims, the second settles
			d.db, d.starts = broken, state.Of[start](broken, d.starts.Name())
			if _, err := d.Start(t.Context(), "nap", "r1", nil); !problem.Is(err, code) {
				t.Fatal(err)
			}
			if n := w.executions("r1"); n != 1 {
				t.Fatalf("%d executions: it failed elsewhere", n)
			}
			began := time.Now()
			if x := w.start(w.driver(), "r1"); x.Status != workflow.Active {
				t.Errorf("%+v", x)
			}
			if waited := time.Since(began); waited > 3*time.Second {
				t.Errorf("a claim that failed is waited for: %s", waited)
			}
			if n := w.executions("r1"); n != 1 {
				t.Errorf("%d executions", n)
			}
		})
	}
}
