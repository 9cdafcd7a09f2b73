package cloudworkflows

import (
	"testing"
	"time"

	"cloud.google.com/go/workflows/executions/apiv1/executionspb"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/workflow"
)

func TestExecute(t *testing.T) {
	at := time.Date(2026, 3, 1, 2, 15, 0, 0, time.UTC)
	ran := workflow.Execution{ID: "r1", Workflow: "w", Argument: []byte(`{}`), Started: at, Ended: at.Add(time.Minute)}
	with := func(change func(*workflow.Execution)) workflow.Execution {
		x := ran
		change(&x)
		return x
	}
	const times = `"argument": "{}", "startTime": "2026-03-01T02:15:00Z", "endTime": "2026-03-01T02:16:00Z"`
	for _, tc := range []struct {
		name, json string
		want       workflow.Execution
		code       problem.Code
	}{
		{"queued", `{"state": "QUEUED", "argument": "{}"}`, workflow.Execution{ID: "r1", Workflow: "w", Argument: []byte(`{}`), Status: workflow.Active}, ""},
		{"active", `{"state": "ACTIVE", "argument": "{}", "startTime": "2026-03-01T02:15:00Z", "status": {"currentSteps": [{"routine": "main", "step": "load"}, {"routine": "call_function", "step": "post"}]}}`,
			workflow.Execution{ID: "r1", Workflow: "w", Argument: []byte(`{}`), Started: at, Status: workflow.Active, Step: "call_function.post"}, ""},
		{"succeeded", `{"state": "SUCCEEDED", ` + times + `, "result": "[1]", "status": {"currentSteps": [{"routine": "main", "step": "done"}]}}`,
			with(func(x *workflow.Execution) { x.Status, x.Result = workflow.Succeeded, []byte(`[1]`) }), ""},
		{"cancelled", `{"state": "CANCELLED", ` + times + `, "error": {"payload": "\"cancelled\""}}`,
			with(func(x *workflow.Execution) { x.Status = workflow.Cancelled }), ""},
		{"failed", `{"state": "FAILED", ` + times + `, "error": {"payload": "{\"message\": \"m\", \"tags\": [\"TimeoutError\"]}", "context": "c",
			"stackTrace": {"elements": [{"routine": "sub", "step": "b", "position": {"line": "9", "column": "3"}}, {"routine": "main", "step": "a", "position": {"line": "4"}}]}}}`,
			with(func(x *workflow.Execution) {
				x.Status, x.Error = workflow.Failed, problem.New(problem.Unavailable, "the workflow stopped: m").WithCause(`{"message":"m","tags":["TimeoutError"]}`).WithStep("sub.b, line 9")
			}), ""},
		{"failed without a trace", `{"state": "FAILED", ` + times + `, "error": {"payload": "\"p\"", "context": "in step \"a\""}}`,
			with(func(x *workflow.Execution) {
				x.Status, x.Error = workflow.Failed, problem.New(problem.FailedPrecondition, "the workflow stopped: p").WithCause(`"p"`).WithStep(`in step "a"`)
			}), ""},
		{"unavailable", `{"state": "UNAVAILABLE", "stateError": {"type": "KMS_ERROR", "details": "no key"}}`, workflow.Execution{}, problem.FailedPrecondition},
		{"unspecified", `{}`, workflow.Execution{}, problem.Internal},
		{"new", `{"state": 99}`, workflow.Execution{}, problem.Internal},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var x executionspb.Execution
			if err := protojson.Unmarshal([]byte(tc.json), &x); err != nil {
				t.Fatal(err)
			}
			got, err := execute(start{Workflow: "w", ID: "r1"}, &x)
			if problem.CodeOf(err) != tc.code {
				t.Fatal(err)
			}
			if d := cmp.Diff(tc.want, got, cmpopts.IgnoreUnexported(problem.Error{})); err == nil && d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}
