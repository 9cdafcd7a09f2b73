package source

import (
	"context"
	"encoding/json"
	"io"
	"sort"
	"sync"
	"time"

	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/secret"
)

// holdLimit ends a snapshot nobody released: no load runs for longer.
const holdLimit = 12 * time.Hour

// Registry knows the kinds of an installation and opens connections of them.
// It is safe for concurrent use once the kinds are registered.
type Registry struct {
	kinds   map[string]*Kind
	secrets *secret.Store
	guard   *Guard

	mu    sync.Mutex
	holds map[string]*hold
}

type hold struct {
	c     io.Closer
	timer *time.Timer
}

// NewRegistry makes a registry. secrets holds the connections' credentials;
// guard decides which hosts may be reached.
func NewRegistry(secrets *secret.Store, guard *Guard, kinds ...*Kind) *Registry {
	r := &Registry{kinds: map[string]*Kind{}, secrets: secrets, guard: guard, holds: map[string]*hold{}}
	for _, k := range kinds {
		if k.Name == "" || k.Open == nil || r.kinds[k.Name] != nil {
			panic("source: kind " + k.Name + " needs a unique name and an Open function")
		}
		r.kinds[k.Name] = k
	}
	return r
}

// Kinds lists the kinds by title.
func (r *Registry) Kinds() []*Kind {
	out := make([]*Kind, 0, len(r.kinds))
	for _, k := range r.kinds {
		out = append(out, k)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Title < out[j].Title })
	return out
}

// Kind finds a kind. InvalidArgument when there is none of this name.
func (r *Registry) Kind(name string) (*Kind, error) {
	k := r.kinds[name]
	if k == nil {
		return nil, problem.New(problem.InvalidArgument, "there is no source of type %q", name).
			WithNext(problem.TurnYou, "Choose one of the types that are listed.")
	}
	return k, nil
}

// Open opens a stored connection with its secrets.
func (r *Registry) Open(ctx context.Context, c etl.Connection) (Source, error) {
	k, err := r.Kind(c.Type)
	if err != nil {
		return nil, err
	}
	secrets := map[string]string{}
	if c.SecretID != "" {
		b, err := r.secrets.Get(ctx, c.SecretID)
		if err != nil {
			return nil, problem.New(problem.CodeOf(err), "the credential of connection %q cannot be read", c.Name).
				WithNext(problem.TurnYou, "Edit the connection and enter its credential again.")
		}
		if err := json.Unmarshal(b, &secrets); err != nil {
			return nil, problem.New(problem.Internal, "the credential of connection %q is damaged", c.Name)
		}
	}
	return k.Open(ctx, Config{Params: c.Params, Secrets: secrets, Guard: r.guard})
}

// OpenWith opens a connection that is not stored yet.
func (r *Registry) OpenWith(ctx context.Context, kind string, params map[string]any, secrets map[string]string) (Source, error) {
	k, err := r.Kind(kind)
	if err != nil {
		return nil, err
	}
	return k.Open(ctx, Config{Params: params, Secrets: secrets, Guard: r.guard})
}

// Hold keeps c open under a name until Release, Close, or half a day.
// A former hold of the name is closed.
func (r *Registry) Hold(name string, c io.Closer) {
	r.mu.Lock()
	old := r.holds[name]
	r.holds[name] = &hold{c, time.AfterFunc(holdLimit, func() { r.Release(name) })}
	r.mu.Unlock()
	closeHold(old)
}

// Release closes what is held under a name; nothing is not an error.
func (r *Registry) Release(name string) {
	r.mu.Lock()
	h := r.holds[name]
	delete(r.holds, name)
	r.mu.Unlock()
	closeHold(h)
}

// Close releases everything.
func (r *Registry) Close() error {
	r.mu.Lock()
	all := r.holds
	r.holds = map[string]*hold{}
	r.mu.Unlock()
	for _, h := range all {
		closeHold(h)
	}
	return nil
}

func closeHold(h *hold) {
	if h != nil {
		h.timer.Stop()
		_ = h.c.Close() // the session ends either way: nothing was written in it
	}
}
