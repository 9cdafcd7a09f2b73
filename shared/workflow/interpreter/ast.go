package interpreter

// definition is a loaded workflow file. Blocks are numbered in source order, so a
// checkpoint can name a place in it.
type definition struct {
	name     string // file name without ".yaml"
	hash     string // SHA-256 of the source, hexadecimal
	routines map[string]*routine
	blocks   []*block
}

// routine is main or a subworkflow.
type routine struct {
	name   string
	at     position
	params []param
	body   *block
}

// position is a place in the source; both count from 1.
type position struct{ line, col int }

// block is a list of steps.
type block struct {
	id    int
	steps []*step
	index map[string]int // step name to its place
}

type stepKind uint8

const (
	stepNext stepKind = iota // only a jump
	stepAssign
	stepCall
	stepSwitch
	stepFor
	stepParallel
	stepTry
	stepRaise
	stepReturn
	stepSteps
)

// step is one named step. Only the field of its kind is set, beside next.
type step struct {
	name string
	at   position
	kind stepKind
	next string
	jump position // where next stands

	assign []assignment
	call   *call
	conds  []condition
	loop   *loop
	par    *parallel
	try    *try
	value  expr   // raise, return
	body   *block // steps
}

// assignment writes one variable or a place inside it.
type assignment struct {
	at    position
	name  string
	path  []expr // keys and indexes below the variable
	value expr
}

// call runs a library function or a subworkflow.
type call struct {
	at     position
	fn     string
	args   []argument
	result string
}

type argument struct {
	at    position
	name  string
	value expr
}

// condition is one entry of a switch.
type condition struct {
	at   position
	cond expr
	body *block // may be nil
	next string
	jump position
}

// loop is for, alone or inside parallel.
type loop struct {
	at           position
	value, index string
	in, span     expr // exactly one is set
	body         *block
}

type parallel struct {
	at       position
	shared   []string
	limit    expr // nil for the default
	branches []branch
	loop     *loop
}

type branch struct {
	name string
	body *block
}

type try struct {
	body   *block
	retry  *retry
	as     string
	except *block // nil without except
}

// retry is a policy. A nil expression is the default of retry.default_backoff:
// 1 second, 60 seconds, factor 1.25; the default policies try 5 times again.
type retry struct {
	at                            position
	predicate                     string // a library function or a subworkflow
	max                           expr
	initial, maxDelay, multiplier expr
}

// sourceExpr is an expression with its place in the file.
type sourceExpr struct {
	line, col int // of the first character inside ${
	x         expr
}

func (e *sourceExpr) at() int { return 0 }
