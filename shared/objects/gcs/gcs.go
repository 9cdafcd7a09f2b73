package gcs

import (
	"context"
	"strconv"
	"strings"
	"time"

	"cloud.google.com/go/storage"
	"gocloud.dev/blob"
	"google.golang.org/api/option"

	"github.com/b2brecs/b2brecs/shared/internal/gcp"
	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// Options names a bucket.
type Options struct {
	Bucket string // its name in Cloud Storage, e.g. "acme-uploads"
	Signer Signer // zero: SignedUpload is refused
	Client []option.ClientOption
}

// Signer signs upload addresses as a service account.
type Signer struct {
	Account string // its e-mail address; it needs storage.objects.create on the bucket
	// Sign gives the RSA-SHA256 signature of payload by a key of Account, e.g. by the
	// IAM Credentials API's signBlob.
	Sign func(ctx context.Context, payload []byte) ([]byte, error)
	// Insecure makes http:// addresses, for a service on this machine.
	Insecure bool
}

// Driver implements objects.Driver and objects.Signer. It is safe for concurrent use.
type Driver struct {
	name   string
	signer Signer
	client *gcp.Lazy[*storage.Client]
	blob   *blob.Bucket
}

var (
	_ objects.Driver = (*Driver)(nil)
	_ objects.Signer = (*Driver)(nil)
)

// New makes a driver. It reports every finding about its options at once.
func New(o Options) (*Driver, error) {
	bad := problem.New(problem.InvalidArgument, "the options of a Cloud Storage bucket are not valid")
	if o.Bucket == "" || strings.Contains(o.Bucket, "/") {
		bad.WithField("Bucket", "%q is not the name of a bucket", o.Bucket)
	}
	if (o.Signer.Account == "") != (o.Signer.Sign == nil) {
		bad.WithField("Signer", "an account and its sign function go together")
	}
	if len(bad.Fields) > 0 {
		return nil, bad
	}
	d := &Driver{name: o.Bucket, signer: o.Signer}
	d.client = gcp.NewLazy(func(ctx context.Context) (*storage.Client, error) {
		// Only the XML API reads content as it is stored.
		c, err := storage.NewClient(ctx, append([]option.ClientOption{storage.WithXMLReads()}, o.Client...)...)
		if err != nil {
			return nil, problem.Wrap(err, problem.Unavailable, "make a client of Cloud Storage")
		}
		c.SetRetry(storage.WithPolicy(storage.RetryAlways)) // see the package comment
		return c, nil
	})
	d.blob = blob.NewBucket(&bucket{d})
	return d, nil
}

// Blob implements objects.Driver. Closing it closes the driver's client.
func (d *Driver) Blob() *blob.Bucket { return d.blob }

// URI implements objects.Driver.
func (d *Driver) URI(key string) string { return "gs://" + d.name + "/" + key }

// Generation implements objects.Driver.
func (d *Driver) Generation(ctx context.Context, key string) (string, error) {
	o, err := d.object(ctx, key)
	if err != nil {
		return "", told(err, key)
	}
	a, err := o.Attrs(ctx)
	if err != nil {
		return "", told(err, key)
	}
	return strconv.FormatInt(a.Generation, 10), nil
}

// Signs implements objects.Signer.
func (d *Driver) Signs() bool { return d.signer.Sign != nil }

// maxTTL is the longest life of a signed address
// (https://cloud.google.com/storage/quotas#requests).
const maxTTL = 7 * 24 * time.Hour

// SignUpload implements objects.Signer by a V4 signed URL
// (https://cloud.google.com/storage/docs/access-control/signed-urls).
func (d *Driver) SignUpload(ctx context.Context, key, contentType string, maxBytes int64, ttl time.Duration) (objects.SignedUpload, error) {
	switch {
	case d.signer.Sign == nil:
		return objects.SignedUpload{}, problem.New(problem.FailedPrecondition, "bucket %s has no signer", d.name).
			WithNext(problem.TurnYou, "Send the file to the product itself.")
	case ttl > maxTTL:
		return objects.SignedUpload{}, problem.New(problem.InvalidArgument, "a signed address lives %s at most, not %s", maxTTL, ttl)
	}
	if err := checkKey(key); err != nil {
		return objects.SignedUpload{}, told(err, key)
	}
	c, err := d.client.Get(ctx)
	if err != nil {
		return objects.SignedUpload{}, err
	}
	const sizes = "x-goog-content-length-range" // https://cloud.google.com/storage/docs/xml-api/reference-headers
	limit := "0," + strconv.FormatInt(maxBytes, 10)
	expires := time.Now().Add(ttl)
	url, err := c.Bucket(d.name).SignedURL(key, &storage.SignedURLOptions{
		Scheme:         storage.SigningSchemeV4,
		Method:         "PUT",
		GoogleAccessID: d.signer.Account,
		SignBytes:      func(b []byte) ([]byte, error) { return d.signer.Sign(ctx, b) },
		Expires:        expires,
		ContentType:    contentType,
		Headers:        []string{sizes + ":" + limit},
		Insecure:       d.signer.Insecure,
	})
	if err != nil {
		return objects.SignedUpload{}, gcp.Problem(ctx, err, "sign an upload of %q", key)
	}
	return objects.SignedUpload{URL: url, Headers: map[string]string{"Content-Type": contentType, sizes: limit}, Expires: expires.UTC()}, nil
}

// object gives the handle of a key, once it is one.
func (d *Driver) object(ctx context.Context, key string) (*storage.ObjectHandle, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	c, err := d.client.Get(ctx)
	if err != nil {
		return nil, err
	}
	return c.Bucket(d.name).Object(key), nil
}
