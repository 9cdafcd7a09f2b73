package functions_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// A victim is this test binary in a process of its own, which a test kills and
// starts again. TestMain turns a process with victimVariable into one.
const victimVariable = "B2BRECS_TEST_VICTIM"

// victims by kind; each gets the plan its test wrote.
var victims = map[string]func(context.Context, json.RawMessage) error{
	"loads": loadsVictim, "experiment": experimentVictim,
}

type victimOrder struct {
	Kind string
	Plan json.RawMessage
}

func TestMain(m *testing.M) {
	if text := os.Getenv(victimVariable); text != "" {
		if err := victim(context.Background(), text); err != nil {
			fmt.Fprintln(os.Stderr, "victim:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func victim(ctx context.Context, text string) error {
	var order victimOrder
	if err := json.Unmarshal([]byte(text), &order); err != nil {
		return err
	}
	run := victims[order.Kind]
	if run == nil {
		return fmt.Errorf("there is no victim of kind %q", order.Kind)
	}
	return run(ctx, order.Plan)
}

// life runs a victim until it ends by itself, which gives true, or ctx ends, which
// is SIGKILL. A victim that ends with an error ends the test.
func life(ctx context.Context, t *testing.T, kind string, plan any) (ended bool) {
	t.Helper()
	raw, err := json.Marshal(plan)
	if err != nil {
		t.Fatal(err)
	}
	order, err := json.Marshal(victimOrder{kind, raw})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), victimVariable+"="+string(order))
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	err = cmd.Run()
	if err == nil {
		return true
	}
	if ctx.Err() == nil {
		t.Fatalf("the process ended by itself: %v\n%s", err, log.String())
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) && !errors.Is(err, ctx.Err()) {
		t.Fatal(err)
	}
	return false
}
