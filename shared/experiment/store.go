package experiment

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
)

// Finish stores a result and its history in one step: no reader sees the one
// without the other, and progress that comes late changes neither.
func Finish(ctx context.Context, db *state.DB, e Experiment, r Result, h History) (Experiment, error) {
	all, histories := Of(db, e.Project), Histories(db, e.Project)
	err := db.Transact(ctx, func(tx *state.Tx) error {
		var err error
		if e, err = state.Get(tx, all, e.ID); err != nil {
			return err
		}
		if e.Status.Ended() {
			return nil
		}
		e.Complete(r)
		if err := state.Put(tx, histories, e.ID, h); err != nil {
			return err
		}
		return state.Put(tx, all, e.ID, e)
	})
	return e, err
}

// Unprepared records that a step of the preparation cannot be done and gives the
// error the step returns. A cause that may pass is returned only, to be tried
// again; any other one ends the experiment as failed.
func Unprepared(ctx context.Context, db *state.DB, e Experiment, step string, cause error) error {
	p := problem.Of(cause).WithStep(step)
	if problem.Retryable(p) || p.Code == problem.Cancelled {
		return p
	}
	now := time.Now().UTC()
	_, err := Of(db, e.Project).Update(ctx, e.ID, func(e *Experiment) error { e.Fail(Stages[0], p, now); return nil })
	if err != nil {
		return problem.Of(err).WithStep(step)
	}
	return p
}

// Follow stores the trainer's progress in the experiment and in its curves.
// An experiment that is gone, or has its final curves, is left alone.
func Follow(ctx context.Context, db *state.DB, project, id string, p pipeline.Progress) error {
	all, histories := Of(db, project), Histories(db, project)
	return db.Transact(ctx, func(tx *state.Tx) error {
		e, err := state.Get(tx, all, id)
		if problem.Is(err, problem.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		h, err := state.Get(tx, histories, id)
		if err != nil && !problem.Is(err, problem.NotFound) {
			return err
		}
		changed := e.Report(p)
		if e.Status != Completed && p.Task == "trainer" && h.add(p.Values) {
			h.Experiment = id
			if err := state.Put(tx, histories, id, h); err != nil {
				return err
			}
		}
		if !changed {
			return nil
		}
		return state.Put(tx, all, id, e)
	})
}

// add puts an epoch's values in their place; it reports whether they are new.
func (h *History) add(values map[string]float64) bool {
	epoch := int(values["epoch"])
	if epoch < 1 || slices.Contains(h.Epochs, epoch) {
		return false
	}
	i, _ := slices.BinarySearch(h.Epochs, epoch)
	h.Epochs = slices.Insert(h.Epochs, i, epoch)
	if h.Series == nil {
		h.Series = map[string][]*float64{}
	}
	for name := range values {
		if _, ok := h.Series[name]; !ok && name != "epoch" && name != "epochs" {
			h.Series[name] = make([]*float64, len(h.Epochs)-1)
		}
	}
	for name, series := range h.Series {
		var v *float64
		if value, ok := values[name]; ok && finite(value) {
			v = &value
		}
		h.Series[name] = slices.Insert(series, i, v)
	}
	return true
}

// Root is the run folder of an experiment in the pipelines bucket.
func Root(project, id string) string { return "experiments/" + project + "/" + id + "/" }

// OfRoot gives the experiment of a run folder; ok is false for another prefix.
func OfRoot(root string) (project, id string, ok bool) {
	rest, ok := strings.CutPrefix(root, "experiments/")
	project, rest, ok2 := strings.Cut(rest, "/")
	id, rest, ok3 := strings.Cut(rest, "/")
	return project, id, ok && ok2 && ok3 && project != "" && id != "" && rest == ""
}
