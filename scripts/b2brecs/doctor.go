package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/b2brecs/b2brecs/shared/platform/embedded"
)

// errMissing marks a part that is not installed.
var errMissing = errors.New("something is missing")

// check is one thing the product can need.
type check struct {
	Name     string `json:"name"`
	For      string `json:"for"`
	Required bool   `json:"required"`
	Found    string `json:"found"` // version or path; "" = missing
	Get      string `json:"get"`   // how to get it
}

func doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use: "doctor", Short: "Say what is installed, what is missing, and how to get it", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			checks := examine(cmd.Context())
			missing := 0
			for _, c := range checks {
				if c.Required && c.Found == "" {
					missing++
				}
			}
			if asJSON(cmd) {
				if err := printJSON(os.Stdout, map[string]any{"checks": checks, "missing": missing}); err != nil {
					return err
				}
			} else {
				for _, c := range checks {
					mark, text := "ok     ", c.Found
					if c.Found == "" {
						mark, text = "absent ", c.Get
						if c.Required {
							mark = "MISSING"
						}
					}
					fmt.Printf("%s  %-22s %s\n", mark, c.Name, text)
				}
			}
			if missing > 0 {
				return fmt.Errorf("%w: %d of the parts above", errMissing, missing)
			}
			return nil
		},
	}
}

func examine(ctx context.Context) []check {
	python := embedded.DefaultPython()
	checks := []check{
		{Name: "Python runtime", For: "experiments", Required: true, Get: "run ./scripts/up once, or ./scripts/python-env"},
		{Name: "python3.11", For: "making the Python runtime", Get: "install Python 3.11 (python.org, pyenv, or your system's packages)", Found: version(ctx, "python3.11", "--version")},
		{Name: "go", For: "building", Get: "install Go 1.26 or newer from go.dev/dl", Found: version(ctx, "go", "version")},
		{Name: "node", For: "building the page", Get: "install Node.js 20.19 or newer from nodejs.org", Found: version(ctx, "node", "--version")},
		{Name: "psql", For: "benchmarks", Get: "install the PostgreSQL client", Found: version(ctx, "psql", "--version")},
		{Name: "chromium", For: "browser tests", Get: "install Chromium", Found: version(ctx, "chromium", "--version")},
	}
	if _, err := os.Stat(python); err == nil {
		checks[0].Found = python
	}
	return checks
}

func version(ctx context.Context, name, flag string) string {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, flag).CombinedOutput() //nolint:gosec // names are constants above
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return line
}
