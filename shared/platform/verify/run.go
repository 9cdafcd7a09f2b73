package verify

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Row is the outcome of a suite.
type Row struct {
	Name    string   `json:"name"`
	Driver  string   `json:"driver"`
	Service string   `json:"service"`
	Passed  int      `json:"passed"`
	Failed  []string `json:"failed"`  // the tests, innermost ones
	Skipped []string `json:"skipped"` // "test: reason"
	// NotRun is why nothing of it ran; "" when something did.
	NotRun  string  `json:"not_run,omitempty"`
	Seconds float64 `json:"seconds"`
	Cost    string  `json:"cost"`
	Where   string  `json:"where"`            // what it ran on
	Output  string  `json:"output,omitempty"` // of what failed
}

// OK reports whether everything ran and passed.
func (r Row) OK() bool {
	return r.NotRun == "" && len(r.Failed) == 0 && len(r.Skipped) == 0 && r.Passed > 0
}

// Row begins the row of a suite.
func (s Suite) Row(where string) Row {
	return Row{Name: s.Name, Driver: s.Driver, Service: s.Service, Cost: s.Cost, Where: where, Failed: []string{}, Skipped: []string{}}
}

// grace is what an interrupted suite gets to end by itself.
const grace = 10 * time.Second

// Run runs a suite from the repository's root. emulated are the services that env names
// as fakes; a suite whose service is none of them, when some are, takes its own fake.
func (s Suite) Run(ctx context.Context, root string, env []string, emulated bool) Row {
	row := s.Row("Google Cloud")
	tests := s.Tests
	if emulated {
		row.Where = "a fake"
		if s.Fake != "" { // it starts its own, and would take the project for a real one
			tests, env = s.Fake, nil
		}
	}
	begun := time.Now()
	c := exec.CommandContext(ctx, "go", "test", "-json", "-count=1", "-timeout="+s.Timeout.String(), "-run="+tests, "./shared/"+s.Driver)
	c.Dir, c.Env = root, append(clean(os.Environ()), env...)
	// The test binary is a child of go's: an interruption is for both.
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGINT) }
	c.WaitDelay = grace
	var complaint bytes.Buffer
	c.Stderr = &complaint
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		row.NotRun = err.Error()
		return row
	}
	read(out, &row)
	err = c.Wait()
	row.Seconds = time.Since(begun).Seconds()
	if ctx.Err() != nil {
		_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) // whatever did not end by itself; gone is well
	}
	switch {
	case ctx.Err() != nil:
		row.Failed = append(row.Failed, "interrupted")
	case err != nil && len(row.Failed) == 0:
		row.Failed, row.Output = []string{"the tests do not build, or ended early"}, row.Output+complaint.String()
	case row.Passed+len(row.Failed) == 0 && len(row.Skipped) > 0:
		_, row.NotRun, _ = strings.Cut(row.Skipped[0], ": ")
	case row.Passed+len(row.Failed) == 0:
		row.NotRun = "no test is called " + tests
	}
	return row
}

// clean leaves out the variables of an earlier project.
func clean(env []string) []string {
	return slices.DeleteFunc(env, func(kv string) bool {
		return strings.HasPrefix(kv, "B2BRECS_TEST_") || strings.HasPrefix(kv, "B2BRECS_EMULATORS=")
	})
}

// said is where a skipped test stands and why, in go test's words.
var said = regexp.MustCompile(`(?m)^\s+\w+\.go:\d+: (?:SKIPPED: )?(.*)$`)

// read counts the innermost tests.
func read(r io.Reader, row *Row) {
	result, output, names := map[string]string{}, map[string]string{}, []string{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e struct{ Action, Test, Output string }
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			row.Output += lines.Text() + "\n" // a compiler's error
			continue
		}
		switch e.Action {
		case "output", "build-output":
			output[e.Test] += e.Output
		case "pass", "fail", "skip":
			if e.Test != "" {
				result[e.Test] = e.Action
				names = append(names, e.Test)
			}
		}
	}
	slices.Sort(names)
	for i, n := range names {
		inner := i+1 < len(names) && slices.ContainsFunc(names[i+1:], func(m string) bool { return strings.HasPrefix(m, n+"/") })
		failedInside := inner && slices.ContainsFunc(names[i+1:], func(m string) bool { return strings.HasPrefix(m, n+"/") && result[m] == "fail" })
		switch {
		case result[n] == "fail" && !failedInside: // one whose own end failed, too
			row.Failed = append(row.Failed, n)
			row.Output += output[n]
		case inner:
		case result[n] == "pass":
			row.Passed++
		case result[n] == "skip":
			why := "it says no reason"
			if m := said.FindStringSubmatch(output[n]); m != nil {
				why = m[1]
			}
			row.Skipped = append(row.Skipped, fmt.Sprintf("%s: %s", n, why))
		}
	}
	if len(row.Failed) == 0 {
		row.Output += output[""] // of what ended before a test could say so
	}
	if len(row.Failed) == 0 && row.Passed > 0 && !strings.Contains(output[""], "FAIL") {
		row.Output = ""
	}
}
