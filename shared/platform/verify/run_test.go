package verify

import (
	"slices"
	"strings"
	"testing"
)

// What go test says becomes a row: the innermost tests count, and none is lost.
func TestRead(t *testing.T) {
	for name, c := range map[string]struct {
		events string
		want   Row
		output string
	}{
		"all pass": {`{"Action":"pass","Test":"T/a"}
{"Action":"pass","Test":"T/b/c"}
{"Action":"pass","Test":"T/b"}
{"Action":"pass","Test":"T"}
{"Action":"pass"}`, Row{Passed: 2}, ""},
		"one fails": {`{"Action":"output","Test":"T/a","Output":"    x_test.go:1: broken\n"}
{"Action":"fail","Test":"T/a"}
{"Action":"pass","Test":"T/ab"}
{"Action":"fail","Test":"T"}
{"Action":"fail"}`, Row{Passed: 1, Failed: []string{"T/a"}}, "broken"},
		"a cleanup fails": {`{"Action":"pass","Test":"T/a"}
{"Action":"output","Test":"T","Output":"    x_test.go:9: topic x is left behind\n"}
{"Action":"fail","Test":"T"}`, Row{Passed: 1, Failed: []string{"T"}}, "left behind"},
		"skipped": {`{"Action":"output","Test":"T","Output":"=== RUN   T\n"}
{"Action":"output","Test":"T","Output":"    x_test.go:3: SKIPPED: B2BRECS_TEST_ACCOUNT is not set\n"}
{"Action":"skip","Test":"T"}
{"Action":"pass"}`, Row{Skipped: []string{"T: B2BRECS_TEST_ACCOUNT is not set"}}, ""},
		"a panic": {`{"Action":"pass","Test":"T/a"}
{"Action":"output","Output":"panic: oh\n"}
{"Action":"output","Output":"FAIL\tx\t1s\n"}
{"Action":"fail"}`, Row{Passed: 1}, "panic: oh"},
		"no build": {"# x\nx.go:1: undefined: y\n", Row{}, "undefined: y"},
	} {
		var row Row
		read(strings.NewReader(c.events), &row)
		if row.Passed != c.want.Passed || !slices.Equal(row.Failed, c.want.Failed) || !slices.Equal(row.Skipped, c.want.Skipped) ||
			!strings.Contains(row.Output, c.output) || c.output == "" && row.Output != "" {
			t.Errorf("%s: %+v", name, row)
		}
	}
}

// A suite names tests that are there, in a package that is there.
func TestSuites(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range Suites {
		if seen[s.Name] || s.Cost == "" || s.Makes == "" || s.Timeout == 0 || len(s.APIs) == 0 || !strings.HasPrefix(s.Driver, s.Name+"/") {
			t.Errorf("%+v", s)
		}
		seen[s.Name] = true
	}
	for _, k := range kinds {
		for _, n := range k.suites {
			if !seen[n] {
				t.Errorf("%s is made by %s, which is no suite", k.name, n)
			}
		}
	}
	if len(seen) != 9 {
		t.Errorf("%d suites", len(seen))
	}
}
