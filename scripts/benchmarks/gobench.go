package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// benchEvents measures from Publish to the first line of the handler, commit included.
func benchEvents(ctx context.Context, o options) ([]measure, []bar, error) {
	found, err := goBench(ctx, "./shared/events/sqlite", "BenchmarkPublishToHandler", "10000x", o.rounds)
	if err != nil {
		return nil, nil, err
	}
	return nil, []bar{
		{What: "event published → function runs, embedded, 10,000 events, p50", Values: scale(found["p50-µs"], 1e-3), Unit: "ms", Most: limit(5)},
		{What: "the same, p99", Values: scale(found["p99-µs"], 1e-3), Unit: "ms", Most: limit(50)},
	}, nil
}

// benchCodegen generates both modules of one configuration with crosses.
func benchCodegen(ctx context.Context, o options) ([]measure, []bar, error) {
	found, err := goBench(ctx, "./shared/codegen", "BenchmarkGenerate", "200x", o.rounds)
	if err != nil {
		return nil, nil, err
	}
	return nil, []bar{{What: "code generation, one config", Values: scale(found["ns/op"], 1e-6), Unit: "ms", Most: limit(5)}}, nil
}

// goBench runs one Go benchmark and gives its figures by unit, one for each round.
func goBench(ctx context.Context, pkg, name, times string, rounds int) (map[string][]float64, error) {
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^"+name+"$", "-benchtime", times, "-count", strconv.Itoa(rounds), pkg)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", pkg, err, out)
	}
	found := map[string][]float64{}
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) < 4 || !strings.HasPrefix(f[0], name) {
			continue
		}
		fmt.Fprint(os.Stderr, line)
		for i := 2; i+1 < len(f); i += 2 { // name, iterations, then value and unit
			v, err := strconv.ParseFloat(f[i], 64)
			if err != nil {
				return nil, fmt.Errorf("%s: %q is not a number", pkg, f[i])
			}
			found[f[i+1]] = append(found[f[i+1]], v)
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
