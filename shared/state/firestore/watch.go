package firestore

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/firestore"
	"google.golang.org/api/iterator"

	"github.com/b2brecs/b2brecs/shared/state"
)

// lastRune is no character: no name that begins with a prefix sorts behind the prefix and it.
const lastRune = "\U0010FFFF"

// maxPause bounds the wait before a broken watch begins again.
const maxPause = 30 * time.Second

// watch is one reader.
type watch struct {
	prefix string
	query  firestore.Query
	known  map[string]state.Document // by Firestore's name, without data
	out    chan state.Change
}

// Watch implements state.Driver. It returns when it stands: it has read what is
// there, and later commits are reported. The client opens a stream that breaks again;
// where Firestore refuses that, the watch reads all anew and reports the difference.
func (d *Driver) Watch(ctx context.Context, prefix string) (<-chan state.Change, error) {
	if err := d.open(); err != nil {
		return nil, err
	}
	c, err := d.client.Get(ctx)
	if err != nil {
		return nil, err
	}
	w := &watch{
		prefix: prefix, known: map[string]state.Document{}, out: make(chan state.Change),
		query: c.CollectionGroup(docsID).WherePath([]string{fieldCollection}, ">=", prefix).WherePath([]string{fieldCollection}, "<", prefix+lastRune),
	}
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-d.closed:
			cancel()
		case <-ctx.Done():
		}
	}()
	it := w.query.Snapshots(ctx)
	first, err := it.Next()
	for try := 0; errors.Is(err, iterator.Done) && try < 5; try++ { // it ended before its error could be read
		it = w.query.Snapshots(ctx)
		first, err = it.Next()
	}
	if err == nil {
		_, err = w.news(first, true)
	}
	if err != nil {
		it.Stop()
		cancel()
		return nil, problemOf(err, "watch %q", prefix)
	}
	go func() {
		defer close(w.out)
		defer cancel()
		w.run(ctx, it)
	}()
	return w.out, nil
}

// run reports until ctx ends. it has given its first snapshot.
func (w *watch) run(ctx context.Context, it *firestore.QuerySnapshotIterator) {
	anew, pause := false, time.Second
	for {
		snap, err := it.Next()
		if err == nil {
			var changes []state.Change
			if changes, err = w.news(snap, anew); err == nil {
				anew, pause = false, time.Second
				if !w.send(ctx, changes) {
					it.Stop()
					return
				}
				continue
			}
		}
		it.Stop()
		if ctx.Err() != nil {
			return
		}
		slog.WarnContext(ctx, "a watch broke and begins again", "prefix", w.prefix, "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause/2 + rand.N(pause)):
		}
		pause = min(2*pause, maxPause)
		it, anew = w.query.Snapshots(ctx), true
	}
}

func (w *watch) send(ctx context.Context, changes []state.Change) bool {
	for _, c := range changes {
		select {
		case w.out <- c:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// news is what a snapshot tells that was not known, in the order of the commits. all
// says that the snapshot is the first of its stream and holds every document.
func (w *watch) news(snap *firestore.QuerySnapshot, all bool) ([]state.Change, error) {
	var out []state.Change
	there := map[string]bool{}
	gone := func(name string) {
		if old, ok := w.known[name]; ok {
			// The document is absent at the snapshot's time, so whatever comes later has a greater one.
			out = append(out, state.Change{Document: state.Document{Collection: old.Collection, ID: old.ID, Version: snap.ReadTime.UnixMicro()}})
			delete(w.known, name)
		}
	}
	for _, c := range snap.Changes {
		name := c.Doc.Ref.Path
		if c.Kind == firestore.DocumentRemoved {
			gone(name)
			continue
		}
		doc, err := documentOf(c.Doc)
		if err != nil {
			return nil, err
		}
		there[name] = true
		old, ok := w.known[name]
		if !strings.HasPrefix(doc.Collection, w.prefix) || ok && old.Version >= doc.Version {
			continue
		}
		out = append(out, state.Change{Document: doc})
		doc.Data = nil
		w.known[name] = doc
	}
	if all {
		for name := range w.known {
			if !there[name] {
				gone(name)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b state.Change) int { return cmp.Compare(a.Version, b.Version) })
	return out, nil
}
