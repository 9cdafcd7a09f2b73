package cloudbox

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/api/option"

	"github.com/b2brecs/b2brecs/shared/internal/gcpfake/iamcredentials"
	fakeoidc "github.com/b2brecs/b2brecs/shared/internal/gcpfake/oidc"
	fakepubsub "github.com/b2brecs/b2brecs/shared/internal/gcpfake/pubsub"
	fakestorage "github.com/b2brecs/b2brecs/shared/internal/gcpfake/storage"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// Options of Start; all but Port, Single, SQLPython, Page, TokenLife, Acknowledged and
// Log are required.
type Options struct {
	// Dir is a folder of the box's own. What is in it is removed first.
	Dir string
	// Port of the gateway; 0 is a free one.
	Port int
	// Unit is the program of the deploy unit, scripts/function.
	Unit string
	// Single runs one process for all functions instead of one for each.
	Single bool
	// Catalog is functions.json, Indexes the indexes of Firestore as they are deployed.
	Catalog, Indexes []byte
	// Definitions holds the workflow files, Runtime the Python package of the components.
	Definitions, Runtime fs.FS
	// Python has the components' packages.
	Python string
	// SQLPython has bqemulator; "" is the one that scripts/python-env --bqemulator made.
	SQLPython string
	// Page answers what is no address of the API's; nil is a problem that says so.
	Page http.Handler
	// TokenLife is that of the tokens of people who sign in; 0 is an hour.
	TokenLife time.Duration
	// Acknowledged hears of each message that a subscription of Pub/Sub is done with, by
	// the subscription's resource name. It MUST be quick and MUST NOT call Pub/Sub.
	Acknowledged func(subscription string, m *pubsubpb.PubsubMessage)
	Log          *slog.Logger
}

func (o *Options) check() error {
	p := problem.New(problem.InvalidArgument, "the box cannot be started")
	for _, f := range []struct {
		name    string
		missing bool
	}{
		{"Dir", o.Dir == ""}, {"Unit", o.Unit == ""}, {"Catalog", len(o.Catalog) == 0}, {"Indexes", len(o.Indexes) == 0},
		{"Definitions", o.Definitions == nil}, {"Runtime", o.Runtime == nil}, {"Python", o.Python == ""},
	} {
		if f.missing {
			p = p.WithField(f.name, "is missing")
		}
	}
	if len(p.Fields) > 0 {
		return p
	}
	if o.SQLPython == "" {
		o.SQLPython = SQLPython()
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	var err error
	if o.Dir, err = filepath.Abs(o.Dir); err == nil {
		o.Unit, err = filepath.Abs(o.Unit)
	}
	return problem.Wrap(err, problem.InvalidArgument, "the folder of the box")
}

// Box is a running installation.
type Box struct {
	// URL is the gateway's address.
	URL string

	opts      Options
	catalog   []entry
	topics    []string            // beside those of the catalogue
	services  map[string]string   // addresses by the names that B2BRECS_EMULATORS has
	processes map[string]*process // by function
	listener  net.Listener
	closers   []func() error

	issuer  *fakeoidc.Server
	pubsub  *fakepubsub.Server
	storage *fakestorage.Server
	signers *iamcredentials.Server
	mirror  *mirror
}

// Start starts everything and returns when the gateway answers; Close ends it. The
// box keeps ctx's values but not its end.
func Start(ctx context.Context, o Options) (_ *Box, err error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	b := &Box{opts: o, services: map[string]string{}, processes: map[string]*process{}}
	if b.catalog, b.topics, err = readCatalog(o.Catalog); err != nil {
		return nil, err
	}
	err = os.RemoveAll(o.Dir)
	for _, d := range []string{"objects", "logs", "work", "home"} {
		err = errors.Join(err, os.MkdirAll(b.path(d), 0o700))
	}
	if err != nil {
		return nil, problem.Wrap(err, problem.FailedPrecondition, "the folder %s cannot be used", o.Dir)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.Close())
		}
	}()
	if b.listener, err = net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(o.Port))); err != nil {
		return nil, problem.Of(problem.Wrap(err, problem.FailedPrecondition, "the gateway cannot listen on port %d", o.Port)).
			WithNext(problem.TurnYou, "Choose another port with --port.")
	}
	b.onClose(func() error { _ = b.listener.Close(); return nil }) // the server may have closed it
	b.URL = "http://" + b.listener.Addr().String()
	ctx = context.WithoutCancel(ctx)
	for _, step := range []func(context.Context) error{b.startServices, b.startEngines, b.startFunctions, b.makeResources} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (b *Box) path(names ...string) string {
	return filepath.Join(append([]string{b.opts.Dir}, names...)...)
}

