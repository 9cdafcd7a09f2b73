package firestore

import (
	"errors"
	"io"
	"strconv"
	"sync"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// listen is one stream with its one target.
type listen struct {
	wake chan struct{} // one slot
	end  chan error    // one slot

	mu      sync.Mutex
	pending map[string]bool // documents that changed since the last snapshot
}

// changed is called in commit order with the server's lock held.
func (l *listen) changed(names []string) {
	l.mu.Lock()
	for _, n := range names {
		l.pending[n] = true
	}
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *listen) take() map[string]bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	names := l.pending
	l.pending = map[string]bool{}
	return names
}

// Listens is the number of open listeners.
func (s *Server) Listens() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.listens)
}

// EndListens ends every open listener with an error, as a failing server does.
func (s *Server) EndListens(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for l := range s.listens {
		select {
		case l.end <- err:
		default:
		}
	}
}

// Listen implements the call, for one target of a query on a stream.
func (s *Server) Listen(stream pb.Firestore_ListenServer) error {
	req, err := stream.Recv()
	if err != nil {
		return err
	}
	if err := checkDatabase(s, req.Database); err != nil {
		return err
	}
	t := req.GetAddTarget()
	if t.GetQuery() == nil || t.Once {
		return absent("targets but one lasting query")
	}
	q, err := s.parseQuery(t.GetQuery().Parent, t.GetQuery().GetStructuredQuery())
	if err != nil {
		return err
	}
	if q.limit >= 0 || q.keys || q.start != nil || q.end != nil {
		return absent("listeners with a limit, a projection or a cursor")
	}
	from, err := resumption(t)
	if err != nil {
		return err
	}
	l := &listen{wake: make(chan struct{}, 1), end: make(chan error, 1), pending: map[string]bool{}}
	s.mu.Lock()
	s.listens[l] = true
	first, now := q.run(s.collections), s.clock
	anew := from < s.resets || s.reaches(from) != nil
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.listens, l)
	}()
	closed := make(chan error, 1)
	go func() {
		_, err := stream.Recv()
		if err == nil {
			err = absent("a second request on a listener's stream")
		}
		closed <- err
	}()

	v := view{stream: stream, target: []int32{t.TargetId}, query: q, seen: map[string]bool{}}
	if err := v.begin(first, now, from, anew); err != nil {
		return err
	}
	for {
		select {
		case <-l.wake:
			if err := v.next(s, l); err != nil {
				return err
			}
		case err := <-l.end:
			return err
		case err := <-closed:
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		case <-stream.Context().Done():
			return status.FromContextError(stream.Context().Err()).Err()
		}
	}
}

// view is what the other end of a stream knows.
type view struct {
	stream pb.Firestore_ListenServer
	target []int32
	query  *query
	seen   map[string]bool
}

// begin sends what matches; to one that was here at a time, what has changed since and
// how many there are: it is not told what was deleted meanwhile.
func (v *view) begin(docs []*doc, now, from int64, anew bool) error {
	if err := v.say(pb.TargetChange_ADD, v.target, 0); err != nil {
		return err
	}
	resumed := from > 0 && !anew
	if from > 0 && anew {
		if err := v.say(pb.TargetChange_RESET, v.target, 0); err != nil {
			return err
		}
	}
	for _, d := range docs {
		v.seen[d.name] = true
		if resumed && d.updated <= from {
			continue
		}
		if err := v.show(d); err != nil {
			return err
		}
	}
	if resumed {
		n := &pb.ExistenceFilter{TargetId: v.target[0], Count: int32(len(docs))}
		if err := v.stream.Send(&pb.ListenResponse{ResponseType: &pb.ListenResponse_Filter{Filter: n}}); err != nil {
			return err
		}
	}
	if err := v.say(pb.TargetChange_CURRENT, v.target, now); err != nil {
		return err
	}
	return v.say(pb.TargetChange_NO_CHANGE, nil, now)
}

// resumption is when a listener was here last, 0 when never.
func resumption(t *pb.Target) (int64, error) {
	switch r := t.ResumeType.(type) {
	case nil:
		return 0, nil
	case *pb.Target_ReadTime:
		return micros(r.ReadTime)
	case *pb.Target_ResumeToken:
		from, err := strconv.ParseInt(string(r.ResumeToken), 10, 64)
		if err != nil {
			return 0, invalid("the resume token is none of this service")
		}
		return from, nil
	}
	return 0, absent("resumptions of another kind")
}

// ResetListens makes every listener that comes back from before now get a RESET and
// everything anew, as the service may.
func (s *Server) ResetListens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resets = s.clock + 1
}

// next sends what became of the documents that changed, all of one moment.
func (v *view) next(s *Server, l *listen) error {
	docs := map[string]*doc{}
	s.mu.Lock()
	for name := range l.take() {
		docs[name] = s.get(name)
	}
	now := s.clock
	s.mu.Unlock()
	for name, d := range docs {
		parent, _ := cut(name)
		switch {
		case d != nil && v.query.covers(parent) && v.query.matches(d):
			if err := v.show(d); err != nil {
				return err
			}
		case v.seen[name]:
			delete(v.seen, name)
			r := &pb.ListenResponse{ResponseType: &pb.ListenResponse_DocumentRemove{DocumentRemove: &pb.DocumentRemove{Document: name, RemovedTargetIds: v.target, ReadTime: stamp(now)}}}
			if d == nil {
				r.ResponseType = &pb.ListenResponse_DocumentDelete{DocumentDelete: &pb.DocumentDelete{Document: name, RemovedTargetIds: v.target, ReadTime: stamp(now)}}
			}
			if err := v.stream.Send(r); err != nil {
				return err
			}
		}
	}
	return v.say(pb.TargetChange_NO_CHANGE, nil, now)
}

func (v *view) show(d *doc) error {
	v.seen[d.name] = true
	return v.stream.Send(&pb.ListenResponse{ResponseType: &pb.ListenResponse_DocumentChange{DocumentChange: &pb.DocumentChange{Document: d.proto(), TargetIds: v.target}}})
}

func (v *view) say(what pb.TargetChange_TargetChangeType, targets []int32, now int64) error {
	c := &pb.TargetChange{TargetChangeType: what, TargetIds: targets}
	if now > 0 {
		c.ReadTime, c.ResumeToken = stamp(now), strconv.AppendInt(nil, now, 10)
	}
	return v.stream.Send(&pb.ListenResponse{ResponseType: &pb.ListenResponse_TargetChange{TargetChange: c}})
}

// Lost is the error of a connection that breaks.
var Lost = status.Error(codes.Unavailable, "the connection is lost")
