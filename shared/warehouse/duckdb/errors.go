package duckdb

import (
	"context"
	"errors"
	"regexp"
	"strings"

	duck "github.com/duckdb/duckdb-go/v2"

	"github.com/b2brecs/b2brecs/shared/problem"
)

var reValue = regexp.MustCompile(`'[^']*'|"[^"]*"`)

// engineProblem maps what the engine said to a problem. what says which
// operation on which table stopped. Values of rows are taken out of the text.
func engineProblem(ctx context.Context, err error, what string) error {
	if err == nil {
		return nil
	}
	var p *problem.Error
	if errors.As(err, &p) {
		return err
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return problem.Wrap(ctx.Err(), problem.Cancelled, "%s was cancelled", what)
	}
	if ctx.Err() != nil {
		return problem.Wrap(ctx.Err(), problem.Unavailable, "%s took too long", what)
	}
	text, _, _ := strings.Cut(err.Error(), "\n")
	var e *duck.Error
	kind := duck.ErrorTypeInvalid
	if errors.As(err, &e) {
		kind = e.Type
	}
	fail := func(code problem.Code) *problem.Error {
		return problem.New(code, "%s stopped", what).WithCause("%s", text)
	}
	switch {
	case strings.Contains(text, "No space left"):
		return fail(problem.ResourceExhausted).WithNext(problem.TurnYou, "Free disk space, then try again.")
	case kind == duck.ErrorTypeOutOfMemory || strings.HasPrefix(text, "Out of Memory"):
		return fail(problem.ResourceExhausted).WithNext(problem.TurnYou, "Raise the warehouse's memory limit, or select fewer rows and columns.")
	case strings.Contains(text, "No files found that match"):
		return fail(problem.NotFound).WithNext(problem.TurnPlatform, "A Parquet object is gone; the load that wrote it has to run again.")
	}
	switch kind {
	case duck.ErrorTypeConversion, duck.ErrorTypeOutOfRange, duck.ErrorTypeInvalidInput, duck.ErrorTypeConstraint, duck.ErrorTypeDivideByZero:
		text = reValue.ReplaceAllString(text, "'…'")
		return fail(problem.InvalidArgument).WithNext(problem.TurnYou, "A value does not fit its column's type; correct the source or choose a wider type.")
	case duck.ErrorTypeTransaction, duck.ErrorTypeIO:
		return fail(problem.Unavailable)
	case duck.ErrorTypeInternal, duck.ErrorTypeFatal:
		return fail(problem.Internal).WithNext(problem.TurnSupport, "Restart; the data are as they were at the last commit.")
	case duck.ErrorTypeInterrupt:
		return fail(problem.Cancelled)
	case duck.ErrorTypeInvalid:
		return fail(problem.Internal)
	}
	return fail(problem.InvalidArgument)
}
