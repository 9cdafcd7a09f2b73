package workflow

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/b2brecs/b2brecs/shared/problem"
)

func TestFailure(t *testing.T) {
	const where = "main.post, line 7"
	is := func(code problem.Code, message, cause string) problem.Error {
		return problem.Error{Code: code, Message: "the workflow stopped: " + message, Cause: cause, Step: where}
	}
	support := is(problem.Internal, "SystemError: x", `{"message":"SystemError: x","tags":["SystemError"]}`)
	support.Turn = problem.TurnSupport
	document := is(problem.NotFound, "there is no job j1", "it was deleted")
	document.Next, document.Turn = "Make it again.", problem.TurnYou
	for _, tc := range []struct {
		name, payload string
		want          problem.Error
	}{
		{"a string", `"enough <&>"`, is(problem.FailedPrecondition, "enough <&>", `"enough <&>"`)},
		{"a map", `{"message": "no", "n": 12345678901234567890}`, is(problem.FailedPrecondition, "no", `{"message":"no","n":12345678901234567890}`)},
		{"a number", `42`, is(problem.FailedPrecondition, "42", "42")},
		{"not JSON", `RuntimeError: x`, is(problem.FailedPrecondition, "RuntimeError: x", `"RuntimeError: x"`)},
		{"a timeout", `{"message":"t","tags":["TimeoutError"]}`, is(problem.Unavailable, "t", `{"message":"t","tags":["TimeoutError"]}`)},
		{"a limit", `{"message":"l","tags":["ResourceLimitError"]}`, is(problem.ResourceExhausted, "l", `{"message":"l","tags":["ResourceLimitError"]}`)},
		{"the engine", `{"message":"SystemError: x","tags":["SystemError"]}`, support},
		{"headers stay out", `{"message":"m","headers":{"Set-Cookie":"secret"}}`, is(problem.FailedPrecondition, "m", `{"message":"m"}`)},
		{"nor without a message", `{"code":1,"headers":{"Set-Cookie":"secret"}}`, is(problem.FailedPrecondition, `{"code":1}`, `{"code":1}`)},
		{"a large one without a message", `{"x":"` + strings.Repeat("x", maxCauseBytes) + `"}`, is(problem.FailedPrecondition, `{"x":"`+strings.Repeat("x", maxMessageBytes-6)+"…", "")},
		{"a problem document", `{"tags":["HttpError"],"code":404,"message":"HTTP server responded with error code 404","headers":{"Set-Cookie":"secret"},
			"body":{"detail":"there is no job j1","code":"not_found","cause":"it was deleted","next":"Make it again.","turn":"you"}}`, document},
		{"a code nobody knows", `{"tags":["HttpError"],"body":{"detail":"d","code":"teapot"}}`, is(problem.FailedPrecondition, "d", "")},
		{"too large for a cause", `"` + strings.Repeat("x", maxCauseBytes) + `"`, is(problem.FailedPrecondition, strings.Repeat("x", maxCauseBytes), "")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if d := cmp.Diff(tc.want, *Failure([]byte(tc.payload), where), cmpopts.IgnoreUnexported(problem.Error{})); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}
