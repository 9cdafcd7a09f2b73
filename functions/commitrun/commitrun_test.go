package commitrun_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/b2brecs/b2brecs/functions/commitrun"
	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/events"
	eventqueue "github.com/b2brecs/b2brecs/shared/events/sqlite"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/objects/folder"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/source"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/state/sqlite"
	"github.com/b2brecs/b2brecs/shared/workflow"
)

// engine notes what is started; it does not answer the first time.
type engine struct {
	workflow.Driver
	asked []string
}

func (e *engine) Start(_ context.Context, _, id string, _ any) (workflow.Execution, error) {
	e.asked = append(e.asked, id)
	if len(e.asked) == 1 {
		return workflow.Execution{}, problem.New(problem.Unavailable, "nobody answers")
	}
	return workflow.Execution{ID: id}, nil
}

// The run that follows is made in one step and started in another: where the second
// fails, a repetition makes up for it. Without it the run would wait for ever, and its
// job with it.
func TestFollowingRunIsStarted(t *testing.T) {
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	drv, err := sqlite.Open(filepath.Join(dir, "state.db"))
	must(err)
	store := etl.NewStore(state.New(drv))
	t.Cleanup(func() { _ = store.DB.Close() })
	queue, err := eventqueue.Open(filepath.Join(dir, "events.db"))
	must(err)
	bus := events.New(queue)
	t.Cleanup(func() { _ = bus.Close(context.WithoutCancel(ctx)) })
	staging, err := folder.Open(objects.Staging, filepath.Join(dir, "staging"), bus)
	must(err)
	e := &engine{}
	s := commitrun.Services{ETL: store, Sources: source.NewRegistry(nil, nil), Staging: objects.NewBucket(objects.Staging, staging), Events: bus, Workflows: workflow.New(e)}
	must(store.Jobs.Put(ctx, "j", etl.Job{ID: "j", Name: "sales", RunAgain: true}))
	must(store.Runs.Put(ctx, "r", etl.Run{ID: "r", Job: "j", Number: 1, Status: etl.Completed}))

	if _, err := commitrun.Handle(ctx, s, commitrun.Request{Run: "r", Outcome: "loaded"}); !problem.Is(err, problem.Unavailable) {
		t.Fatalf("nobody heard the start: %v", err)
	}
	_, err = commitrun.Handle(ctx, s, commitrun.Request{Run: "r", Outcome: "loaded"})
	must(err)
	j, err := store.Jobs.Get(ctx, "j")
	must(err)
	if len(e.asked) != 2 || j.ActiveRun == "" || e.asked[0] != j.ActiveRun || e.asked[1] != j.ActiveRun {
		t.Errorf("asked to start %v; the job's run is %q", e.asked, j.ActiveRun)
	}
}
