package harvestmetrics_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/b2brecs/b2brecs/functions/harvestmetrics"
	"github.com/b2brecs/b2brecs/shared/experiment"
	"github.com/b2brecs/b2brecs/shared/experiment/experimenttest"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/pipeline/kfp"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// callbacks is an HTTP server where the execution's callback endpoint would be: it
// records what it is told and answers with a status.
type callbacks struct {
	mu     sync.Mutex
	status int
	bodies []string
	url    string
}

func serve(t *testing.T) *callbacks {
	c := &callbacks{status: http.StatusOK}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.bodies = append(c.bodies, string(b))
		w.WriteHeader(c.status)
	}))
	t.Cleanup(srv.Close)
	c.url = srv.URL + "/callbacks/1"
	return c
}

type fixture struct {
	experimenttest.Parts
	services harvestmetrics.Services
	calls    *callbacks
}

func open(t *testing.T) fixture {
	p := experimenttest.Open(t, "", "")
	return fixture{p, harvestmetrics.Services{State: p.State, Pipelines: p.Pipelines, Warehouse: p.Warehouse, HTTP: http.DefaultClient}, serve(t)}
}

// running gives an experiment whose pipeline has the job.
func (f fixture) running(t *testing.T) experiment.Experiment {
	t.Helper()
	e := f.Prepare(t, f.Start(t))
	e, err := experiment.Of(f.State, e.Project).Update(t.Context(), e.ID, func(e *experiment.Experiment) error {
		e.Submitted(f.calls.url, e.StartedAt.Add(time.Second))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// transitions are the events of a job that ends at a task with a state, in order.
func transitions(e experiment.Experiment, last string, end pipeline.State, cause *problem.Error) []pipeline.StateChanged {
	at := time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)
	var out []pipeline.StateChanged
	add := func(task string, s pipeline.State, fact string, err *problem.Error) {
		at = at.Add(time.Second)
		out = append(out, pipeline.StateChanged{Job: e.ID, Seq: int64(len(out) + 1), Task: task, State: s, Time: at, Fact: fact, Error: err, Labels: e.Labels()})
	}
	add("", pipeline.Running, "", nil)
	for _, task := range kfp.Tasks {
		add(task, pipeline.Running, "", nil)
		if task == last {
			add(task, end, "", cause)
			break
		}
		add(task, pipeline.Succeeded, "fact of "+task, nil)
	}
	add("", end, "", cause)
	return out
}

func epochs(e experiment.Experiment, n int) []pipeline.Progress {
	var out []pipeline.Progress
	for i := 1; i <= n; i++ {
		out = append(out, pipeline.Progress{Job: e.ID, Task: "trainer", Labels: e.Labels(), Values: map[string]float64{"epoch": float64(i), "epochs": float64(n), "loss": 6 / float64(i)}})
	}
	return out
}

// deliver hands over every event twice, in an order of the seed; seed 0 keeps the
// order and the count.
func (f fixture) deliver(t *testing.T, seed uint64, states []pipeline.StateChanged, progress []pipeline.Progress) {
	t.Helper()
	var calls []func() error
	for _, c := range states {
		calls = append(calls, func() error { return harvestmetrics.Handle(t.Context(), f.services, c) })
	}
	for _, p := range progress {
		calls = append(calls, func() error { return harvestmetrics.HandleProgress(t.Context(), f.services, p) })
	}
	if seed > 0 {
		calls = append(calls, calls...)
		r := rand.New(rand.NewPCG(seed, seed))
		r.Shuffle(len(calls), func(i, j int) { calls[i], calls[j] = calls[j], calls[i] })
	}
	for _, call := range calls {
		if err := call(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestEveryOrderGivesTheSameDocument(t *testing.T) {
	for _, c := range []struct {
		name    string
		last    string
		end     pipeline.State
		cause   *problem.Error
		status  experiment.Status
		outcome string
	}{
		{"succeeded", "", pipeline.Succeeded, nil, experiment.Completed, "succeeded"},
		{"failed", "trainer", pipeline.Failed, problem.New(problem.Internal, "the trainer stopped").WithCause("loss is nan at step 7").WithStep("trainer"), experiment.Failed, "failed"},
		{"cancelled", "transform", pipeline.Cancelled, nil, experiment.Cancelled, "cancelled"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := open(t)
			var want experiment.Experiment
			var wantHistory experiment.History
			for seed := range uint64(12) {
				e := f.running(t)
				if c.end == pipeline.Succeeded {
					f.Results(t, e)
				}
				f.calls.bodies = nil
				f.deliver(t, seed, transitions(e, c.last, c.end, c.cause), epochs(e, 2))
				got := f.Read(t, e.ID)
				history, err := f.Service().History(t.Context(), e.Project, e.ID)
				if err != nil {
					t.Fatal(err)
				}
				if body := fmt.Sprintf(`{"experiment":%q,"outcome":%q}`, e.ID, c.outcome); len(f.calls.bodies) == 0 || f.calls.bodies[0] != body {
					t.Fatalf("callbacks = %q, want %s", f.calls.bodies, body)
				}
				if seed == 0 {
					want, wantHistory = got, history
					if got.Status != c.status || !got.Status.Ended() || got.EndedAt.IsZero() {
						t.Fatalf("status = %s, ended %s", got.Status, got.EndedAt)
					}
					continue
				}
				same := cmpopts.IgnoreFields(experiment.Experiment{}, "ID", "Number", "Root", "CreatedAt", "Examples", "CallbackURL")
				if d := cmp.Diff(want, got, same, cmpopts.IgnoreUnexported(problem.Error{})); d != "" {
					t.Fatalf("seed %d gives another document:\n%s", seed, d)
				}
				if d := cmp.Diff(wantHistory, history, cmpopts.IgnoreFields(experiment.History{}, "Experiment")); d != "" {
					t.Fatalf("seed %d gives another history:\n%s", seed, d)
				}
			}
		})
	}
}

func TestCompletedExperiment(t *testing.T) {
	f := open(t)
	e := f.running(t)
	f.Results(t, e)
	f.deliver(t, 0, transitions(e, "", pipeline.Succeeded, nil), epochs(e, 2))
	got := f.Read(t, e.ID)
	if got.Metrics == nil || got.Metrics.Verdict != experiment.BeatsItemKNN || got.Metrics.Model["recall@10"] != 0.4 || got.Metrics.Protocol.Split != "temporal" {
		t.Errorf("metrics = %+v", got.Metrics)
	}
	if got.BestEpoch == nil || *got.BestEpoch != 2 || got.Loss == nil || *got.Loss != 4.25 || got.Epoch != 2 || got.Recommendations != 8 || got.Progress != 1 {
		t.Errorf("best epoch %v, loss %v, epoch %d, %d recommendations, progress %g", got.BestEpoch, got.Loss, got.Epoch, got.Recommendations, got.Progress)
	}
	for _, s := range got.Stages {
		if s.State != pipeline.Succeeded || s.Started.IsZero() || s.Ended.IsZero() || s.Fact == "" {
			t.Errorf("stage = %+v", s)
		}
	}
	h, err := f.Service().History(t.Context(), e.Project, e.ID)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := json.Marshal(h)
	want := `{"experiment":"` + e.ID + `","epochs":[1,2],"series":{"loss":[5.5,4.25],"val_recall@10":[null,0.3],"weight_norm.query":[1,2]},` +
		`"final_metrics":{"final_loss":4.25},"params":{"epochs":2},"statistics":{"available":true,"num_examples":20},"schema":{"available":true,"num_features":5},` +
		`"timings":{"evaluator.load":0.5,"trainer.fit":3}}`
	if d := cmp.Diff(want, string(text)); d != "" {
		t.Error(d)
	}
	rows, err := f.Warehouse.Query(t.Context(), warehouse.Statement{SQL: "SELECT COUNT(*) AS n FROM " + f.Warehouse.Dialect().Table(experiment.RecommendationTable(e.Project, e.ID))}, 1)
	if err != nil || rows.Values[0][0] != int64(8) {
		t.Errorf("rows in the warehouse = %v, %v", rows.Values, err)
	}
}

// A run whose epochs were all worse than its start says so: best epoch 0 is not unset.
func TestUntrainedModelIsTheBest(t *testing.T) {
	f := open(t)
	e := f.running(t)
	f.Results(t, e)
	text := `{"epochs": [0, 1], "loss": {"loss": [5.5, 5.25]}, "params": {"epochs": 2}, "best_epoch": 0, "timings": {}}`
	if err := f.Pipelines.Write(t.Context(), e.Root+"training_metrics.json", []byte(text)); err != nil {
		t.Fatal(err)
	}
	f.deliver(t, 0, transitions(e, "", pipeline.Succeeded, nil), epochs(e, 2))
	if got := f.Read(t, e.ID); got.BestEpoch == nil || *got.BestEpoch != 0 || got.Epoch != 2 || got.Status != experiment.Completed {
		t.Errorf("best epoch %v, epoch %d, %s", got.BestEpoch, got.Epoch, got.Status)
	}
}

func TestCallbackIsTriedAgain(t *testing.T) {
	f := open(t)
	e := f.running(t)
	f.Results(t, e)
	events := transitions(e, "", pipeline.Succeeded, nil)
	last := events[len(events)-1]
	for _, step := range []struct {
		status int
		ok     bool
	}{{http.StatusServiceUnavailable, false}, {http.StatusUnauthorized, false}, {http.StatusOK, true}, {http.StatusGone, true}, {http.StatusNotFound, true}} {
		f.calls.status = step.status
		err := harvestmetrics.Handle(t.Context(), f.services, last)
		if (err == nil) != step.ok || err != nil && !problem.Retryable(err) {
			t.Errorf("callback answered with %d: error = %v", step.status, err)
		}
		if got := f.Read(t, e.ID); got.Status != experiment.Completed || got.Recommendations != 8 {
			t.Errorf("the experiment is %s with %d recommendations", got.Status, got.Recommendations)
		}
	}
}

func TestResultsThatCannotBeRead(t *testing.T) {
	for name, break_ := range map[string]func(fixture, experiment.Experiment) error{
		"no evaluation": func(f fixture, e experiment.Experiment) error {
			return f.Pipelines.Delete(t.Context(), e.Root+"evaluation.json")
		},
		"broken metrics": func(f fixture, e experiment.Experiment) error {
			return f.Pipelines.Write(t.Context(), e.Root+"training_metrics.json", []byte("{"))
		},
		"no protocol": func(f fixture, e experiment.Experiment) error {
			return f.Pipelines.Write(t.Context(), e.Root+"evaluation.json", []byte(`{"model": {"recall@10": 1}}`))
		},
		"no lists": func(f fixture, e experiment.Experiment) error {
			return f.Pipelines.DeletePrefix(t.Context(), e.Root+"recommendations/")
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := open(t)
			e := f.running(t)
			f.Results(t, e)
			if err := break_(f, e); err != nil {
				t.Fatal(err)
			}
			f.deliver(t, 0, transitions(e, "", pipeline.Succeeded, nil), nil)
			got := f.Read(t, e.ID)
			if got.Status != experiment.Failed || got.Error == nil || got.Error.Step != "harvest-metrics" || got.Error.Next == "" {
				t.Errorf("status %s, error %+v", got.Status, got.Error)
			}
			if len(f.calls.bodies) != 1 || !strings.Contains(f.calls.bodies[0], "failed") {
				t.Errorf("callbacks = %q", f.calls.bodies)
			}
		})
	}
}

func TestOtherPeoplesJobs(t *testing.T) {
	f := open(t)
	for _, labels := range []map[string]string{nil, {"project": experimenttest.Project, "experiment": "gone"}} {
		if err := harvestmetrics.Handle(t.Context(), f.services, pipeline.StateChanged{Job: "x", State: pipeline.Succeeded, Labels: labels}); err != nil {
			t.Errorf("labels %v: %v", labels, err)
		}
		if err := harvestmetrics.HandleProgress(t.Context(), f.services, pipeline.Progress{Task: "trainer", Labels: labels, Values: map[string]float64{"epoch": 1}}); err != nil {
			t.Errorf("labels %v: %v", labels, err)
		}
	}
}
