package verify

import (
	"context"
	"time"

	"github.com/b2brecs/b2brecs/shared/internal/gcp"
	"github.com/b2brecs/b2brecs/shared/internal/gcp/gcptest"
)

// Options of Run.
type Options struct {
	Root string // the repository's
	// Location is the project; Emulators, unless nil, stand in for it.
	gcp.Location
	Emulators *Emulators
	Suites    []Suite
	NotRun    map[string]string // why a suite cannot run, by name
	Env       []string          // variables of gcptest beside project, region and run
	Begin     func(Suite)       // hears of each suite that begins; nil is nobody
	Done      func(Row)         // hears of each outcome
}

// Report is the outcome of a verification.
type Report struct {
	Run     string   `json:"run"`
	Rows    []Row    `json:"rows"`
	Removed []string `json:"removed"` // what earlier runs and this one's failures left
	Left    []Left   `json:"left"`
}

// OK reports whether everything ran and passed, and nothing is left behind.
func (r Report) OK() bool {
	for _, row := range r.Rows {
		if !row.OK() {
			return false
		}
	}
	return len(r.Left) == 0
}

// abandoned is when a run is taken for dead: no suite runs so long.
const abandoned = 24 * time.Hour

// cleaning is how long the sweep after a run may take, also after an interruption.
const cleaning = 20 * time.Minute

// Run runs suites one after another. When ctx ends the running one is interrupted, the
// others do not begin, and what was made is still removed.
func Run(ctx context.Context, o Options) Report {
	begun := time.Now()
	r := Report{Run: gcptest.NewRun(begun), Rows: []Row{}, Removed: []string{}, Left: []Left{}}
	s := &Sweeper{Location: o.Location}
	env := o.Env
	if o.Emulators != nil {
		s.Location, s.Emulators = o.Emulators.Location, o.Emulators.Addresses
		env = append(o.Emulators.Env(), env...)
	}
	env = append(env, gcptest.ProjectVar+"="+s.Project, gcptest.RegionVar+"="+s.Region, gcptest.RunVar+"="+r.Run)
	var names []string
	for _, suite := range o.Suites {
		if o.NotRun[suite.Name] == "" {
			names = append(names, suite.Name)
		}
	}
	sweep := func(which func(string, time.Time) bool) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleaning)
		defer cancel()
		swept := s.Sweep(ctx, names, which)
		r.Removed, r.Left = append(r.Removed, swept.Removed...), append(r.Left, swept.Left...)
	}
	for _, suite := range o.Suites {
		var row Row
		switch why := o.NotRun[suite.Name]; {
		case why != "":
			row = suite.Row("")
			row.NotRun = why
		case ctx.Err() != nil:
			row = suite.Row("")
			row.NotRun = "interrupted before it began"
		default:
			if o.Begin != nil {
				o.Begin(suite)
			}
			row = suite.Run(ctx, o.Root, env, o.Emulators != nil)
		}
		r.Rows = append(r.Rows, row)
		if o.Done != nil {
			o.Done(row)
		}
	}
	// One sweep for both: what this run left, and what runs left that are dead by now.
	old := Older(begun.Add(-abandoned))
	sweep(func(run string, at time.Time) bool { return run == r.Run || old(run, at) })
	return r
}
