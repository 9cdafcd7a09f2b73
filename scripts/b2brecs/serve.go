package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/b2brecs/b2brecs/scripts/b2brecs/client"
	"github.com/b2brecs/b2brecs/shared/platform/embedded"
	"github.com/b2brecs/b2brecs/shared/problem"
)

const defaultPort = 8420

// startTimeout is how long a detached server may take to answer; recovery of a
// large queue after a crash is the longest part.
const startTimeout = 60 * time.Second

func serveCommand() *cobra.Command {
	var host, sampleSize string
	var port int
	var detach bool
	cmd := &cobra.Command{
		Use: "serve", Short: "Run the platform on this machine", Args: cobra.NoArgs,
		Long: "serve runs everything in one process on a data folder and answers on loopback.\nInterrupted work goes on where it stood. With --sample it also brings a sample company\nfrom raw files to recommendations; steps that are done are not done again.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			run := serveHere
			if detach {
				run = serveDetached
			}
			return run(cmd, host, port, sampleSize)
		},
	}
	cmd.Flags().StringVar(&host, "host", "127.0.0.1", "address to listen on; anything but loopback opens the server to the network")
	cmd.Flags().IntVar(&port, "port", defaultPort, "port to listen on; 0 takes a free one")
	cmd.Flags().StringVar(&sampleSize, "sample", "", "also run the sample project: small or large")
	cmd.Flags().BoolVar(&detach, "detach", false, "leave the server running in the background")
	return cmd
}

func serveHere(cmd *cobra.Command, host string, port int, sampleSize string) (err error) {
	ctx := cmd.Context()
	s, err := startServer(ctx, serverOptions{dir: dataDir(cmd), host: host, port: port, log: openLog()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.release(ctx)) }()
	if asJSON(cmd) {
		// Often a log file: it gets no sign-in link.
		err = printJSON(os.Stdout, map[string]string{"url": s.address})
	} else {
		var link string
		if link, err = s.signInLink(ctx); err == nil {
			fmt.Printf("b2brecs answers at %s\n  sign in once: %s\n", s.address, link)
		}
	}
	if err != nil {
		return err
	}
	if sampleSize != "" {
		if err := runSample(ctx, s.client, sampleSize, asJSON(cmd)); err != nil && ctx.Err() == nil {
			return err
		}
		if ctx.Err() == nil {
			fmt.Printf("\nThe page: %s   (Ctrl-C stops the server; everything is kept in %s)\n", s.address, dataDir(cmd))
		}
	}
	return s.Wait()
}

func serveDetached(cmd *cobra.Command, host string, port int, sampleSize string) error {
	ctx, dir := cmd.Context(), dataDir(cmd)
	c, err := running(ctx, dir)
	if problem.Is(err, problem.NotFound) {
		c, err = spawnServer(ctx, dir, host, port)
	}
	if err != nil {
		return err
	}
	if sampleSize != "" {
		if err := runSample(ctx, c, sampleSize, asJSON(cmd)); err != nil {
			return err
		}
	}
	link, err := signInLink(ctx, c)
	if err != nil {
		return err
	}
	if asJSON(cmd) {
		return printJSON(os.Stdout, map[string]string{"url": c.URL, "sign_in": link})
	}
	fmt.Printf("\nThe page: %s\n  sign in once: %s\n  stop with: b2brecs stop --data %s\n", c.URL, link, dir)
	return nil
}

// spawnServer starts this program again, in a session of its own, and waits until
// it answers.
func spawnServer(ctx context.Context, dir, host string, port int) (*client.Client, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, problem.Wrap(err, problem.FailedPrecondition, "the data folder %s cannot be used", dir)
	}
	logName := filepath.Join(dir, "server.log")
	log, err := os.OpenFile(logName, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, problem.Wrap(err, problem.FailedPrecondition, "the data folder %s cannot be used", dir)
	}
	defer log.Close()
	server := exec.Command(self, "serve", "--data", dir, "--host", host, "--port", fmt.Sprint(port), "--json") //nolint:gosec // this program itself
	server.Stdout, server.Stderr = log, log
	server.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	begin, err := log.Stat()
	if err != nil {
		return nil, err
	}
	if err := server.Start(); err != nil {
		return nil, problem.Wrap(err, problem.Internal, "the server cannot be started")
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	deadline := time.After(startTimeout)
	for {
		if c, err := running(ctx, dir); err == nil {
			return c, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-ended:
			return nil, startFailure(logName, begin.Size())
		case <-deadline:
			return nil, problem.New(problem.Unavailable, "the server does not answer after %s", startTimeout).
				WithNext(problem.TurnYou, "Look into %s.", logName)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// running gives a client of the data folder's server, or NotFound when none answers.
func running(ctx context.Context, dir string) (*client.Client, error) {
	p, err := embedded.ReadProcess(dir)
	if err != nil {
		return nil, err
	}
	c := client.New(p.URL, p.Token)
	if !c.Healthy(ctx) {
		return nil, problem.New(problem.NotFound, "no server answers on the data folder %s", dir).
			WithNext(problem.TurnYou, "Start one with `b2brecs serve --data %s`.", dir)
	}
	return c, nil
}

// An installation elsewhere is named by these, unless --data names a folder: what is run
// on a box or a folder of its own never reaches the installation that a shell has exported.
// The token is that of a person who signed in; it is in no flag, where others would see it.
const (
	urlVariable   = "B2BRECS_URL"
	tokenVariable = "B2BRECS_TOKEN"
)

// connect gives a client of the installation that the environment names, or of the
// running server, or starts the platform in this process for the time of one command.
func connect(cmd *cobra.Command) (*client.Client, func() error, error) {
	ctx, dir := cmd.Context(), dataDir(cmd)
	if url := os.Getenv(urlVariable); url != "" && !cmd.Flags().Changed("data") {
		token := os.Getenv(tokenVariable)
		if token == "" {
			return nil, nil, problem.New(problem.InvalidArgument, "%s names an installation, and %s holds no token", urlVariable, tokenVariable).
				WithNext(problem.TurnYou, "Sign in there and put the token into %s, or unset %s.", tokenVariable, urlVariable)
		}
		return client.New(url, token), func() error { return nil }, nil
	}
	c, err := running(ctx, dir)
	if err == nil {
		return c, func() error { return nil }, nil
	}
	s, err := startServer(ctx, serverOptions{dir: dir, host: "127.0.0.1", port: 0, log: quietLog(dir)})
	if err != nil {
		return nil, nil, err
	}
	return s.client, func() error { return s.release(ctx) }, nil
}
