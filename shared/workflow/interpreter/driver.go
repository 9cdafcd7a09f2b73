package interpreter

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/workflow"
)

// Options of Open. State, FS, Token and CallbackURL are required.
type Options struct {
	// State keeps executions. One Driver at a time may work on it.
	State *state.DB
	// FS holds the definitions: every "*.yaml" at its root is a workflow.
	FS fs.FS
	// HTTP makes the requests of http.* calls. Default: a client of its own without
	// a timeout, since each call has one.
	HTTP *http.Client
	// Token gives a bearer token for a call that asks for auth type OIDC. It MUST
	// refuse audiences that are not the platform's own. Its errors reach the
	// workflow as AuthError and MUST NOT hold secrets.
	Token func(ctx context.Context, audience string) (string, error)
	// CallbackURL is where ServeCallback is mounted, without a closing slash, e.g.
	// "http://127.0.0.1:8080/workflow-callbacks".
	CallbackURL string
	// Env are the environment variables of sys.get_env. The driver itself adds
	// GOOGLE_CLOUD_WORKFLOW_ID, _REVISION_ID, _EXECUTION_ID and _EXECUTION_ATTEMPT.
	Env map[string]string
	// Log receives sys.log lines and the driver's own. Default: slog.Default().
	Log *slog.Logger
	// Clock is the wall clock unless a test brings another.
	Clock Clock
}

// Driver implements workflow.Driver in this process.
type Driver struct {
	opts  Options
	store *store
	defs  map[string]*definition // by workflow name; fixed after Open

	ctx    context.Context // of all runners
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	runners map[string]*runner     // active, by document id
	bySum   map[string]*definition // compiled sources, by hash
}

var _ workflow.Driver = (*Driver)(nil)

