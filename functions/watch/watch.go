// Package watch streams state changes to pages as server-sent events.
//
// It promises the newest version of every watched document after the "ready"
// event; a client reads its lists after "ready" and misses nothing. A slow
// client may skip intermediate versions.
//
// It refuses collections that pages have no business with: users, secrets, the inner
// state of workflows; and curves, which are large.
package watch

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/sse"

	"github.com/b2brecs/b2brecs/shared/api"
	"github.com/b2brecs/b2brecs/shared/dataset"
	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/experiment"
	"github.com/b2brecs/b2brecs/shared/feature"
	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/model"
	"github.com/b2brecs/b2brecs/shared/state"
)

// keepAlive is how often an idle stream says it lives; proxies cut silent
// connections after 30 to 60 seconds.
const keepAlive = 15 * time.Second

// Services is what the function asks of its platform.
type Services struct {
	State *state.DB
}

// Ready tells that the watch stands: changes from now on are sent.
type Ready struct {
	Collections []string `json:"collections"`
}

// Change is one committed write.
type Change struct {
	Collection string          `json:"collection"`
	ID         string          `json:"id"`
	Version    int64           `json:"version"`
	Data       json.RawMessage `json:"data" doc:"The document; null after a delete."`
}

// Ping says that the stream lives.
type Ping struct {
	At time.Time `json:"at"`
}

type input struct {
	Collections []string `query:"collections" required:"true" maxItems:"20" doc:"Collections to follow, e.g. etl_runs or projects/main/experiments."`
}

// Resolve implements huma.Resolver: it refuses collections pages may not see.
func (in *input) Resolve(huma.Context) []error {
	for _, c := range in.Collections {
		if !watchable(c) {
			return []error{&huma.ErrorDetail{Location: "query.collections", Value: c, Message: "is not a collection that can be watched"}}
		}
	}
	return nil
}

// watchable lists what pages follow. Large documents are not among them: every version
// of them would travel whole to every page. Pages read them again when what is listed
// changes, as an experiment's curves with its epoch.
func watchable(c string) bool {
	if slices.Contains([]string{etl.RunsCollection, etl.ChunksCollection, etl.JobsCollection}, c) {
		return true
	}
	parts := strings.SplitN(c, "/", 3)
	if len(parts) < 3 || parts[1] == "" {
		return false
	}
	p := parts[1]
	return slices.Contains([]string{dataset.Collection(p), dataset.ProfilesCollection(p), feature.Collection(p), model.Collection(p), experiment.Collection(p)}, c)
}

// Register adds the route.
func Register(a huma.API, s Services) {
	op := api.Operation(a, api.Op{
		ID: "watch", Method: http.MethodGet, Path: "/v1/watch", Tag: "Watch", Role: identity.Viewer,
		Summary: "Stream changes of documents",
	})
	sse.Register(a, op, map[string]any{"ready": Ready{}, "change": Change{}, "ping": Ping{}},
		func(ctx context.Context, in *input, send sse.Sender) { s.stream(ctx, in.Collections, send) })
}

// gone tells the end of a chunk's document, which is no news of the chunk: the API
// keeps telling of it.
func gone(c state.Change) bool { return c.Collection == etl.ChunksCollection && c.Data == nil }

func (s Services) stream(ctx context.Context, collections []string, send sse.Sender) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	changes := make(chan state.Change)
	var readers sync.WaitGroup
	defer readers.Wait()
	defer cancel()
	for _, c := range collections {
		in, err := s.State.Watch(ctx, c)
		if err != nil {
			// The headers are out: the client sees the end of the stream and comes again.
			slog.WarnContext(ctx, "a watch cannot begin", "collection", c, "error", err)
			return
		}
		readers.Go(func() {
			for change := range in {
				// A prefix also matches its longer sisters, e.g. etl_runs_old.
				if change.Collection != c || gone(change) {
					continue
				}
				select {
				case changes <- change:
				case <-ctx.Done():
					return
				}
			}
		})
	}
	if send.Data(Ready{collections}) != nil {
		return
	}
	ticker := time.NewTicker(keepAlive)
	defer ticker.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case c := <-changes:
			data := json.RawMessage(c.Data)
			if len(data) == 0 {
				data = json.RawMessage("null")
			}
			err = send.Data(Change{c.Collection, c.ID, c.Version, data})
		case now := <-ticker.C:
			err = send.Data(Ping{now.UTC()})
		}
		if err != nil {
			return
		}
	}
}

// The compiler checks that input refuses at the door.
var _ huma.Resolver = (*input)(nil)
