package experiment_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/b2brecs/b2brecs/shared/experiment"
	"github.com/b2brecs/b2brecs/shared/problem"
)

func TestClassify(t *testing.T) {
	for _, c := range []struct {
		step, cause, title string
		code               problem.Code
	}{
		{"trainer", "RuntimeError: loss is nan at epoch 2", "Training diverged in the trainer", problem.FailedPrecondition},
		{"trainer", "Loss became NaN after 100 steps; timed out", "Training diverged in the trainer", problem.FailedPrecondition},
		{"trainer", "ResourceExhaustedError: OOM when allocating tensor with shape[4096,4096]", "Memory limit exceeded in the trainer", problem.ResourceExhausted},
		{"trainer", "signal: killed; most often the machine is out of memory", "Memory limit exceeded in the trainer", problem.ResourceExhausted},
		{"transform", "MemoryError", "Memory limit exceeded in the transform", problem.ResourceExhausted},
		{"examples", "OSError: [Errno 28] No space left on device", "The disk is full in the examples", problem.ResourceExhausted},
		{"examples", "ModuleNotFoundError: No module named 'tensorflow'", "The Python environment is incomplete in the examples", problem.FailedPrecondition},
		{"examples", "Connection timed out", "The network failed in the examples", problem.Unavailable},
		{"trainer", "timed out: deadline exceeded", "Timed out in the trainer", problem.ResourceExhausted},
		{"examples", "PermissionError: [Errno 13] Permission denied: 'x'", "Permission denied in the examples", problem.PermissionDenied},
		{"examples", "Table raw_data.sales does not exist", "Table not found in the examples", problem.FailedPrecondition},
		{"transform", "KeyError: 'brand'", "Column not found in the transform", problem.FailedPrecondition},
		{"statistics", "column 'brand' was not found in the rows", "Column not found in the statistics", problem.FailedPrecondition},
		{"transform", "vocabulary too large", "Vocabulary error in the transform", problem.FailedPrecondition},
		{"trainer", "InvalidArgumentError: Incompatible shapes: [32,64] vs. [32,128]", "Shape mismatch in the trainer", problem.FailedPrecondition},
		{"transform", "ValueError: could not convert string to float: 'a'", "Data type mismatch in the transform", problem.FailedPrecondition},
		{"trainer", "ValueError: no training rows", "No data found in the trainer", problem.FailedPrecondition},
		{"statistics", "column price contains NaN", "Missing required values in the statistics", problem.FailedPrecondition},
		{"examples", "Quota for bytes scanned", "Quota reached in the examples", problem.ResourceExhausted},
		{"transform", "something odd happened", "Transform failed in the transform", problem.FailedPrecondition},
		// Words inside other words are no trigger.
		{"trainer", "ValueError: tenant in room 500 is unknown", "the trainer stopped", problem.Internal},
		{"evaluator", "AssertionError: 5000 != 4999", "the evaluator stopped", problem.Internal},
	} {
		t.Run(c.cause, func(t *testing.T) {
			in := problem.New(problem.Internal, "the %s stopped", c.step).WithCause("%s", c.cause).WithStep(c.step)
			got := experiment.Classify(in)
			if got.Message != c.title || got.Code != c.code || got.Cause != c.cause || got.Step != c.step || got.Next == "" || got.Turn == "" {
				t.Errorf("got %+v", got)
			}
			if d := cmp.Diff(got, experiment.Classify(got), cmpopts.IgnoreUnexported(problem.Error{})); d != "" {
				t.Errorf("classifying again changes it: %s", d)
			}
		})
	}
	if experiment.Classify(nil) != nil {
		t.Error("nil is no failure")
	}
	said := problem.New(problem.InvalidArgument, "out of memory").WithNext(problem.TurnYou, "As said.")
	if got := experiment.Classify(said); got != said {
		t.Errorf("a problem that says what to do became %+v", got)
	}
}

func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		model, popularity, knn float64
		want                   string
	}{
		{0.3, 0.1, 0.2, experiment.BeatsItemKNN},
		{0.2, 0.1, 0.2, experiment.BeatsItemKNN},
		{0.15, 0.1, 0.2, experiment.BetweenBaseline},
		{0.1, 0.1, 0.2, experiment.BetweenBaseline},
		{0.05, 0.1, 0.2, experiment.BelowPopularity},
		{0.05, 0.1, 0.01, experiment.BelowPopularity},
	} {
		m := experiment.Metrics{Model: experiment.Scores{"recall@10": c.model}, Popularity: experiment.Scores{"recall@10": c.popularity}, ItemKNN: experiment.Scores{"recall@10": c.knn}}
		if got := experiment.Verdict(m); got != c.want {
			t.Errorf("%+v: %s, want %s", c, got, c.want)
		}
	}
}
