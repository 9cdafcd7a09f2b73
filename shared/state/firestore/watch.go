package firestore

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	raw "cloud.google.com/go/firestore/apiv1"
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
)

// lastRune is no character: no name that begins with a prefix sorts behind the prefix and it.
const lastRune = "\U0010FFFF"

// maxPause bounds the wait before a broken watch begins again.
const maxPause = 30 * time.Second

// watch is one reader. The client's own listener (Query.Snapshots) keeps every document
// that it follows; this one keeps what it has not told yet.
type watch struct {
	d      *Driver
	client *raw.Client
	prefix string
	out    chan state.Change

	since *timestamppb.Timestamp // what was committed until then is told
	token []byte                 // the service's word for it; nil at the start
	anew  bool                   // the next stream is to begin with everything
	told  map[string]int64       // versions told that are later than since
}

// Watch implements state.Driver. It returns when it stands: commits from now on are
// reported, whenever the stream begins, for the stream is asked to begin now.
func (d *Driver) Watch(ctx context.Context, prefix string) (<-chan state.Change, error) {
	if err := d.open(); err != nil {
		return nil, err
	}
	c, err := d.rpc.Get(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(metadata.AppendToOutgoingContext(ctx, "google-cloud-resource-prefix", d.database))
	w := &watch{d: d, client: c, prefix: prefix, out: make(chan state.Change), told: map[string]int64{}}
	if w.since, err = w.now(ctx); err != nil {
		err = problemOf(ctx, err, "watch %q", prefix) // before cancel, which would make it Cancelled
		cancel()
		return nil, err
	}
	go func() {
		select {
		case <-d.closed:
			cancel()
		case <-ctx.Done():
		}
	}()
	go func() {
		defer close(w.out)
		defer cancel()
		w.run(ctx)
	}()
	return w.out, nil
}

// run reports until ctx ends, over one stream after the other.
func (w *watch) run(ctx context.Context) {
	pause := time.Second
	for {
		before := w.since
		err := w.listen(ctx)
		if ctx.Err() != nil {
			return
		}
		switch status.Code(err) {
		case codes.InvalidArgument, codes.OutOfRange, codes.FailedPrecondition, codes.NotFound:
			w.anew = true // an answer, and perhaps about where we asked it to begin
		}
		if w.since != before {
			pause = time.Second
		}
		slog.WarnContext(ctx, "a watch broke and begins again", "prefix", w.prefix, "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause/2 + rand.N(pause)):
		}
		pause = min(2*pause, maxPause)
	}
}

// target is the id of a stream's one target; any will do.
const target = 1

// listen reports over one stream, until it breaks.
func (w *watch) listen(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// The generated client adds this header to every call but this one.
	stream, err := w.client.Listen(metadata.AppendToOutgoingContext(ctx, "x-goog-request-params", w.d.params))
	if err != nil {
		return err
	}
	t := &pb.Target{TargetId: target, TargetType: &pb.Target_Query{Query: &pb.Target_QueryTarget{
		Parent: w.d.documents(), QueryType: &pb.Target_QueryTarget_StructuredQuery{StructuredQuery: w.query()},
	}}}
	s := snapshot{w: w, reset: w.anew, doubt: true}
	switch {
	case w.anew:
	case w.token != nil:
		t.ResumeType = &pb.Target_ResumeToken{ResumeToken: w.token}
	default:
		t.ResumeType = &pb.Target_ReadTime{ReadTime: w.since}
	}
	// An error of Send is io.EOF; Recv has the reason.
	_ = stream.Send(&pb.ListenRequest{Database: w.d.database, TargetChange: &pb.ListenRequest_AddTarget{AddTarget: t}})
	for {
		m, err := stream.Recv()
		if err != nil {
			return err
		}
		whole, err := s.take(m)
		if err != nil {
			return err
		}
		if !whole {
			continue
		}
		if err := s.tell(ctx, m.GetTargetChange()); err != nil {
			return err
		}
		s = snapshot{w: w, current: true}
	}
}

// send hands one change on.
func (w *watch) send(ctx context.Context, c state.Change) error {
	select {
	case w.out <- c:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// again tries for some seconds what is Unavailable.
func again[T any](ctx context.Context, do func() (T, error)) (T, error) {
	for wait := 100 * time.Millisecond; ; wait *= 2 {
		v, err := do()
		if err == nil || wait > 1600*time.Millisecond || !problem.Is(problemOf(ctx, err, "read"), problem.Unavailable) {
			return v, err
		}
		select {
		case <-ctx.Done():
			return v, err
		case <-time.After(wait):
		}
	}
}
