package cloudworkflows

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"cloud.google.com/go/workflows/executions/apiv1/executionspb"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/workflow"
)

// short is the last part of a resource name.
func short(name string) string { return name[strings.LastIndex(name, "/")+1:] }

// older sorts by start time; one that has not started is the newest.
func older(a, b *executionspb.Execution) int {
	switch {
	case a.GetStartTime() == nil || b.GetStartTime() == nil:
		if (a.GetStartTime() == nil) != (b.GetStartTime() == nil) {
			if a.GetStartTime() != nil {
				return -1
			}
			return 1
		}
	default:
		if c := a.GetStartTime().AsTime().Compare(b.GetStartTime().AsTime()); c != 0 {
			return c
		}
	}
	return cmp.Compare(a.GetName(), b.GetName())
}

// execute translates an execution in the FULL view. One that waits for a free place
// (QUEUED) is active.
func execute(s start, x *executionspb.Execution) (workflow.Execution, error) {
	out := workflow.Execution{ID: s.ID, Workflow: s.Workflow, Argument: json.RawMessage(x.GetArgument())}
	if t := x.GetStartTime(); t != nil {
		out.Started = t.AsTime()
	}
	if t := x.GetEndTime(); t != nil {
		out.Ended = t.AsTime()
	}
	switch x.GetState() {
	case executionspb.Execution_ACTIVE, executionspb.Execution_QUEUED:
		out.Status = workflow.Active
		if steps := x.GetStatus().GetCurrentSteps(); len(steps) > 0 {
			inner := steps[len(steps)-1]
			out.Step = inner.GetRoutine() + "." + inner.GetStep()
		}
	case executionspb.Execution_SUCCEEDED:
		out.Status, out.Result = workflow.Succeeded, json.RawMessage(x.GetResult())
	case executionspb.Execution_FAILED:
		out.Status, out.Error = workflow.Failed, workflow.Failure([]byte(x.GetError().GetPayload()), where(x.GetError()))
	case executionspb.Execution_CANCELLED:
		out.Status = workflow.Cancelled
	case executionspb.Execution_UNAVAILABLE:
		return out, problem.New(problem.FailedPrecondition, "execution %s of workflow %s cannot be read", s.ID, s.Workflow).
			WithCause("Cloud Workflows says: %s", x.GetStateError().GetDetails()).
			WithNext(problem.TurnYou, "Give Cloud Workflows the use of its encryption key back.")
	default:
		return out, problem.New(problem.Internal, "execution %s of workflow %s has a state this version does not know: %s", s.ID, s.Workflow, x.GetState())
	}
	return out, nil
}

// where is the step an error was raised at: the first element of the stack trace.
func where(e *executionspb.Execution_Error) string {
	if elements := e.GetStackTrace().GetElements(); len(elements) > 0 {
		at := elements[0]
		return fmt.Sprintf("%s.%s, line %d", at.GetRoutine(), at.GetStep(), at.GetPosition().GetLine())
	}
	return e.GetContext()
}
