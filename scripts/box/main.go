// Command box runs a Google Cloud in a box, see shared/platform/cloudbox. It is built
// and started by scripts/cloudbox, from the repository's root.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/b2brecs/b2brecs/scripts/box/home"
	"github.com/b2brecs/b2brecs/shared/platform/cloudbox"
	"github.com/b2brecs/b2brecs/shared/problem"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		p := problem.Of(err)
		fmt.Fprintf(os.Stderr, "cloudbox: %s\n", p.Message)
		if p.Cause != "" {
			fmt.Fprintf(os.Stderr, "  why:  %s\n", p.Cause)
		}
		for _, f := range p.Fields {
			fmt.Fprintf(os.Stderr, "  %s: %s\n", f.Location, f.Message)
		}
		if p.Next != "" {
			fmt.Fprintf(os.Stderr, "  next: %s\n", p.Next)
		}
		os.Exit(1)
	}
}

// run starts a box and keeps it until ctx ends.
func run(ctx context.Context, args []string) (err error) {
	flags := flag.NewFlagSet("cloudbox", flag.ContinueOnError)
	o := home.Options{Root: ".", Unit: "bin/function", Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	flags.StringVar(&o.Dir, "data", ".data/cloudbox", "folder to work in")
	flags.IntVar(&o.Port, "port", 8430, "port of the API; 0 takes a free one")
	flags.BoolVar(&o.Single, "single", false, "one process for all functions")
	sample := flags.String("sample", "", "also take the sample company to recommendations: small or large")
	if err := flags.Parse(args); err != nil {
		return err
	}
	b, err := home.Start(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	fmt.Printf("the page and the API are at %s\n  sign in as %s, or as %s once the owner gave access under People\n  command line: bin/b2brecs runs --data %s\n  logs of the functions: %s\n  token of %s: %s\nCtrl-C ends it; nothing is kept.\n",
		b.URL, cloudbox.Owner, cloudbox.Colleague, o.Dir, b.Logs(), cloudbox.Owner, b.Token)
	if *sample != "" {
		c := exec.CommandContext(ctx, "bin/b2brecs", "sample", "--run", "--size", *sample, "--data", o.Dir)
		c.Stdout, c.Stderr = os.Stdout, os.Stderr
		if err := c.Run(); err != nil && ctx.Err() == nil {
			return problem.Wrap(err, problem.Internal, "the sample company did not come to recommendations")
		}
	}
	<-ctx.Done()
	return nil
}
