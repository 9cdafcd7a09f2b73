package cloud

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/b2brecs/b2brecs/shared/identity/oidc"
	"github.com/b2brecs/b2brecs/shared/internal/gcp"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// Config is what an installation is told by its environment. docs/deploy.md has the
// table of the variables; Terraform sets them.
type Config struct {
	gcp.Location // B2BRECS_PROJECT, B2BRECS_REGION

	FunctionsURL string // B2BRECS_FUNCTIONS_URL: functions answer at it + "/" + name
	// Buckets by the product's names: B2BRECS_BUCKET_UPLOADS, …_STAGING, …_PIPELINES.
	Buckets map[string]string

	OIDCIssuer   string   // B2BRECS_OIDC_ISSUER: where people sign in
	OIDCAudience []string // B2BRECS_OIDC_AUDIENCE: client ids, with commas between
	// IdentityPlatformKey is the public API key that the page signs in with where people
	// do so at the project's Identity Platform: B2BRECS_IDENTITY_PLATFORM_KEY.
	IdentityPlatformKey string
	OwnerEmail          string   // B2BRECS_OWNER_EMAIL: the first owner
	ServiceAccounts     []string // B2BRECS_SERVICE_ACCOUNTS: e-mail addresses, with commas between
	// SchedulerAccount is the identity that schedules call functions with:
	// B2BRECS_SCHEDULER_ACCOUNT, one of ServiceAccounts.
	SchedulerAccount string
	PipelineAccount  string // B2BRECS_PIPELINE_ACCOUNT: what the components run as
	PipelineImage    string // B2BRECS_PIPELINE_IMAGE: the components' container image
	// SigningAccount signs upload addresses: B2BRECS_SIGNING_ACCOUNT, the function's own
	// identity; "" for functions that give none.
	SigningAccount string
	// AllowPrivateHosts lets database sources be on private addresses, for an
	// installation with a network of its own: B2BRECS_ALLOW_PRIVATE_HOSTS=true.
	AllowPrivateHosts bool
	// QueryLimitGB is how many GB (10^9 bytes) one statement may read in BigQuery before
	// it is refused: B2BRECS_QUERY_LIMIT_GB, DefaultQueryLimitGB where it is not set.
	QueryLimitGB int64
	// Emulators are where clients go instead of Google, without credentials:
	// B2BRECS_EMULATORS, "service=address" with commas between, all services or none.
	// A gRPC service has host:port, another one the whole address of its API. The
	// people's issuer signs for services as well then, and service tokens come from
	// the metadata server at GCE_METADATA_HOST, as on Google Cloud.
	Emulators map[string]string
}

// DefaultQueryLimitGB is about 60 cents for one statement at list price, and more than
// the transactions of most wholesalers take.
const DefaultQueryLimitGB = 100

// emulated lists the services of B2BRECS_EMULATORS. Vertex answers for Cloud Logging
// too; callbacks is what the addresses of workflow callbacks begin with.
var emulated = []string{"firestore", "pubsub", "storage", "bigquery", "executions", "callbacks", "vertex", "scheduler", "secretmanager", "iamcredentials"}

