package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/b2brecs/b2brecs/shared/problem"
)

func jsonWanted(cmd *cobra.Command) bool {
	v, err := cmd.PersistentFlags().GetBool("json")
	return err == nil && v
}

// asJSON reports whether the command was asked for JSON.
func asJSON(cmd *cobra.Command) bool {
	v, err := cmd.Flags().GetBool("json")
	return err == nil && v
}

func dataDir(cmd *cobra.Command) string {
	v, err := cmd.Flags().GetString("data")
	if err != nil {
		panic(err) // the flag is registered on the root
	}
	return v
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// printError says what stopped, why, and what to do next.
func printError(w io.Writer, err error, asJSON bool) {
	p := problem.Of(err)
	if asJSON {
		_ = printJSON(w, map[string]any{"error": p}) // there is no other place to report to
		return
	}
	fmt.Fprintf(w, "b2brecs: %s\n", strings.TrimPrefix(p.Message, "usage: "))
	if p.Cause != "" && !strings.Contains(p.Message, p.Cause) {
		fmt.Fprintf(w, "  why:  %s\n", p.Cause)
	}
	for _, f := range p.Fields {
		fmt.Fprintf(w, "  %s: %s\n", f.Location, f.Message)
	}
	if p.Next != "" {
		fmt.Fprintf(w, "  next: %s\n", p.Next)
	}
}

// progress shows what is being done: one line that changes on a terminal, one
// line per message elsewhere. It writes to standard error, so that standard
// output holds results alone.
type progress struct {
	w        io.Writer
	terminal bool
	last     string
	started  time.Time
}

func newProgress() *progress {
	_, err := unix.IoctlGetTermios(int(os.Stderr.Fd()), unix.TCGETS)
	return &progress{w: os.Stderr, terminal: err == nil, started: time.Now()}
}

// Step shows the state of a running step; on a terminal it replaces the line before.
func (p *progress) Step(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	if line == p.last {
		return
	}
	p.last = line
	if p.terminal {
		fmt.Fprintf(p.w, "\r\033[K%6.1fs  %s", time.Since(p.started).Seconds(), line)
	} else {
		fmt.Fprintf(p.w, "%6.1fs  %s\n", time.Since(p.started).Seconds(), line)
	}
}

// Done ends a step with its result.
func (p *progress) Done(format string, args ...any) {
	p.last = ""
	if p.terminal {
		fmt.Fprint(p.w, "\r\033[K")
	}
	fmt.Fprintf(p.w, "%6.1fs  %s\n", time.Since(p.started).Seconds(), fmt.Sprintf(format, args...))
}

// thousands writes 1234567 as 1,234,567.
func thousands(n int64) string {
	s := fmt.Sprint(n)
	sign := ""
	if n < 0 {
		sign, s = "−", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// table prints aligned columns; the first is left-aligned, the rest right-aligned.
func table(w io.Writer, rows [][]string) {
	var widths []int
	for _, r := range rows {
		for i, c := range r {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], len([]rune(c)))
		}
	}
	for _, r := range rows {
		var b strings.Builder
		for i, c := range r {
			pad := strings.Repeat(" ", widths[i]-len([]rune(c)))
			if i == 0 {
				b.WriteString(c + pad)
			} else {
				b.WriteString("  " + pad + c)
			}
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
}
