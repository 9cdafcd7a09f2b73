package secretmanager

import (
	"context"
	"sync"
	"testing"

	api "cloud.google.com/go/secretmanager/apiv1"
	pb "cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"

	"github.com/b2brecs/b2brecs/shared/internal/gcp/gcptest"
	"github.com/b2brecs/b2brecs/shared/secret"
	"github.com/b2brecs/b2brecs/shared/secret/secrettest"
)

// named keeps secrets under names of a run. An id that is too long beside the run
// becomes its digest: the longest names are not tried there.
type named struct {
	*Driver
	of func(id string) string

	mu   sync.Mutex
	made map[string]bool
}

func (n *named) Put(ctx context.Context, id string, payload []byte) error {
	n.mu.Lock()
	n.made[n.of(id)] = true
	n.mu.Unlock()
	return n.Driver.Put(ctx, n.of(id), payload)
}
func (n *named) Get(ctx context.Context, id string) ([]byte, error) {
	return n.Driver.Get(ctx, n.of(id))
}
func (n *named) Destroy(ctx context.Context, id string) error { return n.Driver.Destroy(ctx, n.of(id)) }

// The suite in the project that gcptest knows. Secrets cost cents for a month; these
// are gone after seconds.
func TestOnGoogleCloud(t *testing.T) {
	p := gcptest.Open(t)
	c, err := api.NewClient(t.Context(), p.Client("secretmanager")...)
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	secrettest.Run(t, func(t *testing.T) *secret.Store {
		d, err := New(Options{Location: p.Location, Installation: gcptest.Prefix + p.Run, Client: p.Client("secretmanager"), InRegion: true})
		must(t, err)
		n := &named{Driver: d, of: func(id string) string { return p.Short(id, 255) }, made: map[string]bool{}}
		t.Cleanup(func() {
			for id := range n.made {
				p.Cleanup(t, "secret "+id, func(ctx context.Context) error {
					return c.DeleteSecret(ctx, &pb.DeleteSecretRequest{Name: "projects/" + p.Project + "/secrets/" + id})
				})
			}
			must(t, d.Close())
		})
		return secret.New(n)
	})
}
