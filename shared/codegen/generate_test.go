package codegen_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/b2brecs/b2brecs/shared/codegen"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func cases(t testing.TB) map[string]codegen.Input {
	t.Helper()
	paths, err := filepath.Glob("testdata/golden/*/input.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no golden inputs: %v", err)
	}
	out := map[string]codegen.Input{}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var in codegen.Input
		d := json.NewDecoder(strings.NewReader(string(data)))
		d.DisallowUnknownFields()
		if err := d.Decode(&in); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		out[filepath.Dir(path)] = in
	}
	return out
}

// TestGolden keeps the emitted code under review: run with -update after a
// deliberate change, bump Version, and read the diff.
func TestGolden(t *testing.T) {
	for dir, in := range cases(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			got, err := codegen.Generate(in)
			if err != nil {
				t.Fatal(err)
			}
			for name, text := range map[string]string{
				"transform_module.py": got.Transform, "trainer_module.py": got.Trainer, "manifest.json": string(got.Manifest),
			} {
				path := filepath.Join(dir, name)
				if *update {
					if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(string(want), text); d != "" {
					t.Errorf("%s differs (-golden +generated):\n%s", name, d)
				}
				if n := strings.Count(text, "\n"); n >= 300 {
					t.Errorf("%s has %d lines; a module stays below 300", name, n)
				}
			}
		})
	}
}
