// Package wire is what the benchmarks and the processes that they measure tell each other.
package wire

import (
	"fmt"
	"os"
	"strings"
)

// Spec tells a process of scripts/benchmarks/loads what to do.
type Spec struct {
	Kind    string // "load-postgres", "load-csv", "extract", "duckdb-csv"
	Dir     string
	Params  map[string]any
	Secrets map[string]string
	Table   string
	File    string
}

// Measure is one figure of one round.
type Measure struct {
	Name    string  `json:"name"`
	Rows    int64   `json:"rows,omitempty"`
	Seconds float64 `json:"seconds"`
	CPU     float64 `json:"cpu_seconds,omitempty"` // of the measured process alone
	PeakMB  float64 `json:"peak_mb,omitempty"`
	Note    string  `json:"note,omitempty"`
}

// Rate is rows a second.
func (m Measure) Rate() float64 { return float64(m.Rows) / m.Seconds }

// Print tells a measure at once: the whole takes minutes.
func (m Measure) Print() {
	line := fmt.Sprintf("%-36s", m.Name)
	if m.Rows > 0 {
		line += fmt.Sprintf(" %9d rows %9.0f rows/s", m.Rows, m.Rate())
	}
	line += fmt.Sprintf(" %8.2f s", m.Seconds)
	if m.PeakMB > 0 {
		line += fmt.Sprintf(" %5.0f MB", m.PeakMB)
	}
	fmt.Fprintln(os.Stderr, line, m.Note)
}

// ProcField reads "name : value" of a file of /proc; "" where there is none.
func ProcField(file, name string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return "" // not Linux
	}
	for line := range strings.Lines(string(b)) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == name {
			return strings.TrimSpace(v)
		}
	}
	return ""
}
