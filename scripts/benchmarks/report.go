package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/b2brecs/b2brecs/scripts/benchmarks/wire"
)

// machine is where the figures were taken.
type machine struct {
	CPU      string    `json:"cpu"`
	Cores    int       `json:"cores"`
	MemoryGB float64   `json:"memory_gb"`
	System   string    `json:"system"`
	Go       string    `json:"go"`
	Load     string    `json:"load"` // of the minute before the first part
	Date     time.Time `json:"date"`
}

func thisMachine() machine {
	m := machine{CPU: runtime.GOARCH, Cores: runtime.NumCPU(), System: runtime.GOOS, Go: runtime.Version(), Load: "unknown", Date: time.Now().UTC()}
	if v := wire.ProcField("/proc/cpuinfo", "model name"); v != "" {
		m.CPU = v
	}
	if kb, err := strconv.ParseFloat(strings.TrimSuffix(wire.ProcField("/proc/meminfo", "MemTotal"), " kB"), 64); err == nil {
		m.MemoryGB = kb / (1 << 20)
	}
	if b, err := os.ReadFile("/etc/os-release"); err == nil {
		for line := range strings.Lines(string(b)) {
			if name, ok := strings.CutPrefix(line, "PRETTY_NAME="); ok {
				m.System = strings.Trim(strings.TrimSpace(name), `"`)
			}
		}
	}
	if out, err := exec.Command("uname", "-r").Output(); err == nil {
		m.System += ", kernel " + strings.TrimSpace(string(out))
	}
	if b, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.Load = strings.Fields(string(b))[0]
	}
	return m
}

// report is everything one call measured.
type report struct {
	Machine  machine   `json:"machine"`
	Rounds   int       `json:"rounds"`
	Bars     []bar     `json:"bars"`
	Measures []measure `json:"measures"`
}

func number(v float64, unit string) string {
	switch {
	case unit == "":
		return fmt.Sprintf("%.2f", v)
	case v >= 100:
		return fmt.Sprintf("%.0f %s", v, unit)
	default:
		return fmt.Sprintf("%.2f %s", v, unit)
	}
}

func (b bar) wanted() string {
	switch {
	case b.Least != nil:
		return "≥ " + number(*b.Least, b.Unit)
	case b.Most != nil:
		return "≤ " + number(*b.Most, b.Unit)
	}
	return "–"
}

func (r report) table() string {
	var t strings.Builder
	t.WriteString("| what | median | spread | wanted | |\n|---|---|---|---|---|\n")
	for _, b := range r.Bars {
		mark := "holds"
		if b.Least == nil && b.Most == nil {
			mark = ""
		} else if !b.holds() {
			mark = "**missed**"
		}
		what := b.What
		if b.Note != "" {
			what += " (" + b.Note + ")"
		}
		fmt.Fprintf(&t, "| %s | %s | %s to %s | %s | %s |\n", what, number(median(b.Values), b.Unit), number(slices.Min(b.Values), b.Unit), number(slices.Max(b.Values), b.Unit), b.wanted(), mark)
	}
	return t.String()
}

// missed is an error that names the bars that do not hold.
func (r report) missed() error {
	var names []string
	for _, b := range r.Bars {
		if !b.holds() {
			names = append(names, fmt.Sprintf("%s: %s, wanted %s", b.What, number(median(b.Values), b.Unit), b.wanted()))
		}
	}
	if len(names) == 0 {
		return nil
	}
	return fmt.Errorf("missed:\n  %s", strings.Join(names, "\n  "))
}

func (r report) markdown() string {
	var t strings.Builder
	m := r.Machine
	fmt.Fprintf(&t, `# Benchmarks

Written by %s. Every speed is a ratio: the product and the peer, or the limit, are measured in the same round on the same machine. The median of %d rounds counts; the spread is beside it.

Machine: %d cores of %s, %.0f GB, %s, %s, load %s before the first part, %s.

`, "`./scripts/bench`", r.Rounds, m.Cores, m.CPU, m.MemoryGB, m.System, m.Go, m.Load, m.Date.Format(time.DateOnly))
	t.WriteString(r.table())
	t.WriteString(`
The peers:

- PostgreSQL: one stream of COPY in binary, thrown away, of the same table (twelve columns of mixed types, about 138 bytes a row). What the product does in that time: a snapshot, ranges of pages, Arrow batches, zstd Parquet, one DuckDB transaction, counts that reconcile.
- CSV: DuckDB's own reader into a table, types guessed. The product samples types to the end of the file, keeps leading zeros and rejected rows, stages Parquet, and commits once.
- Experiment: a plain Python script of the same libraries on the same rows, features and epochs, in one process (` + "`scripts/benchmarks/plain_pipeline.py`" + `): TFDV, TFT through Beam, a TFRS two-tower, an index, evaluation beside popularity and item-kNN, lists. The product is timed from the request to the harvested metrics. *Cold* is the first experiment of a server that has just started; a later one finds TensorFlow imported.
- Start of a function: from the start of the deploy unit's process, stripped and with FUNCTION_TARGET, until its port takes a connection. The limit is 200 ms.
- Events of Google Cloud in a box (` + "`scripts/cloudbox`" + `): the fake of Pub/Sub pushes the same messages to a bare net/http handler that reads them and answers 204; the ratio is what a function costs. The function is harvest-progress, for its effect is small and real: an epoch that a trainer reports comes into its experiment and its curves, one transaction of Firestore that reads two documents and writes them. Between publisher and effect lie Google's official client of Pub/Sub, the broker, the gateway, the function's process, and Google's official client of Firestore. The fakes, the gateway, the bare handler and the publisher are one process, the function is another. An experiment's next epoch is published when the one before is acknowledged; as many experiments go on at once as one instance of the function takes. Afterwards every epoch is looked for.
- Submission of an experiment in the box: from the request to the API until a client of Vertex AI finds the job. In that time the request is checked and stored, the workflow starts, calls three functions with identity tokens, the examples are made and exported, the code is generated and stored, and the job is created. The functions' processes run already; the pipelines are cancelled. The SQL of the examples is measured apart: the box has no BigQuery, its SQL engine is slow, and BigQuery's own time is not known here.

The box has no network between its services, no quotas and one instance of each function: its figures are the product's own cost, not Google Cloud's.

| measured | rows | rows/s | seconds | peak MB | |
|---|---|---|---|---|---|
`)
	for _, v := range r.Measures {
		rows, rate, peak := "", "", ""
		if v.Rows > 0 {
			rows, rate = strconv.FormatInt(v.Rows, 10), fmt.Sprintf("%.0f", v.Rate())
		}
		if v.PeakMB > 0 {
			peak = fmt.Sprintf("%.0f", v.PeakMB)
		}
		fmt.Fprintf(&t, "| %s | %s | %s | %.2f | %s | %s |\n", v.Name, rows, rate, v.Seconds, peak, strings.TrimSpace(v.Note))
	}
	return t.String()
}
