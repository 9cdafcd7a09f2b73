package workflow

import (
	"context"
	"encoding/json"
	"time"

	"github.com/b2brecs/b2brecs/shared/problem"
)

// Status of an execution; the names are Cloud Workflows'.
type Status string

const (
	Active    Status = "ACTIVE"
	Succeeded Status = "SUCCEEDED"
	Failed    Status = "FAILED"
	Cancelled Status = "CANCELLED"
)

// Execution is one run of a definition.
type Execution struct {
	ID       string          `json:"id"`
	Workflow string          `json:"workflow"` // file name without ".yaml"
	Status   Status          `json:"status"`
	Argument json.RawMessage `json:"argument"`
	Result   json.RawMessage `json:"result,omitempty"`
	// Error is set when Status is Failed.
	Error   *problem.Error `json:"error,omitempty"`
	Started time.Time      `json:"started"`
	Ended   time.Time      `json:"ended,omitzero"`
	// Step is where an active execution stands, e.g. "main.extract".
	Step string `json:"step,omitempty"`
}

// Driver runs the definitions of workflows-yaml. All methods MUST be safe for
// concurrent use.
type Driver interface {
	// Start runs a workflow. A second Start with the same id returns the first
	// execution unchanged: the id is the idempotency key, at most 63 of [a-z0-9-].
	// argument is encoded as JSON. NotFound for an unknown workflow.
	Start(ctx context.Context, workflow, id string, argument any) (Execution, error)
	// Get reads an execution. NotFound when absent.
	Get(ctx context.Context, workflow, id string) (Execution, error)
	// Cancel ends an active execution; one that has ended stays as it is.
	Cancel(ctx context.Context, workflow, id string) error
	Close() error
}

// Engine is the portable type.
type Engine struct{ Driver }

// New makes an engine on a driver.
func New(drv Driver) *Engine { return &Engine{drv} }
