// Command benchmarks measures the product against a named peer or limit, both in
// the same round on the same machine, prints the ratios, and writes
// docs/benchmarks.md. scripts/bench builds what it needs and calls it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"

	"github.com/b2brecs/b2brecs/scripts/benchmarks/wire"
)

type measure = wire.Measure

// bar is one requirement with what was measured. Values are of all rounds; the
// median counts.
type bar struct {
	What   string    `json:"what"`
	Values []float64 `json:"values"`
	Unit   string    `json:"unit,omitempty"` // "" is a ratio
	// Least or Most is the bar; both nil for a figure that stands for itself.
	Least *float64 `json:"least,omitempty"`
	Most  *float64 `json:"most,omitempty"`
	Note  string   `json:"note,omitempty"`
}

func (b bar) holds() bool {
	m := median(b.Values)
	return (b.Least == nil || m >= *b.Least) && (b.Most == nil || m <= *b.Most)
}

func limit(v float64) *float64 { return &v }

// options of all parts.
type options struct {
	rows, csvMB int64
	rounds      int
	dir         string // for everything the parts write
}

type part struct {
	name string
	run  func(context.Context, options) ([]measure, []bar, error)
}

// parts in the order in which they run: what needs the quietest machine first.
var parts = []part{
	{"postgres", benchPostgres},
	{"csv", benchCSV},
	{"events", benchEvents},
	{"codegen", benchCodegen},
	{"functions", benchFunctions},
	{"cloud-events", benchCloudEvents},
	{"cloud-submit", benchCloudSubmit},
	{"experiment", benchExperiment}, // leaves the data folder that start opens
	{"start", benchStart},
}

func main() {
	var o options
	flag.Int64Var(&o.rows, "rows", 5_000_000, "rows of the PostgreSQL table")
	flag.Int64Var(&o.csvMB, "csv", 1000, "size of the CSV file in MB")
	flag.IntVar(&o.rounds, "rounds", 3, "rounds of each part")
	only := flag.String("only", "", "these parts, with commas between; then docs/benchmarks.md is left alone")
	asJSON := flag.Bool("json", false, "print one JSON document")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o, *only, *asJSON); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, only string, asJSON bool) (err error) {
	var wanted []string
	if only != "" {
		wanted = strings.Split(only, ",")
	}
	for _, w := range wanted {
		if !slices.ContainsFunc(parts, func(p part) bool { return p.name == w }) {
			return fmt.Errorf("there is no part %q", w)
		}
	}
	if slices.Contains(wanted, "start") && !slices.Contains(wanted, "experiment") {
		return fmt.Errorf("the part start opens the data folder that the part experiment leaves: ask for both")
	}
	if o.dir, err = os.MkdirTemp("", "b2brecs-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(o.dir)
	r := report{Machine: thisMachine(), Rounds: o.rounds}
	for _, p := range parts {
		if len(wanted) > 0 && !slices.Contains(wanted, p.name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "\n%s\n", p.name)
		ms, bs, err := p.run(ctx, o)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		r.Measures, r.Bars = append(r.Measures, ms...), append(r.Bars, bs...)
	}
	if asJSON {
		err = json.NewEncoder(os.Stdout).Encode(r)
	} else {
		fmt.Print(r.table())
	}
	if err == nil && !asJSON && len(wanted) == 0 {
		err = os.WriteFile("docs/benchmarks.md", []byte(r.markdown()), 0o644)
	}
	return errors.Join(err, r.missed())
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	return s[len(s)/2]
}
