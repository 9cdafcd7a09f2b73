package workflows

import (
	"bytes"
	"encoding/json"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	executionspb "cloud.google.com/go/workflows/executions/apiv1/executionspb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/workflow"
)

// resource gives an execution as the service does.
func (s *Server) resource(doc document, e workflow.Execution, view executionspb.ExecutionView) *executionspb.Execution {
	x := &executionspb.Execution{
		Name:      s.opts.Location.Parent() + "/workflows/" + doc.Workflow + "/executions/" + doc.ID,
		StartTime: timestamppb.New(e.Started), WorkflowRevisionId: "000001-fake",
		State: executionspb.Execution_State(executionspb.Execution_State_value[string(e.Status)]),
	}
	if !e.Ended.IsZero() {
		x.EndTime, x.Duration = timestamppb.New(e.Ended), durationpb.New(e.Ended.Sub(e.Started))
	}
	if view != executionspb.ExecutionView_FULL {
		return x
	}
	x.Argument, x.Labels, x.Result = doc.Argument, doc.Labels, string(e.Result)
	if routine, step, ok := strings.Cut(e.Step, "."); ok {
		x.Status = &executionspb.Execution_Status{CurrentSteps: []*executionspb.Execution_Status_Step{{Routine: routine, Step: step}}}
	}
	if e.Error != nil {
		x.Error = failure(e.Error)
	}
	return x
}

// place is where the interpreter says an error was raised.
var place = regexp.MustCompile(`^(\w+)\.(.+), line (\d+)$`)

func failure(e *problem.Error) *executionspb.Execution_Error {
	out := &executionspb.Execution_Error{Payload: string(payload(e))}
	if p := place.FindStringSubmatch(e.Step); p != nil {
		line, _ := strconv.ParseInt(p[3], 10, 64) // digits
		out.Context = "in step \"" + p[2] + "\", routine \"" + p[1] + "\", line: " + p[3]
		out.StackTrace = &executionspb.Execution_StackTrace{Elements: []*executionspb.Execution_StackTraceElement{
			{Routine: p[1], Step: p[2], Position: &executionspb.Execution_StackTraceElement_Position{Line: line}}}}
	}
	return out
}

// payload is what was raised. The interpreter keeps it as the cause of the problem,
// unless a function answered with a problem document, whose members it keeps.
func payload(e *problem.Error) []byte {
	if json.Valid([]byte(e.Cause)) && reflect.DeepEqual(workflow.Failure([]byte(e.Cause), e.Step), e) {
		return []byte(e.Cause)
	}
	text := strings.TrimPrefix(e.Message, "the workflow stopped: ")
	document := map[string]any{"message": "HTTP server responded with an error code", "tags": []string{"HttpError"},
		"body": map[string]any{"detail": text, "code": e.Code, "cause": e.Cause, "next": e.Next, "turn": e.Turn}}
	if b := encode(document); reflect.DeepEqual(workflow.Failure(b, e.Step), e) {
		return b
	}
	return encode(map[string]any{"message": text}) // it was too large to keep
}

func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // strings and lists of them encode
	return bytes.TrimRight(b.Bytes(), "\n")
}
