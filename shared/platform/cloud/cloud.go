package cloud

import (
	"context"
	"log/slog"
	"net/http"
	"os"

	credentials "cloud.google.com/go/iam/credentials/apiv1"
	"cloud.google.com/go/iam/credentials/apiv1/credentialspb"
	"gocloud.dev/blob"
	"google.golang.org/api/option"

	"github.com/b2brecs/b2brecs/shared/events"
	"github.com/b2brecs/b2brecs/shared/events/pubsub"
	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/identity/oidc"
	"github.com/b2brecs/b2brecs/shared/internal/gcp"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/objects/gcs"
	"github.com/b2brecs/b2brecs/shared/pipeline"
	"github.com/b2brecs/b2brecs/shared/pipeline/vertex"
	"github.com/b2brecs/b2brecs/shared/platform"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/schedule"
	"github.com/b2brecs/b2brecs/shared/schedule/cloudscheduler"
	"github.com/b2brecs/b2brecs/shared/secret"
	"github.com/b2brecs/b2brecs/shared/secret/secretmanager"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/state/firestore"
	"github.com/b2brecs/b2brecs/shared/telemetry"
	"github.com/b2brecs/b2brecs/shared/warehouse"
	"github.com/b2brecs/b2brecs/shared/warehouse/bigquery"
	"github.com/b2brecs/b2brecs/shared/workflow"
	"github.com/b2brecs/b2brecs/shared/workflow/cloudworkflows"
)

// Platform is the bundle with what only the deploy unit needs.
type Platform struct {
	*platform.Platform
	// Bury keeps a pushed event that failed for good as a dead letter of a function,
	// with the reason.
	Bury func(ctx context.Context, function string, m events.Message, reason error) error
}

// Open builds the bundle from the environment. It dials nothing: each client is made
// at its first use. FailedPrecondition names every variable that is missing or wrong.
func Open() (*Platform, error) {
	c, err := ReadConfig(os.Getenv)
	if err != nil {
		return nil, err
	}
	return New(c, slog.Default())
}

