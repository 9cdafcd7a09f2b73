package embedded

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/b2brecs/b2brecs/shared/events"
	eventqueue "github.com/b2brecs/b2brecs/shared/events/sqlite"
	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/identity/local"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/objects/folder"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	pipelines "github.com/b2brecs/b2brecs/shared/pipeline/local"
	"github.com/b2brecs/b2brecs/shared/platform"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/schedule"
	"github.com/b2brecs/b2brecs/shared/schedule/cron"
	"github.com/b2brecs/b2brecs/shared/secret"
	"github.com/b2brecs/b2brecs/shared/secret/age"
	"github.com/b2brecs/b2brecs/shared/state"
	statestore "github.com/b2brecs/b2brecs/shared/state/sqlite"
	"github.com/b2brecs/b2brecs/shared/telemetry"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/warehouse/duckdb"
	"github.com/b2brecs/b2brecs/shared/workflow"
	"github.com/b2brecs/b2brecs/shared/workflow/interpreter"
)

// Options of an embedded platform. Folder, URL, Definitions and Log are required.
type Options struct {
	Folder *Folder
	// URL is where this process answers, e.g. http://127.0.0.1:8080.
	URL string
	// Definitions holds the workflow files.
	Definitions fs.FS
	// Runtime holds the Python package of pipeline components.
	Runtime fs.FS
	// Python is the interpreter of the runtime environment; "" means DefaultPython().
	Python string
	// MemoryLimit of the warehouse in bytes; 0 means its default.
	MemoryLimit int64
	Log         *slog.Logger
}

// Platform is the bundle with what only the embedded server needs.
type Platform struct {
	*platform.Platform
	URL       string // where this process answers
	Folder    *Folder
	Users     *local.Provider
	Callbacks http.Handler // of workflows; mounted under /workflow-callbacks/
	// Resume lets interrupted workflows go on; it is called once the server answers.
	Resume func(context.Context) error
}

// The addresses of the server below its URL.
const (
	functionsPath = "/functions"
	callbacksPath = "/workflow-callbacks"
)

