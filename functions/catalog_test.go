package functions_test

import (
	"testing"

	"github.com/b2brecs/b2brecs/functions"
	"github.com/b2brecs/b2brecs/shared/platform"
)

// Every entry of the catalogue can be deployed and reached.
func TestCatalogue(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range functions.Catalog() {
		handlers := 0
		for _, set := range []bool{f.Register != nil, f.Call != nil, f.Event != nil} {
			if set {
				handlers++
			}
		}
		if seen[f.Name] || f.Summary == "" || f.MemoryMiB == 0 || f.Timeout == 0 || f.Concurrency == 0 || len(f.Roles) == 0 || handlers != 1 {
			t.Errorf("the entry %q is not complete", f.Name)
		}
		if (f.Kind == platform.Event) != (f.Topic != "") {
			t.Errorf("the entry %q has kind %s and topic %q", f.Name, f.Kind, f.Topic)
		}
		seen[f.Name] = true
	}
}
