package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"

	"github.com/b2brecs/b2brecs/scripts/benchmarks/wire"
)

// loads is the program whose processes are measured: it links the embedded product and
// nothing of these benchmarks, so that its memory is the product's.
const loads = "bin/bench-loads"

// spawn runs a part in a process of its own, so that its peak memory is its own.
func spawn(ctx context.Context, spec wire.Spec) (measure, error) {
	var m measure
	in, err := json.Marshal(spec)
	if err != nil {
		return m, err
	}
	cmd := exec.CommandContext(ctx, loads, string(in))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return m, fmt.Errorf("%s: %w", spec.Kind, err)
	}
	if err := json.Unmarshal(out, &m); err != nil {
		return m, err
	}
	m.CPU = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	m.Print()
	return m, nil
}
