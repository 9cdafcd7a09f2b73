package objects

import (
	"context"
	"time"

	"github.com/b2brecs/b2brecs/shared/problem"
)

// SignedUpload is leave for whoever holds it to write one object, without
// credentials: one PUT of the content to URL before Expires.
type SignedUpload struct {
	URL     string            `json:"url"`     // a credential while it lasts: MUST NOT be logged or stored
	Headers map[string]string `json:"headers"` // MUST be sent as they are
	Expires time.Time         `json:"expires"`
}

// Signer is what a driver adds whose service takes an upload itself. The service
// MUST refuse another content type than the one named and more than maxBytes.
type Signer interface {
	// Signs says whether the driver was given what it signs with.
	Signs() bool
	SignUpload(ctx context.Context, key, contentType string, maxBytes int64, ttl time.Duration) (SignedUpload, error)
}

// Signs says whether SignedUpload can be asked for; where not, the client writes through
// the product.
func (b *Bucket) Signs() bool {
	s, ok := b.drv.(Signer)
	return ok && s.Signs()
}

// SignedUpload lets a client write the object key past the product: a function
// takes 32 MiB at most (https://cloud.google.com/run/quotas#request_limits), the
// store takes any size. An empty contentType means application/octet-stream.
// FailedPrecondition from a bucket that does not sign: write through it instead.
func (b *Bucket) SignedUpload(ctx context.Context, key, contentType string, maxBytes int64, ttl time.Duration) (SignedUpload, error) {
	s, ok := b.drv.(Signer)
	switch {
	case !ok:
		return SignedUpload{}, problem.New(problem.FailedPrecondition, "the %s bucket gives no leave to write to it directly", b.Name).
			WithNext(problem.TurnYou, "Send the file to the product itself.")
	case maxBytes <= 0 || ttl <= 0:
		return SignedUpload{}, problem.New(problem.InvalidArgument, "an upload needs a size limit and a time limit above zero")
	}
	if contentType == "" {
		contentType = "application/octet-stream"
	}
	return s.SignUpload(ctx, key, contentType, maxBytes, ttl)
}
