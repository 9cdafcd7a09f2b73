package workflow

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/b2brecs/b2brecs/shared/problem"
)

// maxCauseBytes bounds the payload kept in the error of a failed execution.
const maxCauseBytes = 4 << 10

// Failure describes an error that no except step took. payload is what was raised, as
// JSON: a string, or a map with message and tags
// (https://cloud.google.com/workflows/docs/reference/syntax/error-types); where is
// "routine.step, line n". Cause is the payload without HTTP headers, which may carry
// cookies and tokens. When a function answered with a problem document, its code,
// detail, next step and turn are kept.
func Failure(payload []byte, where string) *problem.Error {
	var raised any
	dec := json.NewDecoder(bytes.NewReader(payload))
	dec.UseNumber()
	if err := dec.Decode(&raised); err != nil {
		raised = string(payload)
	}
	m, _ := raised.(map[string]any)
	delete(m, "headers")
	e := problem.New(problem.FailedPrecondition, "the workflow stopped: %s", message(raised)).WithStep(where)
	body, _ := m["body"].(map[string]any)
	detail, _ := body["detail"].(string)
	switch {
	case hasTag(m, "HttpError") && detail != "":
		e.Message = "the workflow stopped: " + detail
		if code, _ := body["code"].(string); slices.Contains(codes, problem.Code(code)) {
			e.Code = problem.Code(code)
		}
		e.Cause, _ = body["cause"].(string)
		e.Next, _ = body["next"].(string)
		turn, _ := body["turn"].(string)
		e.Turn = problem.Turn(turn)
		return e
	case hasTag(m, "TimeoutError"), hasTag(m, "ConnectionError"), hasTag(m, "ConnectionFailedError"):
		e.Code = problem.Unavailable
	case hasTag(m, "ResourceLimitError"):
		e.Code = problem.ResourceExhausted
	case hasTag(m, "SystemError"):
		e.Code, e.Turn = problem.Internal, problem.TurnSupport
	}
	if b := compact(raised); len(b) <= maxCauseBytes {
		e.Cause = string(b)
	}
	return e
}

// codes are the closed set: what other servers invent stays out.
var codes = []problem.Code{
	problem.NotFound, problem.AlreadyExists, problem.FailedPrecondition, problem.InvalidArgument, problem.PermissionDenied,
	problem.Unauthenticated, problem.ResourceExhausted, problem.Unavailable, problem.Cancelled, problem.Internal,
}

// maxMessageBytes bounds the message where all of the payload has to stand for one.
const maxMessageBytes = 500

// message is the human-readable part of a payload.
func message(raised any) string {
	switch p := raised.(type) {
	case string:
		return p
	case map[string]any:
		if s, ok := p["message"].(string); ok {
			return s
		}
	}
	text := string(compact(raised))
	if len(text) > maxMessageBytes {
		text = strings.ToValidUTF8(text[:maxMessageBytes], "") + "…"
	}
	return text
}

func hasTag(m map[string]any, tag string) bool {
	tags, _ := m["tags"].([]any)
	return slices.Contains(tags, any(tag))
}

// compact encodes what JSON gave, without HTML escapes.
func compact(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // what was decoded encodes
	return bytes.TrimRight(b.Bytes(), "\n")
}
