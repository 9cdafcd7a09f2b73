package workflowtest

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/workflow"
)

// Open makes a driver that runs the given definitions, or says what it refuses. Its
// callbacks MUST be reachable, and its tokens for OIDC calls are "token-for <audience>".
// The environment variable COLOUR is "blue" in it. The test closes the engine.
type Open func(t *testing.T, definitions fs.FS) (*workflow.Engine, error)

// Ability is something a driver may lack.
type Ability string

const (
	// OwnIDs: inside an execution its id is the one of Start.
	OwnIDs Ability = "own-ids"
	// PlainTokens: the token of an OIDC call is "token-for <audience>".
	PlainTokens Ability = "plain-tokens"
	// Drops: what runs the workflow sees that the server broke the connection.
	Drops Ability = "drops"
	// Findings: a definition is refused by this product's own reader, in its words.
	Findings Ability = "findings"
)

// Lack declares an ability that a driver does not have, and why it cannot.
type Lack struct {
	Ability Ability
	Reason  string
}

// patience is how long a case may take on this machine.
const patience = 30 * time.Second

// World is what lies between the suite and what runs the workflows. The zero value is
// this machine.
type World struct {
	// Reach gives the address at which a server of this machine is called.
	Reach func(t *testing.T, url string) string
	// Callbacks makes the requests to callback endpoints; nil is http.DefaultTransport.
	Callbacks http.RoundTripper
	// Patience is how long a case may take, and Poll the pause between two looks at it.
	Patience, Poll time.Duration
}

func (w World) orHere() World {
	if w.Reach == nil {
		w.Reach = func(_ *testing.T, url string) string { return url }
	}
	if w.Callbacks == nil {
		w.Callbacks = http.DefaultTransport
	}
	if w.Patience == 0 {
		w.Patience, w.Poll = patience, 5*time.Millisecond
	}
	return w
}

// Run runs the whole suite. A case that needs what the driver lacks is left out, with
// the reason.
func Run(t *testing.T, open Open, lacks ...Lack) { RunIn(t, World{}, open, lacks...) }

// RunIn is Run for a driver whose workflows run elsewhere.
func RunIn(t *testing.T, w World, open Open, lacks ...Lack) {
	w = w.orHere()
	var runs, refusals []Case
	for _, c := range Cases(t) {
		if c.Refused != nil {
			c.Needs = Findings
		}
		if i := slices.IndexFunc(lacks, func(l Lack) bool { return l.Ability == c.Needs }); i >= 0 {
			t.Logf("case %s is left out: the driver lacks %s: %s", c.Name, c.Needs, lacks[i].Reason)
			continue
		}
		if c.Refused != nil {
			refusals = append(refusals, c)
		} else {
			runs = append(runs, c)
		}
	}
	t.Run("cases", func(t *testing.T) {
		e := mustOpen(t, open, Definitions(runs...))
		for _, c := range runs {
			t.Run(c.Name, func(t *testing.T) { runCase(t, w, e, c) })
		}
	})
	t.Run("refused", func(t *testing.T) {
		for _, c := range refusals {
			t.Run(c.Name, func(t *testing.T) { runRefusal(t, open, c) })
		}
	})
	t.Run("engine", func(t *testing.T) { testEngine(t, w, open) })
}

func mustOpen(t *testing.T, open Open, defs fs.FS) *workflow.Engine {
	t.Helper()
	e, err := open(t, defs)
	if err != nil {
		for _, f := range problem.Of(err).Fields {
			t.Logf("%s: %s", f.Location, f.Message)
		}
		t.Fatalf("the definitions are refused: %v", err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return e
}

func runCase(t *testing.T, w World, e *workflow.Engine, c Case) {
	s := newServer(t, w, c.HTTP)
	var arg any
	if err := json.Unmarshal([]byte(canonical(t, c.Argument, s.reach)), &arg); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Start(t.Context(), c.Name, "x1", arg); err != nil {
		t.Fatal(err)
	}
	x := w.wait(t, e, c.Name, "x1")
	if c.Error != nil {
		checkFailure(t, x, *c.Error)
	} else if x.Status != workflow.Succeeded {
		t.Errorf("status %s: %v", x.Status, x.Error)
	} else if diff := cmp.Diff(parse(t, canonical(t, c.Result, s.reach)), parse(t, string(x.Result))); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
	if x.Ended.Before(x.Started) || x.Step != "" {
		t.Errorf("an ended execution has started %v, ended %v, step %q", x.Started, x.Ended, x.Step)
	}
	if c.Calls == nil {
		return
	}
	got := s.got()
	if c.Unordered {
		slices.Sort(got)
		slices.Sort(c.Calls)
	}
	if diff := cmp.Diff(c.Calls, got); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func parse(t *testing.T, s string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		t.Fatalf("%q is not JSON: %v", s, err)
	}
	return v
}

func checkFailure(t *testing.T, x workflow.Execution, want Failure) {
	t.Helper()
	if x.Status != workflow.Failed || x.Error == nil {
		t.Errorf("status %s, result %s; a failure is expected", x.Status, x.Result)
		return
	}
	if !strings.Contains(x.Error.Message, want.Message) || !strings.Contains(x.Error.Step, want.Step) ||
		want.Code != "" && string(x.Error.Code) != want.Code {
		t.Errorf("error %+v, want %+v", x.Error, want)
	}
}

// Wait polls until an execution has ended.
func Wait(t *testing.T, e *workflow.Engine, name, id string) workflow.Execution {
	t.Helper()
	return World{}.orHere().wait(t, e, name, id)
}

func (w World) wait(t *testing.T, e *workflow.Engine, name, id string) workflow.Execution {
	t.Helper()
	for deadline := time.Now().Add(w.Patience); ; time.Sleep(w.Poll) {
		x, err := e.Get(t.Context(), name, id)
		if err != nil {
			t.Fatal(err)
		}
		if x.Status != workflow.Active {
			return x
		}
		if time.Now().After(deadline) {
			t.Fatalf("execution %s/%s is still at %s after %v", name, id, x.Step, w.Patience)
		}
	}
}

func runRefusal(t *testing.T, open Open, c Case) {
	e, err := open(t, Definitions(c))
	if err == nil {
		e.Close()
		t.Fatal("the definition is not refused")
	}
	var p *problem.Error
	if !errors.As(err, &p) || p.Code != problem.InvalidArgument {
		t.Fatalf("a refusal is an InvalidArgument problem, not %v", err)
	}
	var got []string
	for _, f := range p.Fields {
		got = append(got, f.Location+": "+f.Message)
	}
	for i, want := range c.Refused {
		if i >= len(p.Fields) {
			break
		}
		f := p.Fields[i]
		if f.Location != c.Name+".yaml:"+want.At || !strings.Contains(f.Message, want.Message) {
			t.Errorf("finding %d is %q, want %s %q", i, got[i], want.At, want.Message)
		}
	}
	if len(got) != len(c.Refused) {
		t.Errorf("%d findings, want %d:\n%s", len(got), len(c.Refused), strings.Join(got, "\n"))
	}
}
