// Command b2brecs is the product's command line and its embedded platform.
//
// Exit codes: 0 done; 1 the operation failed; 2 the request was wrong (a flag, an
// argument, a file); 3 something it needs is missing; 4 the thing does not exist;
// 5 it would undo or collide with something there is; 130 interrupted.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/b2brecs/b2brecs/shared/problem"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := newRoot()
	err := root.ExecuteContext(ctx)
	if err != nil {
		printError(os.Stderr, err, jsonWanted(root))
	}
	os.Exit(exitCode(ctx, err))
}

// errUsage marks a wrong flag or argument.
var errUsage = errors.New("usage")

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "b2brecs",
		Short:         "From transactions to measured recommendations",
		Long:          "b2brecs brings transactions in, shapes them into a training set, generates and trains a\ntwo-tower model, compares it with honest baselines, and answers who would buy what.",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.PersistentFlags().Bool("json", false, "print one JSON document")
	root.PersistentFlags().String("data", ".data", "data folder")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return fmt.Errorf("%w: %w", errUsage, err) })
	root.AddCommand(
		serveCommand(), stopCommand(), signInCommand(), quickstartCommand(), loadCommand(), runsCommand(),
		experimentCommand(), recommendCommand(), peopleCommand(), whoamiCommand(), sampleCommand(), doctorCommand(), openAPICommand(), functionsCommand(),
	)
	return root
}

func exitCode(ctx context.Context, err error) int {
	switch {
	case err == nil:
		return 0
	case ctx.Err() != nil:
		return 130
	case errors.Is(err, errUsage):
		return 2
	case errors.Is(err, errMissing):
		return 3
	}
	switch problem.CodeOf(err) {
	case problem.InvalidArgument:
		return 2
	case problem.NotFound:
		return 4
	case problem.AlreadyExists, problem.FailedPrecondition:
		return 5
	}
	return 1
}
