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
	"github.com/b2brecs/b2brecs/shared/warehouse"
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

// prepare makes the services on an empty folder.
func prepare(t *testing.T) (commitrun.Services, *engine) {
	t.Helper()
	dir := t.TempDir()
	drv, err := sqlite.Open(filepath.Join(dir, "state.db"))
	must(t, err)
	store := etl.NewStore(state.New(drv))
	t.Cleanup(func() { _ = store.DB.Close() })
	queue, err := eventqueue.Open(filepath.Join(dir, "events.db"))
	must(t, err)
	bus := events.New(queue)
	t.Cleanup(func() { _ = bus.Close(context.WithoutCancel(t.Context())) })
	staging, err := folder.Open(objects.Staging, filepath.Join(dir, "staging"), bus)
	must(t, err)
	e := &engine{}
	return commitrun.Services{ETL: store, Sources: source.NewRegistry(nil, nil), Staging: objects.NewBucket(objects.Staging, staging), Events: bus, Workflows: workflow.New(e)}, e
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// The run that follows is made in one step and started in another: where the second
// fails, a repetition makes up for it. Without it the run would wait for ever, and its
// job with it.
func TestFollowingRunIsStarted(t *testing.T) {
	ctx := t.Context()
	s, e := prepare(t)
	must(t, s.ETL.Jobs.Put(ctx, "j", etl.Job{ID: "j", Name: "sales", RunAgain: true}))
	must(t, s.ETL.Runs.Put(ctx, "r", etl.Run{ID: "r", Job: "j", Number: 1, Status: etl.Completed}))

	if _, err := commitrun.Handle(ctx, s, commitrun.Request{Run: "r", Outcome: "loaded"}); !problem.Is(err, problem.Unavailable) {
		t.Fatalf("nobody heard the start: %v", err)
	}
	_, err := commitrun.Handle(ctx, s, commitrun.Request{Run: "r", Outcome: "loaded"})
	must(t, err)
	j, err := s.ETL.Jobs.Get(ctx, "j")
	must(t, err)
	if len(e.asked) != 2 || j.ActiveRun == "" || e.asked[0] != j.ActiveRun || e.asked[1] != j.ActiveRun {
		t.Errorf("asked to start %v; the job's run is %q", e.asked, j.ActiveRun)
	}
}

// ending is a warehouse that is asked for the destination when another call has just
// ended the run and folded its chunks.
type ending struct {
	warehouse.Driver
	end func()
}

func (e *ending) Table(_ context.Context, r warehouse.Ref) (warehouse.Info, error) {
	if e.end != nil {
		e.end()
		e.end = nil
	}
	return warehouse.Info{Table: warehouse.Table{Ref: r}}, nil
}

// Of two calls side by side, the workflow's timeout and its retry, the slower one comes
// again and finds what the faster one did; it fails nothing.
func TestTwoCallsSideBySide(t *testing.T) {
	ctx := t.Context()
	s, _ := prepare(t)
	run := etl.Run{ID: "r", Job: "j", Number: 1, Status: etl.Running, Epoch: 1, Chunks: 1, ChunksLoaded: 1, RowsRead: 1, RowsStaged: 1}
	must(t, s.ETL.Jobs.Put(ctx, "j", etl.Job{ID: "j", Name: "sales", Destination: warehouse.Ref{Dataset: warehouse.Raw, Name: "sales"}}))
	must(t, s.ETL.Runs.Put(ctx, "r", run))
	must(t, s.ETL.Chunks.Put(ctx, etl.ChunkID("r", 1, 0), etl.Chunk{ID: etl.ChunkID("r", 1, 0), Run: "r", Epoch: 1, State: etl.ChunkLoaded}))
	s.Warehouse = warehouse.New(&ending{end: func() {
		ended, err := s.ETL.Runs.Update(ctx, "r", func(r *etl.Run) error { r.Status = etl.Completed; return nil })
		must(t, err)
		must(t, s.ETL.Fold(ctx, ended))
	}})
	in := commitrun.Request{Run: "r", Outcome: "loaded"}
	if _, err := commitrun.Handle(ctx, s, in); !problem.Is(err, problem.Unavailable) {
		t.Errorf("the slower call: %v", err)
	}
	if got, err := commitrun.Handle(ctx, s, in); err != nil || got.Status != etl.Completed {
		t.Errorf("it comes again: %+v, %v", got, err)
	}
}
