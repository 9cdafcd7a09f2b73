package cloudbox

import (
	"context"
	"net/http"
	"os"
	"strings"

	bq "google.golang.org/api/bigquery/v2"

	"github.com/b2brecs/b2brecs/shared/events"
	eventqueue "github.com/b2brecs/b2brecs/shared/events/sqlite"
	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/identity/oidc"
	"github.com/b2brecs/b2brecs/shared/internal/gcpfake/bigquery"
	fakevertex "github.com/b2brecs/b2brecs/shared/internal/gcpfake/vertex"
	fakeworkflows "github.com/b2brecs/b2brecs/shared/internal/gcpfake/workflows"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/pipeline/local"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	statestore "github.com/b2brecs/b2brecs/shared/state/sqlite"
	"github.com/b2brecs/b2brecs/shared/workflow/interpreter"
)

// startEngines starts what computes: SQL, workflows, pipelines. Their fakes keep what
// runs in a database of the box's own.
func (b *Box) startEngines(ctx context.Context) error {
	store, err := statestore.Open(b.path("state.db"))
	if err != nil {
		return err
	}
	db := state.New(store)
	b.onClose(db.Close)
	for _, step := range []func(context.Context, *state.DB) error{b.startWarehouse, b.startWorkflows, b.startPipelines} {
		if err := step(ctx, db); err != nil {
			return err
		}
	}
	return nil
}

// engine makes objects of what the SQL engine exports.
type engine struct {
	bigquery.Engine
	mirror *mirror
}

func (e engine) Run(ctx context.Context, sql string, params []*bq.QueryParameter, dry bool) (*bigquery.Result, *bigquery.Error) {
	out, fault := e.Engine.Run(ctx, sql, params, dry)
	if fault == nil && out.Files > 0 {
		if err := e.mirror.push(ctx, buckets[objects.Pipelines]); err != nil {
			return nil, &bigquery.Error{Status: http.StatusServiceUnavailable, Reason: "backendError", Message: err.Error()}
		}
	}
	return out, fault
}

// SQLPython gives the interpreter that runs SQL; "" where there is none.
func SQLPython() string { return bigquery.Python() }

func (b *Box) startWarehouse(ctx context.Context, _ *state.DB) error {
	sql, err := bigquery.StartEmulator(ctx, b.opts.SQLPython, b.path("objects"))
	if err != nil {
		return problem.Wrap(err, problem.FailedPrecondition, "the SQL engine of the BigQuery fake does not start")
	}
	b.onClose(sql.Close)
	s, err := bigquery.Start(ctx, bigquery.Options{Project: place.Project, Location: place.Region, Engine: engine{sql, b.mirror}})
	if err != nil {
		return err
	}
	b.onClose(s.Close)
	b.services["bigquery"], err = httpAddress(ctx, s.ClientOptions())
	return err
}

func (b *Box) startWorkflows(ctx context.Context, db *state.DB) error {
	var callers *identity.Verifier
	s, err := fakeworkflows.Start(ctx, fakeworkflows.Options{
		Location: place, State: db,
		Open: func(ctx context.Context, callbackURL string) (fakeworkflows.Interpreter, error) {
			d, err := interpreter.Open(ctx, interpreter.Options{
				State: db, FS: b.opts.Definitions, CallbackURL: callbackURL, Log: b.opts.Log,
				Token: func(ctx context.Context, audience string) (string, error) {
					return b.serviceToken(ctx, workflowsAccount, audience)
				},
			})
			if err != nil {
				return nil, err
			}
			return d, d.Resume(ctx)
		},
		Authorize: func(r *http.Request) error {
			token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
			_, err := callers.Verify(r.Context(), token)
			return err
		},
	})
	if err != nil {
		return err
	}
	b.onClose(s.Close)
	b.services["executions"], b.services["callbacks"] = s.Addr(), s.CallbackBase()
	// A callback takes an access token of Google's; here it is an identity token for the service.
	d, err := oidc.New(oidc.Options{State: db, People: []oidc.Issuer{{URL: b.issuer.URL(), ClientIDs: []string{clientID}}}, Owner: Owner,
		ServiceIssuer: b.issuer.URL(), FunctionsURL: strings.TrimSuffix(s.CallbackBase(), "/"), ServiceAccounts: []string{functionsAccount}})
	callers = identity.New(d)
	return err
}

func (b *Box) startPipelines(ctx context.Context, db *state.DB) error {
	queue, err := eventqueue.Open(b.path("events.db"))
	if err != nil {
		return err
	}
	bus := events.New(queue)
	b.onClose(func() error { return bus.Close(ctx) })
	if err := os.CopyFS(b.path("runtime"), b.opts.Runtime); err != nil {
		return problem.Wrap(err, problem.Internal, "unpack the pipeline components")
	}
	runner, err := local.Open(ctx, local.Options{State: db, Events: bus, Python: b.opts.Python, RuntimeDir: b.path("runtime"),
		WorkDir: b.path("work"), Warm: true, Log: b.opts.Log})
	if err != nil {
		return err
	}
	b.onClose(runner.Close)
	s, err := fakevertex.Start(fakevertex.Options{Location: place, Runner: runner, ServiceAccounts: []string{pipelineAccount}, Sink: b.sink(ctx),
		Mounts: map[string]string{"gs://" + buckets[objects.Pipelines] + "/": b.mirror.file(buckets[objects.Pipelines])}})
	if err != nil {
		return err
	}
	b.onClose(s.Close)
	b.services["vertex"] = s.Addr()
	// Files of components are objects before anybody hears of their task.
	for topic, then := range map[string]func(events.Message) error{
		pipeline.TopicStateChanged.Name: func(m events.Message) error {
			c, err := events.Decode(pipeline.TopicStateChanged, m)
			if err != nil {
				return err
			}
			return s.Changed(c)
		},
		pipeline.TopicProgress.Name: func(events.Message) error { return nil },
	} {
		err := bus.Subscribe(events.Subscription{Name: "box-" + topic, Topic: topic, Handler: func(ctx context.Context, m events.Message) error {
			if err := b.mirror.push(ctx, buckets[objects.Pipelines]); err != nil {
				return err
			}
			return then(m)
		}})
		if err != nil {
			return err
		}
	}
	return nil
}
