package firestore

import (
	"crypto/rand"
	"strings"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// doc is one stored version; it is never changed, only replaced.
type doc struct {
	name             string
	fields           map[string]*pb.Value
	created, updated int64 // microseconds
}

func (d *doc) proto() *pb.Document {
	return &pb.Document{Name: d.name, Fields: d.fields, CreateTime: stamp(d.created), UpdateTime: stamp(d.updated)}
}

func stamp(us int64) *timestamppb.Timestamp { return timestamppb.New(time.UnixMicro(us)) }

// Idle and total life of a transaction
// (https://firebase.google.com/docs/firestore/quotas#writes_and_transactions).
const (
	txIdle = 60 * time.Second
	txLife = 270 * time.Second
)

// tx is an open transaction: the versions it has read, 0 for a missing document.
type tx struct {
	reads       map[string]int64
	readOnly    bool
	begun, used time.Time
	age         int64 // the smaller the older
	wounded     bool  // an older one took its locks
}

// All that follows is called with the lock held.

func (s *Server) tick() int64 {
	s.clock = max(time.Now().UnixMicro(), s.clock+1)
	return s.clock
}

func (s *Server) get(name string) *doc {
	parent, id := cut(name)
	return s.collections[parent][id]
}

func cut(name string) (parent, id string) {
	i := strings.LastIndexByte(name, '/')
	return name[:i], name[i+1:]
}

func (s *Server) begin(readOnly bool) []byte {
	now := time.Now()
	for id, t := range s.txs {
		if t.expired(now) {
			delete(s.txs, id)
		}
	}
	id := []byte(rand.Text())
	s.txs[string(id)] = &tx{reads: map[string]int64{}, readOnly: readOnly, begun: now, used: now, age: s.tick()}
	return id
}

// end forgets a transaction and lets those that wait for its locks look again.
func (s *Server) end(id []byte) {
	delete(s.txs, string(id))
	s.released.Broadcast()
}

func (t *tx) expired(now time.Time) bool {
	return now.Sub(t.used) > txIdle || now.Sub(t.begun) > txLife
}

func (s *Server) tx(id []byte) (*tx, error) {
	t := s.txs[string(id)]
	if t == nil || t.expired(time.Now()) {
		s.end(id)
		return nil, expired()
	}
	if t.wounded {
		s.end(id)
		return nil, contention()
	}
	t.used = time.Now()
	return t, nil
}

func expired() error { return invalid("The referenced transaction has expired or is no longer valid.") }

func contention() error {
	return status.Error(codes.Aborted, "Too much contention on these documents. Please try again.")
}

// fresh says whether all that t has read is as it was.
func (s *Server) fresh(t *tx) error {
	for name, version := range t.reads {
		if s.version(name) != version {
			return contention()
		}
	}
	return nil
}

func (s *Server) version(name string) int64 {
	if d := s.get(name); d != nil {
		return d.updated
	}
	return 0
}

// staged is a commit in the making: nil is a deleted document.
type staged map[string]*doc

func (s *Server) stage(st staged, w *pb.Write, now int64) error {
	if w.UpdateMask != nil || len(w.UpdateTransforms) > 0 || w.GetTransform() != nil {
		return absent("field masks and transforms")
	}
	name := w.GetDelete()
	if u := w.GetUpdate(); u != nil {
		name = u.Name
		if err := checkDocument(s, u); err != nil {
			return err
		}
	}
	if err := checkName(s, name); err != nil {
		return err
	}
	old, ok := st[name]
	if !ok {
		old = s.get(name)
	}
	if err := precondition(w.CurrentDocument, name, old); err != nil {
		return err
	}
	u := w.GetUpdate()
	if u == nil {
		st[name] = nil
		return nil
	}
	d := &doc{name: name, fields: u.Fields, created: now, updated: now}
	if old != nil {
		d.created = old.created
		if proto.Equal(&pb.MapValue{Fields: old.fields}, &pb.MapValue{Fields: d.fields}) {
			d = old // a write that changes nothing keeps the update time (WriteResult.update_time)
		}
	}
	st[name] = d
	return nil
}

func precondition(p *pb.Precondition, name string, d *doc) error {
	switch c := p.GetConditionType().(type) {
	case *pb.Precondition_Exists:
		if c.Exists && d == nil {
			return status.Errorf(codes.NotFound, "No document to update: %s", name)
		}
		if !c.Exists && d != nil {
			return status.Errorf(codes.AlreadyExists, "Document already exists: %s", name)
		}
	case *pb.Precondition_UpdateTime:
		if d == nil {
			return status.Errorf(codes.NotFound, "No document to update: %s", name)
		}
		if d.updated != c.UpdateTime.AsTime().UnixMicro() {
			return status.Errorf(codes.FailedPrecondition, "the stored version of %s does not match the required one", name)
		}
	}
	return nil
}

// apply makes a commit visible and wakes the listeners.
func (s *Server) apply(st staged) {
	var changed []string
	for name, d := range st {
		if s.get(name) == d {
			continue
		}
		s.remember(change{s.clock, name, s.get(name), d})
		changed = append(changed, name)
		parent, id := cut(name)
		if d != nil {
			if s.collections[parent] == nil {
				s.collections[parent] = map[string]*doc{}
			}
			s.collections[parent][id] = d
			continue
		}
		if delete(s.collections[parent], id); len(s.collections[parent]) == 0 {
			delete(s.collections, parent)
		}
	}
	for l := range s.listens {
		l.changed(changed)
	}
}
