package workflowtest

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/workflow"
)

// engineSource has a workflow that waits, and one that ends at once.
var engineSource = fstest.MapFS{
	"long.yaml":  {Data: []byte("main:\n  params: [args]\n  steps:\n    - nap:\n        call: sys.sleep\n        args:\n          seconds: ${args.seconds}\n    - done:\n        return: ${args}\n")},
	"quick.yaml": {Data: []byte("main:\n  params: [args]\n  steps:\n    - done:\n        return: ${args.n * 2}\n")},
}

func testEngine(t *testing.T, w World, open Open) {
	e := mustOpen(t, open, engineSource)
	ctx := t.Context()

	t.Run("unknown workflow", func(t *testing.T) {
		if _, err := e.Start(ctx, "nothing", "a", nil); !problem.Is(err, problem.NotFound) {
			t.Errorf("start: %v", err)
		}
		if _, err := e.Get(ctx, "quick", "nobody"); !problem.Is(err, problem.NotFound) {
			t.Errorf("get: %v", err)
		}
		if err := e.Cancel(ctx, "quick", "nobody"); !problem.Is(err, problem.NotFound) {
			t.Errorf("cancel: %v", err)
		}
	})
	t.Run("ids", func(t *testing.T) {
		for _, id := range []string{"", "A", "a b", "a/b", "a.b", strings.Repeat("a", 64)} {
			if _, err := e.Start(ctx, "quick", id, nil); !problem.Is(err, problem.InvalidArgument) {
				t.Errorf("id %q: %v", id, err)
			}
		}
		if _, err := e.Start(ctx, "quick", strings.Repeat("9", 63), map[string]any{"n": 1}); err != nil {
			t.Error(err)
		}
	})
	t.Run("start is idempotent", func(t *testing.T) {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if _, err := e.Start(ctx, "quick", "same", map[string]any{"n": 21}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		x := w.wait(t, e, "quick", "same")
		if string(x.Result) != "42" {
			t.Errorf("result %s", x.Result)
		}
		again, err := e.Start(ctx, "quick", "same", map[string]any{"n": 1})
		if err != nil || string(again.Result) != "42" || string(again.Argument) != `{"n":21}` {
			t.Errorf("second start: %+v, %v", again, err)
		}
	})
	t.Run("same id in two workflows", func(t *testing.T) {
		if _, err := e.Start(ctx, "long", "same", map[string]any{"seconds": 0}); err != nil {
			t.Fatal(err)
		}
		if x := w.wait(t, e, "long", "same"); string(x.Result) != `{"seconds":0}` {
			t.Errorf("result %s", x.Result)
		}
	})
	t.Run("cancel", func(t *testing.T) {
		if _, err := e.Start(ctx, "long", "stop", map[string]any{"seconds": 3600}); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(w.Patience); ; time.Sleep(w.Poll) {
			x, err := e.Get(ctx, "long", "stop")
			if err != nil || x.Status != workflow.Active || time.Now().After(deadline) {
				t.Fatalf("%+v, %v", x, err)
			}
			if x.Step == "main.nap" {
				break
			}
		}
		for range 2 {
			if err := e.Cancel(ctx, "long", "stop"); err != nil {
				t.Fatal(err)
			}
		}
		x, err := e.Get(ctx, "long", "stop")
		if err != nil || x.Status != workflow.Cancelled || x.Ended.IsZero() {
			t.Errorf("%+v, %v", x, err)
		}
		if err := e.Cancel(ctx, "quick", "same"); err != nil {
			t.Error(err)
		}
		if x, _ := e.Get(ctx, "quick", "same"); x.Status != workflow.Succeeded {
			t.Errorf("cancelling an ended execution made it %s", x.Status)
		}
	})
	t.Run("many at once", func(t *testing.T) {
		for i := range 20 {
			if _, err := e.Start(ctx, "quick", fmt.Sprint("m", i), map[string]any{"n": i}); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 20 {
			if x := w.wait(t, e, "quick", fmt.Sprint("m", i)); string(x.Result) != fmt.Sprint(2*i) {
				t.Errorf("%d: %s", i, x.Result)
			}
		}
	})
}
