package interpreter

import "fmt"

// Tags of the errors the language raises by itself, from
// https://cloud.google.com/workflows/docs/reference/syntax/error-types.
const (
	TagAuth             = "AuthError"
	TagConnection       = "ConnectionError"
	TagConnectionFailed = "ConnectionFailedError"
	TagHTTP             = "HttpError"
	TagIndex            = "IndexError"
	TagKey              = "KeyError"
	TagParallelNesting  = "ParallelNestingError"
	TagRecursion        = "RecursionError"
	TagResourceLimit    = "ResourceLimitError"
	TagResponseType     = "ResponseTypeError"
	TagSystem           = "SystemError"
	TagTimeout          = "TimeoutError"
	TagType             = "TypeError"
	TagUnhandledBranch  = "UnhandledBranchError"
	TagValue            = "ValueError"
	TagZeroDivision     = "ZeroDivisionError"
)

// raised is an error of the language: what `except: as: e` receives. The payload is
// a map with message and tags, or whatever a raise step gave.
type raised struct {
	payload any
	where   string // "routine.step, line n" where it was raised
}

func (r *raised) Error() string { return r.message() }

// message is the human-readable part of the payload.
func (r *raised) message() string {
	switch p := r.payload.(type) {
	case string:
		return p
	case map[string]any:
		if s, ok := p["message"].(string); ok {
			return s
		}
	}
	b, err := toJSON(r.payload)
	if err != nil {
		return "an error without a message"
	}
	return string(b)
}

// hasTag reports whether the payload is a map that carries the tag.
func hasTag(payload any, tag string) bool {
	m, _ := payload.(map[string]any)
	tags, _ := m["tags"].([]any)
	for _, t := range tags {
		if t == tag {
			return true
		}
	}
	return false
}

// raise makes an error of the language with one tag.
func raise(tag, format string, args ...any) *raised {
	return &raised{payload: map[string]any{
		"message": tag + ": " + fmt.Sprintf(format, args...),
		"tags":    []any{tag},
	}}
}

// raiseMap makes an error with more fields than message and tags.
func raiseMap(tag string, fields map[string]any, format string, args ...any) *raised {
	r := raise(tag, format, args...)
	for k, v := range fields {
		r.payload.(map[string]any)[k] = v
	}
	return r
}
