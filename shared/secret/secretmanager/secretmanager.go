package secretmanager

import (
	"context"
	"hash/crc32"
	"log/slog"
	"regexp"
	"strings"
	"time"

	api "cloud.google.com/go/secretmanager/apiv1"
	pb "cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"github.com/googleapis/gax-go/v2"
	"google.golang.org/api/option"
	"google.golang.org/grpc/codes"

	"github.com/b2brecs/b2brecs/shared/internal/gcp"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/secret"
)

const (
	// live is the alias of the version that Get reads.
	live = "live"
	// label marks the secrets of an installation.
	label = "b2brecs-installation"
	// empty stands for the empty payload: Secret Manager wants at least one byte.
	empty = "b2brecs:empty:1b0b9a50-9d0f-4f0c-8f6c-6a8b5d0f3b7e"
)

// Options says where the secrets are.
type Options struct {
	Location gcp.Location
	// Installation is the value of the secrets' label: 1 to 63 of [a-z0-9_-].
	Installation string
	// InRegion keeps payloads in Location.Region; otherwise Google replicates them
	// where it likes. It applies to secrets that are made from then on.
	InRegion bool
	Client   []option.ClientOption
}

// Driver implements secret.Driver. It is safe for concurrent use.
type Driver struct {
	opts   Options
	client *gcp.Lazy[*api.Client]
}

var _ secret.Driver = (*Driver)(nil)

// labelValue is narrower than https://cloud.google.com/resource-manager/docs/labels-overview#requirements.
var labelValue = regexp.MustCompile(`^[a-z0-9_-]{1,63}$`)

// New makes a driver. It reports every finding about its options at once.
func New(o Options) (*Driver, error) {
	bad := problem.New(problem.InvalidArgument, "the options of Secret Manager are not valid")
	if o.Location.Project == "" || strings.Contains(o.Location.Project, "/") {
		bad.WithField("Location.Project", "%q is not the id of a project", o.Location.Project)
	}
	if o.InRegion && o.Location.Region == "" {
		bad.WithField("Location.Region", "InRegion needs a region")
	}
	if !labelValue.MatchString(o.Installation) {
		bad.WithField("Installation", "%q is not 1 to 63 lower-case letters, digits, underscores and hyphens", o.Installation)
	}
	if len(bad.Fields) > 0 {
		return nil, bad
	}
	d := &Driver{opts: o}
	d.client = gcp.NewLazy(func(ctx context.Context) (*api.Client, error) {
		silent := option.WithLogger(slog.New(slog.DiscardHandler)) // the debug log prints payloads
		c, err := api.NewClient(ctx, append(append([]option.ClientOption{}, o.Client...), silent)...)
		if err != nil {
			return nil, problem.Wrap(err, problem.Unavailable, "make a client of Secret Manager")
		}
		repeat(c.CallOptions)
		return c, nil
	})
	return d, nil
}

// Close closes the client.
func (d *Driver) Close() error { return d.client.Close((*api.Client).Close) }

// repeat gives every call the codes that the client's own settings repeat a read
// for. Each call here may be repeated: see the package comment.
func repeat(o *api.CallOptions) {
	again := gax.WithRetry(func() gax.Retryer {
		return gax.OnCodes([]codes.Code{codes.Unavailable, codes.ResourceExhausted},
			gax.Backoff{Initial: 200 * time.Millisecond, Max: 10 * time.Second, Multiplier: 2})
	})
	for _, call := range []*[]gax.CallOption{&o.CreateSecret, &o.AddSecretVersion, &o.GetSecret, &o.UpdateSecret, &o.DeleteSecret,
		&o.ListSecretVersions, &o.GetSecretVersion, &o.AccessSecretVersion, &o.DestroySecretVersion} {
		*call = append(*call, again)
	}
}

func (d *Driver) project() string       { return "projects/" + d.opts.Location.Project }
func (d *Driver) name(id string) string { return d.project() + "/secrets/" + id }

// Get implements secret.Driver.
func (d *Driver) Get(ctx context.Context, id string) ([]byte, error) {
	c, err := d.client.Get(ctx)
	if err != nil {
		return nil, err
	}
	name := d.name(id) + "/versions/" + live
	v, err := c.AccessSecretVersion(ctx, &pb.AccessSecretVersionRequest{Name: name})
	switch gcp.Code(err) {
	case "":
	case problem.NotFound:
		return nil, problem.New(problem.NotFound, "there is no secret %q", id)
	case problem.FailedPrecondition:
		return nil, d.unreadable(ctx, c, id, name)
	default:
		return nil, gcp.Problem(ctx, err, "read the secret %q", id)
	}
	payload := v.GetPayload()
	if payload.DataCrc32C == nil || payload.GetDataCrc32C() != checksum(payload.GetData()) {
		return nil, problem.New(problem.Unavailable, "the secret %q was damaged on its way", id)
	}
	if string(payload.GetData()) == empty {
		return []byte{}, nil
	}
	return payload.GetData(), nil
}

// unreadable says why the live version cannot be read: somebody disabled it, or the
// alias is still seen where it was before a Put.
func (d *Driver) unreadable(ctx context.Context, c *api.Client, id, name string) error {
	v, err := c.GetSecretVersion(ctx, &pb.GetSecretVersionRequest{Name: name})
	if err != nil {
		return gcp.Problem(ctx, err, "read the state of the secret %q", id)
	}
	if v.GetState() == pb.SecretVersion_DISABLED {
		return problem.New(problem.FailedPrecondition, "the secret %q is disabled", id).
			WithNext(problem.TurnYou, "Enable its version in Secret Manager, or enter the credential again.")
	}
	return problem.New(problem.Unavailable, "the secret %q cannot be read yet", id).
		WithCause("its version is %s; a new one may not be seen everywhere yet", strings.ToLower(v.GetState().String())).
		WithNext(problem.TurnPlatform, "The product tries again. If it stays so, enter the credential again.")
}

// Destroy implements secret.Driver.
func (d *Driver) Destroy(ctx context.Context, id string) error {
	c, err := d.client.Get(ctx)
	if err != nil {
		return err
	}
	err = c.DeleteSecret(ctx, &pb.DeleteSecretRequest{Name: d.name(id)})
	if gcp.Code(err) == problem.NotFound {
		return nil
	}
	return gcp.Problem(ctx, err, "destroy the secret %q", id)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum is the payload's CRC32C as the API writes it.
func checksum(data []byte) int64 { return int64(crc32.Checksum(data, castagnoli)) }
