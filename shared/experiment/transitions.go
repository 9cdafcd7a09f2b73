package experiment

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// Every function in this file is safe to repeat, and any two of them give the
// same document in either order: a stage keeps the furthest state it was told,
// a final status stays, times come from the events and not from the clock.

// stage finds a stage by name; nil for one the product does not draw.
func (e *Experiment) stage(name string) *Stage {
	for i := range e.Stages {
		if e.Stages[i].Name == name {
			return &e.Stages[i]
		}
	}
	return nil
}

// Prepare marks the beginning of analysis and code generation.
func (e *Experiment) Prepare(now time.Time) {
	if e.Status != Pending {
		return
	}
	e.Status = Preparing
	if e.StartedAt.IsZero() {
		e.StartedAt = now
	}
	e.stage("prepare").merge(pipeline.Running, now, nil, "")
	e.settle()
}

// Submitted marks the end of preparation: the pipeline has the job.
func (e *Experiment) Submitted(callbackURL string, now time.Time) {
	if e.Status.Ended() {
		return
	}
	e.Prepare(now)
	e.Status = Running
	e.CallbackURL = callbackURL
	p := e.stage("prepare")
	p.merge(pipeline.Succeeded, now, nil, "")
	if e.Examples != nil {
		var rows int64
		for _, n := range e.Examples.Rows {
			rows += n
		}
		p.Fact = thousands(rows) + " rows"
	}
	e.settle()
}

// Apply takes a transition of the pipeline's job. A job that succeeded leaves
// the experiment running until Complete: its results have to be read first.
func (e *Experiment) Apply(c pipeline.StateChanged) {
	e.JobSeq = max(e.JobSeq, c.Seq)
	switch s := e.stage(c.Task); {
	case s != nil:
		s.merge(c.State, c.Time, c.Error, c.Fact)
	case c.Task != "": // a task the product does not draw
	case c.State == pipeline.Running && !e.Status.Ended():
		e.Status = Running
	case c.State == pipeline.Failed:
		e.JobError = c.Error
		if !e.Status.Ended() {
			e.Status, e.EndedAt = Failed, c.Time
		}
	case c.State == pipeline.Cancelled && !e.Status.Ended():
		e.Status, e.EndedAt = Cancelled, c.Time
	}
	e.settle()
}

// Report takes the trainer's progress. It reports whether anything changed.
func (e *Experiment) Report(p pipeline.Progress) bool {
	epoch, ok := p.Values["epoch"]
	if p.Task != "trainer" || !ok || e.Status == Completed || int(epoch) <= e.Epoch {
		return false
	}
	e.Epoch = int(epoch)
	fact := fmt.Sprintf("epoch %d of %d", e.Epoch, e.Settings.Epochs)
	if loss, ok := p.Values["loss"]; ok && finite(loss) {
		e.Loss = &loss
		fact += fmt.Sprintf(", loss %.4g", loss)
	}
	if s := e.stage("trainer"); s.State != pipeline.Succeeded {
		s.Fact = fact
	}
	e.settle()
	return true
}

// Result is what a finished pipeline left.
type Result struct {
	Metrics         Metrics
	Loss            *float64
	BestEpoch       *int
	Epochs          int
	Recommendations int64
	Ended           time.Time
}

// Complete ends a run whose results are stored. A final status stays.
func (e *Experiment) Complete(r Result) {
	if e.Status.Ended() {
		return
	}
	e.Status, e.EndedAt = Completed, r.Ended
	m := r.Metrics
	e.Metrics, e.Loss, e.BestEpoch, e.Epoch, e.Recommendations = &m, r.Loss, r.BestEpoch, r.Epochs, r.Recommendations
	for i := range e.Stages {
		// The job succeeded, so each of its tasks did, though the event may still be on its way.
		if s := &e.Stages[i]; s.State == pipeline.Pending || s.State == pipeline.Running {
			s.State = pipeline.Succeeded
		}
	}
	e.settle()
}

// Fail ends a run that stopped at a stage outside the pipeline's job.
func (e *Experiment) Fail(stage string, cause *problem.Error, at time.Time) {
	if e.Status.Ended() {
		return
	}
	e.Status, e.EndedAt, e.JobError = Failed, at, cause
	if s := e.stage(stage); s != nil {
		s.merge(pipeline.Failed, at, cause, "")
	}
	e.settle()
}

// Stop ends a run whose pipeline has not begun.
func (e *Experiment) Stop(at time.Time) {
	if e.Status.Ended() {
		return
	}
	e.Status, e.EndedAt = Cancelled, at
	for i := range e.Stages {
		if s := &e.Stages[i]; s.State == pipeline.Running {
			s.merge(pipeline.Cancelled, at, nil, "")
		}
	}
	e.settle()
}

func (s *Stage) merge(state pipeline.State, at time.Time, cause *problem.Error, fact string) {
	if state == pipeline.Running && s.Started.IsZero() {
		s.Started = at
	}
	if state.Ended() && s.Ended.IsZero() {
		s.Ended = at
	}
	if rank(state) > rank(s.State) {
		s.State = state
	}
	if cause != nil {
		s.Error = Classify(cause)
	}
	if fact != "" {
		s.Fact = fact
	}
}

func rank(s pipeline.State) int {
	switch {
	case s.Ended():
		return 2
	case s == pipeline.Running:
		return 1
	}
	return 0
}

// settle derives what follows from the rest of the document.
func (e *Experiment) settle() {
	if e.Status == Failed {
		// A task's own message says more than the job's.
		e.Error = Classify(e.JobError)
		if i := slices.IndexFunc(e.Stages, func(s Stage) bool { return s.Error != nil }); i >= 0 {
			e.Error = e.Stages[i].Error
		}
		if e.Error == nil {
			e.Error = Classify(problem.New(problem.Internal, "the pipeline failed without a message"))
		}
	}
	e.Progress = e.progress()
}

// weights are the shares of a run's time by stage, as measured on 100,000 rows
// and 10 epochs with a warm worker.
var weights = map[string]float64{
	"prepare": 0.08, "examples": 0.05, "statistics": 0.04, "schema": 0.02, "transform": 0.16, "trainer": 0.55, "evaluator": 0.10,
}

// progress is the weighted share of finished stages, 0 to 1. A running stage
// counts half, the trainer by its epochs. It never says 1 before the end.
func (e *Experiment) progress() float64 {
	if e.Status == Completed {
		return 1
	}
	sum := 0.0
	for _, s := range e.Stages {
		switch {
		case s.State == pipeline.Succeeded || s.State == pipeline.Skipped:
			sum += weights[s.Name]
		case s.Name == "trainer" && e.Settings.Epochs > 0 && rank(s.State) > 0:
			sum += weights[s.Name] * (0.1 + 0.9*min(1, float64(e.Epoch)/float64(e.Settings.Epochs)))
		case s.State == pipeline.Running:
			sum += weights[s.Name] / 2
		}
	}
	return math.Round(1000*min(0.99, sum)) / 1000
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// thousands writes 90000 as 90,000.
func thousands(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
