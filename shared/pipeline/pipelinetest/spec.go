package pipelinetest

import (
	"encoding/json"
	"testing"

	"github.com/b2brecs/b2brecs/shared/pipeline/kfp"
)

// Behave says what the test component of a task does beyond its work.
type Behave struct {
	Sleep  float64 `json:"sleep,omitempty"`  // seconds before the work
	Hold   string  `json:"hold,omitempty"`   // wait until this file exists
	Raise  string  `json:"raise,omitempty"`  // a ValueError with this text
	Exit   int     `json:"exit,omitempty"`   // end the process with this code
	Silent bool    `json:"silent,omitempty"` // leave no executor output
	Epochs int     `json:"epochs,omitempty"` // report so many epochs
}

// Spec builds an experiment's job whose components behave as told, by task.
func Spec(t testing.TB, root string, behave map[string]Behave) []byte {
	t.Helper()
	config, err := json.Marshal(map[string]any{"behave": behave})
	if err != nil {
		t.Fatal(err)
	}
	spec, err := kfp.Build(kfp.Experiment{
		Name: "Conformance", Root: root, Config: config, TransformModule: root + "/code/transform_module.py",
		TrainerModule: root + "/code/trainer_module.py", Epochs: 2, BatchSize: 128, LearningRate: 0.01,
	})
	if err != nil {
		t.Fatal(err)
	}
	return spec
}
