package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/b2brecs/b2brecs/functions"
)

// startsPerRound of each function; one more before them finds the program in no cache.
const startsPerRound = 5

// benchEvents measures from Publish to the first line of the handler, commit included.
func benchEvents(ctx context.Context, o options) ([]measure, []bar, error) {
	found, err := goBench(ctx, "./shared/events/sqlite", "BenchmarkPublishToHandler", "10000x", o.rounds)
	if err != nil {
		return nil, nil, err
	}
	return nil, []bar{
		{What: "event published → function runs, embedded, 10,000 events, p50", Values: scale(found[""]["p50-µs"], 1e-3), Unit: "ms", Most: limit(5)},
		{What: "the same, p99", Values: scale(found[""]["p99-µs"], 1e-3), Unit: "ms", Most: limit(50)},
	}, nil
}

// benchCodegen generates both modules of one configuration with crosses.
func benchCodegen(ctx context.Context, o options) ([]measure, []bar, error) {
	found, err := goBench(ctx, "./shared/codegen", "BenchmarkGenerate", "200x", o.rounds)
	if err != nil {
		return nil, nil, err
	}
	return nil, []bar{{What: "code generation, one config", Values: scale(found[""]["ns/op"], 1e-6), Unit: "ms", Most: limit(5)}}, nil
}

// benchFunctions starts the deploy unit as each function, until it listens.
func benchFunctions(ctx context.Context, o options) ([]measure, []bar, error) {
	found, err := goBench(ctx, "./scripts/function", "BenchmarkStart", fmt.Sprintf("%dx", startsPerRound), o.rounds)
	if err != nil {
		return nil, nil, err
	}
	var all []measure
	slowest, single := make([]float64, o.rounds), make([]float64, o.rounds)
	for _, f := range functions.Catalog() {
		p50, worst := found[f.Name]["p50-ms"], found[f.Name]["max-ms"]
		if len(p50) != o.rounds || len(worst) != o.rounds {
			return nil, nil, fmt.Errorf("%s was started in %d rounds, not in %d", f.Name, len(p50), o.rounds)
		}
		for i := range o.rounds {
			slowest[i], single[i] = max(slowest[i], p50[i]), max(single[i], worst[i])
		}
		all = append(all, measure{Name: "start of " + f.Name, Seconds: median(p50) / 1e3, Note: fmt.Sprintf("%.0f ms, slowest %.0f ms", median(p50), slices.Max(worst))})
	}
	return all, []bar{
		{What: fmt.Sprintf("deploy unit started → listening, the slowest of %d functions, median of %d starts", len(all), startsPerRound), Values: slowest, Unit: "ms", Most: limit(200)},
		{What: "the same, the slowest single start", Values: single, Unit: "ms"},
	}, nil
}

// processors ends a benchmark's name in Go's report.
var processors = regexp.MustCompile(`-\d+$`)

// goBench runs one Go benchmark and gives its figures by sub-benchmark ("" where it has
// none) and unit, one for each round.
func goBench(ctx context.Context, pkg, name, times string, rounds int) (map[string]map[string][]float64, error) {
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^"+name+"$", "-benchtime", times, "-count", strconv.Itoa(rounds), pkg)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", pkg, err, out)
	}
	found := map[string]map[string][]float64{}
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) < 4 || !strings.HasPrefix(f[0], name) {
			continue
		}
		fmt.Fprint(os.Stderr, line)
		_, sub, _ := strings.Cut(processors.ReplaceAllString(f[0], ""), "/")
		if found[sub] == nil {
			found[sub] = map[string][]float64{}
		}
		for i := 2; i+1 < len(f); i += 2 { // name, iterations, then value and unit
			v, err := strconv.ParseFloat(f[i], 64)
			if err != nil {
				return nil, fmt.Errorf("%s: %q is not a number", pkg, f[i])
			}
			found[sub][f[i+1]] = append(found[sub][f[i+1]], v)
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s has no benchmark %s", pkg, name)
	}
	return found, nil
}

func scale(v []float64, by float64) []float64 {
	out := make([]float64, len(v))
	for i := range v {
		out[i] = v[i] * by
	}
	return out
}