// Logs is the folder with a log for each process.
func (b *Box) Logs() string { return b.path("logs") }

func (b *Box) functionsURL() string { return b.URL + functionsPath }

// onClose keeps what ends something; the last started ends first.
func (b *Box) onClose(end func() error) { b.closers = append(b.closers, end) }

// Close ends everything the box started. It reports every error.
func (b *Box) Close() error {
	var all []error
	for _, end := range slices.Backward(b.closers) {
		all = append(all, end())
	}
	b.closers = nil
	return errors.Join(all...)
}

// startFunctions serves the gateway. Processes start with their first request.
func (b *Box) startFunctions(context.Context) error {
	env := append(b.Environment(), "PATH="+os.Getenv("PATH"), "HOME="+b.path("home"), "TMPDIR="+os.TempDir()) // of this process's environment, nothing that holds credentials
	for _, v := range []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_TRACES_SAMPLER"} {
		if os.Getenv(v) != "" {
			env = append(env, v+"="+os.Getenv(v))
		}
	}
	threads := newStarter()
	b.onClose(func() error { close(threads); return nil })
	made := func(function string) *process {
		p := &process{function: function, unit: b.opts.Unit, env: env, log: b.opts.Log, starter: threads}
		p.logs = b.path("logs", p.name()+".log")
		b.onClose(func() error { p.close(); return nil })
		return p
	}
	var all *process
	if b.opts.Single {
		all = made("")
	}
	for _, f := range b.catalog {
		if b.processes[f.Name] = all; all == nil {
			b.processes[f.Name] = made(f.Name)
		}
	}
	var page http.Handler = http.HandlerFunc(nothing)
	if b.opts.Page != nil {
		page = b.policy(b.opts.Page)
	}
	s := &http.Server{Handler: gateway(b.catalog, b.processes, page, b.opts.Log), ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- s.Serve(b.listener) }()
	b.onClose(func() error {
		err := s.Close()
		if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
			err = errors.Join(err, ended)
		}
		return err
	})
	return nil
}

// OwnerToken is the owner's PersonToken.
func (b *Box) OwnerToken(life time.Duration) (string, error) {
	return b.PersonToken(Owner, "Owner", life)
}

// PersonToken signs a person's token as the issuer does after a sign-in. Whether it
// opens anything is for the list of people to say.
func (b *Box) PersonToken(email, name string, life time.Duration) (string, error) {
	return b.issuer.Token(map[string]any{"aud": clientID, "sub": email, "email": email, "email_verified": true, "name": name,
		"exp": time.Now().Add(life).Unix()})
}

// Uploads gives the bucket that people drop files in, and how a client of Cloud
// Storage reaches it.
func (b *Box) Uploads() (bucket string, client []option.ClientOption) {
	return buckets[objects.Uploads], b.storage.Options()
}

// Functions lists the functions' names.
func (b *Box) Functions() []string {
	var names []string
	for _, f := range b.catalog {
		names = append(names, f.Name)
	}
	return names
}

// Kill ends the process that runs a function as a crash does. It says whether there was one.
func (b *Box) Kill(function string) bool {
	p := b.processes[function]
	return p != nil && p.kill()
}
