// Package problem is the one error type of the product.
//
// It promises that every failure a person can meet carries four facts: what
// happened and where, why, what to do next, and whose turn it is. Codes are a
// closed set; each states the caller's duty. The HTTP layer renders a problem
// as an RFC 9457 document; state documents store it as it is.
//
// It refuses secrets: callers MUST NOT put credentials, connection strings or
// customer rows into any field.
package problem

import (
	"context"
	"errors"
	"fmt"
)

// Code classifies a problem. The set is closed.
type Code string

const (
	// NotFound: the named thing does not exist. Do not retry.
	NotFound Code = "not_found"
	// AlreadyExists: an id or unique name is taken. Read the existing thing instead.
	AlreadyExists Code = "already_exists"
	// FailedPrecondition: the thing exists but its state forbids the operation. Re-read before deciding.
	FailedPrecondition Code = "failed_precondition"
	// InvalidArgument: the request can never succeed as it is. Correct it.
	InvalidArgument Code = "invalid_argument"
	// PermissionDenied: the caller lacks a role. Ask the owner.
	PermissionDenied Code = "permission_denied"
	// Unauthenticated: no valid token came with the request. Sign in.
	Unauthenticated Code = "unauthenticated"
	// ResourceExhausted: a limit, quota or disk is full. Free some, or wait.
	ResourceExhausted Code = "resource_exhausted"
	// Unavailable: a transient failure. Retry with back-off.
	Unavailable Code = "unavailable"
	// Cancelled: somebody asked for the operation to stop.
	Cancelled Code = "cancelled"
	// Internal: a defect of the product. Report it with its id.
	Internal Code = "internal"
)

// Turn names who has to act next.
type Turn string

const (
	TurnYou      Turn = "you"      // the person who made the request
	TurnSource   Turn = "source"   // whoever runs the source system
	TurnPlatform Turn = "platform" // the product retries or repairs by itself
	TurnSupport  Turn = "support"  // a defect: the product's maintainers
)

// Field is a finding about one input field.
type Field struct {
	// Location is a JSON-pointer-like path of the input, e.g. "columns[3].name".
	Location string `json:"location"`
	// Message is one sentence that says what is wrong and what is accepted.
	Message string `json:"message"`
}

// Error is a problem. The zero value is not useful; use New or Wrap.
type Error struct {
	Code Code `json:"code"`
	// Message says what stopped and where, in one sentence.
	Message string `json:"message"`
	// Cause says why, in one sentence; empty when unknown.
	Cause string `json:"cause,omitempty"`
	// Next says what to do next, in one sentence.
	Next string `json:"next,omitempty"`
	// Turn says whose turn it is; empty means TurnYou for client errors and TurnPlatform for Unavailable.
	Turn Turn `json:"turn,omitempty"`
	// Step is the failing step, e.g. "extract-chunk"; empty when there is none.
	Step string `json:"step,omitempty"`
	// Fields lists findings about single inputs.
	Fields []Field `json:"fields,omitempty"`

	err error
}

// New makes a problem; format follows fmt.Sprintf.
func New(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Wrap makes a problem around err. A nil err gives nil. The wrapped text becomes Cause.
func Wrap(err error, code Code, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Cause: err.Error(), err: err}
}

// WithCause returns e with Cause set.
func (e *Error) WithCause(format string, args ...any) *Error {
	e.Cause = fmt.Sprintf(format, args...)
	return e
}

// WithNext returns e with Next and Turn set.
func (e *Error) WithNext(turn Turn, format string, args ...any) *Error {
	e.Turn, e.Next = turn, fmt.Sprintf(format, args...)
	return e
}

// WithField returns e with one more field finding.
func (e *Error) WithField(location, format string, args ...any) *Error {
	e.Fields = append(e.Fields, Field{location, fmt.Sprintf(format, args...)})
	return e
}

// WithStep returns e with Step set.
func (e *Error) WithStep(step string) *Error { e.Step = step; return e }

// Error implements error.
func (e *Error) Error() string {
	s := e.Message
	if e.Step != "" {
		s = e.Step + ": " + s
	}
	if e.Cause != "" {
		s += ": " + e.Cause
	}
	return s
}

// Unwrap gives the wrapped error, if any.
func (e *Error) Unwrap() error { return e.err }

// CodeOf gives the code of the outermost problem in err's chain. Context
// cancellation is Cancelled, a deadline Unavailable, anything else Internal.
// A nil error gives "".
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	switch {
	case errors.As(err, &e):
		return e.Code
	case errors.Is(err, context.Canceled):
		return Cancelled
	case errors.Is(err, context.DeadlineExceeded):
		return Unavailable
	}
	return Internal
}

// Is reports whether err carries the given code.
func Is(err error, code Code) bool { return err != nil && CodeOf(err) == code }

// Of turns any error into a problem, keeping one that is there already.
func Of(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Code: CodeOf(err), Message: err.Error(), err: err}
}

// Retryable reports whether the same call may succeed later without a change.
// Only Unavailable, Internal and a plain error are retried; the rest are final.
func Retryable(err error) bool {
	switch CodeOf(err) {
	case "", NotFound, AlreadyExists, FailedPrecondition, InvalidArgument, PermissionDenied, Unauthenticated, Cancelled:
		return false
	}
	return true
}
