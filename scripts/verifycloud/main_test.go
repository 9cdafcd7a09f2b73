package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/b2brecs/b2brecs/shared/platform/verify"
)

// childEnv makes the test binary the program itself.
const childEnv = "B2BRECS_VERIFYCLOUD_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		main()
	}
	os.Exit(m.Run())
}

const root = "../.."

// verified runs the program and reads its report.
func verified(t *testing.T, args ...string) (code int, r verify.Report, errs string) {
	t.Helper()
	var out, said bytes.Buffer
	code = run(t.Context(), append([]string{"--root", root, "--json"}, args...), strings.NewReader(""), &out, &said)
	if out.Len() > 0 {
		if err := json.Unmarshal(out.Bytes(), &r); err != nil {
			t.Fatalf("%v\n%s", err, out.String())
		}
	}
	return code, r, said.String()
}

// The suites run on fakes by the path they take on Google, and leave nothing.
func TestOnFakes(t *testing.T) {
	code, r, said := verified(t, "--emulators", "--only", "secret,schedule,objects")
	if code != 0 || len(r.Rows) != 3 || len(r.Removed)+len(r.Left) > 0 {
		t.Fatalf("%d: %+v\n%s", code, r, said)
	}
	for _, row := range r.Rows {
		if !row.OK() || row.Passed < 6 || row.Where != "a fake" || row.Seconds <= 0 {
			t.Errorf("%+v", row)
		}
	}
}

// A row that did not run is no success.
func TestNotRun(t *testing.T) {
	code, r, said := verified(t, "--emulators", "--only", "load")
	if code != codeFailed || len(r.Rows) != 1 || !strings.Contains(r.Rows[0].NotRun, "no deployed installation was named") || !strings.Contains(said, "not run") {
		t.Errorf("%d: %+v\n%s", code, r, said)
	}
}

func TestWrongRequests(t *testing.T) {
	for args, want := range map[string]string{
		"": "--project is missing", "--project p --emulators": "exclude", "--emulators x": "unknown argument", "--emulators --only secret,bogus": `no row "bogus"`,
		"--emulators --url http://x": "--token-file", "--bogus": "flag provided but not defined",
	} {
		if code, _, said := verified(t, strings.Fields(args)...); code != codeWrong || !strings.Contains(said, want) {
			t.Errorf("%q: %d %s", args, code, said)
		}
	}
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", filepath.Join(t.TempDir(), "none"))
	if code, _, said := verified(t, "--project", "acme"); code != codeMissing || !strings.Contains(said, "gcloud auth application-default login") {
		t.Errorf("no credentials: %d %s", code, said)
	}
	if code, _, said := verified(t, "--emulators", "--only", "load", "--url", "http://127.0.0.1:1", "--token-file", "/nowhere"); code != codeMissing || !strings.Contains(said, "step 5 of docs/deploy.md") {
		t.Errorf("no token: %d %s", code, said)
	}
}

// Nothing begins without a yes.
func TestConfirmation(t *testing.T) {
	v := verify.Options{Suites: verify.Suites, NotRun: map[string]string{"state": "its API is off"}}
	for answer, want := range map[string]bool{"yes\n": true, "yes": true, "y\n": false, "\n": false, "": false} {
		var said bytes.Buffer
		if got := confirmed(options{project: "acme", region: "europe-west4", url: "https://recs.acme.example"}, v, strings.NewReader(answer), &said); got != want {
			t.Errorf("%q: %t", answer, got)
		}
		for _, part := range []string{"project acme", "2 to 5 dollars", "installation https://recs.acme.example", "not run: its API is off", "b2brecs-verify-"} {
			if !strings.Contains(said.String(), part) {
				t.Errorf("the question lacks %q:\n%s", part, said.String())
			}
		}
	}
}

func TestTable(t *testing.T) {
	var b bytes.Buffer
	list(&b)
	for _, s := range verify.Suites {
		if !strings.Contains(b.String(), s.Driver) {
			t.Errorf("%s is not listed", s.Driver)
		}
	}
	b.Reset()
	bad := verify.Suites[0].Row("Google Cloud")
	bad.Failed, bad.Output = []string{"TestOnGoogleCloud/IDs"}, "what it said"
	skipped := verify.Suites[1].Row("Google Cloud")
	skipped.NotRun = "there is no key"
	err := print(&b, false, verify.Report{Run: "abc", Rows: []verify.Row{bad, skipped}, Removed: []string{"topic x"},
		Left: []verify.Left{{Kind: "bucket", Name: "y", Err: "no"}, {Kind: "secret", Err: "denied"}}}, []string{"table z"})
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"FAILED", "failed: TestOnGoogleCloud/IDs", "what it said", "not run: there is no key", "removed, left by a suite: topic x",
		"LEFT BEHIND: bucket y: no", "every secret, for they cannot be listed: denied", "stays in the installation, for its API deletes none: table z"} {
		if !strings.Contains(b.String(), part) {
			t.Errorf("the table lacks %q:\n%s", part, b.String())
		}
	}
}

// Ctrl-C: the suite that runs ends, what it made goes, the report is still printed.
func TestCtrlC(t *testing.T) {
	c := exec.CommandContext(t.Context(), os.Args[0], "--root", root, "--json", "--emulators", "--only", "events,secret")
	c.Env = append(os.Environ(), childEnv+"=1")
	var out bytes.Buffer
	c.Stdout = &out
	errs, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	said := ""
	lines := bufio.NewScanner(errs)
	for lines.Scan() {
		said += lines.Text() + "\n"
		if strings.Contains(lines.Text(), "events     begins") {
			time.Sleep(time.Second)
			if err := c.Process.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = c.Wait() // the code is looked at
	var r verify.Report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatalf("%v\n%s\n%s", err, out.String(), said)
	}
	if c.ProcessState.ExitCode() != codeInterrupted || len(r.Left) > 0 || len(r.Rows) != 2 {
		t.Errorf("%s: %+v\n%s", c.ProcessState, r, said)
	}
	if got := fmt.Sprint(r.Rows[1].Failed); got != "[interrupted]" || r.Rows[0].Passed == 0 {
		t.Errorf("%+v", r.Rows)
	}
}

// The script explains every option that the program takes.
func TestHelp(t *testing.T) {
	help, err := exec.Command(filepath.Join(root, "scripts", "verify-cloud"), "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	var flags bytes.Buffer
	if _, err := parse([]string{"--help"}, &flags); err == nil {
		t.Fatal("--help is no option of the program")
	}
	n := 0
	for line := range strings.Lines(flags.String()) {
		name, ok := strings.CutPrefix(line, "  -")
		if name, _, _ = strings.Cut(strings.TrimSpace(name), " "); !ok || name == "root" { // which the script fixes
			continue
		}
		n++
		if !strings.Contains(string(help), "--"+name) {
			t.Errorf("the help lacks --%s", name)
		}
	}
	if n < 10 {
		t.Errorf("%d options:\n%s", n, flags.String())
	}
}
