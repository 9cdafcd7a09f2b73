// Command verifycloud runs the conformance suite of every Google Cloud driver and one
// small load against a real project, see shared/platform/verify. It is started by
// scripts/verify-cloud, from the repository's root.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/b2brecs/b2brecs/scripts/b2brecs/client"
	"github.com/b2brecs/b2brecs/shared/platform/verify"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// The exit codes are those of the command line of the product.
const (
	codeFailed, codeWrong, codeMissing, codeInterrupted = 1, 2, 3, 130
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go func() { <-ctx.Done(); stop() }() // a second Ctrl-C ends at once
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

type options struct {
	root                                                                  string
	project, region, account, firestore, keyFile, url, tokenFile, onlyTxt string
	json, list, yes, emulators                                            bool
	only                                                                  []string
}

// chosen reports whether --only leaves a row in.
func (o options) chosen(name string) bool { return len(o.only) == 0 || slices.Contains(o.only, name) }

func parse(args []string, errs io.Writer) (options, error) {
	o := options{root: "."}
	f := flag.NewFlagSet("verify-cloud", flag.ContinueOnError)
	f.SetOutput(errs)
	f.StringVar(&o.project, "project", "", "the project to verify in; one for tests, not an installation's")
	f.StringVar(&o.region, "region", "europe-west4", "where everything is made")
	f.StringVar(&o.account, "account", "", "the service account that signs, calls and runs components")
	f.StringVar(&o.keyFile, "api-key-file", "", "a file with the API key of Identity Platform")
	f.StringVar(&o.firestore, "firestore", "", "a database that has the suite's indexes; one is made when left out")
	f.StringVar(&o.url, "url", "", "the address of a deployed installation, for the load")
	f.StringVar(&o.tokenFile, "token-file", "", "a file with the token of a person of that installation")
	f.StringVar(&o.onlyTxt, "only", "", "rows to run, with commas between; the others are left out")
	f.BoolVar(&o.json, "json", false, "print the report as JSON")
	f.BoolVar(&o.list, "list", false, "print what there is to run, and do nothing")
	f.BoolVar(&o.yes, "yes", false, "do not ask")
	f.BoolVar(&o.emulators, "emulators", false, "run on fakes instead of Google Cloud")
	f.StringVar(&o.root, "root", o.root, "the repository")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unknown argument %q", f.Arg(0))
	}
	for name := range strings.SplitSeq(o.onlyTxt, ",") {
		if name == "" {
			continue
		}
		if name != loadName && !slices.ContainsFunc(verify.Suites, func(s verify.Suite) bool { return s.Name == name }) {
			return o, fmt.Errorf("--only: there is no row %q; --list names them", name)
		}
		o.only = append(o.only, name)
	}
	switch {
	case o.emulators && o.project != "":
		return o, errors.New("--emulators and --project exclude each other")
	case !o.emulators && !o.list && o.project == "" && !slices.Equal(o.only, []string{loadName}):
		return o, errors.New("--project is missing")
	case o.url != "" && o.tokenFile == "":
		return o, errors.New("--url needs --token-file; step 5 of docs/deploy.md gets a token")
	}
	return o, nil
}

func run(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	o, err := parse(args, errs)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintf(errs, "verify-cloud: %v\n  next: run scripts/verify-cloud --help\n", err)
		return codeWrong
	}
	if o.list {
		list(out)
		return 0
	}
	code, err := verifyAll(ctx, o, in, out, errs)
	if err != nil {
		p := problem.Of(err)
		fmt.Fprintf(errs, "verify-cloud: %s\n", p.Message)
		if p.Cause != "" {
			fmt.Fprintf(errs, "  why:  %s\n", p.Cause)
		}
		if p.Next != "" {
			fmt.Fprintf(errs, "  next: %s\n", p.Next)
		}
		return codeMissing
	}
	return code
}

