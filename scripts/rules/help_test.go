package rules

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Every script answers --help with all of its head comment, wherever it is called, and
// does nothing else.
func TestScriptsAnswerHelp(t *testing.T) {
	root, err := filepath.Abs(".") // TestMain has gone to the root
	if err != nil {
		t.Fatal(err)
	}
	scripts := []string{filepath.Join(root, "infra", "check")}
	entries, err := os.ReadDir(filepath.Join(root, "scripts"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !e.IsDir() {
			scripts = append(scripts, filepath.Join(root, "scripts", e.Name()))
		}
	}
	for _, script := range scripts {
		text, err := os.ReadFile(script)
		if err != nil {
			t.Fatal(err)
		}
		want, ok := headComment(string(text))
		if !ok {
			t.Errorf("%s has no head comment", script)
			continue
		}
		for _, option := range []string{"-h", "--help"} {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			command := exec.CommandContext(ctx, script, option)
			command.Dir = t.TempDir()
			var stderr bytes.Buffer
			command.Stderr = &stderr
			got, err := command.Output()
			cancel()
			if err != nil || stderr.Len() > 0 || strings.TrimSpace(string(got)) != want {
				t.Errorf("%s %s: %v\n%s%s\nwant:\n%s", script, option, err, got, stderr.String(), want)
			}
		}
	}
}

// headComment gives what stands behind the first line: comments of bash, or the text
// in quotes of Python.
func headComment(text string) (string, bool) {
	first, rest, _ := strings.Cut(text, "\n")
	if !strings.HasPrefix(first, "#!") {
		return "", false
	}
	if doc, ok := strings.CutPrefix(rest, `"""`); ok {
		doc, _, ok = strings.Cut(doc, `"""`)
		return strings.TrimSpace(doc), ok
	}
	var lines []string
	for line := range strings.Lines(rest) {
		line = strings.TrimSuffix(line, "\n")
		if !strings.HasPrefix(line, "#") {
			break
		}
		lines = append(lines, strings.TrimPrefix(strings.TrimPrefix(line, "#"), " "))
	}
	return strings.TrimSpace(strings.Join(lines, "\n")), len(lines) > 0
}
