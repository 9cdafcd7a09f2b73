// Command etl measures loads against what the engines do by themselves, in the
// same round on the same machine, and prints ratios.
//
//	go run ./scripts/bench/etl [-rows 5000000] [-csv 1000] [-rounds 3] [-json]
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"

	"github.com/b2brecs/b2brecs/shared/source/postgres/pgtest"
)

// measure is one figure of one round.
type measure struct {
	Name    string  `json:"name"`
	Rows    int64   `json:"rows"`
	Seconds float64 `json:"seconds"`
	CPU     float64 `json:"cpu_seconds,omitempty"` // of our process alone
	PeakMB  float64 `json:"peak_mb,omitempty"`
	Note    string  `json:"note,omitempty"`
}

func (m measure) rate() float64 { return float64(m.Rows) / m.Seconds }

// bar is one requirement with what was measured.
type bar struct {
	What   string  `json:"what"`
	Got    float64 `json:"got"`
	Spread string  `json:"spread"`
	Bar    string  `json:"bar"`
	OK     bool    `json:"ok"`
}

func main() {
	rows := flag.Int64("rows", 5_000_000, "rows of the Postgres table")
	csvMB := flag.Int64("csv", 1000, "size of the CSV file in MB")
	rounds := flag.Int("rounds", 3, "rounds; ratios are medians")
	asJSON := flag.Bool("json", false, "print one JSON document")
	child := flag.String("child", "", "used by the command itself")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if *child != "" {
		if err := runChild(ctx, *child); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if err := run(ctx, *rows, *csvMB, *rounds, *asJSON); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, rows, csvMB int64, rounds int, asJSON bool) error {
	dir, err := os.MkdirTemp("", "b2brecs-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var all []measure
	var bars []bar
	if rows > 0 {
		ms, bs, err := benchPostgres(ctx, dir, rows, rounds)
		if err != nil {
			return err
		}
		all, bars = append(all, ms...), append(bars, bs...)
	}
	if csvMB > 0 {
		ms, bs, err := benchCSV(ctx, dir, csvMB, rounds)
		if err != nil {
			return err
		}
		all, bars = append(all, ms...), append(bars, bs...)
	}
	if asJSON {
		return json.NewEncoder(os.Stdout).Encode(map[string]any{"measures": all, "bars": bars})
	}
	fmt.Println("| what | got | spread | bar | |\n|---|---|---|---|---|")
	for _, b := range bars {
		mark := "holds"
		if !b.OK {
			mark = "missed"
		}
		fmt.Printf("| %s | %.2f | %s | %s | %s |\n", b.What, b.Got, b.Spread, b.Bar, mark)
	}
	return nil
}

// spawn runs a part in a process of its own, so that its peak memory is its own.
func spawn(ctx context.Context, spec childSpec) (measure, error) {
	var m measure
	in, err := json.Marshal(spec)
	if err != nil {
		return m, err
	}
	self, err := os.Executable()
	if err != nil {
		return m, err
	}
	cmd := exec.CommandContext(ctx, self, "-child", string(in))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return m, fmt.Errorf("%s: %w", spec.Kind, err)
	}
	err = json.Unmarshal(out, &m)
	m.CPU = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	fmt.Fprintf(os.Stderr, "%-28s %9d rows %7.2f s %6.2f CPU s %8.0f rows/s %5.0f MB %s\n", m.Name, m.Rows, m.Seconds, m.CPU, m.rate(), m.PeakMB, m.Note)
	return m, err
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	return s[len(s)/2]
}

func spread(v []float64) string {
	return fmt.Sprintf("%.2f to %.2f", slices.Min(v), slices.Max(v))
}

// peakMB reads the process's greatest resident size.
func peakMB() float64 {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0 // not Linux
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb / 1024
		}
	}
	return 0
}

func startPostgres() (*pgtest.Server, error) {
	return pgtest.Run("shared_buffers=256MB", "max_wal_size=4GB", "synchronous_commit=off")
}