// DefaultPython is where scripts/python-env links the environment of the pipeline
// components; the variable B2BRECS_PYTHON overrides it.
func DefaultPython() string {
	if p := os.Getenv("B2BRECS_PYTHON"); p != "" {
		return p
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	return filepath.Join(cache, "b2brecs", "python-runtime", "bin", "python")
}

func (o Options) check() error {
	missing := []struct {
		name string
		gone bool
	}{{"Folder", o.Folder == nil}, {"URL", o.URL == ""}, {"Definitions", o.Definitions == nil}, {"Runtime", o.Runtime == nil}, {"Log", o.Log == nil}}
	for _, m := range missing {
		if m.gone {
			return problem.New(problem.Internal, "embedded.Options.%s is required", m.name)
		}
	}
	return nil
}

// Open builds the platform on a folder. Interrupted work goes on as soon as the
// functions are mounted; Close ends everything in order.
func Open(ctx context.Context, o Options) (_ *Platform, err error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	p := &Platform{Folder: o.Folder, URL: o.URL, Platform: &platform.Platform{
		Log: o.Log, FunctionsURL: baseURL + functionsPath, AllowPrivateHosts: true, OneProcess: true,
	}}
	defer func() {
		if err != nil {
			closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			_ = p.Close(closing) // the first error is the one to report
		}
	}()
	store, err := statestore.Open(o.Folder.Path("state.db"))
	if err != nil {
		return nil, err
	}
	p.State = state.New(store)
	p.OnClose(func(context.Context) error { return p.State.Close() })

	queue, err := eventqueue.Open(o.Folder.Path("events.db"))
	if err != nil {
		return nil, err
	}
	p.Events = events.New(queue)
	p.OnClose(p.Events.Close)

	for name, bucket := range map[string]**objects.Bucket{objects.Uploads: &p.Uploads, objects.Staging: &p.Staging, objects.Pipelines: &p.Pipelines} {
		drv, err := folder.Open(name, o.Folder.Path("objects", name), p.Events)
		if err != nil {
			return nil, err
		}
		if err := drv.Recover(ctx); err != nil {
			return nil, err
		}
		*bucket = objects.NewBucket(name, drv)
		p.OnClose(func(context.Context) error { return (*bucket).Close() })
		if name == objects.Uploads {
			if err := drv.WatchFolder(ctx); err != nil {
				return nil, err
			}
		}
	}
	if err := p.openIdentity(ctx, o); err != nil {
		return nil, err
	}
	db, err := duckdb.Open(o.Folder.Path("warehouse.duckdb"), duckdb.Options{MemoryLimit: o.MemoryLimit})
	if err != nil {
		return nil, err
	}
	p.Warehouse = warehouse.New(db)
	p.OnClose(func(context.Context) error { return p.Warehouse.Close() })
	return p, p.openEngines(ctx, o)
}

func (p *Platform) openIdentity(ctx context.Context, o Options) error {
	config, err := os.UserConfigDir()
	if err != nil {
		return problem.Wrap(err, problem.FailedPrecondition, "there is no place for the key of the secrets")
	}
	keys, err := age.Open(o.Folder.Path("secrets"), filepath.Join(config, "b2brecs", "keys", o.Folder.ID+".key"))
	if err != nil {
		return err
	}
	p.Secrets = secret.New(keys)
	if p.Users, err = local.Open(ctx, p.State, p.Secrets, "b2brecs-"+o.Folder.ID); err != nil {
		return err
	}
	p.Identity = identity.New(p.Users)
	p.HTTP = &http.Client{Transport: telemetry.Transport(serviceTransport{server: o.URL, tokens: p.Users, next: http.DefaultTransport})}
	return nil
}

func (p *Platform) openEngines(ctx context.Context, o Options) error {
	runtime, err := extract(o.Runtime, o.Folder.Path("runtime"))
	if err != nil {
		return err
	}
	python := o.Python
	if python == "" {
		python = DefaultPython()
	}
	worker, err := pipelines.Open(ctx, pipelines.Options{
		State: p.State, Events: p.Events, Python: python, RuntimeDir: runtime, WorkDir: o.Folder.Path("worker"), Log: o.Log, Warm: true,
	})
	if err != nil {
		return err
	}
	p.Runner = pipeline.New(worker)
	p.OnClose(func(context.Context) error { return p.Runner.Close() })

	workflows, err := interpreter.Open(ctx, interpreter.Options{
		State: p.State, FS: o.Definitions, HTTP: p.HTTP, Token: p.workflowToken, CallbackURL: baseURL + callbacksPath, Log: o.Log,
	})
	if err != nil {
		return err
	}
	p.Workflows = workflow.New(workflows)
	p.Resume = workflows.Resume
	p.Callbacks = http.HandlerFunc(workflows.ServeCallback)
	p.OnClose(func(context.Context) error { return p.Workflows.Close() })

	clock, err := cron.Open(ctx, p.State, p.fire)
	if err != nil {
		return err
	}
	p.Schedules = schedule.New(clock)
	p.OnClose(func(context.Context) error { return p.Schedules.Close() })
	return nil
}

// Schedule registers the times at which the catalogue's functions are called. A
// time that passed while the process was down is made up for once.
func (p *Platform) Schedule(ctx context.Context, catalog []platform.Function) error {
	for _, f := range catalog {
		if f.Cron == "" {
			continue
		}
		if err := p.Schedules.Put(ctx, schedule.Schedule{ID: "function-" + f.Name, Cron: f.Cron, TimeZone: "UTC", Function: f.Name}); err != nil {
			return err
		}
	}
	return nil
}

// workflowToken mints tokens for the calls of workflows: to this server and to
// nobody else.
func (p *Platform) workflowToken(ctx context.Context, audience string) (string, error) {
	if audience != baseURL && !strings.HasPrefix(audience, baseURL+"/") {
		return "", problem.New(problem.PermissionDenied, "a workflow asks for a token for %q, which is not this platform", audience)
	}
	return p.Users.ServiceToken(ctx, audience)
}

// fire calls a schedule's function as Cloud Scheduler would.
func (p *Platform) fire(ctx context.Context, s schedule.Schedule, planned time.Time) error {
	target, err := url.JoinPath(p.FunctionsURL, s.Function, s.Path)
	if err != nil {
		return problem.Wrap(err, problem.InvalidArgument, "schedule %q", s.ID)
	}
	body := s.Body
	if body == nil {
		body = json.RawMessage("{}")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(schedule.HeaderID, s.ID)
	r.Header.Set(schedule.HeaderTime, planned.Format(time.RFC3339))
	resp, err := p.HTTP.Do(r)
	if err != nil {
		return problem.Wrap(err, problem.Unavailable, "schedule %q", s.ID)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return problem.New(problem.Unavailable, "schedule %q: %s answered %s", s.ID, s.Function, resp.Status)
	}
	return nil
}