// Open loads every definition. A definition that is refused fails Open with all
// findings, each with file, line and column. Executions do not move until Resume;
// one that is started moves at once.
func Open(ctx context.Context, o Options) (*Driver, error) {
	var missing []string
	for name, ok := range map[string]bool{
		"State": o.State != nil, "FS": o.FS != nil, "Token": o.Token != nil, "CallbackURL": o.CallbackURL != "",
	} {
		if !ok {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return nil, problem.New(problem.InvalidArgument, "the workflow interpreter needs %s", strings.Join(missing, ", "))
	}
	if o.HTTP == nil {
		o.HTTP = &http.Client{}
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Clock == nil {
		o.Clock = wallClock{}
	}
	d := &Driver{opts: o, store: newStore(o.State), defs: map[string]*definition{},
		runners: map[string]*runner{}, bySum: map[string]*definition{}}
	if err := d.loadAll(ctx); err != nil {
		return nil, err
	}
	d.ctx, d.cancel = context.WithCancel(context.WithoutCancel(ctx))
	return d, nil
}

// loadAll compiles the files and keeps their text: an execution that is resumed
// after a file has changed runs the text it began with.
func (d *Driver) loadAll(ctx context.Context) error {
	files, err := fs.Glob(d.opts.FS, "*.yaml")
	if err != nil {
		return problem.Wrap(err, problem.Internal, "the workflow definitions cannot be listed")
	}
	var errs []error
	for _, file := range files {
		src, err := fs.ReadFile(d.opts.FS, file)
		if err != nil {
			errs = append(errs, problem.Wrap(err, problem.Internal, "workflow %s cannot be read", file))
			continue
		}
		def, err := load(path.Base(file), src)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if !idPattern.MatchString(def.name) {
			errs = append(errs, problem.New(problem.InvalidArgument, "workflow file %s: a name has at most 63 of [a-z0-9-]", file))
			continue
		}
		d.defs[def.name], d.bySum[def.hash] = def, def
		if err := d.store.sources.Put(ctx, def.hash, source{file, string(src)}); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// idPattern is what workflows and executions may be called.
var idPattern = regexp.MustCompile(`^[a-z0-9-]{1,63}$`)

func docID(workflow, id string) string { return workflow + "." + id }

// Start implements workflow.Driver.
func (d *Driver) Start(ctx context.Context, name, id string, argument any) (workflow.Execution, error) {
	var none workflow.Execution
	def, ok := d.defs[name]
	if !ok {
		return none, problem.New(problem.NotFound, "there is no workflow %q", name)
	}
	if !idPattern.MatchString(id) {
		return none, problem.New(problem.InvalidArgument, "an execution id has 1 to 63 of [a-z0-9-], not %q", id)
	}
	arg, err := json.Marshal(argument)
	if err != nil {
		return none, problem.Wrap(err, problem.InvalidArgument, "the argument of workflow %s cannot be encoded", name)
	}
	if len(arg) > maxVariableBytes {
		return none, problem.New(problem.InvalidArgument, "the argument of workflow %s has %d bytes; at most %d are allowed", name, len(arg), maxVariableBytes)
	}
	v, err := fromJSON(arg)
	if err != nil {
		return none, problem.Wrap(err, problem.InvalidArgument, "the argument of workflow %s cannot be used", name)
	}
	key := docID(name, id)
	r := d.newRunner(key, id, def)
	r.m.begin(v)
	e := workflow.Execution{ID: id, Workflow: name, Status: workflow.Active, Argument: arg,
		Started: d.opts.Clock.Now(), Step: r.m.position()}
	created := false
	err = d.store.db.Transact(ctx, func(tx *state.Tx) error {
		created = false
		old, err := state.Get(tx, d.store.executions, key)
		if err == nil {
			e = old
			return nil
		}
		if !problem.Is(err, problem.NotFound) {
			return err
		}
		created = true
		if err := state.Put(tx, d.store.checkpoints, key, checkpoint{def.hash, r.m.st}); err != nil {
			return err
		}
		return state.Put(tx, d.store.executions, key, e)
	})
	if err != nil {
		return none, err
	}
	if created {
		d.launch(r)
	} else {
		r.stop()
	}
	return e, nil
}

// Get implements workflow.Driver.
func (d *Driver) Get(ctx context.Context, name, id string) (workflow.Execution, error) {
	e, err := d.store.executions.Get(ctx, docID(name, id))
	return e, noExecution(err, name, id)
}

// noExecution says in the words of the caller what was not found.
func noExecution(err error, name, id string) error {
	if problem.Is(err, problem.NotFound) {
		return problem.New(problem.NotFound, "workflow %s has no execution %q", name, id)
	}
	return err
}

// Cancel implements workflow.Driver. The request in flight is broken off.
func (d *Driver) Cancel(ctx context.Context, name, id string) error {
	key := docID(name, id)
	var stale []string
	cp, err := d.store.checkpoints.Get(ctx, key)
	if err == nil {
		stale, err = d.store.stale(ctx, key, cp.State)
	}
	if err != nil && !problem.Is(err, problem.NotFound) {
		return err
	}
	err = d.store.db.Transact(ctx, func(tx *state.Tx) error {
		e, err := state.Get(tx, d.store.executions, key)
		if err != nil || e.Status != workflow.Active {
			return err
		}
		cp, err := state.Get(tx, d.store.checkpoints, key)
		if err != nil {
			return err
		}
		e.Status, e.Ended, e.Step = workflow.Cancelled, d.opts.Clock.Now(), ""
		if err := d.store.clear(tx, key, cp.State, stale); err != nil {
			return err
		}
		return state.Put(tx, d.store.executions, key, e)
	})
	if err != nil {
		return noExecution(err, name, id)
	}
	d.mu.Lock()
	r := d.runners[key]
	d.mu.Unlock()
	if r != nil {
		r.stop()
	}
	return nil
}

// Resume goes on with every execution that was active when the last process ended.
// Call it once, when the functions that workflows call can be reached. An execution
// whose source can no longer be run is failed.
func (d *Driver) Resume(ctx context.Context) error {
	var errs []error
	q := state.Query{Where: []state.Where{{Field: "status", Op: state.Eq, Value: string(workflow.Active)}}}
	for e, err := range d.store.executions.All(ctx, q) {
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		if err := d.resume(ctx, e); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (d *Driver) resume(ctx context.Context, e workflow.Execution) error {
	key := docID(e.Workflow, e.ID)
	cp, err := d.store.checkpoints.Get(ctx, key)
	if problem.Is(err, problem.NotFound) {
		return nil // it has ended since it was listed
	} else if err != nil {
		return err
	}
	def, err := d.compiled(ctx, cp.Source)
	if err != nil {
		r := d.newRunner(key, e.ID, &definition{name: e.Workflow})
		r.m.st = cp.State
		r.m.end(nil, raise(TagSystem, "the source of the execution can no longer be run: %v", err))
		d.launch(r)
		return nil
	}
	r := d.newRunner(key, e.ID, def)
	r.m.st = cp.State
	d.launch(r)
	return nil
}

// compiled gives the definition with a hash.
func (d *Driver) compiled(ctx context.Context, hash string) (*definition, error) {
	d.mu.Lock()
	def := d.bySum[hash]
	d.mu.Unlock()
	if def != nil {
		return def, nil
	}
	src, err := d.store.sources.Get(ctx, hash)
	if err != nil {
		return nil, err
	}
	if def, err = load(src.File, []byte(src.Text)); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.bySum[hash] = def
	return def, nil
}

// Workflows lists the names of the definitions, sorted.
func (d *Driver) Workflows() []string { return slices.Sorted(maps.Keys(d.defs)) }

// Close stops all executions where they are; they stay active and Resume of the
// next process goes on with them. Requests in flight are broken off.
func (d *Driver) Close() error {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	d.cancel()
	d.wg.Wait()
	return nil
}