func verifyAll(ctx context.Context, o options, in io.Reader, out, errs io.Writer) (int, error) {
	v := verify.Options{Root: o.root, NotRun: map[string]string{},
		Begin: func(s verify.Suite) { fmt.Fprintf(errs, "%-10s begins\n", s.Name) }, Done: func(r verify.Row) { fmt.Fprintln(errs, line(r)) }}
	for _, s := range verify.Suites {
		if o.chosen(s.Name) {
			v.Suites = append(v.Suites, s)
		}
	}
	if err := o.place(ctx, &v); err != nil {
		return 0, err
	}
	token, err := o.token()
	if err != nil {
		return 0, err
	}
	if v.Emulators != nil {
		defer v.Emulators.Close()
	} else if !o.yes && !confirmed(o, v, in, errs) {
		return codeWrong, nil
	}
	report := verify.Run(ctx, v)
	var stays []string
	if o.chosen(loadName) {
		row := loadRow()
		switch {
		case o.url == "":
			row.NotRun = "no deployed installation was named; --url names one"
		case ctx.Err() != nil:
			row.NotRun = "interrupted before it began"
		default:
			row, stays = load(ctx, client.New(o.url, token), report.Run, loadPatience)
		}
		fmt.Fprintln(errs, line(row))
		report.Rows = append(report.Rows, row)
	}
	if err := print(out, o.json, report, stays); err != nil {
		return 0, err
	}
	switch {
	case ctx.Err() != nil:
		return codeInterrupted, nil
	case !report.OK():
		return codeFailed, nil
	}
	return 0, nil
}

// loadPatience is how long the load may take: services start, and a load waits in queues.
const loadPatience = 15 * time.Minute

// place says where the suites run, and which of them cannot.
func (o options) place(ctx context.Context, v *verify.Options) (err error) {
	if o.emulators {
		v.Emulators, err = verify.StartEmulators(ctx, o.root)
		return err
	}
	v.Project, v.Region = o.project, o.region
	if len(v.Suites) == 0 {
		return nil
	}
	for name, value := range map[string]string{verify.AccountVar: o.account, verify.FirestoreVar: o.firestore} {
		if value != "" {
			v.Env = append(v.Env, name+"="+value)
		}
	}
	if o.keyFile != "" {
		key, err := os.ReadFile(o.keyFile)
		if err != nil {
			return problem.New(problem.FailedPrecondition, "the API key cannot be read").WithCause("%v", err)
		}
		v.Env = append(v.Env, verify.APIKeyVar+"="+strings.TrimSpace(string(key)))
	}
	if err := verify.Credentials(); err != nil {
		return err
	}
	v.NotRun, err = verify.Check(ctx, o.project, v.Suites, v.Env)
	return err
}

func (o options) token() (string, error) {
	if o.url == "" || !o.chosen(loadName) {
		return "", nil
	}
	token, err := os.ReadFile(o.tokenFile)
	if err != nil || len(strings.TrimSpace(string(token))) == 0 {
		return "", problem.New(problem.FailedPrecondition, "%s holds no token", o.tokenFile).
			WithNext(problem.TurnYou, "Put the token of a person there into the file; step 5 of docs/deploy.md gets one.")
	}
	return strings.TrimSpace(string(token)), nil
}

// confirmed says what will be made and asks.
func confirmed(o options, v verify.Options, in io.Reader, errs io.Writer) bool {
	if o.chosen(loadName) && o.url != "" {
		fmt.Fprintf(errs, "In the installation %s: a source, which is deleted; a file and a table, which stay.\n", o.url)
	}
	if len(v.Suites) > 0 {
		fmt.Fprintf(errs, "In project %s, region %s, under names that begin with b2brecs-verify-, removed at the end\nwith what earlier runs left more than a day ago:\n", o.project, o.region)
	}
	for _, s := range v.Suites {
		if why := v.NotRun[s.Name]; why != "" {
			fmt.Fprintf(errs, "  %-10s not run: %s\n", s.Name, why)
			continue
		}
		fmt.Fprintf(errs, "  %-10s %s (%s)\n", s.Name, s.Makes, s.Cost)
	}
	fmt.Fprint(errs, "Type yes to begin: ")
	answer, err := bufio.NewReader(in).ReadString('\n')
	return (err == nil || errors.Is(err, io.EOF)) && strings.TrimSpace(answer) == "yes"
}
