package harvestmetrics_test

import (
	"context"
	"strings"
	"testing"

	"github.com/b2brecs/b2brecs/shared/experiment"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/state"
)

func TestLiveProgress(t *testing.T) {
	f := open(t)
	e := f.running(t)
	f.deliver(t, 0, transitions(e, "trainer", pipeline.Running, nil)[:10], epochs(e, 3)[:2])
	got := f.Read(t, e.ID)
	if got.Status != experiment.Running || got.Epoch != 2 || got.Loss == nil || *got.Loss != 3 || got.Progress <= 0 || got.Progress >= 1 {
		t.Errorf("status %s, epoch %d, loss %v, progress %g", got.Status, got.Epoch, got.Loss, got.Progress)
	}
	if fact := got.Stages[5].Fact; !strings.HasPrefix(fact, "epoch 2 of ") || !strings.HasSuffix(fact, "loss 3") {
		t.Errorf("fact of the trainer = %q", fact)
	}
	h, err := f.Service().History(t.Context(), e.Project, e.ID)
	if err != nil || len(h.Epochs) != 2 || len(h.Series["loss"]) != 2 || *h.Series["loss"][1] != 3 {
		t.Errorf("history = %+v, %v", h, err)
	}
}

// looking looks on after every transaction.
type looking struct {
	state.Driver
	look func()
}

func (l looking) Transact(ctx context.Context, fn func(state.DriverTx) error) error {
	err := l.Driver.Transact(ctx, fn)
	l.look()
	return err
}

// A page reads the curves for the last time when it learns of the end.
func TestCurvesAreThereAtTheEnd(t *testing.T) {
	for name, c := range map[string]struct {
		last string
		end  pipeline.State
	}{"failed": {"trainer", pipeline.Failed}, "cancelled": {"trainer", pipeline.Cancelled}, "succeeded": {"", pipeline.Succeeded}, "succeeded without scores": {"", pipeline.Succeeded}} {
		t.Run(name, func(t *testing.T) {
			f := open(t)
			e := f.running(t)
			f.Results(t, e)
			if name == "succeeded without scores" {
				if err := f.Pipelines.Delete(t.Context(), e.Root+"evaluation.json"); err != nil {
					t.Fatal(err)
				}
			}
			ended := 0
			f.services.State = state.New(looking{f.State.Driver(), func() {
				if !f.Read(t, e.ID).Status.Ended() {
					return
				}
				ended++
				if h, err := f.Service().History(t.Context(), e.Project, e.ID); err != nil || len(h.Epochs) != 2 {
					t.Errorf("the experiment has ended with %d epochs, %v", len(h.Epochs), err)
				}
			}})
			f.deliver(t, 0, transitions(e, c.last, c.end, nil), epochs(e, 1))
			if ended == 0 {
				t.Error("nobody saw the end")
			}
		})
	}
}