// New builds the bundle.
func New(c Config, log *slog.Logger) (*Platform, error) {
	p := &Platform{Platform: &platform.Platform{
		Log: log, FunctionsURL: c.FunctionsURL, PipelineImage: c.PipelineImage, AllowPrivateHosts: c.AllowPrivateHosts,
	}}
	for _, step := range []func(Config) error{p.openState, p.openEvents, p.openObjects, p.openWarehouse, p.openIdentity, p.openEngines} {
		if err := step(c); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *Platform) openState(c Config) error {
	d, err := firestore.New(firestore.Options{Location: c.Location, Client: c.client("firestore")})
	if err != nil {
		return err
	}
	p.State = state.New(d)
	p.OnClose(func(context.Context) error { return p.State.Close() })
	return nil
}

func (p *Platform) openEvents(c Config) error {
	product := map[string]string{}
	for name, bucket := range c.Buckets {
		product[bucket] = name
	}
	d, err := pubsub.New(pubsub.Options{Project: c.Project, Buckets: product, Client: c.client("pubsub"), Log: p.Log})
	if err != nil {
		return err
	}
	p.Events, p.Bury = events.New(d), d.Bury
	p.OnClose(p.Events.Close)
	return nil
}

func (p *Platform) openObjects(c Config) error {
	for name, bucket := range map[string]**objects.Bucket{objects.Uploads: &p.Uploads, objects.Staging: &p.Staging, objects.Pipelines: &p.Pipelines} {
		o := gcs.Options{Bucket: c.Buckets[name], Client: c.client("storage")}
		if name == objects.Uploads && c.SigningAccount != "" {
			o.Signer = gcs.Signer{Account: c.SigningAccount, Sign: signer(c.SigningAccount, c.client("iamcredentials")), Insecure: c.Emulators != nil}
		}
		d, err := gcs.New(o)
		if err != nil {
			return err
		}
		*bucket = objects.NewBucket(name, d)
		p.OnClose(func(context.Context) error { return (*bucket).Close() })
	}
	return nil
}

// signer signs through the IAM Credentials API as a service account that this process
// may impersonate, itself included: no key leaves Google
// (https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/signBlob).
func signer(account string, o []option.ClientOption) func(context.Context, []byte) ([]byte, error) {
	client := gcp.NewLazy(func(ctx context.Context) (*credentials.IamCredentialsClient, error) {
		return credentials.NewIamCredentialsClient(ctx, o...)
	})
	return func(ctx context.Context, payload []byte) ([]byte, error) {
		c, err := client.Get(ctx)
		if err != nil {
			return nil, gcp.Problem(ctx, err, "sign an upload address")
		}
		reply, err := c.SignBlob(ctx, &credentialspb.SignBlobRequest{Name: "projects/-/serviceAccounts/" + account, Payload: payload})
		if err != nil {
			return nil, gcp.Problem(ctx, err, "sign an upload address")
		}
		return reply.GetSignedBlob(), nil
	}
}

func (p *Platform) openWarehouse(c Config) error {
	byName := map[string]*objects.Bucket{c.Buckets[objects.Staging]: p.Staging, c.Buckets[objects.Pipelines]: p.Pipelines}
	d, err := bigquery.New(bigquery.Options{Location: c.Location, Client: c.client("bigquery"),
		Bucket: func(_ context.Context, name string) (*blob.Bucket, error) {
			if b := byName[name]; b != nil {
				return b.Bucket, nil
			}
			return nil, problem.New(problem.InvalidArgument, "bucket %q is neither the staging nor the pipelines bucket", name)
		}})
	if err != nil {
		return err
	}
	p.Warehouse = warehouse.NewBilled(d, warehouse.Billing{USDPerTiB: bigquery.USDPerTiB, MaxBytes: c.QueryLimitGB * 1e9, Setting: "B2BRECS_QUERY_LIMIT_GB"})
	p.OnClose(func(context.Context) error { return p.Warehouse.Close() })
	return nil
}

func (p *Platform) openIdentity(c Config) error {
	o := oidc.Options{State: p.State, People: []oidc.Issuer{{URL: c.OIDCIssuer, ClientIDs: c.OIDCAudience, APIKey: c.IdentityPlatformKey}}, Owner: c.OwnerEmail,
		FunctionsURL: c.FunctionsURL, ServiceAccounts: c.ServiceAccounts}
	callbacks := cloudworkflows.Transport{Token: cloudworkflows.AccessToken()}
	if c.Emulators != nil {
		tokens := &oidc.GoogleTokens{}
		o.ServiceIssuer, o.Tokens = c.OIDCIssuer, tokens
		callbacks.Base = c.Emulators["callbacks"]
		callbacks.Token = func(ctx context.Context) (string, error) { return tokens.Token(ctx, callbacks.Base) }
	}
	d, err := oidc.New(o)
	if err != nil {
		return err
	}
	p.Identity = identity.New(d)
	callbacks.Next = serviceTransport{functions: c.FunctionsURL, tokens: d, next: http.DefaultTransport}
	p.HTTP = &http.Client{Transport: telemetry.Transport(callbacks)}
	return nil
}

func (p *Platform) openEngines(c Config) error {
	w, err := cloudworkflows.New(cloudworkflows.Options{Location: c.Location, State: p.State, Client: c.client("executions")})
	if err != nil {
		return err
	}
	p.Workflows = workflow.New(w)
	p.OnClose(func(context.Context) error { return p.Workflows.Close() })

	v, err := vertex.New(vertex.Options{Location: c.Location, ServiceAccount: c.PipelineAccount, Client: c.client("vertex"), Log: p.Log})
	if err != nil {
		return err
	}
	p.Runner = pipeline.New(v)
	p.OnClose(func(context.Context) error { return p.Runner.Close() })

	s, err := cloudscheduler.New(cloudscheduler.Options{Location: c.Location, FunctionsURL: c.FunctionsURL, ServiceAccount: c.SchedulerAccount, Client: c.client("scheduler")})
	if err != nil {
		return err
	}
	p.Schedules = schedule.New(s)
	p.OnClose(func(context.Context) error { return p.Schedules.Close() })

	k, err := secretmanager.New(secretmanager.Options{Location: c.Location, Installation: "b2brecs", InRegion: true, Client: c.client("secretmanager")})
	if err != nil {
		return err
	}
	p.Secrets = secret.New(k)
	return nil
}