// ReadConfig reads the environment. FailedPrecondition names every variable that is
// missing or wrong.
func ReadConfig(getenv func(string) string) (Config, error) {
	p := problem.New(problem.FailedPrecondition, "the installation's environment is not complete").
		WithNext(problem.TurnSupport, "Deploy with the product's Terraform modules, which set these variables.")
	need := func(name string) string {
		v := getenv(name)
		if v == "" {
			p = p.WithField(name, "is not set")
		}
		return v
	}
	c := Config{
		Location:         gcp.Location{Project: need("B2BRECS_PROJECT"), Region: need("B2BRECS_REGION")},
		FunctionsURL:     strings.TrimSuffix(need("B2BRECS_FUNCTIONS_URL"), "/"),
		Buckets:          map[string]string{},
		OIDCIssuer:       need("B2BRECS_OIDC_ISSUER"),
		OIDCAudience:     list(need("B2BRECS_OIDC_AUDIENCE")),
		OwnerEmail:       need("B2BRECS_OWNER_EMAIL"),
		ServiceAccounts:  list(need("B2BRECS_SERVICE_ACCOUNTS")),
		SchedulerAccount: need("B2BRECS_SCHEDULER_ACCOUNT"),
		PipelineAccount:  need("B2BRECS_PIPELINE_ACCOUNT"),
		PipelineImage:    need("B2BRECS_PIPELINE_IMAGE"),
		SigningAccount:   getenv("B2BRECS_SIGNING_ACCOUNT"),

		IdentityPlatformKey: getenv("B2BRECS_IDENTITY_PLATFORM_KEY"),
	}
	if platform := strings.HasPrefix(c.OIDCIssuer, oidc.PlatformIssuers); platform != (c.IdentityPlatformKey != "") {
		p = p.WithField("B2BRECS_IDENTITY_PLATFORM_KEY", "is for an issuer that begins with %s, and for it alone", oidc.PlatformIssuers)
	}
	for _, name := range buckets {
		c.Buckets[name] = need(variable(name))
	}
	if _, err := Buckets(getenv); err != nil {
		p = p.WithField("B2BRECS_BUCKET_*", "%s", problem.Of(err).Message)
	}
	if u, err := url.Parse(c.FunctionsURL); c.FunctionsURL != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
		p = p.WithField("B2BRECS_FUNCTIONS_URL", "%q is not an address", c.FunctionsURL)
	}
	if len(c.ServiceAccounts) > 0 && c.SchedulerAccount != "" && !slices.Contains(c.ServiceAccounts, c.SchedulerAccount) {
		p = p.WithField("B2BRECS_SCHEDULER_ACCOUNT", "%s is not one of B2BRECS_SERVICE_ACCOUNTS: its calls would be refused", c.SchedulerAccount)
	}
	switch v := getenv("B2BRECS_ALLOW_PRIVATE_HOSTS"); v {
	case "", "false":
	case "true":
		c.AllowPrivateHosts = true
	default:
		p = p.WithField("B2BRECS_ALLOW_PRIVATE_HOSTS", "%q is neither true nor false", v)
	}
	c.QueryLimitGB = DefaultQueryLimitGB
	if v := getenv("B2BRECS_QUERY_LIMIT_GB"); v != "" {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n < 1 || n > 1e6 {
			p = p.WithField("B2BRECS_QUERY_LIMIT_GB", "%q is not a whole number of GB from 1 to 1,000,000", v)
		}
		c.QueryLimitGB = n
	}
	if v := getenv("B2BRECS_EMULATORS"); v != "" {
		c.Emulators = map[string]string{}
		for _, pair := range list(v) {
			service, address, ok := strings.Cut(pair, "=")
			if !ok || address == "" || !slices.Contains(emulated, service) {
				p = p.WithField("B2BRECS_EMULATORS", "%q is not service=address with one of %s", pair, strings.Join(emulated, ", "))
			}
			c.Emulators[service] = address
		}
		for _, s := range emulated {
			if c.Emulators[s] == "" {
				p = p.WithField("B2BRECS_EMULATORS", "has no %s: a process talks to emulators alone or to Google alone", s)
			}
		}
	}
	if len(p.Fields) > 0 {
		p.Cause = p.Fields[0].Location + " " + p.Fields[0].Message
		return Config{}, p
	}
	return c, nil
}

// list splits at commas; spaces around and empty parts do not count.
func list(s string) (out []string) {
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

var buckets = []string{objects.Uploads, objects.Staging, objects.Pipelines}

func variable(bucket string) string { return "B2BRECS_BUCKET_" + strings.ToUpper(bucket) }

// Buckets reads the environment variables B2BRECS_BUCKET_UPLOADS, …_STAGING and
// …_PIPELINES, which name the installation's buckets (their names are unique in
// the world), and gives the product's name of each. It is nil when none is set:
// then buckets go by the product's names. InvalidArgument when two of them are one.
func Buckets(getenv func(string) string) (map[string]string, error) {
	var out map[string]string
	for _, name := range buckets {
		bucket := getenv(variable(name))
		if bucket == "" {
			continue
		}
		if other := out[bucket]; other != "" {
			return nil, problem.New(problem.InvalidArgument, "%s names bucket %q, which is %s already", variable(name), bucket, other)
		}
		if out == nil {
			out = map[string]string{}
		}
		out[bucket] = name
	}
	return out, nil
}
