package firestore

import (
	"maps"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

const (
	// kept is how many changes can be undone. The service keeps an hour of them, or
	// seven days (https://firebase.google.com/docs/firestore/pitr); a fake in memory
	// has to bound what it keeps by number.
	kept = 1000
	// reach is how far back a read may go, however few the changes.
	reach = time.Hour
)

// change is one write as it was committed; nil is no document.
type change struct {
	at       int64
	name     string
	old, new *doc
}

// micros reads a time of the caller.
func micros(t *timestamppb.Timestamp) (int64, error) {
	if !t.IsValid() || t.Nanos%1000 != 0 {
		return 0, invalid("a read time has whole microseconds")
	}
	return t.AsTime().UnixMicro(), nil
}

// All that follows is called with the lock held.

func (s *Server) remember(c change) {
	s.log = append(s.log, c)
	if len(s.log) >= 2*kept {
		n := len(s.log) - kept
		s.forgotten = s.log[n-1].at
		s.log = append([]change(nil), s.log[n:]...)
	}
}

// reaches says whether what was at t can still be told.
func (s *Server) reaches(t int64) error {
	if t > max(s.clock, time.Now().UnixMicro()) {
		return invalid("a read time is in the future")
	}
	if t < s.forgotten || time.UnixMicro(t).Before(time.Now().Add(-reach)) {
		return status.Error(codes.FailedPrecondition, "The requested snapshot version is too old.")
	}
	return nil
}

// past gives the collections as they were at t, later changes undone.
func (s *Server) past(t int64) (map[string]map[string]*doc, error) {
	if err := s.reaches(t); err != nil {
		return nil, err
	}
	was := maps.Clone(s.collections)
	own := map[string]bool{} // collections that are copies
	for i := len(s.log) - 1; i >= 0 && s.log[i].at > t; i-- {
		parent, id := cut(s.log[i].name)
		if !own[parent] {
			c := map[string]*doc{}
			maps.Copy(c, was[parent])
			was[parent], own[parent] = c, true
		}
		if old := s.log[i].old; old != nil {
			was[parent][id] = old
		} else {
			delete(was[parent], id)
		}
	}
	return was, nil
}
