package experiment

import (
	"regexp"

	"github.com/b2brecs/b2brecs/shared/problem"
)

// rule recognises a kind of failure by its words and says what helps.
type rule struct {
	words *regexp.Regexp
	step  string // the failing task; "" = any
	code  problem.Code
	title string
	turn  problem.Turn
	next  string
}

func words(pattern string) *regexp.Regexp { return regexp.MustCompile(`(?i)` + pattern) }

// rules are tried in order: the specific before the generic, so that "loss is
// NaN" is divergence and not missing data, and "connection timed out" is the
// network and not a deadline. They match whole words: "tenant" holds no NaN.
var rules = []rule{
	{words(`\bloss\b[^.\n]{0,40}\b(nan|inf|infinite|infinity|not finite)\b|\bdiverged?\b|\bexplod(ed|ing) gradients?\b|\bgradients? explod(ed|ing)\b`), "",
		problem.FailedPrecondition, "Training diverged", problem.TurnYou, "Lower the learning rate or the batch size, or clip the gradients, and run it again."},
	{words(`\b(OOM|out of memory|MemoryError|memory limit|cannot allocate memory|std::bad_alloc|ResourceExhaustedError|memory allocation failed)\b|\bRESOURCE_EXHAUSTED\b.*\bmemory\b|\bsignal: killed\b`), "",
		problem.ResourceExhausted, "Memory limit exceeded", problem.TurnYou, "Use a smaller batch or fewer rows, or a machine with more memory, and run it again."},
	{words(`\bno space left on device\b|\bdisk( is)? full\b|\bENOSPC\b`), "",
		problem.ResourceExhausted, "The disk is full", problem.TurnYou, "Free some space and run it again."},
	{words(`\b(ModuleNotFoundError|ImportError|no module named)\b`), "",
		problem.FailedPrecondition, "The Python environment is incomplete", problem.TurnYou, "Install it again with scripts/python-env, then run the experiment again."},
	{words(`\bconnection (was )?(refused|reset|timed out|closed)\b|\bnetwork (error|is unreachable|unreachable)\b|\bname resolution\b|\bDNS\b`), "",
		problem.Unavailable, "The network failed", problem.TurnYou, "Run it again; if it stays, check the machine's network."},
	{words(`\b(timed out|time-?out|deadline exceeded|TimeoutError)\b`), "",
		problem.ResourceExhausted, "Timed out", problem.TurnYou, "Use fewer rows, fewer epochs or fewer features, and run it again."},
	{words(`\b(permission|access) (was )?denied\b|\bPermissionError\b|\b403 forbidden\b|\bunauthori[sz]ed\b`), "",
		problem.PermissionDenied, "Permission denied", problem.TurnYou, "Ask whoever runs the installation for access to the run's files and tables."},
	{words(`\btable\b.{0,80}\b(not found|does not exist)\b|\bdataset\b.{0,80}\b(not found|does not exist)\b`), "",
		problem.FailedPrecondition, "Table not found", problem.TurnYou, "Load the table again or correct the dataset, then run a new experiment."},
	{words(`\bcolumns?\b.{0,80}\b(not found|missing|does not exist|not in)\b|\bKeyError: ?['"]|\bunknown feature\b|\bfeatures?\b.{0,80}\b(is|are) missing\b`), "",
		problem.FailedPrecondition, "Column not found", problem.TurnYou, "Make the feature config's columns agree with the dataset's, then run a new experiment."},
	{words(`\bvocabulary (error|is too large|too large)\b|\bvocab(ulary)? too large\b`), "",
		problem.FailedPrecondition, "Vocabulary error", problem.TurnYou, "Cap the vocabulary of large text features or give them fewer values, then run it again."},
	{words(`\b(shape mismatch|incompatible shapes?|shapes? .{0,60}\bincompatible|dimensions must be equal|matrix size-incompatible)\b`), "",
		problem.FailedPrecondition, "Shape mismatch", problem.TurnYou, "Check that the feature config's and the model config's dimensions agree, then run it again."},
	{words(`\b(schema|type|dtype) mismatch\b|\bincompatible types?\b|\bcannot (convert|cast)\b|\bcould not convert\b|\binvalid literal for\b`), "",
		problem.FailedPrecondition, "Data type mismatch", problem.TurnYou, "Check the types of the dataset's columns against the feature config, then run it again."},
	{words(`\b(no examples|empty dataset|zero rows|no rows|no data|0 rows|0 examples|no training rows)\b`), "",
		problem.FailedPrecondition, "No data found", problem.TurnYou, "Check the dataset's date filter and the split, then run it again."},
	{words(`\b(null values?|missing required values?|contains NaN|NaN values?|not a number)\b`), "",
		problem.FailedPrecondition, "Missing required values", problem.TurnYou, "Repair the empty values in the source or leave the column out, then run it again."},
	{words(`\bquer(y|ies) failed\b|\bSQL (syntax )?error\b|\bsyntax error\b.*\bSQL\b`), "",
		problem.FailedPrecondition, "Query failed", problem.TurnYou, "Check the dataset, then run it again."},
	{words(`\bquotas?\b|\brate limit\b|\blimit exceeded\b|\bRESOURCE_EXHAUSTED\b`), "",
		problem.ResourceExhausted, "Quota reached", problem.TurnYou, "Wait, or raise the quota, and run it again."},
	{words(`\bworker (failed|died|lost)\b|\bbeam (error|pipeline failed)\b|\bdataflow\b.*\b(error|failed)\b|\bpipeline aborted\b`), "",
		problem.Unavailable, "A worker failed", problem.TurnYou, "Run it again: this often passes."},
	{words(`\binternal (server )?error\b|\bservice unavailable\b|\b50[03] (internal|service)\b`), "",
		problem.Internal, "Internal error", problem.TurnYou, "Run it again in a few minutes; if it stays, report the message."},
	{words(`.`), "transform", problem.FailedPrecondition, "Transform failed", problem.TurnYou, "Check the feature config's transforms against the columns' values; the log has the details."},
}

// Classify gives a failure a title, a code and what to do next by the
// first rule that matches, case ignored. The task's own words stay as Cause.
// A problem that says already what to do stays as it is. nil gives nil.
func Classify(p *problem.Error) *problem.Error {
	if p == nil || p.Next != "" {
		return p
	}
	text := p.Message + "\n" + p.Cause
	for _, r := range rules {
		if (r.step == "" || r.step == p.Step) && r.words.MatchString(text) {
			out := problem.New(r.code, "%s", r.title).WithNext(r.turn, "%s", r.next).WithStep(p.Step)
			if p.Step != "" {
				out.Message += " in the " + p.Step
			}
			out.Cause, out.Fields = p.Cause, p.Fields
			if out.Cause == "" {
				out.Cause = p.Message
			}
			return out
		}
	}
	out := *p
	out.Next, out.Turn = "Read the log of the failed step, correct what it names, and run it again.", problem.TurnYou
	return &out
}
