package firestore

import (
	"cmp"
	"context"
	"log/slog"
	"slices"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/b2brecs/b2brecs/shared/state"
)

// heldBytes bounds the bodies that are kept until a snapshot is whole. What comes
// behind them is read again when its turn comes.
const heldBytes = 8 << 20

// snapshot is what has come over a stream since the last moment that it was whole: at
// most one news of each document.
type snapshot struct {
	w       *watch
	current bool // all that was there when the stream began has come
	reset   bool // it holds every document, and so tells by silence what was deleted
	doubt   bool // it need not tell what was deleted
	news    map[string]news
	bytes   int // of bodies in news
}

// news is the latest that is known of a document.
type news struct {
	version int64
	data    []byte // nil when there was no room
	gone    bool
	created bool // since the last snapshot
}

// take reads one message; whole says that the snapshot is complete by it, as the
// official client sees it (cloud.google.com/go/firestore/watch.go).
func (s *snapshot) take(m *pb.ListenResponse) (whole bool, err error) {
	switch r := m.ResponseType.(type) {
	case *pb.ListenResponse_TargetChange:
		c := r.TargetChange
		switch c.TargetChangeType {
		case pb.TargetChange_NO_CHANGE:
			return s.current && len(c.TargetIds) == 0 && c.ReadTime != nil, nil
		case pb.TargetChange_CURRENT:
			s.current = true
		case pb.TargetChange_RESET:
			*s = snapshot{w: s.w, reset: true}
		case pb.TargetChange_REMOVE:
			if c.Cause == nil {
				return false, status.Error(codes.Internal, "the target was removed")
			}
			return false, status.ErrorProto(c.Cause)
		}
	case *pb.ListenResponse_DocumentChange:
		doc := r.DocumentChange.Document
		if slices.Contains(r.DocumentChange.RemovedTargetIds, target) {
			s.add(doc.GetName(), news{version: doc.GetUpdateTime().AsTime().UnixMicro(), gone: true})
			return false, nil
		}
		_, id, err := s.w.d.parse(doc.GetName())
		if err != nil {
			return false, err
		}
		kept, err := stored(doc, "", id)
		if err != nil {
			return false, err
		}
		s.add(doc.Name, news{version: kept.Version, data: kept.Data, created: doc.CreateTime.AsTime().After(s.w.since.AsTime())})
	case *pb.ListenResponse_DocumentDelete:
		s.add(r.DocumentDelete.Document, news{version: r.DocumentDelete.ReadTime.AsTime().UnixMicro(), gone: true})
	case *pb.ListenResponse_DocumentRemove:
		s.add(r.DocumentRemove.Document, news{version: r.DocumentRemove.ReadTime.AsTime().UnixMicro(), gone: true})
	case *pb.ListenResponse_Filter:
		s.doubt = true
	}
	return false, nil
}

// add keeps what is not told yet.
func (s *snapshot) add(name string, n news) {
	if n.version <= max(s.w.since.AsTime().UnixMicro(), s.w.told[name]) {
		return
	}
	if s.news == nil {
		s.news = map[string]news{}
	}
	old := s.news[name]
	s.bytes -= len(old.data)
	if s.bytes+len(n.data) > heldBytes {
		n.data = nil
	}
	s.bytes += len(n.data)
	n.created = n.created || old.created
	s.news[name] = n
}

// tell sends the snapshot in the order of its commits, and moves the watch on to it.
func (s *snapshot) tell(ctx context.Context, at *pb.TargetChange) error {
	w := s.w
	if err := s.findGone(ctx, at.ReadTime); err != nil {
		return err
	}
	names := make([]string, 0, len(s.news))
	for name := range s.news {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(s.news[a].version, s.news[b].version), cmp.Compare(a, b))
	})
	for _, name := range names {
		n := s.news[name]
		delete(s.news, name) // a body that is told is let go
		if err := w.tell(ctx, name, n); err != nil {
			return err
		}
	}
	w.since, w.token, w.anew = at.ReadTime, at.ResumeToken, false
	for name, version := range w.told {
		if version <= w.since.AsTime().UnixMicro() {
			delete(w.told, name)
		}
	}
	return nil
}

// tell sends one change. A document whose body had no room is read: what is there now
// is at least as new.
func (w *watch) tell(ctx context.Context, name string, n news) error {
	collection, id, err := w.d.parse(name)
	if err != nil {
		return err
	}
	c := state.Change{Document: state.Document{Collection: collection, ID: id, Data: n.data, Version: n.version}}
	if !n.gone && n.data == nil {
		doc, at, err := w.d.read(ctx, w.client, name, nil)
		if err != nil {
			return err
		}
		c.Version = at.AsTime().UnixMicro()
		if doc != nil {
			if c.Document, err = stored(doc, collection, id); err != nil {
				return err
			}
		}
	}
	if err := w.send(ctx, c); err != nil {
		return err
	}
	w.told[name] = c.Version // until since passes it: the stream may break before
	return nil
}

// findGone adds what was deleted and is not told: a stream that begins with everything
// does not name what is no more, and one that goes on where another one broke may leave
// it to a number (ExistenceFilter), before or behind the snapshot.
func (s *snapshot) findGone(ctx context.Context, at *timestamppb.Timestamp) error {
	complete, err := s.complete(ctx, at)
	if err == nil && !complete {
		err = s.w.gone(ctx, at, func(name string) { s.add(name, news{version: at.AsTime().UnixMicro(), gone: true}) })
	}
	switch status.Code(err) {
	case codes.FailedPrecondition, codes.InvalidArgument:
		// The past reaches back an hour (RunQueryRequest.read_time), and the watch cannot wait for it.
		slog.ErrorContext(ctx, "a watch was broken for too long: what was deleted meanwhile is never told",
			"prefix", s.w.prefix, "since", s.w.since.AsTime(), "error", err)
		err = nil
	}
	if err != nil || complete {
		return err
	}
	for name := range s.w.told { // what came and went since is in neither list
		if _, ok := s.news[name]; ok {
			continue
		}
		doc, at, err := s.w.d.read(ctx, s.w.client, name, nil)
		if err != nil {
			return err
		}
		if doc == nil {
			s.add(name, news{version: at.AsTime().UnixMicro(), gone: true})
		}
	}
	return nil
}

// complete says that no delete can be missing: as many documents are there as were, and
// were made since, and none was deleted.
func (s *snapshot) complete(ctx context.Context, at *timestamppb.Timestamp) (bool, error) {
	if s.reset || !s.doubt {
		return !s.reset, nil
	}
	if len(s.w.told) > 0 {
		return false, nil
	}
	made := 0
	for _, n := range s.news {
		if n.gone {
			return false, nil
		}
		if n.created {
			made++
		}
	}
	was, err := s.w.number(ctx, s.w.since)
	if err != nil {
		return false, err
	}
	is, err := s.w.number(ctx, at)
	return was+made == is, err
}
