package secret

import (
	"context"
	"regexp"

	"github.com/b2brecs/b2brecs/shared/problem"
)

// MaxPayloadBytes is the largest payload; Secret Manager's limit
// (https://cloud.google.com/secret-manager/quotas).
const MaxPayloadBytes = 65_536

// Driver keeps secret payloads by id (at most 255 of [A-Za-z0-9_-]; upper and
// lower case are different). There is no list operation. Payloads MUST NOT appear
// in logs or errors. All methods MUST be safe for concurrent use.
type Driver interface {
	// Put stores a new version and disables the ones before it.
	Put(ctx context.Context, id string, payload []byte) error
	// Get gives the latest version. NotFound when absent.
	Get(ctx context.Context, id string) ([]byte, error)
	// Destroy removes all versions; absent is not an error.
	Destroy(ctx context.Context, id string) error
}

// Store is the portable type.
type Store struct{ Driver }

// New makes a store on a driver.
func New(drv Driver) *Store { return &Store{drv} }

var validID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)

// check does not repeat a refused id: a caller may have mixed it up with the payload.
func check(id string) error {
	if !validID.MatchString(id) {
		return problem.New(problem.InvalidArgument, "a secret's id has 1 to 255 letters, digits, underscores and hyphens")
	}
	return nil
}

// Put stores a new version and disables the ones before it. A bad id and a
// payload above MaxPayloadBytes are InvalidArgument.
func (s *Store) Put(ctx context.Context, id string, payload []byte) error {
	if err := check(id); err != nil {
		return err
	}
	if len(payload) > MaxPayloadBytes {
		return problem.New(problem.InvalidArgument, "secret %q has %d bytes; a secret holds at most %d", id, len(payload), MaxPayloadBytes)
	}
	return s.Driver.Put(ctx, id, payload)
}

// Get gives the latest version. NotFound when absent.
func (s *Store) Get(ctx context.Context, id string) ([]byte, error) {
	if err := check(id); err != nil {
		return nil, err
	}
	return s.Driver.Get(ctx, id)
}

// Destroy removes all versions; absent is not an error.
func (s *Store) Destroy(ctx context.Context, id string) error {
	if err := check(id); err != nil {
		return err
	}
	return s.Driver.Destroy(ctx, id)
}
