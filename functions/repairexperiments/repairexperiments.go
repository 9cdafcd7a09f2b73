// Package repairexperiments looks for experiments that stand still and brings them
// back on their way. A schedule calls it; so does a platform when it starts.
//
// It repairs only what was missed: nothing depends on it while every event arrives.
package repairexperiments

import (
	"context"

	"github.com/b2brecs/b2brecs/shared/dataset"
	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/experiment"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/workflow"
)

// Services is what the function asks of its platform.
type Services struct {
	State        *state.DB
	Events       *events.Bus
	Workflows    *workflow.Engine
	Runner       *pipeline.Runner
	FunctionsURL string
}

// Request is empty: all projects are looked at.
type Request struct{}

// Reply counts the experiments that were touched.
type Reply struct {
	Repaired int `json:"repaired"`
}

// Handle repairs the active experiments of every project.
func Handle(ctx context.Context, s Services, _ Request) (Reply, error) {
	var out Reply
	x := experiment.Service{State: s.State, Workflows: s.Workflows, Runner: s.Runner, FunctionsURL: s.FunctionsURL}
	for p, err := range state.Of[dataset.Project](s.State, dataset.ProjectsCollection).All(ctx, state.Query{}) {
		if err != nil {
			return out, err
		}
		n, err := x.Repair(ctx, s.Events, p.ID)
		out.Repaired += n
		if err != nil {
			return out, err
		}
	}
	return out, nil
}
