package codegen

import (
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// python finds an interpreter: the pipeline's, or any Python 3. What is tested
// with it, reading literals, needs the standard library only.
func python(t testing.TB) string {
	t.Helper()
	cache := os.Getenv("XDG_CACHE_HOME")
	if cache == "" {
		home, _ := os.UserHomeDir()
		cache = filepath.Join(home, ".cache")
	}
	for _, p := range []string{os.Getenv("B2BRECS_PYTHON"), filepath.Join(cache, "b2brecs", "python-runtime", "bin", "python"), "python3"} {
		if path, err := exec.LookPath(p); err == nil && exec.Command(path, "-c", "import ast").Run() == nil {
			return path
		}
	}
	t.Skip("SKIPPED: no Python 3 to read the literals back with; run scripts/python-env or install python3")
	return ""
}

var hard = []string{
	"", " ", `"`, `'`, `"""`, `\`, `\\`, `\n`, "\n", "\r\n", "\t", "\x00", "\x1b[0m", "\x7f", "\u0080", "\u00a0", "\u2028", "\ufeff", "\U0001f600",
	"é", "Артикул", "品番", `"); import os; os.system("true") #`, `{"a": 1}`, "%s {0} {{.}}", "\xff\xfe", "a\xc3", `\N{BULLET}`, `\x22`, "# comment", "${HOME}",
}

// TestLiteralReadsBack lets Python itself read what Literal wrote, in one process.
func TestLiteralReadsBack(t *testing.T) {
	texts := append([]string{}, hard...)
	gen := rapid.String()
	for i := range 2000 {
		texts = append(texts, gen.Example(i))
	}
	var source strings.Builder
	for _, s := range texts {
		source.WriteString(Literal(s) + "\n")
	}
	cmd := exec.Command(python(t), "-c", "import ast, json, sys\nprint(json.dumps([ast.literal_eval(line) for line in sys.stdin.read().splitlines()]))")
	cmd.Stdin = strings.NewReader(source.String())
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("python: %v", err)
	}
	var back []string
	if err := json.Unmarshal(out, &back); err != nil {
		t.Fatal(err)
	}
	if len(back) != len(texts) {
		t.Fatalf("%d literals came back as %d lines", len(texts), len(back))
	}
	for i, s := range texts {
		if want := strings.ToValidUTF8(strings.Join(runes(s), ""), "\ufffd"); back[i] != want {
			t.Errorf("%q is read back as %q", s, back[i])
		}
	}
}

// runes replaces each invalid byte by one U+FFFD, as Literal says it does.
func runes(s string) []string {
	var out []string
	for _, r := range s {
		out = append(out, string(r))
	}
	return out
}

func FuzzLiteral(f *testing.F) {
	for _, s := range hard {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		lit := Literal(s)
		if len(lit) < 2 || lit[0] != '"' || lit[len(lit)-1] != '"' {
			t.Fatalf("%q is not quoted", lit)
		}
		inside := lit[1 : len(lit)-1]
		for i := 0; i < len(inside); i++ {
			switch c := inside[i]; {
			case c < 0x20 || c >= 0x7f || c == '"':
				t.Fatalf("%q holds byte %#x", lit, c)
			case c == '\\':
				if i+1 == len(inside) || !strings.ContainsRune(`\nrtxuU`, rune(inside[i+1])) {
					t.Fatalf("%q holds a stray backslash", lit)
				}
				i++
			}
		}
	})
}

func FuzzComment(f *testing.F) {
	for _, s := range hard {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := comment(s, 24)
		if len(got) > 24 || !utf8.ValidString(got) || strings.Trim(got, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-. ") != "" {
			t.Fatalf("%q becomes %q", s, got)
		}
	})
}

func TestFloat(t *testing.T) {
	for v, want := range map[float64]string{0: "0.0", 1: "1.0", -6: "-6.0", 0.004: "0.004", 1e-5: "1e-05", 1e21: "1e+21", 0.1: "0.1", math.MaxFloat64: "1.7976931348623157e+308"} {
		if got := Float(v); got != want {
			t.Errorf("Float(%g) = %s, want %s", v, got, want)
		}
	}
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Float(%g) gave a literal", v)
				}
			}()
			Float(v)
		}()
	}
}
