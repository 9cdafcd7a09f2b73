package secret

import "context"

// Driver keeps secret payloads by id (at most 255 of [A-Za-z0-9_-]). There is no
// list operation. Payloads MUST NOT appear in logs or errors.
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
