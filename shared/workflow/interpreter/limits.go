package interpreter

import "time"

// Limits of the language, all from https://cloud.google.com/workflows/quotas
// unless said otherwise.
const (
	maxSourceBytes      = 128 << 10 // size of a source file
	maxExpressionChars  = 400       // one ${...}
	maxAssignments      = 50        // entries of one assign step
	maxConditions       = 50        // entries of one switch step
	maxBranches         = 10        // entries of parallel.branches
	maxParallelDepth    = 2         // parallel steps inside parallel steps
	maxConcurrent       = 20        // branches and iterations of an execution at a time
	maxParams           = 10        // parameters of a subworkflow (the published JSON schema)
	maxCallDepth        = 20        // routines on the stack
	maxSteps            = 100_000   // executed steps of an execution
	maxStringBytes      = 256 << 10 // one string
	maxVariableBytes    = 512 << 10 // all variables of an execution
	maxResponseBytes    = 2 << 20   // one HTTP response
	maxRequestTimeout   = 1800 * time.Second
	defaultHTTPTimeout  = 300 * time.Second
	defaultAwaitTimeout = 43200 * time.Second // events.await_callback
	maxExecutionTime    = 365 * 24 * time.Hour
	maxUnhandledErrors  = 20 // branch errors listed in an UnhandledBranchError; the rest sets "truncated"
)
