package main

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/b2brecs/b2brecs/shared/platform/embedded"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// stopTimeout is how long a server may take to end cleanly.
const stopTimeout = 20 * time.Second

func stopCommand() *cobra.Command {
	return &cobra.Command{
		Use: "stop", Short: "Stop the server of a data folder", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir := dataDir(cmd)
			p, err := embedded.ReadProcess(dir)
			if err != nil {
				return err
			}
			if _, err := running(cmd.Context(), dir); err != nil {
				return err
			}
			if err := syscall.Kill(p.PID, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
				return problem.Wrap(err, problem.PermissionDenied, "process %d cannot be stopped", p.PID)
			}
			for deadline := time.Now().Add(stopTimeout); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
				if errors.Is(syscall.Kill(p.PID, 0), syscall.ESRCH) || zombie(p.PID) {
					if !asJSON(cmd) {
						fmt.Printf("stopped the server of %s\n", dir)
					}
					return nil
				}
			}
			return problem.New(problem.Unavailable, "process %d has not ended after %s", p.PID, stopTimeout).
				WithNext(problem.TurnYou, "End it with `kill -9 %d`: nothing is lost.", p.PID)
		},
	}
}

func signInCommand() *cobra.Command {
	return &cobra.Command{
		Use: "signin", Short: "Print a one-time sign-in link of the running server", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := running(cmd.Context(), dataDir(cmd))
			if err != nil {
				return err
			}
			link, err := signInLink(cmd.Context(), c)
			if err != nil {
				return err
			}
			if asJSON(cmd) {
				return printJSON(cmd.OutOrStdout(), map[string]string{"sign_in": link})
			}
			fmt.Println(link)
			return nil
		},
	}
}
