package bigquery

import (
	"context"
	"errors"
	"net/url"
	"regexp"
	"strings"

	bq "cloud.google.com/go/bigquery"
	"google.golang.org/api/googleapi"

	"github.com/b2brecs/b2brecs/shared/internal/gcp"
	"github.com/b2brecs/b2brecs/shared/problem"
)

type verdict struct {
	code problem.Code
	turn problem.Turn
	next string
}

const (
	later = "It is tried again later by itself."
	quota = "A quota of the Google Cloud project is used up; it is renewed within a day, or can be raised in the console under IAM & Admin, Quotas."
)

// verdicts by BigQuery's reasons (https://cloud.google.com/bigquery/docs/error-messages).
// A reason that is not here is judged by its HTTP status.
var verdicts = map[string]verdict{
	"accessDenied":             {problem.PermissionDenied, problem.TurnYou, "Give the platform's service account the BigQuery roles of the deployment guide on this project and dataset."},
	"backendError":             {problem.Unavailable, problem.TurnPlatform, later},
	"badRequest":               {problem.InvalidArgument, problem.TurnYou, ""},
	"billingNotEnabled":        {problem.FailedPrecondition, problem.TurnYou, "Enable billing for the Google Cloud project."},
	"billingTierLimitExceeded": {problem.ResourceExhausted, problem.TurnYou, "Select fewer rows or columns."},
	"blocked":                  {problem.PermissionDenied, problem.TurnYou, "BigQuery blocks this operation for now; ask Google's support for the reason."},
	"bytesBilledLimitExceeded": {problem.FailedPrecondition, problem.TurnYou, "Select fewer columns or days, or raise the installation's limit of bytes that one statement may read."},
	"duplicate":                {problem.AlreadyExists, problem.TurnYou, ""},
	"internalError":            {problem.Unavailable, problem.TurnPlatform, later},
	"invalid":                  {problem.InvalidArgument, problem.TurnYou, ""},
	"invalidQuery":             {problem.InvalidArgument, problem.TurnYou, ""},
	"invalidUser":              {problem.PermissionDenied, problem.TurnYou, ""},
	"jobBackendError":          {problem.Unavailable, problem.TurnPlatform, later},
	"jobInternalError":         {problem.Unavailable, problem.TurnPlatform, later},
	"jobRateLimitExceeded":     {problem.Unavailable, problem.TurnPlatform, later},
	"notFound":                 {problem.NotFound, problem.TurnYou, ""},
	"notImplemented":           {problem.InvalidArgument, problem.TurnSupport, ""},
	"proxyAuthenticationRequired": {problem.PermissionDenied, problem.TurnYou,
		"A proxy between the platform and Google asks for credentials."},
	"quotaExceeded":     {problem.ResourceExhausted, problem.TurnPlatform, quota},
	"rateLimitExceeded": {problem.Unavailable, problem.TurnPlatform, later},
	"resourceInUse":     {problem.FailedPrecondition, problem.TurnPlatform, later},
	"resourcesExceeded": {problem.ResourceExhausted, problem.TurnYou, "Select fewer rows or columns, or sort less."},
	"responseTooLarge":  {problem.ResourceExhausted, problem.TurnYou, "Select fewer rows, or materialise the result as a table."},
	"stopped":           {problem.Cancelled, problem.TurnYou, "Somebody cancelled the job; start it again."},
	"tableUnavailable":  {problem.Unavailable, problem.TurnPlatform, later},
	"timeout":           {problem.Unavailable, problem.TurnPlatform, later},
}

// engineProblem maps an error of BigQuery to a problem; what says which operation
// stopped. Values of rows are taken out of the text.
func engineProblem(ctx context.Context, err error, what string) error {
	if err == nil {
		return nil
	}
	var p *problem.Error
	if errors.As(err, &p) {
		return err
	}
	switch {
	case errors.Is(err, context.Canceled) || errors.Is(ctx.Err(), context.Canceled):
		return problem.New(problem.Cancelled, "%s was cancelled", what)
	case errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil:
		return problem.New(problem.Unavailable, "%s took too long", what).WithCause("%s", clean(err))
	}
	v, ok := verdicts[reason(err)]
	switch {
	case conflict(err): // its reason is that of a statement that is wrong
		v = verdict{code: problem.Unavailable}
	case !ok:
		v = verdict{code: gcp.Code(err)}
	}
	e := problem.New(v.code, "%s stopped", what).WithCause("%s", clean(err))
	if v.next == "" {
		return e
	}
	return e.WithNext(v.turn, "%s", v.next)
}

// statementProblem is engineProblem for a statement: what it names and is not there
// is a fault of the statement.
func statementProblem(ctx context.Context, err error, what string) error {
	err = engineProblem(ctx, err, what)
	if p := problem.Of(err); p != nil && p.Code == problem.NotFound {
		p.Code = problem.InvalidArgument
		return p.WithNext(problem.TurnYou, "Correct the name, or make the table first.")
	}
	return err
}

// reason gives BigQuery's own word for an error, of a reply or of a job; "" where there is none.
func reason(err error) string {
	var job *bq.Error
	if errors.As(err, &job) {
		return job.Reason
	}
	var rest *googleapi.Error
	if errors.As(err, &rest) && len(rest.Errors) > 0 {
		return rest.Errors[0].Reason
	}
	return ""
}

var (
	// Text in quotes may be a value of a row or a constant of the statement; names are in backticks or bare.
	reQuoted = regexp.MustCompile(`'[^']*'|"[^"]*"`)
	// "Bad int64 value: x", "Invalid date: 'x'", "Could not parse 'x'", "Failed to parse input string ...".
	reValue = regexp.MustCompile(`(?i)\b(bad|invalid|could not (?:parse|cast|convert)|failed to (?:parse|cast|convert)|out of range|overflow)\b([^:;\n]*[:;]).*`)
)

// clean gives the first line of what BigQuery said, without values and addresses.
func clean(err error) string {
	text := err.Error()
	var job *bq.Error
	var rest *googleapi.Error
	var transport *url.Error
	switch {
	case errors.As(err, &job):
		text = job.Message
	case errors.As(err, &rest):
		text = rest.Message
	case errors.As(err, &transport):
		text = transport.Op + ": " + transport.Err.Error()
	}
	text, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	text = reValue.ReplaceAllString(text, "${1}${2} …")
	return reQuoted.ReplaceAllString(text, "'…'")
}
