package pipeline

import (
	"context"
	"encoding/json"
	"time"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// State of a job or task; the names are Vertex AI's without their prefix.
type State string

const (
	Pending   State = "PENDING"
	Running   State = "RUNNING"
	Succeeded State = "SUCCEEDED"
	Failed    State = "FAILED"
	Cancelled State = "CANCELLED"
	Skipped   State = "SKIPPED"
)

// Ended reports whether the state is final.
func (s State) Ended() bool {
	return s == Succeeded || s == Failed || s == Cancelled || s == Skipped
}

// Task is one component's run.
type Task struct {
	Name    string         `json:"name"` // the task's name in the spec, e.g. "trainer"
	State   State          `json:"state"`
	Started time.Time      `json:"started,omitzero"`
	Ended   time.Time      `json:"ended,omitzero"`
	Error   *problem.Error `json:"error,omitempty"`
	// Fact is one sentence a component says of its output (artefact metadata "fact").
	Fact string `json:"fact,omitempty"`
	// Cached is true when an earlier run's outputs were used.
	Cached bool `json:"cached,omitempty"`
}

// Job is a submitted pipeline.
type Job struct {
	ID      string            `json:"id"`
	State   State             `json:"state"`
	Tasks   []Task            `json:"tasks"`
	Labels  map[string]string `json:"labels,omitempty"`
	Created time.Time         `json:"created"`
	Started time.Time         `json:"started,omitzero"`
	Ended   time.Time         `json:"ended,omitzero"`
	Error   *problem.Error    `json:"error,omitempty"`
}

// StateChanged is the event of every job and task transition. Seq grows within
// one job, so late events can be told.
type StateChanged struct {
	Job   string    `json:"job"`
	Seq   int64     `json:"seq"`
	Task  string    `json:"task,omitempty"` // "" when the job itself changed
	State State     `json:"state"`
	Time  time.Time `json:"time"`
	// Fact of a task that succeeded; see Task.
	Fact  string         `json:"fact,omitempty"`
	Error *problem.Error `json:"error,omitempty"`
	// Labels of the job, so that a consumer finds its run.
	Labels map[string]string `json:"labels,omitempty"`
}

// TopicStateChanged carries StateChanged; keyed by job.
var TopicStateChanged = events.Topic[StateChanged]{Name: "pipeline-state-changed", Type: "b2brecs.pipeline.state.changed.v1"}

// Driver runs KFP v2 pipeline jobs. All methods MUST be safe for concurrent use.
type Driver interface {
	// Submit starts a job. spec is the JSON of a KFP v2 PipelineJob (pipelineSpec +
	// runtimeConfig). A second Submit with the same id returns the first job
	// unchanged: the id is the idempotency key, at most 63 of [a-z0-9-].
	Submit(ctx context.Context, id string, spec json.RawMessage, labels map[string]string) (Job, error)
	// Get reads a job. NotFound when absent.
	Get(ctx context.Context, id string) (Job, error)
	// Cancel stops a job; one that has ended stays as it is.
	Cancel(ctx context.Context, id string) error
	// Logs gives the last lines a task printed.
	Logs(ctx context.Context, id, task string, lines int) ([]string, error)
	Close() error
}

// Runner is the portable type.
type Runner struct{ Driver }

// New makes a runner on a driver.
func New(drv Driver) *Runner { return &Runner{drv} }
