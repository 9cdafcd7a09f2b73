package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/b2brecs/b2brecs/shared/platform/verify"
)

func status(r verify.Row) string {
	switch {
	case r.NotRun != "":
		return "not run"
	case !r.OK():
		return "FAILED"
	}
	return "ok"
}

// line is a row of the table.
func line(r verify.Row) string {
	return fmt.Sprintf("%-10s %-25s %-35s %-8s %4d passed %3d failed %3d skipped %6.0f s  %s", r.Name, r.Driver, r.Service, status(r), r.Passed, len(r.Failed), len(r.Skipped), r.Seconds, r.Cost)
}

// list prints what there is to run.
func list(out io.Writer) {
	for _, s := range verify.Suites {
		fmt.Fprintf(out, "%-10s %-25s %-35s %s: %s\n", s.Name, s.Driver, s.Service, s.Cost, s.Makes)
	}
	l := loadRow()
	fmt.Fprintf(out, "%-10s %-25s %-35s %s: a source, a file, a table in the installation that --url names\n", l.Name, l.Driver, l.Service, l.Cost)
}

// print writes the report.
func print(out io.Writer, asJSON bool, r verify.Report, stays []string) error {
	if asJSON {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(struct {
			verify.Report
			OK    bool     `json:"ok"`
			Stays []string `json:"stays,omitempty"`
		}{r, r.OK(), stays})
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\nrun %s\n", r.Run)
	for _, row := range r.Rows {
		fmt.Fprintln(&b, line(row))
		if row.NotRun != "" {
			fmt.Fprintf(&b, "  not run: %s\n", row.NotRun)
		}
		for _, f := range row.Failed {
			fmt.Fprintf(&b, "  failed: %s\n", f)
		}
		for _, s := range row.Skipped {
			fmt.Fprintf(&b, "  not run: %s\n", s)
		}
		if row.Output != "" {
			fmt.Fprintf(&b, "%s\n", strings.TrimRight(row.Output, "\n"))
		}
	}
	for _, n := range r.Removed {
		fmt.Fprintf(&b, "removed, left by a suite: %s\n", n)
	}
	for _, l := range r.Left {
		if l.Name == "" {
			fmt.Fprintf(&b, "LEFT BEHIND, perhaps: every %s, for they cannot be listed: %s\n", l.Kind, l.Err)
			continue
		}
		fmt.Fprintf(&b, "LEFT BEHIND: %s %s: %s\n", l.Kind, l.Name, l.Err)
	}
	for _, s := range stays {
		fmt.Fprintf(&b, "stays in the installation, for its API deletes none: %s\n", s)
	}
	_, err := io.WriteString(out, b.String())
	return err
}
